package till

import (
	"testing"
	"time"

	"github.com/chekomat/chekomat/fiscal"
	"github.com/chekomat/chekomat/fiscal/fault"
	"github.com/chekomat/chekomat/fiscal/kkt"
	"github.com/chekomat/chekomat/hub/outlook"
	"github.com/chekomat/chekomat/hub/store"
)

func TestWatch(t *testing.T) {
	zone := time.FixedZone("MSK", 3*3600)
	wall := fiscal.Wall(noon.In(zone))
	good := func() kkt.Unit {
		return kkt.Unit{Serial: "u", Clock: wall, FN: kkt.FNState{Serial: "1", ShiftOpen: true, OpenedAt: wall.Add(-time.Hour), ValidUntil: wall.AddDate(1, 0, 0)}}
	}
	for name, c := range map[string]struct {
		change   func(*kkt.Unit)
		code     string
		severity store.Severity
	}{
		"well":           {func(*kkt.Unit) {}, "", ""},
		"unsent, fresh":  {func(u *kkt.Unit) { u.FN.Unsent, u.FN.UnsentAt = 1, wall.Add(-time.Minute) }, "", ""},
		"unsent":         {func(u *kkt.Unit) { u.FN.Unsent, u.FN.UnsentAt = 1, wall.Add(-15*time.Minute) }, AlarmUnsent, store.Warn},
		"unsent long":    {func(u *kkt.Unit) { u.FN.Unsent, u.FN.UnsentAt = 1, wall.Add(-24*time.Hour) }, AlarmUnsent, store.Alarm},
		"sent, old date": {func(u *kkt.Unit) { u.FN.UnsentAt = wall.Add(-24 * time.Hour) }, "", ""},
		"shift":          {func(u *kkt.Unit) { u.FN.OpenedAt = wall.Add(-23*time.Hour - 50*time.Minute) }, AlarmShiftLong, store.Alarm},
		"clock":          {func(u *kkt.Unit) { u.Clock = wall.Add(-time.Minute) }, AlarmClock, store.Warn},
		"clock far":      {func(u *kkt.Unit) { u.Clock = wall.Add(time.Hour) }, AlarmClock, store.Alarm},
		"clock put back": {func(u *kkt.Unit) { u.FN.LastAt = wall.Add(time.Minute) }, AlarmClockBack, store.Alarm},
		"ending":         {func(u *kkt.Unit) { u.FN.ValidUntil = wall.AddDate(0, 0, 20) }, AlarmFNEnding, store.Warn},
		"ended":          {func(u *kkt.Unit) { u.FN.ValidUntil = wall.AddDate(0, 0, -1) }, AlarmFNEnding, store.Alarm},
		"filling":        {func(u *kkt.Unit) { u.FN.LastFD = 230_000 }, string(outlook.Documents), store.Warn},
		"replace":        {func(u *kkt.Unit) { u.FN.Warnings = kkt.ReplaceNow }, string(fault.FNReplaceNow), store.Alarm},
		"archive":        {func(u *kkt.Unit) { u.FN.Warnings = kkt.ArchiveFull }, string(fault.FNArchive90), store.Warn},
		"ofd":            {func(u *kkt.Unit) { u.FN.Warnings = kkt.OFDSilent }, string(fault.OFDSilent), store.Alarm},
		"paper":          {func(u *kkt.Unit) { u.Faults = []kkt.Fault{fault.New(fault.PaperOut, "")} }, string(fault.PaperOut), store.Warn},
		"said twice": {func(u *kkt.Unit) {
			u.FN.Warnings, u.Faults = kkt.OFDSilent, []kkt.Fault{fault.New(fault.OFDSilent, "")}
		}, string(fault.OFDSilent), store.Alarm},
		"nothing known": {func(u *kkt.Unit) { *u = kkt.Unit{} }, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			u := good()
			c.change(&u)
			list := watch(zone, noon, u, nil)
			switch {
			case c.code == "" && len(list) == 0:
			case len(list) == 1 && list[0].Code == c.code && list[0].Severity == c.severity:
			default:
				t.Errorf("%+v", list)
			}
		})
	}
}

func TestCheckRefusesTheWrongRegister(t *testing.T) {
	lane := store.Lane{INN: "7701237658", FFD: "1.2"}
	for name, c := range map[string]struct {
		change func(*store.Lane, *kkt.Unit)
		want   fault.Code
	}{
		"right":          {func(*store.Lane, *kkt.Unit) {}, ""},
		"another seller": {func(_ *store.Lane, u *kkt.Unit) { u.Registration.INN = "7700999990" }, fault.SellerMismatch},
		"ИНН not said":   {func(_ *store.Lane, u *kkt.Unit) { u.Registration.INN = "" }, ""},
		"debug ФН":       {func(_ *store.Lane, u *kkt.Unit) { u.FN.Serial = "9999000000000001" }, fault.TestMismatch},
		"real ФН":        {func(l *store.Lane, _ *kkt.Unit) { l.Test = true }, fault.TestMismatch},
		"FFD":            {func(_ *store.Lane, u *kkt.Unit) { u.Registration.FFD = kkt.FFD105 }, FaultFFD},
		"closed":         {func(_ *store.Lane, u *kkt.Unit) { u.FN.Phase = 7 }, fault.FNClosed},
		"no ФН":          {func(_ *store.Lane, u *kkt.Unit) { u.FN.Serial = "" }, fault.FNFailed},
	} {
		t.Run(name, func(t *testing.T) {
			l := lane
			u := kkt.Unit{FN: kkt.FNState{Serial: "7380000000000001", Phase: 3}, Registration: kkt.Registration{INN: "7701237658", FFD: kkt.FFD12}}
			c.change(&l, &u)
			f := check(l, u)
			if c.want == "" && f != nil || c.want != "" && (f == nil || f.Code != c.want) {
				t.Errorf("%+v, want %s", f, c.want)
			}
		})
	}
}

func TestAlarmsFollowTheLane(t *testing.T) {
	var a alarms
	a.adopt(noon, []store.LaneAlarm{{Code: "left_by_a_former_worker"}})
	down := Status{Unreachable, fault.Unreachable, "no route"}
	if raise, clear := a.diff(noon.Add(patience-1), down, noon, false); len(raise) != 0 || len(clear) != 1 {
		t.Errorf("too soon: %v %v", raise, clear)
	}
	a.stored(nil, []string{"left_by_a_former_worker"})
	raise, clear := a.diff(noon.Add(patience), down, noon, false)
	if len(raise) != 1 || raise[0].Code != string(fault.Unreachable) || raise[0].Severity != store.Alarm || len(clear) != 0 {
		t.Errorf("%v %v", raise, clear)
	}
	a.stored(raise, clear)
	if raise, clear := a.diff(noon.Add(time.Minute), down, noon, false); len(raise)+len(clear) != 0 {
		t.Errorf("said again: %v %v", raise, clear)
	}
	raise, clear = a.diff(noon.Add(time.Minute), Status{State: OK}, time.Time{}, false)
	if len(raise) != 0 || len(clear) != 1 {
		t.Errorf("%v %v", raise, clear)
	}
}

// TestWhenATroubleBecomesAnIncident: who must go to the register is called at
// once, what may pass by itself has some seconds to do so.
func TestWhenATroubleBecomesAnIncident(t *testing.T) {
	for name, c := range map[string]struct {
		s       Status
		stopped bool
		after   time.Duration // -1: never
	}{
		"paper":          {Status{State: Busy, Fault: fault.PaperOut}, false, 0},
		"cover":          {Status{State: Busy, Fault: fault.CoverOpen}, false, 0},
		"stands":         {Status{State: Manual, Fault: fault.KeyTwice}, true, 0},
		"password":       {Status{State: Config, Fault: fault.WrongPassword}, false, 0},
		"busy":           {Status{State: Busy, Fault: fault.Busy}, false, patience},
		"away":           {Status{State: Unreachable, Fault: fault.NoAnswer}, false, patience},
		"unknown":        {Status{State: Ambiguous, Fault: fault.NoAnswer}, false, patienceUnknown},
		"archive":        {Status{State: Ambiguous, Fault: fault.DocumentUnread}, false, patienceUnknown},
		"well":           {Status{State: OK}, false, -1},
		"another's lane": {Status{State: Starting, Fault: FaultLeased}, false, -1},
	} {
		at := due(c.s, noon, c.stopped)
		if c.after < 0 && !at.IsZero() || c.after >= 0 && !at.Equal(noon.Add(c.after)) {
			t.Errorf("%s: at %s", name, at)
		}
	}
}

func TestWhatHappenedStaysADay(t *testing.T) {
	var a alarms
	a.adopt(noon, []store.LaneAlarm{{Code: AlarmForeign, Severity: store.Warn, Detail: "ФД 7"}})
	if raise, clear := a.diff(noon, Status{State: OK}, time.Time{}, false); len(raise)+len(clear) != 0 {
		t.Errorf("a restart closes it: %v %v", raise, clear)
	}
	if _, clear := a.diff(noon.Add(stayFor+time.Second), Status{State: OK}, time.Time{}, false); len(clear) != 1 {
		t.Errorf("it never ends: %v", clear)
	}
}
