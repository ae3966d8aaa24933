package till

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/chekomat/chekomat/fiscal"
	"github.com/chekomat/chekomat/fiscal/fault"
	"github.com/chekomat/chekomat/fiscal/kkt"
	"github.com/chekomat/chekomat/hub/store"
)

// reports lists when shifts were opened and closed on a register.
func (r *register) reports() (list []string) {
	for _, d := range r.docs {
		switch d.Type {
		case 2:
			list = append(list, "open "+d.Receipt.At.Format("02 15:04"))
		case 5:
			list = append(list, "close "+d.Receipt.At.Format("02 15:04"))
		}
	}
	return list
}

func same(a, b []string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// TestKeeperOfShifts: opened when work comes, closed at the operator's hour when
// the lane has no work, and not opened again before there is some.
func TestKeeperOfShifts(t *testing.T) {
	w := single(t)
	exec(t, w.s, `UPDATE lane SET settings = '{"close_at":"22:30"}'`)
	w.reboot(t)
	w.rest(t, time.Hour)
	if r := w.reg().reports(); len(r) != 0 {
		t.Fatalf("without work: %v", r)
	}
	addJob(t, w.s, "s", "", 1, w.clock.t, 500) // 10:00
	w.rest(t, 24*time.Hour)
	addJob(t, w.s, "s", "", 2, w.clock.t, 500) // 10:00 the next day
	w.rest(t, 2*time.Hour)
	if r := w.reg().reports(); !same(r, []string{"open 04 10:00", "close 04 22:30", "open 05 10:00"}) {
		t.Errorf("%v", r)
	}
}

// TestKeeperWaitsForAPauseButNotForever: a lane that always has work closes its
// shift when the grace after the hour is over.
func TestKeeperWaitsForAPauseButNotForever(t *testing.T) {
	w := single(t)
	exec(t, w.s, `UPDATE lane SET settings = '{"close_at":"09:30","per_minute":6}'`)
	w.reboot(t)
	for n := range 400 { // ten seconds each: more than an hour of work
		addJob(t, w.s, "s", "", n, w.clock.t, 500)
	}
	w.rest(t, 50*time.Minute)
	r := w.reg().reports()
	if len(r) != 3 || r[1] != "close 04 09:45" || r[2] != "open 04 09:45" {
		t.Errorf("%v", r)
	}
}

// TestShiftOver24hIsClosedFirst: the hub was off for two days.
func TestShiftOver24hIsClosedFirst(t *testing.T) {
	w := single(t)
	addJob(t, w.s, "s", "", 1, w.clock.t, 500)
	w.rest(t, time.Minute)
	w.clock.t = w.clock.t.Add(48 * time.Hour)
	w.reboot(t)
	addJob(t, w.s, "s", "", 2, w.clock.t, 500)
	w.rest(t, time.Minute)
	w.want(t, "s-2", store.JobDone, "")
	if r := w.reg().reports(); !same(r, []string{"open 04 09:00", "close 06 09:01", "open 06 09:01"}) {
		t.Errorf("%v", r)
	}
}

// TestLanesOfAPoolCloseOneAfterTheOther: at the hour one register stands, not all.
func TestLanesOfAPoolCloseOneAfterTheOther(t *testing.T) {
	p := newPool("s", &fakeQueue{}, time.Time{})
	a, b := sit(p, "a", false, 1), sit(p, "b", false, 1)
	if !p.mayClose(a) || p.mayClose(b) {
		t.Fatal("both may close")
	}
	p.tells(a, true)
	if !p.mayClose(b) {
		t.Error("one that failed holds the other up")
	}
	p.tells(a, false)
	takeOne(t, p, a, 1) // it works again
	takeOne(t, p, b, 1)
	if !p.mayClose(a) {
		t.Error("it may not close again")
	}
}

// TestClockIsSetBetweenShifts: a drift that does no harm yet is mended when the
// shift is closed anyway.
func TestClockIsSetBetweenShifts(t *testing.T) {
	w := single(t)
	exec(t, w.s, `UPDATE lane SET settings = '{"close_at":"12:00"}'`)
	w.reboot(t)
	w.reg().ahead = -45 * time.Second
	addJob(t, w.s, "s", "", 1, w.clock.t, 500)
	w.rest(t, time.Hour)
	if w.reg().ahead == 0 || len(w.reg().reports()) != 1 {
		t.Fatalf("set while the shift is open: %v, %v", w.reg().ahead, w.reg().reports())
	}
	w.rest(t, 3*time.Hour)
	if w.reg().ahead.Abs() > time.Second || len(w.reg().reports()) != 2 {
		t.Errorf("off by %v, %v", w.reg().ahead, w.reg().reports())
	}
}

func TestClockIsLeftAlone(t *testing.T) {
	w := single(t)
	exec(t, w.s, `UPDATE lane SET settings = '{"leave_clock":true}'`)
	w.reboot(t)
	w.reg().ahead = 2 * time.Minute
	w.rest(t, time.Hour)
	if w.reg().ahead != 2*time.Minute {
		t.Errorf("off by %v", w.reg().ahead)
	}
	if !w.incident(t, store.AboutLane("l"), AlarmClock) {
		t.Error("nobody is told")
	}
}

// TestOpeningOfAShiftByTheHubsClock whatever the register's clock shows.
func TestOpeningOfAShiftByTheHubsClock(t *testing.T) {
	wall := fiscal.Wall(noon)
	u := func(clock, opened time.Time) kkt.Unit {
		return kkt.Unit{Clock: clock, FN: kkt.FNState{OpenedAt: opened}}
	}
	for name, c := range map[string]struct {
		u    kkt.Unit
		seen time.Time
		want time.Time
	}{
		"right":                        {u(wall, wall.Add(-time.Hour)), time.Time{}, noon.Add(-time.Hour)},
		"a wrong clock that goes":      {u(wall.Add(5*time.Hour), wall.Add(4*time.Hour)), time.Time{}, noon.Add(-time.Hour)},
		"put forward in the shift":     {u(wall.Add(5*time.Hour), wall.Add(-time.Hour)), noon.Add(-time.Hour), noon.Add(-6 * time.Hour)},
		"put back in the shift":        {u(wall.Add(-5*time.Hour), wall.Add(-time.Hour)), noon.Add(-time.Hour), noon.Add(-time.Hour)},
		"put back, not seen by us":     {u(wall.Add(-5*time.Hour), wall.Add(-time.Hour)), time.Time{}, time.Time{}},
		"put back a little":            {u(wall.Add(-time.Minute), wall.Add(-time.Hour)), noon.Add(-time.Hour), noon.Add(-time.Hour)},
		"the register does not say it": {u(wall, time.Time{}), noon.Add(-time.Hour), noon.Add(-time.Hour)},
	} {
		if got := openedSince(noon, c.u, c.seen); !got.Equal(c.want) {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

// parkedJob is a job whose ФН has left the register while it was undecided.
func parkedJob(t *testing.T) (*world, string) {
	t.Helper()
	w := single(t)
	id := addJob(t, w.s, "s", "m", 1, w.clock.t, 500)
	w.upToSubmit(id)
	w.reg().fates = []fate{lostAnswer}
	w.step("l")
	w.regs["l"] = newRegister(w.clock.now, "9999000000000002", "7701237658")
	w.reboot(t)
	w.rest(t, time.Minute)
	w.want(t, id, store.JobHeld, string(fault.FNReplaced))
	if !w.incident(t, store.AboutMachine("m"), store.JobHeldCode) || !w.incident(t, store.AboutLane("l"), string(fault.FNReplaced)) {
		t.Error("nobody is told")
	}
	return w, id
}

// TestPersonTypesTheReceiptOfAFormerFN: bind is not possible, no register can be
// asked; what the OFD shows is.
func TestPersonTypesTheReceiptOfAFormerFN(t *testing.T) {
	w, id := parkedJob(t)
	ctx := context.Background()
	r := fiscal.Receipt{FN: "9999000000000001", FD: 3, FP: 1003, Total: 500, Operation: fiscal.Sell, At: fiscal.Wall(w.clock.t)}
	for name, spoil := range map[string]func(*fiscal.Receipt){
		"no sign": func(r *fiscal.Receipt) { r.FP = 0 }, "no number": func(r *fiscal.Receipt) { r.FD = 0 },
		"another sum": func(r *fiscal.Receipt) { r.Total = 501 }, "a refund": func(r *fiscal.Receipt) { r.Operation = fiscal.SellReturn },
	} {
		bad := r
		spoil(&bad)
		if err := w.till.Made(ctx, id, bad, "anna", "ОФД"); !errors.Is(err, store.ErrMismatch) {
			t.Errorf("%s: %v", name, err)
		}
	}
	other := addJob(t, w.s, "s", "m", 2, w.clock.t, 500)
	w.rest(t, time.Minute)
	w.want(t, other, store.JobDone, "")
	taken := fiscal.Receipt{FN: "9999000000000002", FD: 3, FP: 1003, Total: 500, Operation: fiscal.Sell}
	if err := w.till.Made(ctx, id, taken, "anna", "ОФД"); !errors.Is(err, store.ErrTaken) {
		t.Errorf("the receipt of another job: %v", err)
	}
	if err := w.till.Made(ctx, id, r, "anna", "ОФД: чек есть"); err != nil {
		t.Fatal(err)
	}
	w.want(t, id, store.JobDone, "")
	if w.incident(t, store.AboutMachine("m"), store.JobHeldCode) {
		t.Error("the incident is still open")
	}
	if err := w.till.Made(ctx, id, r, "anna", "ещё раз"); !errors.Is(err, store.ErrMoved) {
		t.Errorf("made twice: %v", err)
	}
}

// TestPersonDropsAParkedJob, and should its ФН come back with the document, that
// is the job's all the same.
func TestPersonDropsAParkedJob(t *testing.T) {
	w, id := parkedJob(t)
	if err := w.till.Drop(context.Background(), id, "anna", "покупателю вернули деньги"); err != nil {
		t.Fatal(err)
	}
	w.want(t, id, store.JobVoid, store.ByPerson)
	w.rest(t, time.Minute)
	if w.incident(t, store.AboutMachine("m"), store.JobHeldCode) {
		t.Error("the incident is still open")
	}
	old := newRegister(w.clock.now, "9999000000000001", "7701237658")
	old.stranger()
	old.add(wireDoc{Key: w.job(t, id).Key.Attempt(1), Kind: fiscal.KindReceipt, Sum: 500, Op: fiscal.Sell}, 3)
	w.regs["l"] = old
	w.reboot(t)
	w.rest(t, 2*time.Minute)
	w.want(t, id, store.JobDone, "")
}

// TestUndecidedJobIsNotDropped while its register may tell.
func TestUndecidedJobIsNotDropped(t *testing.T) {
	w := single(t)
	id := addJob(t, w.s, "s", "", 1, w.clock.t, 500)
	w.upToSubmit(id)
	w.reg().fates = []fate{lostAnswer}
	w.step("l")
	w.reg().down = true
	w.rest(t, time.Minute)
	w.want(t, id, store.JobResolving, string(fault.NoAnswer))
	if err := w.till.Drop(context.Background(), id, "anna", "надоело"); !errors.Is(err, store.ErrMayExist) {
		t.Errorf("dropped: %v", err)
	}
	if err := w.till.Retry(context.Background(), id, "anna", "надоело"); !errors.Is(err, store.ErrMayExist) {
		t.Errorf("tried again: %v", err)
	}
}

// TestPersonResumesARegisterThatWentBack: its documents are counted anew from its
// own last number, and one that stands under a number of ours stops it again.
func TestPersonResumesARegisterThatWentBack(t *testing.T) {
	w := single(t)
	for n := range 5 {
		addJob(t, w.s, "s", "", n, w.clock.t, 500)
	}
	w.rest(t, time.Minute)
	w.reg().docs = w.reg().docs[:4]
	w.rest(t, time.Minute)
	if l, err := w.s.Lane(context.Background(), "l"); err != nil || l.State != string(Manual) || l.Fault != string(fault.FNRolledBack) {
		t.Fatalf("%+v %v", l, err)
	}
	w.resume(t)
	w.rest(t, time.Minute)
	if l, err := w.s.Lane(context.Background(), "l"); err != nil || l.State != string(OK) || l.Accepted != "" {
		t.Fatalf("%+v %v", l, err)
	}
	// The next document takes a number that a receipt of ours has: that register can't be the one.
	addJob(t, w.s, "s", "", 9, w.clock.t, 700)
	w.rest(t, time.Minute)
	if l, err := w.s.Lane(context.Background(), "l"); err != nil || l.State != string(Manual) || l.Fault != string(FaultMismatch) {
		t.Errorf("%+v %v", l, err)
	}
}

// TestLeaseWrittenByAClockAhead: another hub's lease that no clock of now could
// have given is cut; while that hub lives it renews, and keeps the lane.
func TestLeaseWrittenByAClockAhead(t *testing.T) {
	w := single(t)
	ctx := context.Background()
	w.clock.t = w.clock.t.Add(10 * time.Hour)
	other, err := w.s.TakeLane(ctx, "l", "other", time.Minute, 2*time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	w.clock.t = w.clock.t.Add(-10 * time.Hour)
	take := func() error {
		_, err := w.s.TakeLane(ctx, "l", "hub", time.Minute, 2*time.Minute)
		return err
	}
	leased, ok := errors.AsType[*store.LeasedError](take())
	if !ok || leased.Until != w.clock.t.Add(3*time.Minute).UnixMilli() {
		t.Fatalf("%+v", leased)
	}
	w.clock.t = w.clock.t.Add(2 * time.Minute)
	if take() == nil {
		t.Error("taken before the longest command was over")
	}
	if err := w.s.KeepLane(ctx, other); err != nil {
		t.Fatal(err)
	}
	w.clock.t = w.clock.t.Add(90 * time.Second)
	if take() == nil {
		t.Error("taken from a hub that lives")
	}
	w.clock.t = w.clock.t.Add(3 * time.Minute)
	if err := take(); err != nil {
		t.Errorf("not taken from a hub that is gone: %v", err)
	}
}

// TestPaperOutIsToldAtOnceAndOnce: an incident, not a row of them.
func TestPaperOutIsToldAtOnceAndOnce(t *testing.T) {
	w := single(t)
	w.rest(t, time.Minute)
	w.reg().refuse = map[kkt.Kind]fault.Code{kkt.Failed: fault.PaperOut}
	w.reg().shown = []kkt.Fault{fault.New(fault.PaperOut, "")}
	id := addJob(t, w.s, "s", "", 1, w.clock.t, 500)
	w.rest(t, 30*time.Second) // the lane may sleep that long when nobody tells it
	sold := w.clock.t
	for !w.incident(t, store.AboutLane("l"), string(fault.PaperOut)) && w.clock.t.Sub(sold) < time.Minute {
		w.rest(t, 100*time.Millisecond)
	}
	if after := w.clock.t.Sub(sold); after > 2*time.Second {
		t.Errorf("told after %s", after)
	}
	w.rest(t, 10*time.Minute)
	w.reg().refuse, w.reg().shown = nil, nil
	w.rest(t, 2*time.Minute)
	w.want(t, id, store.JobDone, "")
	var rows int
	if err := w.s.Read().QueryRow(`SELECT COUNT(*) FROM incident WHERE code = ?`, string(fault.PaperOut)).Scan(&rows); err != nil || rows != 1 {
		t.Errorf("%d incidents, %v", rows, err)
	}
}

// TestLaneWithoutWorkForgetsItsTrouble when its register shows none.
func TestLaneWithoutWorkForgetsItsTrouble(t *testing.T) {
	w := single(t)
	w.reg().refuse = map[kkt.Kind]fault.Code{kkt.Failed: fault.RegisterBroken}
	id := addJob(t, w.s, "s", "", 1, w.clock.t, 500)
	w.rest(t, time.Minute)
	exec(t, w.s, `UPDATE job SET state = 'void' WHERE id = ?`, id)
	w.reg().refuse = nil
	w.rest(t, 2*time.Minute)
	if l, err := w.s.Lane(context.Background(), "l"); err != nil || l.State != string(OK) {
		t.Errorf("%+v %v", l, err)
	}
	if w.incident(t, store.AboutLane("l"), string(fault.RegisterBroken)) {
		t.Error("the incident is still open")
	}
}

// TestAJobThatFailsIsToldUntilItIsMade: from its third failure on, and no longer
// than it takes to look at the register once more.
func TestAJobThatFailsIsToldUntilItIsMade(t *testing.T) {
	w := single(t)
	told := func(want bool) {
		t.Helper()
		open, err := w.s.OpenAlarms(context.Background(), "l")
		if err != nil {
			t.Fatal(err)
		}
		if got := slices.ContainsFunc(open, func(a store.LaneAlarm) bool { return a.Code == AlarmJobFailing }); got != want {
			t.Errorf("told: %t, want %t: %+v", got, want, open)
		}
	}
	addJob(t, w.s, "s", "", 1, w.clock.t, 500) // opens the shift
	w.till.Rouse()
	w.rest(t, time.Minute)
	w.reg().refuse = map[kkt.Kind]fault.Code{kkt.Failed: fault.PaperOut}
	id := addJob(t, w.s, "s", "", 2, w.clock.t, 500)
	w.till.Rouse()
	w.rest(t, time.Minute)
	if n := w.job(t, id).Attempts; n < failingAfter {
		t.Fatalf("%d attempts", n)
	}
	told(true)
	w.reboot(t) // the next worker takes it over
	w.rest(t, time.Second)
	told(true)
	w.reg().refuse = nil
	w.rest(t, 10*time.Minute)
	w.want(t, id, store.JobDone, "")
	told(false)
}
