package conformance

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/chekomat/chekomat/fiscal"
	"github.com/chekomat/chekomat/fiscal/fault"
	"github.com/chekomat/chekomat/fiscal/kkt"
	"github.com/chekomat/chekomat/testbench/register/faults"
)

// Wrap changes the driver a schedule is run with; nil leaves it as it is.
type Wrap func(kkt.Driver) kkt.Driver

// stored is all the hub has of a job after a crash.
type stored struct {
	Attempt int          `json:"attempt"`
	Intent  *intent      `json:"intent,omitempty"`
	Done    *kkt.Outcome `json:"done,omitempty"`
}

// intent is what is persisted before anything is sent.
type intent struct {
	Key      kkt.Key      `json:"key"`
	Wire     kkt.Wire     `json:"wire"`
	Baseline kkt.Baseline `json:"baseline"`
	Ref      kkt.Ref      `json:"ref,omitempty"`
}

// hub makes documents on one register as the till does: by the rules of
// reliability C.3.2, with nothing in memory that a crash may not take away.
type hub struct {
	reg    Register
	line   *line
	wrap   Wrap
	driver kkt.Driver
	unit   kkt.Registration
	// dies are the steps of the hub, counted by step, at which it dies.
	dies   map[int]bool
	step   int
	deaths int
	// reports are the shift reports made on the way, by number of document.
	reports []fiscal.Receipt
	log     []string
}

// maxTurns bounds the turns of one job: a schedule has a handful of faults, each
// costs some, and registers are repaired on the way.
const maxTurns = 400

// patience bounds one call of a driver, as the till's does.
const patience = 20 * time.Second

// pause is the longest wait the bench grants where a driver asks for more.
const pause = 5 * time.Millisecond

func (h *hub) note(format string, args ...any) {
	h.log = append(h.log, fmt.Sprintf(format, args...))
}

// open starts the driver anew, as a hub that was started.
func (h *hub) open() error {
	d, err := kkt.Open(h.reg.URL(), h.line.options())
	if err != nil {
		return err
	}
	if h.wrap != nil {
		d = h.wrap(d)
	}
	h.driver = d
	return nil
}

func (h *hub) close() {
	if c, ok := h.driver.(io.Closer); ok {
		_ = c.Close()
	}
	h.driver = nil
}

// dead says whether the hub dies at this step, or died at a strike on the line
// before it.
func (h *hub) dead() bool {
	h.step++
	return h.line.diedNow() || h.dies[h.step]
}

// warm reads what a running hub knows of its register. Nothing is broken here;
// on a busy machine a time-out may pass all the same.
func (h *hub) warm(ctx context.Context, known *kkt.Registration) (err error) {
	for try := range 50 {
		err = nil
		if *known == (kkt.Registration{}) {
			var us []kkt.Unit
			if us, err = h.driver.Units(ctx); err == nil {
				*known = us[0].Registration
			}
		}
		h.unit = *known
		if err == nil {
			if _, err = h.driver.Ready(ctx); err == nil {
				return nil
			}
		}
		if ctx.Err() != nil {
			return err
		}
		if try > 2 {
			h.attend()
		}
		wait(ctx, time.Duration(try)*time.Millisecond)
	}
	return err
}

// make brings a document through any number of faults and deaths. The stored
// state passes through JSON, as it passes through a database.
func (h *hub) make(ctx context.Context, doc fiscal.Document, key kkt.Key) (kkt.Outcome, error) {
	disk, _ := json.Marshal(stored{Attempt: 1})
	trouble := 0
	for turn := range maxTurns {
		var s stored
		if err := json.Unmarshal(disk, &s); err != nil {
			return kkt.Outcome{}, err
		}
		if s.Done != nil {
			return *s.Done, nil
		}
		if h.driver == nil {
			if err := h.open(); err != nil {
				return kkt.Outcome{}, err
			}
		}
		next, out, alive := h.turn(ctx, s, doc, key)
		if b, err := json.Marshal(next); err != nil {
			return kkt.Outcome{}, err
		} else {
			disk = b // a commit; a death after it finds it
		}
		if !alive || h.line.diedNow() {
			h.note("turn %d: the hub dies", turn)
			h.deaths++
			h.close()
			continue
		}
		h.note("turn %d: %s %v", turn, out.Kind, out.Fault)
		switch out.Kind {
		case kkt.Rejected, kkt.Config:
			return out, nil
		case kkt.Done:
			continue
		}
		if out.Fault != nil {
			switch out.Fault.Code {
			case fault.ShiftClosed, fault.ShiftExpired, fault.ShiftOpen:
				if s.Intent == nil || next.Intent == nil {
					if err := h.shift(ctx, doc.Kind); err != nil {
						return out, err
					}
				}
			case fault.FNReplaced, fault.FNRolledBack, fault.KeyTwice:
				if next.Intent != nil {
					return out, nil // a person's
				}
			}
		}
		if trouble++; trouble%6 == 0 {
			h.attend()
		}
		wait(ctx, min(out.After, pause))
		if ctx.Err() != nil {
			return out, ctx.Err()
		}
	}
	return kkt.Outcome{}, fmt.Errorf("no end after %d turns", maxTurns)
}

// turn is one step of the till: an attempt, or the settling of one. It gives
// what is stored after it; a hub that is not alive has stored nothing more.
func (h *hub) turn(parent context.Context, s stored, doc fiscal.Document, key kkt.Key) (next stored, out kkt.Outcome, alive bool) {
	ctx, cancel := context.WithTimeout(parent, patience)
	defer cancel()
	var in intent
	if s.Intent != nil {
		in = *s.Intent
		out = h.driver.Settle(ctx, in.Wire, in.Key, in.Baseline, in.Ref)
	} else {
		base, err := h.driver.Ready(ctx)
		if err != nil {
			return s, asked(err), !h.dead()
		}
		if out := fits(doc, base); out != nil {
			return s, *out, !h.dead()
		}
		in = intent{Key: key.Attempt(s.Attempt), Baseline: base}
		if doc.Kind == fiscal.KindShiftOpen || doc.Kind == fiscal.KindShiftClose {
			in.Key = ""
		}
		if in.Wire, err = h.driver.Encode(doc, in.Key, h.unit); err != nil {
			return s, kkt.Classify(err), true
		}
		s.Intent = &in
		if h.dead() {
			return s, out, false
		}
		out = h.driver.Submit(ctx, in.Wire, in.Baseline)
	}
	if h.dead() {
		return s, out, false // what the register said is lost with the hub
	}
	switch {
	case out.Kind == kkt.Done:
		s.Done, s.Intent = &out, nil
	case out.Kind == kkt.Failed:
		s.Attempt, s.Intent = s.Attempt+1, nil
	case out.Kind.NotMade():
		s.Intent = nil
	default:
		s.Intent.Ref = out.Ref
	}
	return s, out, !h.dead()
}

// asked is an error of Ready: nothing was sent.
func asked(err error) kkt.Outcome {
	out := kkt.Classify(err)
	if out.Kind == kkt.Ambiguous {
		out.Kind = kkt.Retry
	}
	return out
}

// fits says what must happen before the document can be tried from base.
func fits(doc fiscal.Document, base kkt.Baseline) *kkt.Outcome {
	retry := func(code fault.Code) *kkt.Outcome {
		f := fault.New(code, "")
		return &kkt.Outcome{Kind: kkt.Retry, Fault: &f}
	}
	switch {
	case doc.Kind == fiscal.KindShiftOpen && base.ShiftOpen:
		return retry(fault.ShiftOpen)
	case doc.Kind == fiscal.KindShiftOpen:
		return nil
	case !base.ShiftOpen:
		return retry(fault.ShiftClosed)
	case base.Expired && doc.Kind != fiscal.KindShiftClose:
		return retry(fault.ShiftExpired)
	}
	return nil
}

// shift brings the shift to where a document needs it.
func (h *hub) shift(ctx context.Context, wanted fiscal.DocumentKind) error {
	for range 3 {
		if h.driver == nil { // it died right after the report before
			if err := h.open(); err != nil {
				return err
			}
		}
		c, cancel := context.WithTimeout(ctx, patience)
		base, err := h.driver.Ready(c)
		cancel()
		if err != nil {
			return nil //nolint:nilerr // the turn finds out again
		}
		kind := fiscal.KindShiftClose
		switch {
		case wanted == fiscal.KindShiftOpen && !base.ShiftOpen:
			return nil
		case wanted != fiscal.KindShiftOpen && base.ShiftOpen && (!base.Expired || wanted == fiscal.KindShiftClose):
			return nil
		case !base.ShiftOpen:
			kind = fiscal.KindShiftOpen
		}
		out, err := h.make(ctx, fiscal.Document{Kind: kind, Test: true}, "")
		if err != nil {
			return fmt.Errorf("%s: %w", kind, err)
		}
		if out.Receipt != nil {
			h.reports = append(h.reports, *out.Receipt)
		}
	}
	return nil
}

// attend is the person who looks after the register when it goes on failing:
// loads paper, switches it on.
func (h *hub) attend() {
	h.note("a person attends to the register")
	_ = h.reg.Inject(faults.Fault{Kind: faults.PaperIn})
	_ = h.reg.Inject(faults.Fault{Kind: faults.Repair})
}

func wait(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
