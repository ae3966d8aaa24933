// Package outlook says how long a register can go on: what is left of its ФН
// by date and by today's pace, how long documents have waited for the OFD, how
// old the shift is. It is pure: readings in, findings out; the worst comes
// first. Limits the law knows are 24 h of a shift (54-FZ art. 4.3), 30 days of
// an unsent document and the life of the keys (art. 4.1); others are the
// house's own thresholds.
package outlook

import (
	"math"
	"slices"
	"time"

	"github.com/chekomat/chekomat/fiscal/kkt"
)

// What a finding is about: the stable code of the incident it raises.
type What string

// Findings.
const (
	Keys        What = "fn_ending"            // life of the ФН's keys
	Documents   What = "fn_filling"           // room for documents in the archive
	Memory      What = "fn_memory_low"        // room for documents that wait for the OFD
	Unsent      What = "documents_unsent"     // the oldest document without the OFD's confirmation
	OFD         What = "ofd_silent"           // how long the OFD has confirmed nothing of what waits
	Shift       What = "shift_too_long"       // age of the shift
	MarkingKeys What = "marking_keys_old"     // keys that check marking codes
	Clock       What = "register_clock_drift" // the register's clock against the hub's
	ClockBack   What = "register_clock_back"  // the register's clock is behind its own last document: the ФН waits for the time to pass
)

// Measure is what Finding.Left counts: days, documents or bytes that are left,
// or an age that grows.
func (w What) Measure() string {
	switch w {
	case Documents:
		return "documents"
	case Memory:
		return "bytes"
	case Unsent, OFD, Shift:
		return "minutes_old"
	case MarkingKeys:
		return "days_old"
	case Keys, Clock, ClockBack:
	}
	return "days"
}

// Level of a finding.
type Level uint8

// Levels.
const (
	Fine Level = iota
	Warn
	Alarm
)

// String gives the level's stable name.
func (l Level) String() string { return [...]string{"fine", "warn", "alarm"}[min(l, Alarm)] }

// Finding is one thing that can stop a register.
type Finding struct {
	What  What
	Level Level
	Left  int64     // in What.Measure; -1 unknown
	Stops time.Time // when it stops sales if nothing changes; zero: not known, or it does not
	Paced bool      // Stops follows from today's pace, not from a date
}

// Reading is what a register told at a time of the hub's clock. Only readings
// of one ФН may be compared.
type Reading struct {
	At time.Time
	FD uint32 // last document
}

// Archive is how many documents an ФН's archive holds where the register does
// not tell what is left (fn.md §1: up to 250 000).
const Archive = 250_000

// Limits of the watch.
const (
	keysWarn     = 30     // days
	keysAlarm    = 3      // days
	paceWarn     = 30     // days until the archive is full at today's pace
	paceAlarm    = 7      // days
	archiveWarn  = 25_000 // documents: a tenth of it
	archiveAlarm = 2_500
	unsentWarn   = 15 * time.Minute
	unsentAlarm  = 24 * time.Hour
	unsentLaw    = 30 * 24 * time.Hour
	shiftWarn    = 23*time.Hour + 40*time.Minute // later than the keeper closes one
	shiftAlarm   = 23*time.Hour + 50*time.Minute
	shiftLaw     = 24 * time.Hour
	markingWarn  = 15 * 24 * time.Hour
	paceLeast    = time.Hour // a shorter span tells no pace
)

// Span is how far back readings tell the pace.
const Span = 7 * 24 * time.Hour

// StopRouting is the age of the oldest unsent document from which sales should
// go to another register: the law blocks the ФН at 30 days.
const StopRouting = 20 * 24 * time.Hour

// Outlook is what is known of a register's days to come.
type Outlook struct {
	Findings []Finding // the worst first, then the soonest
	Pace     float64   // documents a day; 0 unknown or none
	Stops    time.Time // the soonest Stops; zero: nothing known stops it
	By       What      // what stops it then
}

// Of makes the outlook of a register at a time of the hub's clock. readings are
// of its present ФН, in any order; they may be none.
func Of(now time.Time, u kkt.Unit, readings []Reading) Outlook {
	o := Outlook{Pace: pace(now, readings)}
	clock := u.Clock
	if clock.IsZero() {
		clock = now
	}
	add := func(f Finding) { o.Findings = append(o.Findings, f) }
	if days, ok := u.FN.DaysLeft(clock); ok {
		f := Finding{What: Keys, Left: int64(max(days, 0)), Stops: now.AddDate(0, 0, max(days, 0)), Level: below(int64(days), keysWarn, keysAlarm)}
		switch {
		case u.FN.Warnings&(kkt.ReplaceNow|kkt.FNCritical) != 0:
			f.Level = Alarm
		case u.FN.Warnings&kkt.ReplaceSoon != 0:
			f.Level = max(f.Level, Warn)
		}
		add(f)
	} else if u.FN.Warnings&(kkt.ReplaceNow|kkt.ReplaceSoon|kkt.FNCritical) != 0 {
		f := Finding{What: Keys, Left: -1, Level: Warn}
		if u.FN.Warnings&(kkt.ReplaceNow|kkt.FNCritical) != 0 {
			f.Level = Alarm
		}
		add(f)
	}
	if u.FN.Serial != "" {
		add(o.documents(now, u))
	}
	if u.FN.Told&kkt.ToldMemory != 0 {
		f := Finding{What: Memory, Left: int64(min(u.FN.MemoryLeft, math.MaxInt64))}
		if u.FN.MemoryLeft < 64<<10 { // two receipts of the greatest length
			f.Level = Alarm
		}
		add(f)
	}
	if u.FN.Unsent > 0 {
		f := Finding{What: Unsent, Left: -1, Level: Warn}
		if age := u.FN.Silence(clock); !u.FN.UnsentAt.IsZero() {
			f.Left, f.Level, f.Stops = int64(age/time.Minute), above(age, unsentWarn, unsentAlarm), now.Add(unsentLaw-age)
		}
		add(f)
	}
	if silent := u.FN.Warnings&kkt.OFDSilent != 0; silent || !u.FN.ConfirmedAt.IsZero() && u.FN.Unsent > 0 {
		f := Finding{What: OFD, Left: -1}
		if age := clock.Sub(u.FN.ConfirmedAt); !u.FN.ConfirmedAt.IsZero() {
			// After a quiet night the last confirmation is old and nothing is wrong:
			// silence begins with the document that waits.
			if u.FN.UnsentAt.IsZero() {
				f.Level = above(age, unsentAlarm, math.MaxInt64)
			} else {
				age = min(age, u.FN.Silence(clock))
				f.Level = above(age, unsentWarn, unsentAlarm)
			}
			f.Left = int64(max(age, 0) / time.Minute)
		}
		if silent {
			f.Level = Alarm
		}
		add(f)
	}
	if age := u.FN.ShiftAge(clock); u.FN.ShiftOpen && !u.FN.OpenedAt.IsZero() {
		add(Finding{What: Shift, Left: int64(age / time.Minute), Stops: now.Add(shiftLaw - age), Level: above(age, shiftWarn, shiftAlarm)})
	}
	if at := u.FN.MarkingKeys; !at.IsZero() {
		age := clock.Sub(at)
		add(Finding{What: MarkingKeys, Left: int64(max(age, 0) / (24 * time.Hour)), Level: above(age, markingWarn, math.MaxInt64)})
	}
	slices.SortStableFunc(o.Findings, func(a, b Finding) int {
		if a.Level != b.Level {
			return int(b.Level) - int(a.Level)
		}
		return soonest(a.Stops, b.Stops)
	})
	for _, f := range o.Findings {
		// The keeper closes a shift: its end stops sales only when that failed.
		if f.What == Shift && f.Level == Fine {
			continue
		}
		if !f.Stops.IsZero() && (o.Stops.IsZero() || f.Stops.Before(o.Stops)) {
			o.Stops, o.By = f.Stops, f.What
		}
	}
	return o
}

// documents is when the archive will be full at today's pace.
func (o Outlook) documents(now time.Time, u kkt.Unit) Finding {
	left := int64(Archive) - int64(u.FN.LastFD)
	if u.FN.Told&kkt.ToldDocuments != 0 {
		left = int64(u.FN.DocumentsLeft)
	}
	left = max(left, 0)
	f := Finding{What: Documents, Left: left, Level: below(left, archiveWarn, archiveAlarm)}
	if left == 0 {
		f.Stops = now
	}
	if o.Pace > 0 && left > 0 {
		days := float64(left) / o.Pace
		if days < 100*366 { // further off is no forecast
			f.Paced, f.Stops = true, now.Add(time.Duration(days*24*float64(time.Hour)))
			f.Level = below(int64(days), paceWarn, paceAlarm)
			if left <= archiveAlarm {
				f.Level = max(f.Level, Warn)
			}
		}
	}
	if u.FN.Warnings&kkt.ArchiveFull != 0 {
		f.Level = max(f.Level, Warn)
	}
	return f
}

// pace is documents a day over the last week of readings; 0 where they tell none.
func pace(now time.Time, readings []Reading) float64 {
	var first, last Reading
	for _, r := range readings {
		if now.Sub(r.At) > Span || r.At.After(now) {
			continue
		}
		if first.At.IsZero() || r.At.Before(first.At) {
			first = r
		}
		if last.At.IsZero() || r.At.After(last.At) {
			last = r
		}
	}
	span := last.At.Sub(first.At)
	if first.At.IsZero() || span < paceLeast || last.FD < first.FD {
		return 0
	}
	return float64(last.FD-first.FD) * float64(24*time.Hour) / float64(span)
}

func below(left, warn, alarm int64) Level {
	switch {
	case left <= alarm:
		return Alarm
	case left <= warn:
		return Warn
	}
	return Fine
}

func above(age, warn, alarm time.Duration) Level {
	switch {
	case age >= alarm:
		return Alarm
	case age >= warn:
		return Warn
	}
	return Fine
}

func soonest(a, b time.Time) int {
	switch {
	case a.IsZero() && b.IsZero():
		return 0
	case a.IsZero():
		return 1
	case b.IsZero():
		return -1
	}
	return a.Compare(b)
}
