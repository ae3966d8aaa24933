package till

import (
	"fmt"
	"time"

	"github.com/chekomat/chekomat/fiscal"
	"github.com/chekomat/chekomat/fiscal/fault"
	"github.com/chekomat/chekomat/fiscal/kkt"
	"github.com/chekomat/chekomat/hub/outlook"
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

// clockAlarm is by how much a register's clock may be off before it must be set.
const clockAlarm = outlook.ClockAlarm

// watch lists what a person should know of a register: the decision is the
// outlook's.
func watch(zone *time.Location, now time.Time, u kkt.Unit, readings []outlook.Reading) (list []store.LaneAlarm) {
	for _, i := range outlook.Of(now, timed(zone, now, u), readings).Incidents(fiscal.Wall(now.In(zone)), u) {
		severity := store.Warn
		if i.Level == outlook.Alarm {
			severity = store.Alarm
		}
		list = append(list, store.LaneAlarm{Code: i.Code, Severity: severity, Detail: i.Detail})
	}
	return list
}

// avoided says whether sales should go to other lanes while they can.
func avoided(zone *time.Location, now time.Time, u kkt.Unit) bool {
	return outlook.Avoid(now, timed(zone, now, u))
}

// timed is a register that tells no clock of its own, with the time it should show.
func timed(zone *time.Location, now time.Time, u kkt.Unit) kkt.Unit {
	if u.Clock.IsZero() {
		u.Clock = fiscal.Wall(now.In(zone))
	}
	return u
}
