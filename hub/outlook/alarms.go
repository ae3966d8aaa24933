package outlook

import (
	"fmt"
	"time"

	"github.com/chekomat/chekomat/fiscal/fault"
	"github.com/chekomat/chekomat/fiscal/kkt"
)

// Limits of the register's clock.
const (
	clockWarn  = time.Minute
	ClockAlarm = 4 * time.Minute // the ФН refuses from 5 minutes on (fn.md §4)
)

// Incident is what a person should know of a register now.
type Incident struct {
	Code   string // a finding's, or of package fault
	Level  Level
	Detail string // says the same while nothing changes
}

// Incidents lists what a look at a register raises: findings that warn, the
// ФН's flags, faults that the register tells, a clock that is off. wall is the
// time its clock should show. Each code stands once.
func (o Outlook) Incidents(wall time.Time, u kkt.Unit) (list []Incident) {
	add := func(level Level, code, format string, args ...any) {
		for _, i := range list {
			if i.Code == code {
				return
			}
		}
		list = append(list, Incident{code, level, fmt.Sprintf(format, args...)})
	}
	if !u.Clock.IsZero() {
		switch off := u.Clock.Sub(wall).Abs(); {
		case !u.FN.LastAt.IsZero() && u.FN.LastAt.Sub(u.Clock) >= clockWarn:
			add(Alarm, string(ClockBack), "last document %s", u.FN.LastAt.Format(time.DateTime))
		case off >= ClockAlarm:
			add(Alarm, string(Clock), "off by more than %s", ClockAlarm)
		case off >= clockWarn:
			add(Warn, string(Clock), "off by more than %s", clockWarn)
		}
	}
	for _, f := range o.Findings {
		if f.Level == Fine || f.Left < 0 { // what the register only hints at is said by its flags
			continue
		}
		switch f.What {
		case Keys:
			if u.FN.Warnings&kkt.ReplaceNow != 0 || f.Level == Warn && u.FN.Warnings&kkt.ReplaceSoon != 0 {
				continue // its flag says it
			}
			if u.FN.ValidUntil.IsZero() {
				add(f.Level, string(Keys), "ФН %s: %d days", u.FN.Serial, f.Left)
			} else {
				add(f.Level, string(Keys), "valid until %s", u.FN.ValidUntil.Format(time.DateOnly))
			}
		case Documents:
			if f.Level == Warn && u.FN.Warnings&kkt.ArchiveFull != 0 {
				continue
			}
			add(f.Level, string(Documents), "ФН %s: %s", u.FN.Serial, f.full())
		case Memory:
			add(f.Level, string(Memory), "ФН %s", u.FN.Serial)
		case Unsent:
			add(f.Level, string(Unsent), "%d documents, the first of %s", u.FN.Unsent, u.FN.UnsentAt.Format(time.DateTime))
		case OFD:
			add(f.Level, string(OFD), "since %s", u.FN.ConfirmedAt.Format(time.DateTime))
		case Shift:
			add(f.Level, string(Shift), "opened %s", u.FN.OpenedAt.Format(time.DateTime))
		case MarkingKeys:
			add(f.Level, string(MarkingKeys), "of %s", u.FN.MarkingKeys.Format(time.DateOnly))
		case Clock, ClockBack:
		}
	}
	for _, flag := range []struct {
		bit   kkt.Warnings
		level Level
		code  fault.Code
	}{
		{kkt.ReplaceNow, Alarm, fault.FNReplaceNow}, {kkt.ReplaceSoon, Warn, fault.FNReplaceSoon},
		{kkt.ArchiveFull, Warn, fault.FNArchive90}, {kkt.OFDSilent, Alarm, fault.OFDSilent},
		{kkt.FNCritical, Alarm, fault.FNFailed},
	} {
		if u.FN.Warnings&flag.bit != 0 {
			add(flag.level, string(flag.code), "ФН %s", u.FN.Serial)
		}
	}
	for _, f := range u.Faults {
		add(Warn, string(f.Code), "%s", f.Error())
	}
	return list
}

// full says when the archive is full, or how much room is left, in steps coarse
// enough not to change with each document.
func (f Finding) full() string {
	switch step := int64(1000); {
	case f.Left == 0:
		return "full"
	case f.Paced:
		return "full about " + f.Stops.Format(time.DateOnly)
	case f.Left < step:
		return fmt.Sprintf("fewer than %d documents", step)
	default:
		return fmt.Sprintf("fewer than %d documents", (f.Left/step+1)*step)
	}
}

// Avoid says that sales should go to another register while one can take them:
// the oldest document has waited for the OFD longer than StopRouting, and at 30
// days the law blocks the ФН.
func Avoid(now time.Time, u kkt.Unit) bool {
	clock := u.Clock
	if clock.IsZero() {
		clock = now
	}
	return u.FN.Silence(clock) >= StopRouting
}
