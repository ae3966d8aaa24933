package store

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"github.com/chekomat/chekomat/fiscal"
)

// facts answers what held at a moment, from the dated rows as they stand in
// one transaction. It loads each timeline once and keeps it for the writes that
// follow, until one comes that may change a fact.
type facts struct {
	tx      *sql.Tx
	policy  map[string]string               // operator → c_policy
	limits  map[string]int64                // operator → correct_after_m
	periods map[string][]period             // machine
	taxes   map[string][]taxProfile         // seller
	payers  map[string][]fiscalizer         // machine
	rules   map[string]string               // machine → currency assumed
	plans   map[string]map[int][]planColumn // machine, column
	zones   map[string]*time.Location
}

// factsMost bounds the machines whose facts are kept.
const factsMost = 20_000

// factsIn gives the facts as the writer's transaction sees them.
func (s *Store) factsIn(tx *sql.Tx) *facts {
	if s.facts == nil || len(s.facts.periods) > factsMost {
		s.facts = factsOf(tx)
	}
	s.facts.tx = tx
	return s.facts
}

// factsOf gives the facts as one transaction sees them, for it alone.
func factsOf(tx *sql.Tx) *facts {
	return &facts{tx: tx, policy: map[string]string{}, limits: map[string]int64{}, periods: map[string][]period{}, taxes: map[string][]taxProfile{},
		payers: map[string][]fiscalizer{}, rules: map[string]string{}, plans: map[string]map[int][]planColumn{}, zones: map[string]*time.Location{}}
}

// period says who and where a machine is.
type period struct {
	from                                   int64
	seller, serial, address, place, zoneID string
	zone                                   *time.Location
}

type taxProfile struct {
	from   int64
	system fiscal.TaxSystem
	vat    string
}

// Who fiscalizes a payment source.
const (
	whoUs         = "us"
	whoTerminal   = "terminal"
	whoNotSubject = "not_subject"
)

type fiscalizer struct {
	from        int64
	source, who string
	advance     bool // its keys are the operator's own: a top-up is an advance
}

type planColumn struct {
	from    int64
	name    string // "" taken away
	price   int64  // kopecks
	vat     string // "" seller's default
	subject fiscal.Subject
	gtin    string
	flags   string
}

// flagged names the first legal flag that bars goods from a machine whose
// register is elsewhere (54-FZ art. 1.2 p. 5.1: no excise, no technically
// complex goods), or "".
func (c planColumn) flagged() string {
	for f := range strings.SplitSeq(c.flags, ",") {
		switch f = strings.TrimSpace(f); f {
		case "forbidden", "excise", "technical":
			return f
		}
	}
	return ""
}

// anyColumn is the plan's row for sales whose column was not heard.
const anyColumn = -1

// asOf picks the newest of rows, ascending by date, that holds at.
func asOf[T any](rows []T, from func(T) int64, at int64) (row T, ok bool) {
	for i := len(rows) - 1; i >= 0; i-- {
		if from(rows[i]) <= at {
			return rows[i], true
		}
	}
	return row, false
}

func load[K comparable, T any](cache map[K]T, key K, read func() (T, error)) (T, error) {
	if v, ok := cache[key]; ok {
		return v, nil
	}
	v, err := read()
	if err == nil {
		cache[key] = v
	}
	return v, err
}

// list reads all rows of a query.
func list[T any](tx *sql.Tx, scan func(*sql.Rows, *T) error, query string, args ...any) ([]T, error) {
	return listOf(context.Background(), tx, scan, query, args...)
}

func listOf[T any](ctx context.Context, q interface {
	QueryContext(context.Context, string, ...any) (*sql.Rows, error)
}, scan func(*sql.Rows, *T) error, query string, args ...any) ([]T, error) {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []T
	for rows.Next() {
		var v T
		if err := scan(rows, &v); err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	return all, rows.Err()
}

func (f *facts) cPolicy(operator string) (string, error) {
	return load(f.policy, operator, func() (p string, err error) {
		if err = f.tx.QueryRow(`SELECT c_policy FROM operator WHERE id=?`, operator).Scan(&p); err != nil {
			err = fmt.Errorf("policy of operator %s: %w", operator, err)
		}
		return p, err
	})
}

// correctAfter is how many minutes old a sale may be to get an ordinary
// receipt; 0 any.
func (f *facts) correctAfter(operator string) (int64, error) {
	return load(f.limits, operator, func() (m int64, err error) {
		if err = f.tx.QueryRow(`SELECT correct_after_m FROM operator WHERE id=?`, operator).Scan(&m); err != nil {
			err = fmt.Errorf("age limit of operator %s: %w", operator, err)
		}
		return m, err
	})
}

func (f *facts) period(machine string, at int64) (period, bool, error) {
	rows, err := load(f.periods, machine, func() ([]period, error) {
		return list(f.tx, func(r *sql.Rows, p *period) error {
			return r.Scan(&p.from, &p.seller, &p.serial, &p.address, &p.place, &p.zoneID)
		}, `SELECT valid_from, seller_id, serial, address, place, zone FROM machine_period WHERE machine_id=? ORDER BY valid_from`, machine)
	})
	if err != nil {
		return period{}, false, fmt.Errorf("periods of machine %s: %w", machine, err)
	}
	p, ok := asOf(rows, func(p period) int64 { return p.from }, at)
	if ok {
		p.zone = f.zone(p.zoneID)
	}
	return p, ok, nil
}

// zone falls back to Moscow, the time of the tax service, where a name is not
// known to this system.
func (f *facts) zone(id string) *time.Location {
	z, err := load(f.zones, id, func() (*time.Location, error) { return time.LoadLocation(id) })
	if err != nil || id == "" {
		return moscow
	}
	return z
}

var moscow = time.FixedZone("MSK", 3*60*60)

func (f *facts) tax(seller string, at int64) (taxProfile, bool, error) {
	rows, err := load(f.taxes, seller, func() ([]taxProfile, error) {
		return list(f.tx, func(r *sql.Rows, t *taxProfile) error { return r.Scan(&t.from, &t.system, &t.vat) },
			`SELECT valid_from, tax_system, vat FROM seller_tax WHERE seller_id=? ORDER BY valid_from`, seller)
	})
	if err != nil {
		return taxProfile{}, false, fmt.Errorf("tax profile of seller %s: %w", seller, err)
	}
	t, ok := asOf(rows, func(t taxProfile) int64 { return t.from }, at)
	return t, ok, nil
}

// who fiscalizes a source of a machine; who "" nobody has said so.
func (f *facts) who(machine, source string, at int64) (fiscalizer, error) {
	rows, err := load(f.payers, machine, func() ([]fiscalizer, error) {
		return list(f.tx, func(r *sql.Rows, w *fiscalizer) error { return r.Scan(&w.from, &w.source, &w.who, &w.advance) },
			`SELECT valid_from, source, who, advance FROM fiscalizer WHERE machine_id=? ORDER BY valid_from`, machine)
	})
	if err != nil {
		return fiscalizer{}, fmt.Errorf("fiscalizers of machine %s: %w", machine, err)
	}
	for i := len(rows) - 1; i >= 0; i-- {
		if rows[i].source == source && rows[i].from <= at {
			return rows[i], nil
		}
	}
	return fiscalizer{}, nil
}

func (f *facts) assumedCurrency(machine string) (string, error) {
	return load(f.rules, machine, func() (cur string, err error) {
		err = f.tx.QueryRow(`SELECT coalesce((SELECT currency FROM machine_rule WHERE machine_id=?),'')`, machine).Scan(&cur)
		if err != nil {
			err = fmt.Errorf("rules of machine %s: %w", machine, err)
		}
		return cur, err
	})
}

func (f *facts) column(machine string, col int, at int64) (planColumn, bool, error) {
	plan := f.plans[machine]
	if plan == nil {
		plan = map[int][]planColumn{}
		f.plans[machine] = plan
	}
	rows, err := load(plan, col, func() ([]planColumn, error) {
		return list(f.tx, func(r *sql.Rows, c *planColumn) error {
			return r.Scan(&c.from, &c.name, &c.price, &c.vat, &c.subject, &c.gtin, &c.flags)
		}, `SELECT valid_from, name, price, vat, subject, gtin, flags FROM plan_column WHERE machine_id=? AND col=? ORDER BY valid_from`, machine, col)
	})
	if err != nil {
		return planColumn{}, false, fmt.Errorf("column %d of machine %s: %w", col, machine, err)
	}
	c, ok := asOf(rows, func(c planColumn) int64 { return c.from }, at)
	return c, ok && c.name != "", nil
}
