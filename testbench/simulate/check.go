package simulate

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	"github.com/chekomat/chekomat/agent/journal"
	"github.com/chekomat/chekomat/agent/wire"
	"github.com/chekomat/chekomat/display"
	"github.com/chekomat/chekomat/hub/check"
	"github.com/chekomat/chekomat/testbench/fn"
)

// Invariants checked, by their numbers in reliability.md C.3.4; I6 is not held
// to, a young sale may overtake.
var Invariants = []string{"I1", "I2", "I3", "I4", "I5", "I7", "I8", "I9", "acts", "hub check", "history", "tally", "rest"}

// sale is a sale of the hub.
type sale struct {
	id                    int64
	agent, journal        string
	seq, amount, col, bus int64
}

// check holds what is left against what happened.
func (w *world) check() {
	h := w.hubs[0]
	sales := w.sales(h)
	journaled, reversed := w.checkJournals()
	w.checkDelivered(journaled, sales)
	w.checkDocuments(h, sales, reversed)
	w.checkShifts(h)
	w.checkHistory(h)
	w.checkTally(h)
	w.checkDatabase(h)
}

// checkDatabase has the checker of "hub check" look.
func (w *world) checkDatabase(h *hub) {
	r, err := check.Run(context.Background(), h.store.Read(), check.Options{Now: h.clock})
	if err != nil {
		panic(fmt.Sprintf("simulate: hub check: %v", err))
	}
	for _, v := range r.Results {
		for _, bad := range v.Violations {
			w.violated("hub check: %s: %s: %s: %s", v.Invariant, check.Say(bad.Code, "en"), bad.ID, bad.Detail)
		}
	}
}

func (w *world) sales(h *hub) (all []sale) {
	rows, err := h.store.Read().Query(`SELECT id, agent_id, journal_id, seq, amount, col, body FROM record WHERE kind='sale' ORDER BY id`)
	if err != nil {
		panic(fmt.Sprintf("simulate: sales: %v", err))
	}
	defer rows.Close()
	for rows.Next() {
		var s sale
		var body []byte
		var r wire.Record
		if err := rows.Scan(&s.id, &s.agent, &s.journal, &s.seq, &s.amount, &s.col, &body); err != nil {
			panic(fmt.Sprintf("simulate: sales: %v", err))
		}
		if json.Unmarshal(body, &r) == nil && r.Sale != nil {
			s.bus = r.Sale.BusUS
		}
		all = append(all, s)
	}
	if err := rows.Err(); err != nil {
		panic(fmt.Sprintf("simulate: sales: %v", err))
	}
	return all
}

// stored is a sale of an agent's journal.
type stored struct {
	agent, journal string
	seq            int64
	record         wire.Record
}

// saleID names a sale by its journal.
type saleID struct {
	agent, journal string
	seq            int64
}

// checkJournals is I1: what was sold is in the journal once. reversed are the
// sales that the journals say were taken back.
func (w *world) checkJournals() (all []stored, reversed map[saleID]bool) {
	reversed = map[saleID]bool{}
	for _, a := range w.agents {
		var mine []stored
		for _, s := range a.inJournal() {
			if s.record.Kind == wire.KindSale {
				mine = append(mine, s)
			}
			if s.record.Kind == wire.KindReversal {
				reversed[saleID{s.agent, s.journal, s.record.Of}] = true
			}
		}
		slices.SortStableFunc(mine, func(x, y stored) int { return int(x.record.Sale.BusUS - y.record.Sale.BusUS) })
		want := w.machines[a.n].sold
		var got, sold []string
		for _, s := range mine {
			got = append(got, fmt.Sprintf("column %d %d kopecks", s.record.Sale.Column, s.record.Sale.Amount.Minor))
		}
		for _, v := range want {
			sold = append(sold, fmt.Sprintf("column %d %d kopecks", v.column, v.price))
		}
		if !slices.Equal(got, sold) {
			w.violated("I1: machine %d sold [%s], its journal has [%s]", a.n+1, strings.Join(sold, ", "), strings.Join(got, ", "))
		}
		all = append(all, mine...)
	}
	return all, reversed
}

// inJournal reads the file beside the running agent.
func (a *agent) inJournal() (all []stored) {
	db, err := sql.Open("sqlite3", "file:"+(&url.URL{Path: filepath.Join(a.disk.Folder(), journal.File)}).EscapedPath()+"?mode=ro")
	if err != nil {
		panic(err)
	}
	defer db.Close()
	rows, err := db.Query(`SELECT e.id, r.seq, r.body FROM record r JOIN epoch e ON e.n=r.epoch ORDER BY r.epoch, r.seq`)
	if err != nil {
		panic(fmt.Sprintf("simulate: journal of %s: %v", a.name(), err))
	}
	defer rows.Close()
	for rows.Next() {
		s := stored{agent: a.id()}
		var body []byte
		if err := rows.Scan(&s.journal, &s.seq, &body); err != nil {
			panic(err)
		}
		if err := json.Unmarshal(body, &s.record); err != nil {
			panic(err)
		}
		all = append(all, s)
	}
	if err := rows.Err(); err != nil {
		panic(err)
	}
	return all
}

// checkDelivered is I2 and I9: what is journaled, and acknowledged by now, is
// in the hub once.
func (w *world) checkDelivered(journaled []stored, sales []sale) {
	at := map[saleID]sale{}
	for _, s := range sales {
		at[saleID{s.agent, s.journal, s.seq}] = s
	}
	for _, s := range journaled {
		k := saleID{s.agent, s.journal, s.seq}
		got, ok := at[k]
		if !ok {
			w.violated("I2/I9: sale %d of %s was acknowledged and the hub does not have it", s.seq, s.agent)
			continue
		}
		if got.amount != s.record.Sale.Amount.Minor || got.bus != s.record.Sale.BusUS {
			w.violated("I2: sale %d of %s is another at the hub", s.seq, s.agent)
		}
		delete(at, k)
	}
	for k := range at {
		w.violated("I2: the hub has sale %d of %s, which no journal holds", k.seq, k.agent)
	}
}

// checkForeign is the other half of I4: what is nobody's receipt is listed as
// foreign. What a former ФН had that nobody read before it left can't be.
func (w *world) checkForeign(h *hub, docs map[string]fn.Document) {
	known := map[string]bool{}
	for _, row := range h.list(`SELECT fn||'/'||fd FROM receipt UNION ALL SELECT fn||'/'||fd FROM foreign_document`, 1) {
		if known[row[0]] && !h.boundLater(row[0]) {
			w.violated("I4: document %s is both ours and foreign", row[0])
		}
		known[row[0]] = true
	}
	for _, r := range w.regs {
		first := uint32(0)
		for _, d := range r.fn.Documents(1, 0) {
			number := fmt.Sprintf("%s/%d", d.FN, d.FD)
			if known[number] && first == 0 {
				first = d.FD
			}
			if !known[number] && first != 0 {
				w.violated("I4: document %s is neither a receipt nor foreign", number)
			}
		}
	}
}

func (h *hub) boundLater(number string) bool {
	return len(h.list(`SELECT fn FROM foreign_document WHERE fn||'/'||fd=? AND job_id IS NOT NULL`, 1, number)) > 0
}

// checkShifts is I7: per shift and operation the register's own documents are
// what the hub has.
func (w *world) checkShifts(h *hub) {
	type sums struct{ n, sum int64 }
	made, stored := map[string]sums{}, map[string]sums{}
	for _, r := range w.regs {
		for _, d := range r.fn.Documents(1, 0) {
			if settlement(d) && d.Key != "" {
				k := fmt.Sprintf("shift %d of ФН %s, operation %d", d.Shift, d.FN, d.Operation)
				made[k] = sums{made[k].n + 1, made[k].sum + d.Sum}
			}
		}
	}
	for _, row := range h.list(`SELECT fn, shift, operation, count(*), sum(amount) FROM receipt WHERE operation>0 GROUP BY fn, shift, operation ORDER BY 1, 2, 3`, 5) {
		if !slices.ContainsFunc(w.regs, func(r *register) bool { return r.fn.Serial() == row[0] }) {
			continue // of an ФН that was replaced
		}
		var x sums
		if _, err := fmt.Sscan(row[3], &x.n); err != nil {
			panic(err)
		}
		if _, err := fmt.Sscan(row[4], &x.sum); err != nil {
			panic(err)
		}
		stored[fmt.Sprintf("shift %s of ФН %s, operation %s", row[1], row[0], row[2])] = x
	}
	for _, k := range slices.Sorted(maps.Keys(made)) {
		if made[k] != stored[k] {
			w.violated("I7: %s: %d documents of ours for %d kopecks, the hub has %d for %d", k, made[k].n, made[k].sum, stored[k].n, stored[k].sum)
		}
		delete(stored, k)
	}
	for _, k := range slices.Sorted(maps.Keys(stored)) {
		w.violated("I7: %s: the hub has %d documents for %d kopecks, the register none", k, stored[k].n, stored[k].sum)
	}
}

// checkHistory: each change of a job is written down, the last one is its state.
func (w *world) checkHistory(h *hub) {
	for _, row := range h.list(`SELECT j.id, j.state, coalesce((SELECT x.state FROM job_history x WHERE x.job_id=j.id ORDER BY x.id DESC LIMIT 1),'nothing'),
		coalesce((SELECT x.state FROM job_history x WHERE x.job_id=j.id ORDER BY x.id LIMIT 1),'nothing'),
		(SELECT count(*) FROM job_history x WHERE x.job_id=j.id AND x.state='done') FROM job j ORDER BY j.id`, 5) {
		if row[1] != row[2] || row[3] == "nothing" {
			w.violated("history: a job is %s, its history begins with %s and ends with %s", row[1], row[3], row[2])
		}
		if row[1] == "done" && row[4] != "1" {
			w.violated("history: a job was done %s times", row[4])
		}
	}
}

// checkTally: running counts are what counting anew gives.
func (w *world) checkTally(h *hub) {
	kept := h.list(`SELECT what||' '||n FROM tally WHERE n<>0 AND operator_id=? ORDER BY 1`, 1, operator)
	anew := h.list(`SELECT line FROM (SELECT 'record '||count(*) AS line, count(*) AS n FROM record
		UNION ALL SELECT 'sale '||count(*), count(*) FROM record WHERE kind='sale'
		UNION ALL SELECT 'held '||count(*), count(*) FROM record WHERE fate='held'
		UNION ALL SELECT 'receipt '||count(*), count(*) FROM receipt WHERE operation>0
		UNION ALL SELECT 'job:'||state||' '||count(*), count(*) FROM job GROUP BY state) AS counted WHERE n<>0 ORDER BY 1`, 1)
	if fmt.Sprint(kept) != fmt.Sprint(anew) {
		w.violated("tally: kept %v, counted anew %v", kept, anew)
	}
}

// checkScreen is I8, held at each frame: the QR belongs to the sale named beside
// it, at this machine.
func (w *world) checkScreen(a *agent, s display.Screen) {
	last, ok, err := a.journal.LastSale()
	if err != nil || !ok {
		if a.lives() {
			w.violated("I8: %s shows a receipt and has no sale", a.name())
		}
		return
	}
	qr, err := url.ParseQuery(s.QR)
	if err != nil {
		w.violated("I8: %s shows a QR that can't be read: %q", a.name(), s.QR)
		return
	}
	var d fn.Document
	for _, r := range w.regs {
		for _, x := range r.all() {
			if x.FN == qr.Get("fn") && fmt.Sprint(x.FD) == qr.Get("i") {
				d = x
			}
		}
	}
	switch {
	case d.FD == 0:
		w.violated("I8: %s shows a QR of a document no register made: %s", a.name(), s.QR)
	case d.Machine != w.machines[a.n].serial():
		w.violated("I8: %s shows a receipt of machine %q", a.name(), d.Machine)
	case d.Key != "" && !isKeyOfSale(keyBase(d.Key), a.id(), last.Record.Journal, last.Record.Seq):
		w.violated("I8: %s shows the QR of document %d beside a sale it does not belong to", a.name(), d.FD)
	case d.Sum != s.Amount:
		w.violated("I8: %s shows %d kopecks, the document has %d", a.name(), s.Amount, d.Sum)
	}
}
