package simulate

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/chekomat/chekomat/fiscal"
	"github.com/chekomat/chekomat/fiscal/kkt"
	"github.com/chekomat/chekomat/hub/store"
	"github.com/chekomat/chekomat/testbench/fn"
)

// job is a document the hub has, or had, to make, with what the registers hold
// of it.
type job struct {
	id, purpose, state, reason, key string
	origin                          string // of its tuple, without the purpose
	act                             string // of a repair: the job of the wrong receipt
	record                          int64
	document                        fiscal.Document
	number                          string // of its receipt, as the hub has it
	made                            fn.Document
}

func (j *job) sells() bool { return j.document.Operation == fiscal.Sell }

func (w *world) jobs(h *hub) (all []*job) {
	for _, row := range h.list(`SELECT j.id, j.purpose, j.state, j.reason, j.key, j.origin_kind||' '||j.origin_id||' '||j.ordinal, coalesce(a.job_id,''),
		coalesce(j.record_id,0), j.document, coalesce(c.fn||'/'||c.fd,'') FROM job j LEFT JOIN receipt c ON c.job_id=j.id
		LEFT JOIN act a ON j.purpose='correction' AND j.origin_kind='operator' AND a.id=j.origin_id AND a.kind='repair'
		WHERE j.purpose<>'shift_open' AND j.purpose<>'shift_close' ORDER BY j.created_at, j.id`, 10) {
		j := &job{id: row[0], purpose: row[1], state: row[2], reason: row[3], key: row[4], origin: row[5], act: row[6], number: row[9]}
		if _, err := fmt.Sscan(row[7], &j.record); err != nil {
			panic(err)
		}
		if err := json.Unmarshal([]byte(row[8]), &j.document); err != nil {
			panic(err)
		}
		all = append(all, j)
	}
	return all
}

// settlement says that a document counts money.
func settlement(d fn.Document) bool { return d.Type == fn.TypeReceipt || d.Type == fn.TypeCorrection }

// isKeyOfSale says whether a key is that of a sale's receipt or of the
// correction that takes its place.
func isKeyOfSale(key, agent, journal string, seq int64) bool {
	origin := fmt.Sprintf("%s/%s/%d", agent, journal, seq)
	if key == string(kkt.NewKey("record", origin, store.PurposeReceipt, "0")) {
		return true
	}
	for n := range 8 { // of corrections that came to nothing
		if key == string(kkt.NewKey("record", origin, store.PurposeCorrection, fmt.Sprint(n))) {
			return true
		}
	}
	return false
}

// checkDocuments is I3, I4, I5 and the acts: each job has one document or none,
// each document one owner, and each sale what is due to it.
func (w *world) checkDocuments(h *hub, sales []sale, reversed map[saleID]bool) {
	docs, keys := map[string]fn.Document{}, map[string][]fn.Document{}
	var order []string
	for _, r := range w.regs {
		for _, d := range r.all() {
			docs[fmt.Sprintf("%s/%d", d.FN, d.FD)] = d
			if base := keyBase(d.Key); settlement(d) && d.Key != "" {
				if keys[base] == nil {
					order = append(order, base)
				}
				keys[base] = append(keys[base], d)
			}
		}
	}
	jobs := w.jobs(h)
	owned := map[string]bool{}
	for _, j := range jobs {
		w.checkJob(j, docs, keys[j.key], owned)
		delete(keys, j.key)
	}
	for _, key := range order {
		for _, d := range keys[key] {
			w.violated("I4: document %d of ФН %s was made for a job the hub does not have", d.FD, d.FN)
		}
	}
	for _, s := range sales {
		w.checkSale(s, jobs, reversed[saleID{s.agent, s.journal, s.seq}])
	}
	w.checkForeign(h, docs)
}

// checkJob: a job that is done has its one document, any other has none.
func (w *world) checkJob(j *job, docs map[string]fn.Document, made []fn.Document, owned map[string]bool) {
	what := fmt.Sprintf("the %s of record %d", j.purpose, j.record)
	if j.state != store.JobDone || j.number == "" {
		if len(made) > 0 {
			w.violated("I3: %s is %s (%s) and was made as document %d", what, j.state, j.reason, made[0].FD)
		}
		return
	}
	d, ok := docs[j.number]
	switch {
	case !ok:
		w.violated("I3: %s is document %s, which no register made", what, j.number)
		return
	case owned[j.number]:
		w.violated("I4: document %s is that of two jobs", j.number)
	case keyBase(d.Key) != j.key:
		w.violated("I4: %s is document %s, which was made for another", what, j.number)
	case len(made) != 1:
		w.violated("I3: %s was made %d times", what, len(made))
	}
	owned[j.number] = true
	j.made = d
	if want, got := j.wanted(), w.told(d); want != got {
		w.violated("I5: %s says [%s], it is to be [%s]", what, got, want)
	}
}

// wanted is what a job's document has to say.
func (j *job) wanted() string {
	kind := fn.TypeReceipt
	if j.document.Kind == fiscal.KindCorrection {
		kind = fn.TypeCorrection
	}
	text := fmt.Sprint(kind, " ", j.document.Operation, " ", j.document.Total, " ", j.document.Machine.Serial, " ", j.document.Machine.Address, " ", j.document.Machine.Place)
	for _, i := range j.document.Items {
		text += fmt.Sprint(" ", byte(i.VAT), " ", i.Sum, " ", i.Name)
	}
	if fp := j.document.Repairs(); fp != 0 {
		text += fmt.Sprintf(" repairs %010d", fp)
	}
	return text
}

// told is what a document says.
func (w *world) told(d fn.Document) string {
	text := fmt.Sprint(d.Type, " ", d.Operation, " ", d.Sum, " ", d.Machine, " ", d.Address, " ", d.Place)
	for _, i := range d.Items {
		text += fmt.Sprint(" ", i.Rate, " ", i.Sum, " ", i.Name)
	}
	if d.Extra != "" {
		text += " repairs " + d.Extra
	}
	return text
}

// checkSale: a sale has one receipt, or the correction in its place; what was
// ordered about it was made once; what was taken back was taken back once, after
// it was made.
func (w *world) checkSale(s sale, all []*job, reversed bool) {
	name := fmt.Sprintf("sale %d of %s", s.seq, s.agent)
	v := w.vendAt(w.agentOf(s.agent), s.bus)
	if v == nil {
		return // I2 has told of it
	}
	first := fmt.Sprintf("record %s/%s/%d ", s.agent, s.journal, s.seq)
	origins := map[string]bool{} // its record's and those of its repairs
	for _, j := range all {
		origins[j.origin] = origins[j.origin] || j.record == s.id || strings.HasPrefix(j.origin, first)
	}
	var mine, receipts []*job
	for _, j := range all {
		if !origins[j.origin] {
			continue
		}
		mine = append(mine, j)
		if strings.HasPrefix(j.origin, first) && j.purpose != store.PurposeRefund && j.state != store.JobVoid {
			receipts = append(receipts, j)
		}
	}
	switch {
	case len(receipts) > 1:
		w.violated("I3: %s has %d jobs of a receipt", name, len(receipts))
	case len(receipts) == 0 && !v.dropped && !reversed:
		w.violated("I3: %s has no receipt", name)
	}
	var sold, back, repairs int
	for _, j := range mine {
		if j.state != store.JobDone || j.made.FD == 0 {
			continue // what was not made has been told of
		}
		w.checkContent(name, v, s, j)
		if j.sells() {
			sold++
			continue
		}
		back++
		if j.purpose == store.PurposeCorrection {
			repairs++
		}
		w.checkTakenBack(name, j, mine)
	}
	due := 1
	if len(receipts) == 0 {
		due = 0
	}
	gone := v.refunded || reversed && due > 0
	switch left := sold - back; {
	case sold != due+repairs:
		w.violated("acts: %s has %d documents of it, %d repairs", name, sold, repairs)
	case repairs < v.repaired || repairs > v.repaired+v.mayBeRepaired:
		w.violated("acts: %s has %d repairs, %d were ordered", name, repairs, v.repaired)
	case left != 0 && (left != 1 || gone && !v.dropped):
		w.violated("acts: %s is sold %d times and taken back %d times", name, sold, back)
	case left == 0 && due > 0 && !gone && !v.mayBeRefunded:
		w.violated("acts: %s is taken back, and nobody asked for that", name)
	}
}

// checkContent is I5: a document says of a sale what it was.
func (w *world) checkContent(name string, v *vend, s sale, j *job) {
	d, m := j.made, w.machines[v.machine]
	is := fmt.Sprint(d.Sum, " ", d.Machine, " ", d.Address, " ", d.Place)
	want := fmt.Sprint(s.amount, " ", m.serial(), " ", addressOf(v.machine), " ", placeOf(v.machine))
	right := len(d.Items) == 1 && d.Items[0].Rate == byte(fiscal.VAT22) && d.Items[0].Sum == s.amount &&
		(d.Items[0].Name == names[v.column-1] || m.renamed[v.column-1] && d.Items[0].Name == renamed(v.column))
	if is != want || !right {
		w.violated("I5: a document of %s says [%s] of %v, it was [%s] of %s", name, is, d.Items, want, names[v.column-1])
	}
}

// checkTakenBack: a document takes back one that was made before it, of the
// same goods, and nothing else does.
func (w *world) checkTakenBack(name string, back *job, all []*job) {
	var of *job
	for _, j := range all {
		if j.sells() && j.made.FD != 0 && (back.act == "" && j.origin == back.origin || back.act == j.id) {
			of = j
		}
	}
	if of == nil {
		w.violated("acts: %s: document %d takes back what was not made", name, back.made.FD)
		return
	}
	if of.made.FN == back.made.FN && of.made.FD >= back.made.FD {
		w.violated("acts: %s: document %d takes back document %d, which came after it", name, back.made.FD, of.made.FD)
	}
	if fmt.Sprint(of.made.Items) != fmt.Sprint(back.made.Items) {
		w.violated("acts: %s: document %d takes back other goods than document %d has", name, back.made.FD, of.made.FD)
	}
	if back.act != "" && back.made.Extra != fmt.Sprintf("%010d", of.made.FP) {
		w.violated("acts: %s: document %d names %s as the wrong receipt, it is %010d", name, back.made.FD, back.made.Extra, of.made.FP)
	}
	if n := len(slices.DeleteFunc(slices.Clone(all), func(j *job) bool {
		return j.state != store.JobDone || j.sells() || !(j.act == "" && j.origin == of.origin || j.act == of.id)
	})); n > 1 {
		w.violated("acts: %s: document %d is taken back %d times", name, of.made.FD, n)
	}
}
