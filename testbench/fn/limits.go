package fn

import (
	"fmt"
	"time"
)

const day = 24 * time.Hour

// Warning flags of the status (fn.md §3).
const (
	WarnReplaceNow  byte = 1 << 0 // 3 days of key life left
	WarnReplaceSoon byte = 1 << 1 // 30 days left
	WarnArchive     byte = 1 << 2 // archive 90 % full
	WarnOFDSilent   byte = 1 << 3 // oldest document waits over 2 days
	WarnCritical    byte = 1 << 7 // failure (Пирит documentation)
)

// Limits of a ФН.
const (
	ShiftLimit   = day
	QueueLimit   = 30 * day // law 54-ФЗ art. 4.1
	silentAfter  = 2 * day
	timerLimit   = 5 * time.Minute
	openEarlier  = time.Hour // an opening may precede the last closing by this
	maxElement   = 1024
	maxReceipt   = 30 << 10
	maxShiftDoc  = 1 << 10
	maxRegReport = 2 << 10
	// closings still fit into a full archive, or the shift could never end.
	archiveReserve = 4
)

// Months is the key life of the models: 13, 15 or 36 months, in the days the
// reference gives (fn.md §1).
func Months(n int) (time.Duration, error) {
	switch n {
	case 13:
		return 410 * day, nil
	case 15:
		return 470 * day, nil
	case 36:
		return 1110 * day, nil
	}
	return 0, fmt.Errorf("ФН of %d months: 13, 15 or 36 wanted", n)
}

// Resource is what is left of a ФН.
type Resource struct {
	Documents int   `json:"documents"` // of the archive
	Bytes     int64 `json:"bytes"`
	Days      int   `json:"days"` // of the key life, 1213
}

// Resource returns what is left.
func (f *FN) Resource() Resource {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.full {
		return Resource{Days: f.daysLeft()}
	}
	return Resource{max(0, f.cfg.Capacity-len(f.docs)), max(0, f.cfg.Memory-f.bytes), f.daysLeft()}
}

func (f *FN) daysLeft() int {
	return min(max(0, int(f.life.Sub(f.cfg.Timer())/day)), 0xffff)
}

// mayMake applies the rules of phase, shift, time and resource (fn.md §2–6).
func (f *FN) mayMake(kind Current, at time.Time) error {
	if f.failed {
		return Failure
	}
	if !f.inPhase(kind) || !f.inShift(kind) {
		return WrongState
	}
	if (kind == CurrentChange || kind == CurrentClosing) && f.unsent() > 0 {
		return WrongState // fn.md §2: everything sent before
	}
	if err := f.timeOK(kind, at); err != nil {
		return err
	}
	return f.roomFor(kind)
}

func (f *FN) inPhase(kind Current) bool {
	switch kind {
	case CurrentRegistration, CurrentReplacement:
		return f.phase == PhaseReady
	case CurrentShiftOpen, CurrentReceipt, CurrentShiftClose, CurrentClosing, CurrentChange, CurrentCorrection, CurrentState:
		return f.phase == PhaseWork
	}
	return false
}

func (f *FN) inShift(kind Current) bool {
	switch kind {
	case CurrentReceipt, CurrentCorrection, CurrentShiftClose:
		return f.shift.Open
	case CurrentShiftOpen, CurrentChange, CurrentClosing:
		return !f.shift.Open
	}
	return true
}

// roomFor applies the limits of life, archive and queue. What ends a shift or
// the ФН itself has a reserve.
func (f *FN) roomFor(kind Current) error {
	ends := kind == CurrentRegistration || kind == CurrentReplacement || kind == CurrentShiftClose || kind == CurrentClosing
	switch {
	case ends && len(f.docs) >= f.cfg.Capacity+archiveReserve:
		return StorageOver
	case ends:
		return nil
	case !f.cfg.Timer().Before(f.life):
		return ResourceOver
	case f.full, len(f.docs) >= f.cfg.Capacity, f.bytes >= f.cfg.Memory:
		return StorageOver
	case f.oldestUnsent() > QueueLimit:
		return f.cfg.Overdue
	}
	return nil
}

func (f *FN) timeOK(kind Current, at time.Time) error {
	last := f.lastDocument()
	if kind == CurrentShiftOpen {
		last = last.Add(-openEarlier)
	}
	if at.Year() < 2000 || at.Before(last) {
		return BadTime
	}
	if (kind == CurrentReceipt || kind == CurrentCorrection) && at.Sub(f.shift.Opened) > ShiftLimit {
		return ShiftTooLong
	}
	if !f.lastWall.IsZero() {
		// Wall clocks are cut to the minute, hence one minute of slack.
		skew := at.Sub(f.lastWall) - f.cfg.Timer().Sub(f.lastTimer)
		if skew.Abs() > timerLimit+time.Minute {
			return TimeSkew
		}
	}
	return nil
}

// warnings computes the flags of the status (fn.md §3).
func (f *FN) warnings() (w byte) {
	left := f.life.Sub(f.cfg.Timer())
	if left <= 3*day {
		w |= WarnReplaceNow
	}
	if left <= 30*day {
		w |= WarnReplaceSoon
	}
	if f.full || len(f.docs)*10 >= f.cfg.Capacity*9 || f.bytes >= f.cfg.Memory/10*9 {
		w |= WarnArchive
	}
	if f.oldestUnsent() > silentAfter {
		w |= WarnOFDSilent
	}
	if f.failed {
		w |= WarnCritical
	}
	return w
}

// SetFull makes the archive answer as if its resource were exhausted.
func (f *FN) SetFull(full bool) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.full = full
	return f.saveSettings()
}

// SetFailed makes the ФН answer 03h to whatever makes a document. The archive
// can still be read.
func (f *FN) SetFailed(failed bool) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.failed = failed
	return f.saveSettings()
}

// SetLife moves the end of the key life.
func (f *FN) SetLife(end time.Time) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.life = end
	return f.saveSettings()
}
