package pirit

import (
	"context"
	"errors"
	"time"

	"github.com/chekomat/chekomat/fiscal"
	"github.com/chekomat/chekomat/fiscal/fault"
	"github.com/chekomat/chekomat/fiscal/kkt"
	"github.com/chekomat/chekomat/fiscal/kkt/readback"
)

// maxScan bounds the documents read for one attempt; more since the baseline
// means that something else works on this register.
const maxScan = 500

// Settle decides what became of an attempt (kkt-others 2.4, reliability C.3):
// the register answers on a new connection, an open document is finished or
// annulled, then every document after the baseline is read and searched for
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
	if p.Document.Kind == fiscal.KindReceipt && !key.Valid() {
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
	out, unprinted := d.barrier(ctx, p, base)
	if out != nil {
		return *out
	}
	if d.regFN != base.FN {
		if err := d.readRegistration(ctx, base.FN); err != nil {
			return inDoubt(err)
		}
	}
	found := d.find(ctx, p, key, base)
	if found.Kind == kkt.Failed && unprinted != nil {
		// The ФН was told to close a document and the register keeps it.
		return inDoubt(unprinted)
	}
	return found
}

// barrier waits until no document is open, so that nothing of the attempt can
// still take effect. unprinted is the error of a document that is closed in the
// ФН and whose paper does not come out: documents can be read all the same.
func (d *Driver) barrier(ctx context.Context, p program, base kkt.Baseline) (out *kkt.Outcome, unprinted error) {
	stop := func(o kkt.Outcome) (*kkt.Outcome, error) { return &o, nil }
	for range 4 {
		st, err := d.status(ctx)
		if err != nil {
			return stop(inDoubt(err))
		}
		at, err := d.position(ctx)
		if err != nil {
			return stop(inDoubt(err))
		}
		switch {
		case at.FN != base.FN:
			return stop(doubt(fault.FNReplaced, time.Minute, "ФН %s, the attempt began on %s", at.FN, base.FN))
		case at.FD < base.FD:
			return stop(doubt(fault.FNRolledBack, time.Minute, "last ФД %d, the attempt began at %d", at.FD, base.FD))
		case at.FD > base.FD+maxScan:
			return stop(doubt(fault.OutcomeUnknown, time.Minute, "%d documents since the attempt began", at.FD-base.FD))
		}
		switch state := st.state(); {
		case state == stateInFN:
			_, err = d.call(ctx, cmdClose, d.again(p)...)
			if _, ok := errors.AsType[*DeviceError](err); ok {
				return nil, err
			}
		case state != stateClosed:
			_, err = d.call(ctx, cmdAnnul)
		default:
			fn, err := get(ctx, d, cmdFN, fnState, parseFNStatus)
			if err != nil {
				return stop(inDoubt(err))
			}
			if fn.Document != 0 {
				return stop(doubt(fault.FNState, time.Second, "the ФН has document %02Xh open, the register none", fn.Document))
			}
			return nil, nil
		}
		if err != nil {
			return stop(inDoubt(err))
		}
	}
	return stop(doubt(fault.DocumentOpen, time.Second, "a document stays open"))
}

// again are the fields 31h is sent with once more.
func (d *Driver) again(p program) []string {
	if p.Document.Kind == fiscal.KindReceipt {
		return p.Steps[len(p.Steps)-1].encoded()
	}
	return []string{"1"}
}

// search is what was read of the documents after one attempt's baseline. It
// outlives broken links: documents of a ФН never change.
type search struct {
	base   kkt.Baseline
	key    kkt.Key
	kind   fiscal.DocumentKind
	other  map[uint32]bool // documents that are not the attempt's
	ours   []ours
	midway reading
}

type ours struct {
	fd  uint32
	doc readback.Document
}

// find reads the documents after the baseline and searches them for the
// attempt's: a receipt by its key, a shift report by its shift.
func (d *Driver) find(ctx context.Context, p program, key kkt.Key, base kkt.Baseline) kkt.Outcome {
	s := &d.search
	if s.base != base || s.key != key || s.kind != p.Document.Kind {
		*s = search{base: base, key: key, kind: p.Document.Kind, other: map[uint32]bool{}}
	}
	last, err := get(ctx, d, cmdFN, fnLastFD, parseUint32)
	if err != nil {
		return inDoubt(err)
	}
	var unread uint32
	for fd := base.FD + 1; fd <= last && fd <= base.FD+maxScan; fd++ {
		if s.known(fd) {
			continue
		}
		readable, err := d.examine(ctx, s, fd)
		if err != nil {
			return inDoubt(err)
		}
		if !readable {
			unread = fd
		}
	}
	switch {
	case len(s.ours) > 1:
		return doubt(fault.KeyTwice, time.Minute, "ФД %d and %d", s.ours[0].fd, s.ours[1].fd)
	case len(s.ours) == 1:
		return d.recognised(p, base.FN, s.ours[0])
	case unread != 0:
		return doubt(fault.DocumentUnread, later, "ФД %d", unread)
	}
	f := fault.New(fault.NotMade, "")
	return kkt.Outcome{Kind: kkt.Failed, Fault: &f}
}

func (s *search) known(fd uint32) bool {
	if s.other[fd] {
		return true
	}
	for _, o := range s.ours {
		if o.fd == fd {
			return true
		}
	}
	return false
}

// examine reads one document. readable is false when the register does not
// give enough of it to tell whose it is; err is a link that broke.
func (d *Driver) examine(ctx context.Context, s *search, fd uint32) (readable bool, err error) {
	sel, err := d.choose(ctx, fd, &s.midway)
	if err == nil && (readback.Document{Code: sel.Type}).Kind() != s.kind {
		s.other[fd] = true
		return true, nil
	}
	var doc readback.Document
	if err == nil {
		doc, err = d.readOut(ctx, &s.midway)
	}
	if _, ok := errors.AsType[*DeviceError](err); ok {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	switch {
	case s.matches(doc):
		s.ours = append(s.ours, ours{fd, doc})
		return true, nil
	case !doc.Complete:
		s.midway = reading{} // next time from its beginning
		return false, nil    // its sum would prove nothing
	}
	s.other[fd] = true
	return true, nil
}

func (s *search) matches(doc readback.Document) bool {
	if s.kind == fiscal.KindReceipt {
		return doc.Key() == s.key
	}
	want := s.base.Shift
	if s.kind == fiscal.KindShiftOpen {
		want++
	}
	n, ok := doc.Uint(1038)
	return ok && uint32(n) == want
}

// recognised is the outcome of a document that is the attempt's.
func (d *Driver) recognised(p program, fn string, o ours) kkt.Outcome {
	r := d.receipt(p, fn)
	r.FD = o.fd
	out := kkt.Outcome{Kind: kkt.Done, Receipt: &r, Document: o.doc.Bytes()}
	o.doc.Fill(&r)
	if o.doc.Complete && p.Document.Kind == fiscal.KindReceipt {
		d.verified(p, o.doc, &out)
	}
	return out
}
