package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/base32"
	"errors"
	"fmt"
	"time"

	"github.com/chekomat/chekomat/fiscal"
	"github.com/chekomat/chekomat/hub/api/contract"
	"github.com/chekomat/chekomat/hub/store/postgres"
)

// ErrExists says that something of this name is there already.
var ErrExists = errors.New("exists already")

var idAlphabet = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// sortableID is 10 characters of time and 8 of chance: ids sort by birth.
func sortableID(now int64) string {
	b := [11]byte{}
	for i := range 6 {
		b[i] = byte(now >> (40 - 8*i))
	}
	_, _ = rand.Read(b[6:]) // never fails (crypto/rand)
	return idAlphabet.EncodeToString(b[:])
}

// unique turns a broken UNIQUE into ErrExists.
func unique(err error) error {
	if (file{}).trouble(err) == postgres.Unique || postgres.Classify(err) == postgres.Unique {
		return ErrExists
	}
	return err
}

// exists is ErrNotFound unless the query finds a row.
func exists(tx *sql.Tx, query string, args ...any) error {
	var one int
	err := tx.QueryRow(query, args...).Scan(&one)
	if errors.Is(err, sql.ErrNoRows) {
		return ErrNotFound
	}
	return err
}

func hasOperator(tx *sql.Tx, id string) error {
	return exists(tx, `SELECT 1 FROM operator WHERE id=?`, id)
}

// from is when a dated fact begins: now unless said.
func (s *Store) from(t time.Time) int64 {
	if t.IsZero() {
		return s.Now()
	}
	return t.UnixMilli()
}

// CreateOperator makes a tenant.
func (s *Store) CreateOperator(ctx context.Context, o contract.NewOperator) error {
	return s.change(ctx, "make operator "+o.ID, func(tx *sql.Tx) error {
		_, err := tx.Exec(`INSERT INTO operator(id,name,zone,c_policy,correct_after_m,created_at) VALUES (?,?,?,?,coalesce(?,1440),?)`, o.ID, o.Name, o.Zone, o.CPolicy, o.CorrectAfter, s.Now())
		return unique(err)
	})
}

// ChangeOperator changes what is not nil.
func (s *Store) ChangeOperator(ctx context.Context, id string, c contract.OperatorChange) error {
	return s.change(ctx, "change operator "+id, func(tx *sql.Tx) error {
		return touched(tx.Exec(`UPDATE operator SET name=coalesce(?,name), zone=coalesce(?,zone), c_policy=coalesce(?,c_policy),
			correct_after_m=coalesce(?,correct_after_m) WHERE id=?`, c.Name, c.Zone, c.CPolicy, c.CorrectAfter, id))
	})
}

func operatorRow(r *sql.Rows) (o contract.Operator, err error) {
	var created int64
	err = r.Scan(&o.ID, &o.Name, &o.Zone, &o.CPolicy, &o.CorrectAfter, &created)
	o.CreatedAt = instant(created)
	return o, err
}

// Operators lists the operator of that id, or all for "".
func (s *Store) Operators(ctx context.Context, operator string) ([]contract.Operator, error) {
	return collect(ctx, s.r, operatorRow, `SELECT id,name,zone,c_policy,correct_after_m,created_at FROM operator WHERE ?1='' OR id=?1 ORDER BY id`, operator)
}

// Operator reads one.
func (s *Store) Operator(ctx context.Context, id string) (contract.Operator, error) {
	all, err := s.Operators(ctx, id)
	return first(all, err, "operator "+id)
}

// first is the only row of a query by id, or ErrNotFound.
func first[T any](all []T, err error, what string) (T, error) {
	var none T
	if err == nil && len(all) == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return none, fmt.Errorf("store: %s: %w", what, err)
	}
	return all[0], nil
}

// CreateSeller makes a seller of n.Operator, with its first tax profile when given.
func (s *Store) CreateSeller(ctx context.Context, n contract.NewSeller) (id string, err error) {
	err = s.change(ctx, "make seller "+n.INN, func(tx *sql.Tx) error {
		id = sortableID(s.Now())
		if err := hasOperator(tx, n.Operator); err != nil {
			return err
		}
		if _, err := tx.Exec(`INSERT INTO seller(id,operator_id,name,inn,created_at) VALUES (?,?,?,?,?)`,
			id, n.Operator, n.Name, n.INN, s.Now()); err != nil {
			return unique(err)
		}
		if n.Tax == nil {
			return nil
		}
		return s.setTax(tx, id, *n.Tax)
	})
	return id, err
}

// RenameSeller changes a seller's name.
func (s *Store) RenameSeller(ctx context.Context, operator, id, name string) error {
	return s.change(ctx, "rename seller "+id, func(tx *sql.Tx) error {
		return touched(tx.Exec(`UPDATE seller SET name=?3 WHERE id=?1 AND (?2='' OR operator_id=?2)`, id, operator, name))
	})
}

// SetSellerTax sets the tax profile from a date on.
func (s *Store) SetSellerTax(ctx context.Context, operator, id string, t contract.TaxProfile) error {
	return s.change(ctx, "set tax profile of seller "+id, func(tx *sql.Tx) error {
		if err := exists(tx, `SELECT 1 FROM seller WHERE id=?1 AND (?2='' OR operator_id=?2)`, id, operator); err != nil {
			return err
		}
		return s.setTax(tx, id, t)
	})
}

func (s *Store) setTax(tx *sql.Tx, seller string, t contract.TaxProfile) error {
	at, system := s.from(t.ValidFrom), taxSystems[t.TaxSystem]
	same := exists(tx, `SELECT 1 FROM (SELECT * FROM seller_tax WHERE seller_id=? AND valid_from<=? ORDER BY valid_from DESC LIMIT 1) t
		WHERE tax_system=? AND vat=?`, seller, at, system, t.VAT)
	if !errors.Is(same, ErrNotFound) {
		return same
	}
	_, err := tx.Exec(`INSERT INTO seller_tax(seller_id,valid_from,tax_system,vat) VALUES (?,?,?,?)
		ON CONFLICT(seller_id,valid_from) DO UPDATE SET tax_system=excluded.tax_system, vat=excluded.vat`, seller, at, system, t.VAT)
	return err
}

// taxSystems are tag 1055 by the API's names; ЕНВД was abolished in 2021.
var taxSystems = map[string]fiscal.TaxSystem{
	"osn": fiscal.OSN, "usn_income": fiscal.USNIncome, "usn_income_cost": fiscal.USNIncomeCost, "eshn": fiscal.ESHN, "psn": fiscal.PSN,
}

var taxOrder = []string{"osn", "usn_income", "usn_income_cost", "eshn", "psn"}

// taxNames are the names of the bits of tag 1062.
func taxNames(set fiscal.TaxSystem) []string {
	names := []string{}
	for _, n := range taxOrder {
		if set&taxSystems[n] != 0 {
			names = append(names, n)
		}
	}
	return names
}

func taxSet(names []string) (set fiscal.TaxSystem) {
	for _, n := range names {
		set |= taxSystems[n]
	}
	return set
}

// Sellers lists sellers of an operator, or all, with their tax profiles.
func (s *Store) Sellers(ctx context.Context, operator string) ([]contract.Seller, error) {
	return s.sellers(ctx, `?1='' OR operator_id=?1`, operator)
}

// Seller reads one.
func (s *Store) Seller(ctx context.Context, operator, id string) (contract.Seller, error) {
	all, err := s.sellers(ctx, `id=?2 AND (?1='' OR operator_id=?1)`, operator, id)
	return first(all, err, "seller "+id)
}

func (s *Store) sellers(ctx context.Context, where string, args ...any) ([]contract.Seller, error) {
	all, err := collect(ctx, s.r, func(r *sql.Rows) (v contract.Seller, err error) {
		var created int64
		v.Tax = []contract.TaxProfile{}
		err = r.Scan(&v.ID, &v.Operator, &v.Name, &v.INN, &created)
		v.CreatedAt = instant(created)
		return v, err
	}, `SELECT id,operator_id,name,inn,created_at FROM seller WHERE `+where+` ORDER BY operator_id, id`, args...)
	if err != nil {
		return nil, err
	}
	for i := range all {
		all[i].Tax, err = collect(ctx, s.r, func(r *sql.Rows) (t contract.TaxProfile, err error) {
			var from int64
			var system fiscal.TaxSystem
			if err = r.Scan(&from, &system, &t.VAT); err != nil {
				return t, err
			}
			t.ValidFrom = instant(from)
			if names := taxNames(system); len(names) == 1 {
				t.TaxSystem = names[0]
			}
			return t, nil
		}, `SELECT valid_from,tax_system,vat FROM seller_tax WHERE seller_id=? ORDER BY valid_from DESC`, all[i].ID)
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}
