package shtrih

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/chekomat/chekomat/fiscal"
	"github.com/chekomat/chekomat/fiscal/fault"
	"github.com/chekomat/chekomat/fiscal/kkt"
	"github.com/chekomat/chekomat/fiscal/kkt/readback"
)

// maxScan bounds the documents read in one Settle; more since the baseline
// means that something else works on this register.
const maxScan = 500

// Settle decides what became of an attempt (kkt-shtrih 12, reliability C.3):
// idle barrier, then every document after the baseline is read and searched for
// the key. It never concludes from counters or sums alone.
func (d *Driver) Settle(ctx context.Context, w kkt.Wire, key kkt.Key, base kkt.Baseline, _ kkt.Ref) kkt.Outcome {
	p, err := parseProgram(w)
	if err != nil {
		out := kkt.Classify(err)
		out.Kind = kkt.Ambiguous
		return out
	}
	if base.FN == "" {
		return doubt(fault.OutcomeUnknown, later, "the attempt has no baseline")
	}
	if !p.report() && !key.Valid() {
		return doubt(fault.KeyBad, later, "%q", key)
	}
	if err := d.lock(ctx); err != nil {
		return inDoubt(err)
	}
	defer d.unlock()
	d.drop()
	if err := d.connect(ctx); err != nil {
		return inDoubt(err)
	}
	fn, out := d.barrier(ctx, base)
	if out != nil {
		return *out
	}
	if d.regFN != fn.Serial {
		if err := d.readRegistration(ctx, fn.Serial); err != nil {
			return inDoubt(err)
		}
	}
	if p.report() {
		found, err := d.findShift(ctx, p.Document.Kind, base)
		if err != nil {
			return inDoubt(err)
		}
		return found
	}
	return d.search(ctx, p, key, base, fn.LastFD)
}

// barrier waits until nothing runs and no document is open, so that no command
// of the attempt can still take effect. It cancels the attempt's own unfinished
// document.
func (d *Driver) barrier(ctx context.Context, base kkt.Baseline) (fnStatus, *kkt.Outcome) {
	stop := func(o kkt.Outcome) (fnStatus, *kkt.Outcome) { return fnStatus{}, &o }
	for range 4 {
		st, err := d.idle(ctx)
		if err != nil {
			return stop(inDoubt(err))
		}
		fn, err := get(ctx, d, cmdFNStatus, nil, parseFNStatus)
		if err != nil {
			return stop(inDoubt(err))
		}
		switch {
		case fn.Serial != base.FN:
			return stop(doubt(fault.FNReplaced, time.Minute, "ФН %s, the attempt began on %s", fn.Serial, base.FN))
		case fn.LastFD < base.FD:
			return stop(doubt(fault.FNRolledBack, time.Minute, "last ФД %d, the attempt began at %d", fn.LastFD, base.FD))
		case fn.LastFD > base.FD+maxScan:
			return stop(doubt(fault.OutcomeUnknown, time.Minute, "%d documents since the attempt began", fn.LastFD-base.FD))
		}
		documentOpen := st.Mode&0x0f == modeDocument || fn.Document != 0
		// A document may be finished when paper is loaded: cancel nothing before.
		if st.Submode == submodeBreak && (documentOpen || fn.LastFD == base.FD) {
			return stop(doubt(fault.PaperOut, later, "submode %d, a document waits for paper", st.Submode))
		}
		if !documentOpen {
			return fn, nil
		}
		if err := d.cancelOpen(ctx, st); err != nil {
			return stop(inDoubt(err))
		}
	}
	return stop(doubt(fault.DocumentOpen, time.Second, "a document stays open after cancelling"))
}

// scanned is how far the search for an attempt's document has come. Documents
// of the archive do not change, so a search that a link error ended goes on
// where it was: on a bad line it comes to an end at all.
type scanned struct {
	key    kkt.Key
	base   kkt.Baseline
	next   uint32       // the first document not read yet
	found  *kkt.Outcome // it bears the key
	unread []uint32     // documents that could not be read whole: another try each time
}

func (d *Driver) progress(key kkt.Key, base kkt.Baseline) *scanned {
	if d.scan == nil || d.scan.key != key || d.scan.base != base {
		d.scan = &scanned{key: key, base: base, next: base.FD + 1}
	}
	return d.scan
}

// search reads the documents after the baseline and looks for the key.
func (d *Driver) search(ctx context.Context, p program, key kkt.Key, base kkt.Baseline, last uint32) kkt.Outcome {
	at := d.progress(key, base)
	for again := at.unread; len(again) > 0; again = again[1:] {
		whole, stop := d.examine(ctx, p, at, again[0])
		if stop != nil {
			return *stop
		}
		if whole {
			at.unread = slices.DeleteFunc(at.unread, func(fd uint32) bool { return fd == again[0] })
		}
	}
	for ; at.next <= last; at.next++ {
		whole, stop := d.examine(ctx, p, at, at.next)
		if stop != nil {
			return *stop
		}
		if !whole {
			at.unread = append(slices.Clone(at.unread), at.next)
		}
	}
	switch {
	case at.found != nil:
		out := *at.found
		d.scan = nil
		return out
	case len(at.unread) > 0:
		return doubt(fault.DocumentUnread, later, "ФД %d", at.unread[0])
	}
	d.scan = nil
	f := fault.New(fault.NotMade, "")
	return kkt.Outcome{Kind: kkt.Failed, Fault: &f}
}

// examine reads one document. whole is false when its key cannot be told; stop
// ends the search for now.
func (d *Driver) examine(ctx context.Context, p program, at *scanned, fd uint32) (whole bool, stop *kkt.Outcome) {
	end := func(o kkt.Outcome) (bool, *kkt.Outcome) { return false, &o }
	s, err := get(ctx, d, cmdFindDocument, fdParam(fd), parseShortDocument)
	if err != nil {
		return end(inDoubt(err))
	}
	if s.FD != fd {
		return end(doubt(fault.ProtocolBroken, time.Second, "asked for ФД %d, got %d", fd, s.FD))
	}
	if k := kindOfType(s.Type); k != fiscal.KindReceipt && k != fiscal.KindCorrection {
		return true, nil
	}
	doc, err := d.document(ctx, fd, d.opts.Now().Add(d.set.Idle))
	var dev *DeviceError
	switch {
	case err != nil && !errors.As(err, &dev):
		return end(inDoubt(err))
	case err != nil:
		return false, nil
	case doc.Key() != at.key:
		return doc.Complete, nil // a sum proves nothing: registers may round
	case at.found != nil && at.found.Receipt.FD != fd:
		return end(doubt(fault.KeyTwice, time.Minute, "ФД %d and %d", at.found.Receipt.FD, fd))
	}
	at.found = d.recognised(p, at.base.FN, s, doc)
	return true, nil
}

// recognised is the outcome of a document that bears the key.
func (d *Driver) recognised(p program, fn string, s shortDocument, doc readback.Document) *kkt.Outcome {
	r := d.receipt(p, fn)
	r.FD, r.FP, r.At = s.FD, s.FP, s.At
	out := &kkt.Outcome{Kind: kkt.Done, Receipt: &r, Document: doc.Bytes()}
	doc.Fill(&r)
	if doc.Complete {
		d.verified(p, doc, out)
	} else {
		out.Fault = compareShort(p, s)
	}
	return out
}

// findShift searches the documents after the baseline for the report on opening
// the next shift or closing the current one.
func (d *Driver) findShift(ctx context.Context, kind fiscal.DocumentKind, base kkt.Baseline) (kkt.Outcome, error) {
	fn, err := get(ctx, d, cmdFNStatus, nil, parseFNStatus)
	if err != nil {
		return kkt.Outcome{}, err
	}
	if fn.Serial != base.FN {
		return doubt(fault.FNReplaced, time.Minute, "ФН %s, the attempt began on %s", fn.Serial, base.FN), nil
	}
	wantType, wantShift := byte(typeShiftOpen), base.Shift+1
	if kind == fiscal.KindShiftClose {
		wantType, wantShift = typeShiftClose, base.Shift
	}
	for fd := base.FD + 1; fd <= fn.LastFD && fd <= base.FD+maxScan; fd++ {
		s, err := get(ctx, d, cmdFindDocument, fdParam(fd), parseShortDocument)
		if err != nil {
			return kkt.Outcome{}, err
		}
		if s.Type == wantType && s.Shift == wantShift {
			r := fiscal.Receipt{Kind: kind, FN: fn.Serial, FD: fd, FP: s.FP, At: s.At, Shift: s.Shift, Test: fiscal.TestFN(fn.Serial)}
			if d.regFN == fn.Serial {
				r.RegNumber = d.reg.RNM
			}
			return kkt.Outcome{Kind: kkt.Done, Receipt: &r}, nil
		}
	}
	f := fault.New(fault.NotMade, "")
	return kkt.Outcome{Kind: kkt.Failed, Fault: &f}, nil
}
