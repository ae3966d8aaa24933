package simulate

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	"github.com/chekomat/chekomat/agent/journal"
	"github.com/chekomat/chekomat/agent/wire"
	"github.com/chekomat/chekomat/display"
	"github.com/chekomat/chekomat/fiscal"
	"github.com/chekomat/chekomat/testbench/fn"
)

// Invariants checked, by their numbers in reliability.md C.3.4; I6 is not held
// to, a young sale may overtake.
var Invariants = []string{"I1", "I2", "I3", "I4", "I5", "I7", "I8", "I9", "history", "tally", "rest"}

// sale is a sale of the hub with all that belongs to it.
type sale struct {
	agent, journal   string
	seq, amount, col int64
	bus              int64
	job, state       string
	key              string
	fn               string
	fd               int64
}

// check holds what is left against what happened.
func (w *world) check() {
	h := w.hubs[0]
	sales := w.sales(h)
	journaled := w.checkJournals()
	w.checkDelivered(journaled, sales)
	w.checkReceipts(h, sales)
	w.checkShifts(h)
	w.checkHistory(h)
	w.checkTally(h)
}

func (w *world) sales(h *hub) (all []sale) {
	rows, err := h.store.Read().Query(`SELECT r.agent_id, r.journal_id, r.seq, r.amount, r.col, r.body, coalesce(j.id,''), coalesce(j.state,''), coalesce(j.key,''),
		coalesce(c.fn,''), coalesce(c.fd,0) FROM record r LEFT JOIN job j ON j.record_id=r.id AND j.purpose='receipt' LEFT JOIN receipt c ON c.job_id=j.id
		WHERE r.kind='sale' ORDER BY r.id`)
	if err != nil {
		panic(fmt.Sprintf("simulate: sales: %v", err))
	}
	defer rows.Close()
	for rows.Next() {
		var s sale
		var body []byte
		var r wire.Record
		if err := rows.Scan(&s.agent, &s.journal, &s.seq, &s.amount, &s.col, &body, &s.job, &s.state, &s.key, &s.fn, &s.fd); err != nil {
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

// checkJournals is I1: what was sold is in the journal once.
func (w *world) checkJournals() (all []stored) {
	for _, a := range w.agents {
		var mine []stored
		for _, s := range a.inJournal() {
			if s.record.Kind == wire.KindSale {
				mine = append(mine, s)
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
	return all
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
	type id struct {
		agent, journal string
		seq            int64
	}
	at := map[id]sale{}
	for _, s := range sales {
		at[id{s.agent, s.journal, s.seq}] = s
	}
	for _, s := range journaled {
		k := id{s.agent, s.journal, s.seq}
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

// checkReceipts is I3, I4 and I5: each sale has one document, each document one
// owner, and what it says is right.
func (w *world) checkReceipts(h *hub, sales []sale) {
	docs := map[string]fn.Document{}
	keys := map[string][]fn.Document{}
	for _, r := range w.regs {
		for _, d := range r.all() {
			docs[fmt.Sprintf("%s/%d", d.FN, d.FD)] = d
			if d.Type == fn.TypeReceipt && d.Key != "" {
				keys[keyBase(d.Key)] = append(keys[keyBase(d.Key)], d)
			}
		}
	}
	owned := map[string]bool{}
	for _, s := range sales {
		if s.state != "done" || s.fn == "" {
			w.violated("I3: sale %d of %s has no receipt: its job is %q", s.seq, s.agent, s.state)
			continue
		}
		number := fmt.Sprintf("%s/%d", s.fn, s.fd)
		d, ok := docs[number]
		switch {
		case !ok:
			w.violated("I3: sale %d of %s has receipt %s, which no register made", s.seq, s.agent, number)
			continue
		case owned[number]:
			w.violated("I4: document %s is the receipt of two sales", number)
		case keyBase(d.Key) != s.key:
			w.violated("I4: sale %d of %s has receipt %s, which was made for another", s.seq, s.agent, number)
		case len(keys[s.key]) != 1:
			w.violated("I3: sale %d of %s has %d receipts", s.seq, s.agent, len(keys[s.key]))
		}
		owned[number] = true
		delete(keys, s.key)
		w.checkDocument(s, d)
	}
	for _, list := range keys {
		w.violated("I4: document %d of ФН %s was made for a sale the hub does not have", list[0].FD, list[0].FN)
	}
	w.checkForeign(h, docs)
}

// checkDocument is I5.
func (w *world) checkDocument(s sale, d fn.Document) {
	n := int(s.agent[len(s.agent)-1] - '1')
	want := fmt.Sprint(s.amount, " ", w.machines[n].serial(), " ", addressOf(n), " ", placeOf(n), " ", byte(fiscal.VAT22), " ", s.amount, " ", names[s.col-1], " ", byte(fiscal.Sell))
	got := fmt.Sprint(d.Sum, " ", d.Machine, " ", d.Address, " ", d.Place)
	for _, i := range d.Items {
		got += fmt.Sprint(" ", i.Rate, " ", i.Sum, " ", i.Name)
	}
	got += fmt.Sprint(" ", d.Operation)
	if got != want {
		w.violated("I5: the receipt of sale %d of %s says [%s], it was [%s]", s.seq, s.agent, got, want)
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

// checkShifts is I7: per shift the register's own counters are what the hub has.
func (w *world) checkShifts(h *hub) {
	for _, r := range w.regs {
		type shift struct {
			fn string
			n  uint32
		}
		counted, sum := map[shift]int64{}, map[shift]int64{}
		for _, d := range r.fn.Documents(1, 0) {
			if d.Type == fn.TypeReceipt && d.Key != "" {
				k := shift{d.FN, d.Shift}
				counted[k]++
				sum[k] += d.Sum
			}
		}
		for k, n := range counted {
			var have, total sql.NullInt64
			if err := h.store.Read().QueryRow(`SELECT count(*), sum(amount) FROM receipt WHERE fn=? AND shift=? AND operation=1`, k.fn, k.n).Scan(&have, &total); err != nil {
				panic(err)
			}
			if have.Int64 != n || total.Int64 != sum[k] {
				w.violated("I7: shift %d of ФН %s has %d receipts of ours for %d kopecks, the hub %d for %d", k.n, k.fn, n, sum[k], have.Int64, total.Int64)
			}
		}
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
	case d.Key != "" && keyBase(d.Key) != keyOfSale(a.id(), last.Record.Journal, last.Record.Seq):
		w.violated("I8: %s shows the QR of document %d beside a sale it does not belong to", a.name(), d.FD)
	case d.Sum != s.Amount:
		w.violated("I8: %s shows %d kopecks, the document has %d", a.name(), s.Amount, d.Sum)
	}
}
