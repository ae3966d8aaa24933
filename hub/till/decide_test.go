package till

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/chekomat/chekomat/fiscal/fault"
	"github.com/chekomat/chekomat/fiscal/kkt"
	"github.com/chekomat/chekomat/hub/store"
)

// single is a world of one lane, stepped by hand.
func single(t *testing.T) *world {
	t.Helper()
	c := start()
	w := &world{s: openStore(t, c.now), clock: c, seller: "s", regs: map[string]*register{}, lanes: []string{"l"}}
	addSeller(t, w.s, "s")
	addMachine(t, w.s, "s", "m")
	addLane(t, w.s, "s", "l")
	w.regs["l"] = newRegister(c.now, "9999000000000001", "7701237658")
	w.reboot(t)
	return w
}

func (w *world) reboot(t *testing.T) {
	t.Helper()
	if err := w.boot(); err != nil {
		t.Fatal(err)
	}
}

// rest steps all lanes until nothing happens for a while of virtual time.
func (w *world) rest(t *testing.T, d time.Duration) {
	t.Helper()
	for end := w.clock.t.Add(d); ; {
		at, asleep := w.earliest()
		if asleep && (at.IsZero() || at.After(end)) {
			w.clock.t = end
			return
		}
		if asleep && at.After(w.clock.t) {
			w.clock.t = at
		}
		for _, l := range w.lanes {
			if w.step(l) {
				w.reboot(t)
				break
			}
		}
	}
}

// upToSubmit steps lane l until the job is about to be sent.
func (w *world) upToSubmit(id string) {
	for {
		v := w.workers["l"]
		if _, ok := v.act.(submit); ok && v.w.open.Job.ID == id {
			return
		}
		if at, asleep := w.earliest(); asleep {
			w.clock.t = at
		}
		w.step("l")
	}
}

func (w *world) job(t *testing.T, id string) store.Job {
	t.Helper()
	j, err := w.s.Job(context.Background(), id)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

func (w *world) want(t *testing.T, id, state, reason string) {
	t.Helper()
	if j := w.job(t, id); j.State != state || j.Reason != reason {
		t.Errorf("job %s is %s %q, want %s %q; %s", id, j.State, j.Reason, state, reason, w.lanesAre())
	}
}

func (w *world) receipts() (n int) {
	for _, r := range w.regs {
		for _, d := range r.docs {
			if d.Key != "" {
				n++
			}
		}
	}
	return n
}

// TestReplacedFNParksTheJob: the register came back with another ФН while an
// attempt was undecided. The job is a person's, the lane goes on, and when the
// old ФН returns the attempt is settled by itself.
func TestReplacedFNParksTheJob(t *testing.T) {
	w := single(t)
	old := w.regs["l"]
	id := addJob(t, w.s, "s", "", 1, w.clock.t, 500)
	w.upToSubmit(id)
	old.fates = []fate{lostAnswer}
	w.step("l")
	w.regs["l"] = newRegister(w.clock.now, "9999000000000002", "7701237658")
	w.reboot(t)
	w.rest(t, time.Second)
	w.want(t, id, store.JobHeld, string(fault.FNReplaced))
	if err := w.till.Retry(context.Background(), id, "anna", "try"); !errors.Is(err, store.ErrMayExist) {
		t.Fatalf("retry: %v", err)
	}
	other := addJob(t, w.s, "s", "", 2, w.clock.t, 700)
	w.rest(t, time.Minute)
	w.want(t, other, store.JobDone, "")

	w.regs["l"] = old
	w.reboot(t)
	w.rest(t, time.Minute)
	w.want(t, id, store.JobDone, "")
	if n := w.receipts(); n != 1 {
		t.Errorf("%d receipts on the old ФН", n)
	}
}

func TestPersonDeclaresParkedAttemptNotMade(t *testing.T) {
	w := single(t)
	id := addJob(t, w.s, "s", "", 1, w.clock.t, 500)
	w.upToSubmit(id)
	w.regs["l"].fates = []fate{lostRequest}
	w.step("l")
	w.regs["l"] = newRegister(w.clock.now, "9999000000000002", "7701237658")
	w.reboot(t)
	w.rest(t, time.Minute)
	w.want(t, id, store.JobHeld, string(fault.FNReplaced))
	if err := w.till.NotMade(context.Background(), id, "anna", "ОФД не знает такого чека"); err != nil {
		t.Fatal(err)
	}
	w.reboot(t)
	w.rest(t, time.Minute)
	w.want(t, id, store.JobDone, "")
	if j := w.job(t, id); j.Attempts != 2 {
		t.Errorf("%d attempts", j.Attempts)
	}
	var actor string
	if err := w.s.Read().QueryRow(`SELECT actor FROM job_history WHERE job_id = ? AND reason = 'by_person'`, id).Scan(&actor); err != nil || actor != "anna" {
		t.Errorf("actor %q, %v", actor, err)
	}
}

// TestRestoredDatabase: the hub's database is lost and made anew; the agents
// send their records again, and the receipts are found on the register.
func TestRestoredDatabase(t *testing.T) {
	w := single(t)
	for n := range 5 {
		addJob(t, w.s, "s", "", n, w.clock.t, 500)
	}
	w.rest(t, time.Minute)
	reg := w.regs["l"]
	before := len(reg.docs)

	lost := single(t)
	lost.regs["l"] = reg
	reg.now = lost.clock.now
	lost.clock.t = w.clock.t
	for n := range 3 { // these are back before the lane starts, the others come later
		addJob(t, lost.s, "s", "", n, lost.clock.t, 500)
	}
	lost.reboot(t)
	lost.rest(t, time.Minute)
	for n := 3; n < 6; n++ {
		addJob(t, lost.s, "s", "", n, lost.clock.t, 500)
	}
	lost.rest(t, time.Minute)
	for n := range 6 {
		lost.want(t, fmt.Sprintf("s-%d", n), store.JobDone, "")
	}
	if n := len(reg.docs); n != before+1 {
		t.Errorf("%d documents were made, only sale 5 is new", n-before)
	}
	codes, err := lost.s.OpenAlarms(context.Background(), "l")
	if err != nil || len(codes) != 1 || codes[0].Code != AlarmRestored {
		t.Errorf("alarms %v, %v", codes, err)
	}
}

// TestDoubledDocumentStopsTheLane: a second document with a job's key appears.
func TestDoubledDocumentStopsTheLane(t *testing.T) {
	w := single(t)
	id := addJob(t, w.s, "s", "", 1, w.clock.t, 500)
	w.rest(t, time.Second)
	w.want(t, id, store.JobDone, "")
	reg := w.regs["l"]
	reg.add(wireDoc{Key: w.job(t, id).Key.Attempt(9), Kind: "receipt", Sum: 500, Op: 1}, 3)
	w.rest(t, time.Minute)
	next := addJob(t, w.s, "s", "", 2, w.clock.t, 500)
	w.rest(t, time.Minute)
	w.want(t, next, store.JobQueued, "")
	if l, err := w.s.Lane(context.Background(), "l"); err != nil || l.State != string(Manual) || l.Fault != string(FaultDoubled) {
		t.Fatalf("%+v, %v", l, err)
	}
	w.reboot(t) // a restart does not forget
	w.rest(t, time.Minute)
	w.want(t, next, store.JobQueued, "")
	if err := w.till.Resume(context.Background(), "l", "anna", "возврат оформлен"); err != nil {
		t.Fatal(err)
	}
	w.reboot(t)
	w.rest(t, time.Minute)
	w.want(t, next, store.JobDone, "")
}

// TestPersonBindsAForeignDocument: a held job is given a receipt made by hand.
func TestPersonBindsAForeignDocument(t *testing.T) {
	w := single(t)
	first := addJob(t, w.s, "s", "", 1, w.clock.t, 500)
	w.rest(t, time.Second)
	w.want(t, first, store.JobDone, "")
	reg := w.regs["l"]
	made := reg.add(wireDoc{Kind: "receipt", Sum: 700, Op: 1}, 3)
	w.rest(t, time.Minute)
	id := addJob(t, w.s, "s", "", 2, w.clock.t, 700)
	exec(t, w.s, `UPDATE job SET state = 'held' WHERE id = ?`, id)
	ctx := context.Background()
	fn, fd := made.Receipt.FN, made.Receipt.FD
	if err := w.till.Bind(ctx, first, fn, fd, "anna", ""); !errors.Is(err, store.ErrMoved) {
		t.Errorf("bind a done job: %v", err)
	}
	if err := w.till.Bind(ctx, id, fn, fd-1, "anna", ""); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("bind a document of another job: %v", err)
	}
	if err := w.till.Bind(ctx, id, fn, fd, "anna", "пробит вручную"); err != nil {
		t.Fatal(err)
	}
	w.want(t, id, store.JobDone, "")
	third := addJob(t, w.s, "s", "", 3, w.clock.t, 700)
	exec(t, w.s, `UPDATE job SET state = 'held' WHERE id = ?`, third)
	if err := w.till.Bind(ctx, third, fn, fd, "anna", ""); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("bind twice: %v", err)
	}
	if err := w.till.Drop(ctx, third, "anna", "нет продажи"); err != nil {
		t.Fatal(err)
	}
	w.want(t, third, store.JobVoid, store.ByPerson)
}

// TestRefundWaitsForItsReceipt and goes when it is done.
func TestRefundWaitsForItsReceipt(t *testing.T) {
	w := single(t)
	id := addJob(t, w.s, "s", "", 1, w.clock.t, 500)
	exec(t, w.s, `INSERT INTO job(id,operator_id,origin_kind,origin_id,purpose,seller_id,state,reason,sold_at,young_till,key,amount,document,created_at,updated_at)
		SELECT 'refund',operator_id,origin_kind,origin_id,'refund',seller_id,'held','waits_for_receipt',sold_at,0,?,amount,
			replace(document,'"operation":1','"operation":2'),created_at,updated_at FROM job WHERE id = ?`, kkt.NewKey("record", "refund"), id)
	w.rest(t, time.Minute)
	w.want(t, id, store.JobDone, "")
	w.want(t, "refund", store.JobDone, "")
}

func TestJobThatCannotBeEncodedIsHeldAndBlocksNobody(t *testing.T) {
	w := single(t)
	bad := addJob(t, w.s, "s", "", 1, w.clock.t, -1)
	good := addJob(t, w.s, "s", "", 2, w.clock.t, 500)
	w.rest(t, time.Second)
	w.want(t, bad, store.JobHeld, string(fault.AmountTooBig))
	w.want(t, good, store.JobDone, "")
	if err := w.till.Retry(context.Background(), bad, "anna", "исправлено"); err != nil {
		t.Fatal(err)
	}
	w.want(t, bad, store.JobQueued, store.ByPerson)
}

// TestRefusedAttemptGoesOnAsItself: a register that takes nothing costs no
// attempt numbers and no keys.
func TestRefusedAttemptGoesOnAsItself(t *testing.T) {
	w := single(t)
	id := addJob(t, w.s, "s", "", 1, w.clock.t, 500)
	for range 6 {
		w.upToSubmit(id)
		w.regs["l"].fates = []fate{busyNow}
		w.step("l")
	}
	w.rest(t, time.Minute)
	w.want(t, id, store.JobDone, "")
	if j := w.job(t, id); j.Attempts != 1 {
		t.Errorf("%d attempts", j.Attempts)
	}
}

// TestFencedWorkerSendsNothing: another hub has taken the lane.
func TestFencedWorkerSendsNothing(t *testing.T) {
	w := single(t)
	w.rest(t, time.Second)
	if _, err := w.s.TakeLane(context.Background(), "l", "other", time.Minute, 0); err == nil {
		t.Fatal("taken while leased")
	}
	exec(t, w.s, `UPDATE lane_state SET holder = 'other', fence = fence + 1`)
	id := addJob(t, w.s, "s", "", 1, w.clock.t, 500)
	w.rest(t, 40*time.Second)
	w.want(t, id, store.JobQueued, "")
	if n := len(w.regs["l"].docs); n != 1 {
		t.Errorf("%d documents", n)
	}
	w.rest(t, 10*time.Minute) // the other is gone: lease and longest command have passed
	w.want(t, id, store.JobDone, "")
}
