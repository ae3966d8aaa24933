package till

import (
	"fmt"
	"time"

	"github.com/chekomat/chekomat/fiscal"
	"github.com/chekomat/chekomat/fiscal/fault"
	"github.com/chekomat/chekomat/fiscal/kkt"
	"github.com/chekomat/chekomat/hub/store"
)

// check says why a lane must not use the register it finds: its ФН is another
// seller's (54-FZ: a register serves the user it is registered to), a test one
// where a real one is expected or the reverse, of another FFD, or not in work.
func check(l store.Lane, u kkt.Unit) *kkt.Fault {
	found := func(code fault.Code, format string, args ...any) *kkt.Fault {
		f := fault.New(code, fmt.Sprintf(format, args...))
		return &f
	}
	r := u.Registration
	switch test := u.FN.Test || fiscal.TestFN(u.FN.Serial); {
	case u.FN.Serial == "":
		return found(fault.FNFailed, "the register names no ФН")
	case u.FN.Phase != 0 && u.FN.Phase != 3:
		return found(fault.FNClosed, "phase %d", u.FN.Phase)
	case r.INN != "" && r.INN != l.INN:
		return found(fault.SellerMismatch, "the register's ИНН is %s, the seller's %s", r.INN, l.INN)
	case test && !l.Test:
		return found(fault.TestMismatch, "ФН %s is a debug one, the lane is not for tests", u.FN.Serial)
	case !test && l.Test:
		return found(fault.TestMismatch, "ФН %s is a real one, the lane is for tests", u.FN.Serial)
	case r.FFD != 0 && r.FFD.String() != l.FFD:
		return found(FaultFFD, "registered for FFD %s, the lane says %s", r.FFD, l.FFD)
	}
	return nil
}

// Limits of the register watch. The law knows 24 h of a shift (art. 4.3) and
// 30 days of an unsent document (art. 4.1); the others are the house's (fn.md §6).
const (
	unsentWarn  = 15 * time.Minute
	unsentAlarm = 24 * time.Hour
	shiftAlarm  = 23*time.Hour + 50*time.Minute
	clockWarn   = time.Minute
	clockAlarm  = 4 * time.Minute // the ФН refuses from 5 minutes on
	endingWarn  = 30 * 24 * time.Hour
	endingAlarm = 3 * 24 * time.Hour
)

// watch lists what a person should know of a register.
func watch(zone *time.Location, now time.Time, u kkt.Unit) []store.LaneAlarm {
	var list []store.LaneAlarm
	add := func(severity store.Severity, code, format string, args ...any) {
		list = append(list, store.LaneAlarm{Code: code, Severity: severity, Detail: fmt.Sprintf(format, args...)})
	}
	clock := fiscal.Wall(now.In(zone))
	if off, known := clockOff(zone, now, u); known {
		switch {
		case clockBehind(u) >= clockWarn:
			add(store.Alarm, AlarmClockBack, "last document %s", u.FN.LastAt.Format(time.DateTime))
		case off.Abs() >= clockAlarm:
			add(store.Alarm, AlarmClock, "off by more than %s", clockAlarm)
		case off.Abs() >= clockWarn:
			add(store.Warn, AlarmClock, "off by more than %s", clockWarn)
		}
		clock = u.Clock
	}
	if u.FN.Unsent > 0 && !u.FN.UnsentAt.IsZero() {
		switch age := clock.Sub(u.FN.UnsentAt); {
		case age >= unsentAlarm:
			add(store.Alarm, AlarmUnsent, "%d documents, the first of %s", u.FN.Unsent, u.FN.UnsentAt.Format(time.DateTime))
		case age >= unsentWarn:
			add(store.Warn, AlarmUnsent, "%d documents, the first of %s", u.FN.Unsent, u.FN.UnsentAt.Format(time.DateTime))
		}
	}
	if u.FN.ShiftOpen && !u.FN.OpenedAt.IsZero() && clock.Sub(u.FN.OpenedAt) >= shiftAlarm {
		add(store.Alarm, AlarmShiftLong, "opened %s", u.FN.OpenedAt.Format(time.DateTime))
	}
	if !u.FN.ValidUntil.IsZero() {
		switch left := u.FN.ValidUntil.Sub(clock); {
		case left <= endingAlarm:
			add(store.Alarm, AlarmFNEnding, "valid until %s", u.FN.ValidUntil.Format(time.DateOnly))
		case left <= endingWarn:
			add(store.Warn, AlarmFNEnding, "valid until %s", u.FN.ValidUntil.Format(time.DateOnly))
		}
	}
	for _, flag := range []struct {
		bit      kkt.Warnings
		severity store.Severity
		code     fault.Code
	}{
		{kkt.ReplaceNow, store.Alarm, fault.FNReplaceNow}, {kkt.ReplaceSoon, store.Warn, fault.FNReplaceSoon},
		{kkt.ArchiveFull, store.Warn, fault.FNArchive90}, {kkt.OFDSilent, store.Alarm, fault.OFDSilent},
		{kkt.FNCritical, store.Alarm, fault.FNFailed},
	} {
		if u.FN.Warnings&flag.bit != 0 {
			add(flag.severity, string(flag.code), "ФН %s", u.FN.Serial)
		}
	}
	for _, f := range u.Faults {
		if !listed(list, string(f.Code)) {
			add(store.Warn, string(f.Code), "%s", f.Error())
		}
	}
	return list
}

func listed(list []store.LaneAlarm, code string) bool {
	for _, a := range list {
		if a.Code == code {
			return true
		}
	}
	return false
}
