package store

import (
	"database/sql"
	"fmt"

	"github.com/chekomat/chekomat/agent/wire"
)

// tally gathers what a batch adds to the running counts (tables tally and
// takings), so that they cost a few statements a batch and not a few a record.
type tally struct {
	records, sales, held int64
	jobs                 map[string]int64 // state → made
	takings              map[takingsKey]*takings
}

type takingsKey struct {
	quarter int64  // ms UTC / 900000
	machine string // "" unbound
}

type takings struct{ sales, amount, cash, reversals, reversed, last int64 }

// record counts a new record.
func (t *tally) record(machine string, kind wire.RecordKind, fate Fate, amount int64, source string, at int64) {
	t.records++
	if fate == FateHeld {
		t.held++
	}
	switch kind {
	case wire.KindSale, wire.KindReversal:
	case wire.KindTopUp, wire.KindIncident: // no takings, but the ledger finds its days by the row
	default:
		return
	}
	key := takingsKey{at / quarterMS, machine}
	k := t.takings[key]
	if k == nil {
		if t.takings == nil {
			t.takings = map[takingsKey]*takings{}
		}
		k = &takings{}
		t.takings[key] = k
	}
	switch kind {
	case wire.KindReversal:
		k.reversals++
		k.reversed += amount
		return
	case wire.KindSale:
	default:
		return
	}
	t.sales++
	k.sales++
	k.amount += amount
	if source == wire.SourceCash {
		k.cash += amount
	}
	k.last = max(k.last, at)
}

// job counts a new job.
func (t *tally) job(state string) {
	if t.jobs == nil {
		t.jobs = map[string]int64{}
	}
	t.jobs[state]++
}

const addTally = `INSERT INTO tally(operator_id,what,n) VALUES (?,?,?) ON CONFLICT(operator_id,what) DO UPDATE SET n = tally.n + excluded.n`

// add writes what was gathered and begins anew. It must run in the transaction
// of the rows it counts.
func (t *tally) add(tx *sql.Tx, operator string) error {
	for what, n := range map[string]int64{"record": t.records, "sale": t.sales, "held": t.held} {
		if n == 0 {
			continue
		}
		if _, err := tx.Exec(addTally, operator, what, n); err != nil {
			return fmt.Errorf("count of %s: %w", what, err)
		}
	}
	for state, n := range t.jobs {
		if _, err := tx.Exec(addTally, operator, "job:"+state, n); err != nil {
			return fmt.Errorf("count of jobs %s: %w", state, err)
		}
	}
	for k, v := range t.takings {
		_, err := tx.Exec(`INSERT INTO takings(operator_id,quarter,machine_id,sales,amount,cash,reversals,reversed,last_sale) VALUES (?,?,?,?,?,?,?,?,?)
			ON CONFLICT(operator_id,quarter,machine_id) DO UPDATE SET sales = takings.sales + excluded.sales, amount = takings.amount + excluded.amount,
			cash = takings.cash + excluded.cash, reversals = takings.reversals + excluded.reversals, reversed = takings.reversed + excluded.reversed,
			last_sale = CASE WHEN takings.last_sale < excluded.last_sale THEN excluded.last_sale ELSE takings.last_sale END`,
			operator, k.quarter, k.machine, v.sales, v.amount, v.cash, v.reversals, v.reversed, v.last)
		if err != nil {
			return fmt.Errorf("takings of machine %s: %w", k.machine, err)
		}
	}
	*t = tally{}
	return nil
}
