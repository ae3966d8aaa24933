package till

import (
	"errors"
	"testing"
	"time"

	"github.com/chekomat/chekomat/fiscal"
	"github.com/chekomat/chekomat/fiscal/fault"
	"github.com/chekomat/chekomat/fiscal/kkt"
	"pgregory.net/rapid"
)

var noon = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)

// ready5 is a lane that knows ФН "9999", document 5, an open shift, and rests.
func ready5(t testing.TB) *lane {
	t.Helper()
	l := aLane(Rules{CloseAfter: 23*time.Hour + 30*time.Minute, PollEvery: 30 * time.Second, Zone: time.UTC})
	u := kkt.Unit{Serial: "u", Clock: noon, FN: kkt.FNState{Serial: "9999", Phase: 3, LastFD: 5, Shift: 1, ShiftOpen: true, OpenedAt: noon.Add(-time.Hour)}}
	feed(t, l, started{}, takeLane{})
	feed(t, l, leased{}, loadOpen{})
	feed(t, l, loaded{}, poll{})
	feed(t, l, polled{Unit: &u, Known: 5}, loadOpen{FN: "9999"})
	feed(t, l, loaded{}, ready{})
	base := kkt.Baseline{FN: "9999", FD: 5, Shift: 1, ShiftOpen: true, Receipts: 3}
	feed(t, l, readied{Base: base}, siblings{})
	feed(t, l, allowed{Yes: true}, pick{Base: base})
	return l
}

func aLane(r Rules) *lane {
	l := newLane(r)
	return &l
}

// feed steps the lane and wants an action.
func feed(t testing.TB, l *lane, ev event, want action) {
	t.Helper()
	if got := l.Step(noon, ev); got != want {
		t.Fatalf("%T %+v gives %T %+v, want %T %+v", ev, ev, got, got, want, want)
	}
}

func flying(t testing.TB) *lane {
	t.Helper()
	l := ready5(t)
	feed(t, l, began{Open: open{Kind: fiscal.KindReceipt, Amount: 100, Base: l.base, Since: noon, Attempts: 1}}, submit{})
	return l
}

func receipt(fd uint32) *fiscal.Receipt {
	return &fiscal.Receipt{Kind: fiscal.KindReceipt, FN: "9999", FD: fd, Shift: 1, Total: 100, Operation: fiscal.Sell}
}

func TestDoneLeadsToTheNextWithoutAsking(t *testing.T) {
	l := flying(t)
	o := kkt.Outcome{Kind: kkt.Done, Receipt: receipt(6)}
	a, ok := l.Step(noon, answered{o}).(finish)
	want := kkt.Baseline{FN: "9999", FD: 6, Shift: 1, ShiftOpen: true, Receipts: 4}
	if !ok || a.Next == nil || *a.Next != want {
		t.Fatalf("%+v", a)
	}
	feed(t, l, finished{Next: &open{Kind: fiscal.KindReceipt, Amount: 100, Base: want}}, submit{})
	a, ok = l.Step(noon, answered{kkt.Outcome{Kind: kkt.Done, Receipt: receipt(7)}}).(finish)
	if !ok || a.Next == nil || a.Next.FD != 7 || a.Next.Receipts != 5 {
		t.Fatalf("%+v", a)
	}
	feed(t, l, finished{}, pick{Base: *a.Next})
}

func TestOutcomesOfASubmit(t *testing.T) {
	bad := func(k kkt.Kind, c fault.Code, after time.Duration) kkt.Outcome {
		f := fault.New(c, "")
		return kkt.Outcome{Kind: k, Fault: &f, After: after}
	}
	for name, c := range map[string]struct {
		out   kkt.Outcome
		first string // the action that stores it
		then  action // after it is stored; nil: see state
		state State
	}{
		"rejected":           {bad(kkt.Rejected, fault.TagRefused, 0), "hold", ready{}, OK},
		"failed":             {bad(kkt.Failed, fault.PaperOut, 0), "back", wait{Until: noon.Add(100 * time.Millisecond)}, Busy},
		"failed, full":       {bad(kkt.Failed, fault.FNFull, 0), "back", wait{Until: noon.Add(time.Second)}, FNFull},
		"failed, life over":  {bad(kkt.Failed, fault.FNExpired, 0), "back", wait{Until: noon.Add(recheck)}, FNLifeOver},
		"retry":              {bad(kkt.Retry, fault.Busy, 3*time.Second), "back", wait{Until: noon.Add(3 * time.Second)}, Busy},
		"baseline moved":     {bad(kkt.Retry, fault.BaselineMoved, 0), "back", ready{}, OK},
		"shift expired":      {bad(kkt.Retry, fault.ShiftExpired, 0), "back", wait{Until: noon.Add(100 * time.Millisecond)}, Shift},
		"no route":           {bad(kkt.Retry, fault.Unreachable, 0), "back", wait{Until: noon.Add(100 * time.Millisecond)}, Unreachable},
		"token":              {bad(kkt.AuthExpired, fault.WrongPassword, 0), "back", wait{Until: noon.Add(100 * time.Millisecond)}, Config},
		"config":             {bad(kkt.Config, fault.TagRefused, 0), "back", halt{}, Config},
		"config, no fault":   {kkt.Outcome{Kind: kkt.Config}, "back", halt{}, Config},
		"ambiguous":          {bad(kkt.Ambiguous, fault.NoAnswer, 0), "resolve", settle{}, OK},
		"accepted":           {kkt.Outcome{Kind: kkt.Accepted, Ref: "r", After: time.Second}, "resolve", wait{Until: noon.Add(time.Second)}, OK},
		"pending":            {kkt.Outcome{Kind: kkt.Pending}, "resolve", wait{Until: noon.Add(200 * time.Millisecond)}, OK},
		"duplicate":          {kkt.Outcome{Kind: kkt.Duplicate}, "resolve", wait{Until: noon.Add(200 * time.Millisecond)}, OK},
		"done without":       {kkt.Outcome{Kind: kkt.Done}, "resolve", settle{}, OK},
		"done of another ФН": {kkt.Outcome{Kind: kkt.Done, Receipt: &fiscal.Receipt{FN: "8888", FD: 6, Total: 100}}, "resolve", settle{}, OK},
		"done before":        {kkt.Outcome{Kind: kkt.Done, Receipt: receipt(5)}, "resolve", settle{}, OK},
	} {
		t.Run(name, func(t *testing.T) {
			l := flying(t)
			a := l.Step(noon, answered{c.out})
			var stored event
			switch x := a.(type) {
			case giveBack:
				want := map[bool]string{true: "hold", false: "back"}[x.Hold]
				if c.first != want {
					t.Fatalf("%+v, want %s", a, c.first)
				}
				stored = gaveBack{}
			case resolving:
				if c.first != "resolve" {
					t.Fatalf("%+v, want %s", a, c.first)
				}
				stored = marked{}
			default:
				t.Fatalf("%T", a)
			}
			if got := l.Step(noon, stored); got != c.then {
				t.Errorf("then %T %+v, want %T %+v", got, got, c.then, c.then)
			}
			if l.status.State != c.state {
				t.Errorf("state %+v, want %s", l.status, c.state)
			}
		})
	}
}

func TestDoneWithAFaultStopsTheLaneAfterStoring(t *testing.T) {
	for name, o := range map[string]kkt.Outcome{
		"by the driver": {Kind: kkt.Done, Receipt: receipt(6), Fault: &kkt.Fault{Code: fault.WrongMachine}},
		"by the sum":    {Kind: kkt.Done, Receipt: &fiscal.Receipt{FN: "9999", FD: 6, Shift: 1, Total: 99}},
	} {
		t.Run(name, func(t *testing.T) {
			l := flying(t)
			a, ok := l.Step(noon, answered{o}).(finish)
			if !ok || a.Next != nil || a.Outcome.Fault == nil {
				t.Fatalf("%+v", a)
			}
			feed(t, l, finished{}, halt{})
			if l.status.State != Manual {
				t.Errorf("%+v", l.status)
			}
		})
	}
}

func unsettled(t testing.TB) *lane {
	t.Helper()
	l := flying(t)
	if _, ok := l.Step(noon, answered{kkt.Outcome{Kind: kkt.Ambiguous}}).(resolving); !ok {
		t.Fatal("not resolving")
	}
	feed(t, l, marked{}, settle{})
	return l
}

func TestSettling(t *testing.T) {
	asked := func(k kkt.Kind, c fault.Code) kkt.Outcome {
		f := fault.New(c, "")
		return kkt.Outcome{Kind: k, Fault: &f}
	}
	for name, c := range map[string]struct {
		out  kkt.Outcome
		want string
	}{
		"still unknown":    {asked(kkt.Ambiguous, fault.NoAnswer), "wait"},
		"could not ask":    {asked(kkt.Retry, fault.Unreachable), "wait"},
		"token":            {asked(kkt.AuthExpired, fault.WrongPassword), "wait"},
		"settings":         {asked(kkt.Config, fault.WrongPassword), "wait"},
		"pending":          {kkt.Outcome{Kind: kkt.Pending}, "wait"},
		"not made":         {asked(kkt.Failed, fault.NotMade), "back"},
		"refused":          {asked(kkt.Rejected, fault.ItemNameBad), "back"},
		"made":             {kkt.Outcome{Kind: kkt.Done, Receipt: receipt(9)}, "finish"},
		"another ФН":       {asked(kkt.Ambiguous, fault.FNReplaced), "park"},
		"twice":            {asked(kkt.Ambiguous, fault.KeyTwice), "halt"},
		"rolled back":      {asked(kkt.Ambiguous, fault.FNRolledBack), "halt"},
		"other wire":       {asked(kkt.Ambiguous, fault.WireUnknown), "halt"},
		"archive unread":   {asked(kkt.Ambiguous, fault.DocumentUnread), "wait"},
		"made by a ghost":  {kkt.Outcome{Kind: kkt.Done, Receipt: receipt(4)}, "halt"},
		"made, no receipt": {kkt.Outcome{Kind: kkt.Done}, "halt"},
	} {
		t.Run(name, func(t *testing.T) {
			l := unsettled(t)
			a := l.Step(noon, answered{c.out})
			got := map[bool]string{}
			switch a := a.(type) {
			case wait:
				got[true] = "wait"
				if l.then != (settle{}) || l.open == nil || l.status.State != Ambiguous {
					t.Errorf("then %T, open %v, %+v", l.then, l.open, l.status)
				}
			case giveBack:
				got[true] = "back"
			case finish:
				got[true] = "finish"
				if a.Next != nil {
					t.Error("a settled attempt must not lead straight to another")
				}
			case park:
				got[true] = "park"
			case halt:
				got[true] = "halt"
			}
			if got[true] != c.want {
				t.Errorf("%T %+v, want %s", a, a, c.want)
			}
		})
	}
}

// TestNothingIsSentWhileUnknown: whatever answers come, an undecided attempt is
// followed by nothing but questions about it.
func TestNothingIsSentWhileUnknown(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		l := unsettled(t)
		now := noon
		for range 30 {
			kind := rapid.SampledFrom([]kkt.Kind{kkt.Accepted, kkt.Pending, kkt.Duplicate, kkt.Retry, kkt.AuthExpired, kkt.Config, kkt.Ambiguous}).Draw(r, "kind")
			f := fault.New(rapid.SampledFrom([]fault.Code{fault.NoAnswer, fault.Busy, fault.FNFailed, fault.DocumentUnread, fault.FNFull}).Draw(r, "fault"), "")
			a := l.Step(now, answered{kkt.Outcome{Kind: kind, Fault: &f}})
			w, ok := a.(wait)
			if !ok || w.Idle {
				r.Fatalf("%T %+v", a, a)
			}
			if a := l.Step(now, woken{}); a != w {
				r.Fatalf("woken early: %T %+v", a, a)
			}
			now = w.Until
			if a := l.Step(now, woken{}); a != (settle{}) {
				r.Fatalf("%T %+v", a, a)
			}
		}
	})
}

func TestShiftIsOpenedForWorkAndClosedInTime(t *testing.T) {
	l := ready5(t)
	l.base.ShiftOpen = false
	feed(t, l, work{}, shift{Base: l.base, Kind: fiscal.KindShiftOpen})
	feed(t, l, began{Open: open{Kind: fiscal.KindShiftOpen, Base: l.base}}, submit{})
	o := kkt.Outcome{Kind: kkt.Done, Receipt: &fiscal.Receipt{Kind: fiscal.KindShiftOpen, FN: "9999", FD: 6, Shift: 2}}
	a, ok := l.Step(noon, answered{o}).(finish)
	if !ok || a.Next == nil || !a.Next.ShiftOpen || a.Next.Shift != 2 || a.Next.Receipts != 0 {
		t.Fatalf("%+v", a)
	}
	feed(t, l, finished{}, pick{Base: *a.Next})
	if !l.openedAt.Equal(noon) {
		t.Errorf("opened at %s", l.openedAt)
	}
	latest := noon.Add(23*time.Hour + 30*time.Minute)
	if _, at := l.closeWindow(); !at.Equal(latest) {
		t.Errorf("closes at %s", at)
	}
	l.polledAt = latest
	if a := l.next(latest); a != (shift{Base: l.base, Kind: fiscal.KindShiftClose}) {
		t.Errorf("%T %+v", a, a)
	}
	l.Step(noon, began{Open: open{Kind: fiscal.KindShiftClose, Base: l.base}})
	o = kkt.Outcome{Kind: kkt.Done, Receipt: &fiscal.Receipt{Kind: fiscal.KindShiftClose, FN: "9999", FD: 7, Shift: 2}}
	if a, ok := l.Step(noon, answered{o}).(finish); !ok || a.Next != nil {
		t.Fatalf("%+v", a)
	}
	if a, ok := l.Step(noon, finished{}).(pick); !ok || !a.Peek || a.Base.ShiftOpen {
		t.Errorf("%+v", a)
	}
}

func TestExpiredShiftIsClosedFirst(t *testing.T) {
	l := ready5(t)
	l.based = false
	base := l.base
	base.Expired = true
	feed(t, l, readied{Base: base}, shift{Base: base, Kind: fiscal.KindShiftClose})
}

func TestDocumentsBetweenAreLookedAtBeforeAnythingIsSent(t *testing.T) {
	l := ready5(t)
	l.based = false
	base := l.base
	base.FD = 8
	feed(t, l, readied{Base: base}, take{FN: "9999", FD: 6, Next: true})
	feed(t, l, took{}, take{FN: "9999", FD: 7, Next: true})
	feed(t, l, took{Err: errors.New("no answer")}, wait{Until: noon.Add(time.Second)})
	if a := l.Step(noon.Add(time.Second), woken{}); a != (take{FN: "9999", FD: 7, Next: true}) {
		t.Fatalf("%T %+v", a, a)
	}
	feed(t, l, took{}, ready{}) // the trouble made the baseline old
	feed(t, l, readied{Base: base}, take{FN: "9999", FD: 8, Next: true})
	feed(t, l, took{Fault: &kkt.Fault{Code: FaultDoubled}}, halt{})
	if l.status.State != Manual {
		t.Errorf("%+v", l.status)
	}
}

func TestFirstLookWalksBackUntilOursEnd(t *testing.T) {
	l := ready5(t)
	l.based, l.known = false, 0
	base := l.base
	base.FD = 200
	feed(t, l, readied{Base: base}, take{FN: "9999", FD: 200})
	fd := uint32(200)
	for range 30 { // ours
		fd--
		feed(t, l, took{Ours: true}, take{FN: "9999", FD: fd})
	}
	for range walkBack - 1 {
		fd--
		feed(t, l, took{}, take{FN: "9999", FD: fd})
	}
	feed(t, l, took{}, account{FN: "9999", FD: 200})
	feed(t, l, accounted{}, pick{Base: base})
	if l.known != 200 {
		t.Errorf("known %d", l.known)
	}
}

func TestRegisterRolledBackStops(t *testing.T) {
	l := ready5(t)
	l.based = false
	base := l.base
	base.FD = 4
	feed(t, l, readied{Base: base}, halt{})
	if l.status.Fault != fault.FNRolledBack || l.status.State != Manual {
		t.Errorf("%+v", l.status)
	}
}

func TestFullFNGoesOnWhenTheQueueShrinksOrTheFNIsReplaced(t *testing.T) {
	full := func() *lane {
		l := flying(t)
		f := fault.New(fault.FNUnsent, "")
		l.Step(noon, answered{kkt.Outcome{Kind: kkt.Failed, Fault: &f}})
		l.Step(noon, gaveBack{})
		if a := l.Step(noon.Add(recheck), woken{}); a != (poll{}) || l.status.State != FNFull {
			t.Fatalf("%T %+v", a, l.status)
		}
		return l
	}
	u := kkt.Unit{FN: kkt.FNState{Serial: "9999", LastFD: 5, Unsent: 100}}
	l := full()
	if a, ok := l.Step(noon, polled{Unit: &u, Known: 5}).(wait); !ok || l.status.State != FNFull {
		t.Errorf("%+v %+v", a, l.status)
	}
	u.FN.Unsent = 3
	feed(t, l, polled{Unit: &u, Known: 5}, ready{})
	l = full()
	u = kkt.Unit{FN: kkt.FNState{Serial: "9998", LastFD: 1, Unsent: 100}}
	feed(t, l, polled{Unit: &u, Known: 0}, loadOpen{FN: "9998"})
}

func TestStoreFailureGoesBackToTheStart(t *testing.T) {
	l := flying(t)
	l.Step(noon, answered{kkt.Outcome{Kind: kkt.Done, Receipt: receipt(6)}})
	w, ok := l.Step(noon, storeFailed{errors.New("disk full")}).(wait)
	if !ok || l.open != nil || l.based {
		t.Fatalf("%+v %+v", w, l)
	}
	if a := l.Step(w.Until, woken{}); a != (takeLane{}) {
		t.Errorf("%T", a)
	}
	feed(t, l, leased{}, loadOpen{})
	feed(t, l, loaded{Open: &open{Kind: fiscal.KindReceipt, Amount: 100, Base: kkt.Baseline{FN: "9999", FD: 5}}}, settle{})
}

func TestIdleLaneIsWokenEarlyABackingOffOneIsNot(t *testing.T) {
	l := ready5(t)
	feed(t, l, none{}, wait{Until: noon.Add(30 * time.Second), Idle: true})
	feed(t, l, woken{}, pick{Base: l.base})
	l.based = false
	w := l.Step(noon, readied{Err: &kkt.Problem{Kind: kkt.Retry, Fault: fault.New(fault.Unreachable, "")}})
	feed(t, l, woken{}, w)
}

// TestCloudLane: no single register, so no ФД are counted and no shifts kept.
func TestCloudLane(t *testing.T) {
	l := aLane(Rules{CloseAfter: time.Hour, PollEvery: time.Minute, Zone: time.UTC, InFlight: 1})
	l.Step(noon, started{})
	feed(t, l, leased{}, loadOpen{})
	feed(t, l, loaded{}, poll{})
	feed(t, l, polled{}, siblings{})
	feed(t, l, allowed{Yes: true}, pick{})
	feed(t, l, began{Open: open{ID: 7, Kind: fiscal.KindReceipt, Amount: 100}}, submit{})
	if a, ok := l.Step(noon, answered{kkt.Outcome{Kind: kkt.Accepted, Ref: "x", After: time.Second}}).(resolving); !ok || !a.Aside {
		t.Fatalf("%+v", a)
	}
	feed(t, l, marked{}, wait{Until: noon.Add(time.Second)}) // no more than one in flight
	if a := l.Step(noon.Add(time.Second), woken{}); a != (settle{ID: 7}) {
		t.Fatalf("%T %+v", a, a)
	}
	if a, ok := l.Step(noon.Add(time.Second), answered{kkt.Outcome{Kind: kkt.Done, Receipt: receipt(77)}}).(finish); !ok || a.Next != nil {
		t.Fatalf("%+v", a)
	}
	feed(t, l, finished{}, pick{})
}

// TestCloudLaneHasSeveralInFlight: an attempt whose outcome is waited for holds
// its job; the lane takes others up to its limit, and asks for each in its time.
func TestCloudLaneHasSeveralInFlight(t *testing.T) {
	l := aLane(Rules{CloseAfter: time.Hour, PollEvery: time.Minute, Zone: time.UTC, InFlight: 2})
	l.Step(noon, started{})
	feed(t, l, leased{}, loadOpen{})
	feed(t, l, loaded{Aside: []open{{ID: 1, Kind: fiscal.KindReceipt, Amount: 100, Aside: true}}}, poll{})
	feed(t, l, polled{}, siblings{})
	feed(t, l, allowed{Yes: true}, settle{ID: 1}) // left by the last run: asked for at once
	f := fault.New(fault.NoAnswer, "")
	feed(t, l, answered{kkt.Outcome{Kind: kkt.Ambiguous, Fault: &f}}, pick{})
	if l.status.State != OK {
		t.Errorf("an undecided attempt of a cloud stops the lane: %+v", l.status)
	}
	feed(t, l, began{Open: open{ID: 2, Kind: fiscal.KindReceipt, Amount: 100}}, submit{})
	if a, ok := l.Step(noon, answered{kkt.Outcome{Kind: kkt.Duplicate}}).(resolving); !ok || !a.Aside {
		t.Fatalf("%+v", a)
	}
	w, ok := l.Step(noon, marked{}).(wait)
	if !ok || w.Idle || !w.Until.Equal(noon.Add(200*time.Millisecond)) {
		t.Fatalf("%+v", w)
	}
	for _, id := range []int64{1, 2} {
		if a := l.Step(w.Until, woken{}); id == 1 && a != (settle{ID: 1}) {
			t.Fatalf("%T %+v", a, a)
		}
		if a, ok := l.Step(w.Until, answered{kkt.Outcome{Kind: kkt.Done, Receipt: receipt(uint32(70 + id))}}).(finish); !ok {
			t.Fatalf("%+v", a)
		}
		if a := l.Step(w.Until, finished{}); id == 1 && a != (settle{ID: 2}) || id == 2 && a != (pick{}) {
			t.Fatalf("%T %+v", a, a)
		}
	}
	// Of an attempt that was not taken nothing is waited for.
	feed(t, l, began{Open: open{ID: 3, Kind: fiscal.KindReceipt, Amount: 100}}, submit{})
	token := fault.New(fault.WrongPassword, "")
	if _, ok := l.Step(w.Until, answered{kkt.Outcome{Kind: kkt.AuthExpired, Fault: &token}}).(giveBack); !ok || len(l.aside) != 0 {
		t.Fatal("not given back")
	}
}
