package store

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/chekomat/chekomat/hub/api/contract"
)

// DefaultRule is what a machine does until told otherwise.
var DefaultRule = contract.MachineRule{ShowSec: 60, Lang: "ru"}

// CreateMachine makes a machine of n.Operator with as much as is known of it.
func (s *Store) CreateMachine(ctx context.Context, n contract.NewMachine) (id string, err error) {
	err = s.change(ctx, "make machine "+n.Serial, func(tx *sql.Tx) error {
		id = sortableID(s.Now())
		at := s.from(n.ValidFrom)
		if err := hasOperator(tx, n.Operator); err != nil {
			return err
		}
		if _, err := tx.Exec(`INSERT INTO machine(id,operator_id,created_at) VALUES (?,?,?)`, id, n.Operator, s.Now()); err != nil {
			return err
		}
		p := contract.MachinePeriod{Seller: n.Seller, Serial: n.Serial, Address: n.Address, Place: n.Place, Zone: n.Zone}
		if err := setPeriod(tx, n.Operator, id, at, p); err != nil {
			return err
		}
		rule := DefaultRule
		if n.Rule != nil {
			rule = *n.Rule
		}
		if err := setRule(tx, id, rule); err != nil {
			return err
		}
		if err := setFiscalizers(tx, id, at, n.Fiscalizers); err != nil {
			return err
		}
		return setColumns(tx, id, at, n.Columns)
	})
	return id, err
}

// ofMachine gives the machine's operator, if the caller may see it.
func ofMachine(tx *sql.Tx, operator, id string) (owner string, err error) {
	err = tx.QueryRow(`SELECT operator_id FROM machine WHERE id=?1 AND (?2='' OR operator_id=?2)`, id, operator).Scan(&owner)
	if errors.Is(err, sql.ErrNoRows) {
		err = ErrNotFound
	}
	return owner, err
}

// SetMachinePeriod says who and where the machine is from a date on.
func (s *Store) SetMachinePeriod(ctx context.Context, operator, id string, p contract.MachinePeriod) error {
	return s.change(ctx, "set period of machine "+id, func(tx *sql.Tx) error {
		owner, err := ofMachine(tx, operator, id)
		if err != nil {
			return err
		}
		return setPeriod(tx, owner, id, s.from(p.ValidFrom), p)
	})
}

func setPeriod(tx *sql.Tx, owner, id string, at int64, p contract.MachinePeriod) error {
	if err := exists(tx, `SELECT 1 FROM seller WHERE id=? AND operator_id=?`, p.Seller, owner); err != nil {
		return &FieldError{Field: "seller", Err: err}
	}
	same := exists(tx, `SELECT 1 FROM (SELECT * FROM machine_period WHERE machine_id=? AND valid_from<=? ORDER BY valid_from DESC LIMIT 1) p
		WHERE seller_id=? AND serial=? AND address=? AND place=? AND zone=?`, id, at, p.Seller, p.Serial, p.Address, p.Place, p.Zone)
	if !errors.Is(same, ErrNotFound) {
		return same
	}
	_, err := tx.Exec(`INSERT INTO machine_period(machine_id,valid_from,seller_id,serial,address,place,zone) VALUES (?,?,?,?,?,?,?)
		ON CONFLICT(machine_id,valid_from) DO UPDATE SET seller_id=excluded.seller_id, serial=excluded.serial, address=excluded.address, place=excluded.place, zone=excluded.zone`,
		id, at, p.Seller, p.Serial, p.Address, p.Place, p.Zone)
	return err
}

// FieldError says which field of a body names something that is not there.
type FieldError struct {
	Field string
	Err   error
}

func (e *FieldError) Error() string { return e.Field + ": " + e.Err.Error() }

// Unwrap gives the cause.
func (e *FieldError) Unwrap() error { return e.Err }

// SetMachineRule says what the machine does when it cannot be fiscalized.
func (s *Store) SetMachineRule(ctx context.Context, operator, id string, rule contract.MachineRule) error {
	return s.change(ctx, "set rule of machine "+id, func(tx *sql.Tx) error {
		if _, err := ofMachine(tx, operator, id); err != nil {
			return err
		}
		return setRule(tx, id, rule)
	})
}

func setRule(tx *sql.Tx, id string, r contract.MachineRule) error {
	_, err := tx.Exec(`INSERT INTO machine_rule(machine_id,stop_after_m,need_display,show_sec,currency,lang) VALUES (?,?,?,?,?,?)
		ON CONFLICT(machine_id) DO UPDATE SET stop_after_m=excluded.stop_after_m, need_display=excluded.need_display, show_sec=excluded.show_sec,
		currency=excluded.currency, lang=excluded.lang`, id, r.StopAfterMin, r.NeedDisplay, r.ShowSec, r.Currency, r.Lang)
	return err
}

// SetFiscalizers says who makes receipts for the sources named, from a date on.
func (s *Store) SetFiscalizers(ctx context.Context, operator, id string, c contract.FiscalizersChange) error {
	return s.change(ctx, "set fiscalizers of machine "+id, func(tx *sql.Tx) error {
		if _, err := ofMachine(tx, operator, id); err != nil {
			return err
		}
		return setFiscalizers(tx, id, s.from(c.ValidFrom), c.Sources)
	})
}

func setFiscalizers(tx *sql.Tx, id string, at int64, sources []contract.Fiscalizer) error {
	for _, f := range sources {
		at := at
		if !f.ValidFrom.IsZero() {
			at = f.ValidFrom.UnixMilli()
		}
		same := exists(tx, `SELECT 1 FROM (SELECT * FROM fiscalizer WHERE machine_id=? AND source=? AND valid_from<=? ORDER BY valid_from DESC LIMIT 1) f
			WHERE who=? AND reason=? AND advance=?`, id, f.Source, at, f.Who, f.Reason, f.Advance)
		if same == nil {
			continue
		}
		if !errors.Is(same, ErrNotFound) {
			return same
		}
		if _, err := tx.Exec(`INSERT INTO fiscalizer(machine_id,source,valid_from,who,reason,advance) VALUES (?,?,?,?,?,?)
			ON CONFLICT(machine_id,source,valid_from) DO UPDATE SET who=excluded.who, reason=excluded.reason, advance=excluded.advance`,
			id, f.Source, at, f.Who, f.Reason, f.Advance); err != nil {
			return err
		}
	}
	return nil
}

// SetColumns makes the columns given the whole plan from a date on.
func (s *Store) SetColumns(ctx context.Context, operator, id string, c contract.ColumnsChange) error {
	return s.change(ctx, "set columns of machine "+id, func(tx *sql.Tx) error {
		if _, err := ofMachine(tx, operator, id); err != nil {
			return err
		}
		return setColumns(tx, id, s.from(c.ValidFrom), c.Columns)
	})
}

const planAt = `SELECT col,valid_from,name,price,vat,subject,gtin,flags FROM plan_column p WHERE machine_id=?1 AND valid_from=
	(SELECT max(valid_from) FROM plan_column WHERE machine_id=?1 AND col=p.col AND valid_from<=?2) AND name<>'' ORDER BY col`

func columnRow(r *sql.Rows) (c contract.Column, err error) {
	var from int64
	var flags string
	err = r.Scan(&c.Column, &from, &c.Name, &c.Price, &c.VAT, &c.Subject, &c.GTIN, &flags)
	c.ValidFrom = instant(from)
	if flags != "" {
		c.Flags = strings.Split(flags, ",")
	}
	return c, err
}

func setColumns(tx *sql.Tx, id string, at int64, columns []contract.Column) error {
	plan, err := collect(context.Background(), tx, columnRow, planAt, id, at)
	if err != nil {
		return err
	}
	old := make(map[int]contract.Column, len(plan))
	for _, c := range plan {
		old[c.Column] = c
	}
	put := func(c contract.Column) error {
		_, err := tx.Exec(`INSERT INTO plan_column(machine_id,col,valid_from,name,price,vat,subject,gtin,flags) VALUES (?,?,?,?,?,?,?,?,?)
			ON CONFLICT(machine_id,col,valid_from) DO UPDATE SET name=excluded.name, price=excluded.price, vat=excluded.vat, subject=excluded.subject, gtin=excluded.gtin, flags=excluded.flags`,
			id, c.Column, at, c.Name, c.Price, c.VAT, c.Subject, c.GTIN, strings.Join(c.Flags, ","))
		return err
	}
	for _, c := range columns {
		o, ok := old[c.Column]
		delete(old, c.Column)
		if ok && sameColumn(o, c) {
			continue
		}
		if err := put(c); err != nil {
			return err
		}
	}
	for col := range old { // no longer in the plan
		if err := put(contract.Column{Column: col, Subject: 1}); err != nil {
			return err
		}
	}
	return nil
}

func sameColumn(a, b contract.Column) bool {
	return a.Name == b.Name && a.Price == b.Price && a.VAT == b.VAT && a.Subject == b.Subject && a.GTIN == b.GTIN && slices.Equal(a.Flags, b.Flags)
}

// Columns is the machine's plan at an instant (zero: now).
func (s *Store) Columns(ctx context.Context, operator, id string, at time.Time) ([]contract.Column, error) {
	if _, err := s.machineOwner(ctx, operator, id); err != nil {
		return nil, err
	}
	return collect(ctx, s.r, columnRow, planAt, id, s.from(at))
}
