package simulate

import (
	"context"
	"fmt"

	"github.com/chekomat/chekomat/fiscal/fault"
	"github.com/chekomat/chekomat/fiscal/kkt"
	"github.com/chekomat/chekomat/hub/store"
	"github.com/chekomat/chekomat/testbench/fn"
)

// heal ends all faults: what was broken works again.
func (w *world) heal() {
	w.calm = true
	w.tell("— all faults are over")
	for _, r := range w.regs {
		r.next, r.offTill, r.paperOut, r.intruder = nil, 0, 0, false
	}
	for i, a := range w.agents {
		a.disk.Limit(0)
		a.disk.CutAt(0, 0)
		a.disk.KillAt(0)
		a.armed, a.slowTill, a.panelDead, a.fullTill, a.step = "", 0, 0, 0, 0
		w.broker.links[i] = link{}
		a.wake(1)
	}
	w.broker.backs = 0
	w.stock.disk.Limit(0)
	w.stock.disk.CutAt(0, 0)
	w.stock.disk.KillAt(0)
	w.wakeHub()
	for _, h := range w.hubs {
		h.step, h.killAt = 0, 0
	}
	if second := w.hubs[1]; second.up {
		second.die("to end the doubled watch")
	}
	w.after(1, func() {
		if !w.hubs[0].up {
			w.hubs[0].start()
		}
	})
}

// rounds is how long a person has to put everything in order, a minute each.
const rounds = 15

// rest runs until nothing is left to do, with a person who does what the texts
// of held jobs and standing lanes ask for. false: it never came to rest.
func (w *world) rest() (why string, ok bool) {
	for range rounds {
		w.run(w.now + 60_000)
		if len(w.wrong) > 0 {
			return "", true
		}
		if why, ok = w.quiet(); ok {
			return "", true
		}
		w.person()
	}
	return why, false
}

// leftovers are what is still to be done at the hub.
var leftovers = []struct{ what, query string }{
	{"jobs are not done", `SELECT count(*) FROM job WHERE state<>'done' AND state<>'void'`},
	{"records are held", `SELECT count(*) FROM record WHERE fate='held'`},
	{"records have landed", `SELECT count(*) FROM landed`},
	{"messages are in quarantine", `SELECT count(*) FROM quarantine WHERE resolved_at IS NULL`},
	{"lanes do not work", `SELECT count(*) FROM lane l LEFT JOIN lane_state s ON s.lane_id=l.id WHERE l.enabled=1 AND coalesce(s.state,'')<>'ok'`},
	{"attempts may have been made", `SELECT count(*) FROM attempt WHERE state<>'done' AND state<>'not_printed'`},
}

// quiet says whether nothing is left to do, or what is.
func (w *world) quiet() (why string, ok bool) {
	h := w.hubs[0]
	if !h.up {
		return "the hub does not run", false
	}
	for _, a := range w.agents {
		if !a.up {
			return a.name() + " does not run", false
		}
		heads, err := a.journal.Heads()
		if err != nil || heads.Unacked > 0 {
			return fmt.Sprintf("%s has %d records the hub has not acknowledged (%v)", a.name(), heads.Unacked, err), false
		}
		if n := len(w.machines[a.n].held); n > 0 && w.machines[a.n].free > w.now {
			return fmt.Sprintf("the module of machine %d has %d words", a.n+1, n), false
		}
	}
	for _, left := range leftovers {
		var n int
		if err := h.store.Read().QueryRow(left.query).Scan(&n); err != nil || n > 0 {
			return fmt.Sprintf("%d %s (%v): %s", n, left.what, err, w.stuck()), false
		}
	}
	if w.orders > 0 {
		return fmt.Sprintf("%d orders are not answered", w.orders), false
	}
	for _, r := range w.regs {
		if r.running > 0 {
			return r.name() + " still works", false
		}
	}
	return "", true
}

// stuck tells how jobs and lanes stand, for a violation.
func (w *world) stuck() (text string) {
	rows, err := w.hubs[0].store.Read().Query(`SELECT 'lane '||lane_id||' '||state||' '||fault||' '||detail FROM lane_state
		UNION ALL SELECT 'job '||purpose||' '||state||' '||reason FROM job WHERE state<>'done' AND state<>'void' ORDER BY 1`)
	if err != nil {
		return err.Error()
	}
	defer rows.Close()
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			return err.Error()
		}
		text += s + "; "
	}
	if err := rows.Err(); err != nil {
		return err.Error()
	}
	return text
}

const who, because = "person", "as the text says"

// person does the next step that the texts name.
func (w *world) person() {
	h := w.hubs[0]
	if !h.up {
		return
	}
	h.guard(func() {
		w.mendLanes(h)
		w.mendJobs(h)
		w.mendRecords(h)
	})
}

// list reads rows of texts.
func (h *hub) list(query string, columns int, args ...any) (all [][]string) {
	rows, err := h.store.Read().Query(query, args...)
	if err != nil {
		panic(fmt.Sprintf("simulate: %s: %v", query, err))
	}
	defer rows.Close()
	for rows.Next() {
		row := make([]string, columns)
		to := make([]any, columns)
		for i := range row {
			to[i] = &row[i]
		}
		if err := rows.Scan(to...); err != nil {
			panic(fmt.Sprintf("simulate: %s: %v", query, err))
		}
		all = append(all, row)
	}
	if err := rows.Err(); err != nil {
		panic(fmt.Sprintf("simulate: %s: %v", query, err))
	}
	return all
}

// mendLanes puts right what a lane stands on and lets it go on.
func (w *world) mendLanes(h *hub) {
	for i, row := range h.list(`SELECT l.id, coalesce(s.state,''), coalesce(s.fault,'') FROM lane l LEFT JOIN lane_state s ON s.lane_id=l.id ORDER BY l.id`, 3) {
		if i >= len(w.regs) {
			break
		}
		id, state, code := row[0], row[1], row[2]
		r := w.regs[i]
		if needsFN(fault.Code(code)) {
			w.tell("a person replaces the ФН of %s", r.name())
			r.replace()
		}
		switch state {
		case "manual", "config", "fn_full", "fn_life_over":
			w.tell("a person lets lane %s go on (%s)", id, code)
			if err := h.till.Resume(context.Background(), id, who, because); err != nil {
				w.violated("lane %s can't be resumed: %v", id, err)
			}
			h.restartLane(id)
		}
	}
}

// restartLane is what till.LaneChanged does in a running hub.
func (h *hub) restartLane(id string) {
	for _, l := range h.lanes {
		if l.id == id {
			l.drop()
			l.begin()
			l.turn()
		}
	}
}

// mendJobs decides what held and parked jobs wait for.
func (w *world) mendJobs(h *hub) {
	ctx := context.Background()
	for _, row := range h.list(`SELECT a.job_id, a.lane_id, a.fn, a.unit FROM attempt a WHERE a.state<>'done' AND a.state<>'not_printed' AND a.unit<>'' ORDER BY a.id`, 4) {
		job, lane, serial := row[0], row[1], row[2]
		j, err := h.store.Job(ctx, job)
		if err != nil {
			w.violated("job can't be read: %v", err)
			return
		}
		r := w.registerOf(serial)
		made := r.madeOf(j.Key)
		switch {
		case made == nil:
			w.tell("a person finds at the OFD that a document was not made")
			if err := h.till.NotMade(ctx, job, who, because); err != nil {
				w.violated("job can't be declared not made: %v", err)
			}
		case made.FN == serial && w.rng("ofd", int(made.FD)).IntN(2) == 0:
			w.tell("a person types document %d in from the OFD's data", made.FD)
			if err := h.till.Made(ctx, job, receiptOf(*made), who, because); err != nil {
				w.violated("job can't be declared made: %v", err)
			}
		default: // the OFD has it: the register reads it from the former ФН
			w.tell("a person has the former ФН of %s read", r.name())
			r.putBack(serial)
		}
		h.restartLane(lane)
	}
	for _, row := range h.list(`SELECT id, reason FROM job WHERE state='held' AND reason<>? AND reason<>? ORDER BY created_at, id`, 2, store.WaitsForReceipt, store.WaitsForPair) {
		w.tell("a person has a held job tried again (%s)", row[1])
		if err := h.till.Retry(ctx, row[0], who, because); err != nil {
			w.tell("it can't be: %v", err)
		}
	}
}

// madeOf is the document of a job; nil: there is none.
func (r *register) madeOf(key kkt.Key) *fn.Document {
	for _, d := range r.all() {
		if key != "" && d.Key != "" && keyBase(d.Key) == string(key) {
			return &d
		}
	}
	return nil
}

func keyBase(k string) string {
	for i := len(k) - 1; i > 0; i-- {
		if k[i] == 'a' && k[i-1] == '-' {
			return k[:i-1]
		}
	}
	return k
}

// registerOf finds where an ФН is, or was.
func (w *world) registerOf(serial string) *register {
	for _, r := range w.regs {
		if r.fn.Serial() == serial {
			return r
		}
		for _, f := range r.old {
			if f.Serial() == serial {
				return r
			}
		}
	}
	return w.regs[0]
}

// mendRecords vouches for held sales.
func (w *world) mendRecords(h *hub) {
	for _, row := range h.list(`SELECT id, reason FROM record WHERE fate='held' ORDER BY id`, 2) {
		var id int64
		if _, err := fmt.Sscan(row[0], &id); err != nil {
			panic(err)
		}
		w.tell("a person vouches for a held record (%s)", row[1])
		if err := h.ingest.Redecide(context.Background(), operator, id, true, who); err != nil {
			w.tell("it can't be: %v", err)
		}
	}
}
