package shtrih

import (
	"context"
	"encoding/binary"
	"errors"
	"slices"

	"github.com/chekomat/chekomat/fiscal"
	"github.com/chekomat/chekomat/fiscal/fault"
	"github.com/chekomat/chekomat/fiscal/kkt"
	"github.com/chekomat/chekomat/fiscal/kkt/readback"
)

// Submit sends the stored commands once. A fault before the finishing command
// is certain: the document is cancelled and does not exist. A finishing command
// without a clear answer is Ambiguous.
func (d *Driver) Submit(ctx context.Context, w kkt.Wire, base kkt.Baseline) kkt.Outcome {
	p, err := parseProgram(w)
	if err != nil {
		return kkt.Classify(err)
	}
	if err := permitted(p, base); err != nil {
		return problem(err).Outcome()
	}
	if err := d.lock(ctx); err != nil {
		return problem(err).Outcome()
	}
	defer d.unlock()
	if err := d.confirm(ctx, base); err != nil {
		return problem(err).Outcome()
	}
	d.at = kkt.Baseline{}
	last := len(p.Steps) - 1
	for i, st := range p.Steps[:last] {
		if _, err := d.call(ctx, st.Code, st.Params); err != nil {
			return d.abandon(ctx, p, i, base, err)
		}
	}
	if err := ctx.Err(); err != nil {
		return d.abandon(ctx, p, last, base, retry(fault.NoAnswer, soon, "before %s: %v", p.Steps[last].Code, err))
	}
	reply, err := d.call(ctx, p.Steps[last].Code, p.Steps[last].Params)
	if err != nil {
		return d.unfinished(ctx, p, base, err)
	}
	if p.report() {
		out, err := d.findShift(ctx, p.Document.Kind, base)
		if err != nil {
			return inDoubt(err)
		}
		if out.Kind != kkt.Done {
			return doubt(fault.OutcomeUnknown, soon, "%s was answered, but the ФН has no report", p.Steps[last].Code)
		}
		return out
	}
	return d.finish(ctx, p, base, reply)
}

// permitted refuses what the baseline already tells is impossible.
func permitted(p program, base kkt.Baseline) error {
	switch {
	case base.FN == "":
		return retry(fault.BaselineMoved, 0, "no baseline was read")
	case p.Document.Test != fiscal.TestFN(base.FN):
		return config(fault.TestMismatch, "document test=%v, ФН %s", p.Document.Test, base.FN)
	case p.Document.Kind == fiscal.KindShiftOpen && base.ShiftOpen:
		return &kkt.Problem{Kind: kkt.Rejected, Fault: fault.New(fault.ShiftOpen, "")}
	case p.Document.Kind == fiscal.KindShiftOpen:
		return nil
	case !base.ShiftOpen && p.Document.Kind == fiscal.KindShiftClose:
		return &kkt.Problem{Kind: kkt.Rejected, Fault: fault.New(fault.ShiftClosed, "")}
	case !base.ShiftOpen:
		return retry(fault.ShiftClosed, 0, "")
	case base.Expired && !p.report():
		return retry(fault.ShiftExpired, 0, "")
	}
	return nil
}

// confirm checks that the register still stands at the baseline. On the
// connection that read it nothing else can have come between.
func (d *Driver) confirm(ctx context.Context, base kkt.Baseline) error {
	if d.s != nil && d.at == base {
		return nil
	}
	if err := d.connect(ctx); err != nil {
		return err
	}
	fn, err := get(ctx, d, cmdFNStatus, nil, parseFNStatus)
	if err != nil {
		return err
	}
	if fn.Serial != base.FN || fn.LastFD != base.FD || fn.Document != 0 || fn.Open != base.ShiftOpen {
		return retry(fault.BaselineMoved, 0, "ФН %s ФД %d document %d, baseline %s %d",
			fn.Serial, fn.LastFD, fn.Document, base.FN, base.FD)
	}
	return nil
}

// abandon ends an attempt that failed at step i, before the finishing command
// was sent: the document does not exist. It cancels what is open, so that the
// next attempt need not.
func (d *Driver) abandon(ctx context.Context, p program, i int, base kkt.Baseline, cause error) kkt.Outcome {
	out := problem(cause).Outcome()
	var dev *DeviceError
	if d.s == nil || !errors.As(cause, &dev) {
		return out
	}
	opened := false
	for _, st := range p.Steps[:i] {
		opened = opened || slices.Contains([]Code{cmdOpenReceipt, cmdBeginFix, cmdBeginOpen, cmdBeginClose}, st.Code)
	}
	if opened {
		_ = d.cancel(ctx, p) // Ready cancels again if this fails
	}
	return out
}

// cancel drops what the attempt has opened. A receipt is open in the register;
// a report or a correction may be open in the ФН alone.
func (d *Driver) cancel(ctx context.Context, p program) error {
	if p.Document.Kind == fiscal.KindCorrection {
		st, err := get(ctx, d, cmdShortStatus, nil, parseShortStatus)
		if err != nil {
			return err
		}
		return d.cancelOpen(ctx, st)
	}
	c := cmdCancel
	if p.report() {
		c = cmdFNCancel
	}
	_, err := d.call(ctx, c, nil)
	return err
}

func (d *Driver) cancelOpen(ctx context.Context, st shortStatus) error {
	c := cmdFNCancel
	if st.Mode&0x0f == modeDocument {
		c = cmdCancel
	}
	_, err := d.call(ctx, c, nil)
	return err
}

// unfinished classifies a failed finishing command. A link error is Ambiguous
// unless nothing was sent. An error answer is certain only when the code says
// so, the document could be cancelled, and the ФН still stands at the baseline.
func (d *Driver) unfinished(ctx context.Context, p program, base kkt.Baseline, cause error) kkt.Outcome {
	var link *LinkError
	if errors.As(cause, &link) && !link.Sent {
		return problem(cause).Outcome()
	}
	var dev *DeviceError
	if !errors.As(cause, &dev) || leavesDoubt(dev.Code) {
		return inDoubt(cause)
	}
	if !p.report() {
		if err := d.cancel(ctx, p); err != nil {
			return inDoubt(cause)
		}
	}
	fn, err := get(ctx, d, cmdFNStatus, nil, parseFNStatus)
	if err != nil || fn.Serial != base.FN || fn.LastFD != base.FD || fn.Document != 0 {
		return inDoubt(cause)
	}
	return problem(cause).Outcome()
}

// finish makes the receipt of the answer to FF45h or FF4Ah: the time comes with
// it or from FF0Ah, the rest is known or asked for.
func (d *Driver) finish(ctx context.Context, p program, base kkt.Baseline, reply []byte) kkt.Outcome {
	parse := parseClosed
	if p.sumOnly() {
		parse = parseFixed
	}
	c, err := parse(reply)
	if err != nil {
		return inDoubt(err)
	}
	if c.FD <= base.FD {
		return doubt(fault.ProtocolBroken, soon, "the answer says ФД %d, the last one was %d", c.FD, base.FD)
	}
	r := d.receipt(p, base.FN)
	r.FD, r.FP, r.At = c.FD, c.FP, c.At
	var wrong *kkt.Fault
	if c.At.IsZero() {
		s, err := get(ctx, d, cmdFindDocument, fdParam(c.FD), parseShortDocument)
		if err != nil {
			return inDoubt(err)
		}
		if s.FD != c.FD || s.FP != c.FP {
			return doubt(fault.ProtocolBroken, soon, "the answer says ФД %d ФП %d, the archive has ФД %d ФП %d", c.FD, c.FP, s.FD, s.FP)
		}
		r.At = s.At
		wrong = compareShort(p, s)
	}
	if c.FD == base.FD+1 && base.ShiftOpen {
		r.Shift, r.Number = base.Shift, base.Receipts+1
	} else if sh, err := get(ctx, d, cmdShift, nil, parseShiftState); err == nil {
		r.Shift, r.Number = sh.Number, sh.Receipts
	}
	out := kkt.Outcome{Kind: kkt.Done, Receipt: &r, Fault: wrong}
	d.waiting++
	if d.wantsReadBack(p, base.FN) {
		d.readBack(ctx, p, &out)
	}
	if out.Fault == nil && c.FD == base.FD+1 && base.ShiftOpen {
		// The next document may start from here without asking: whatever comes
		// between moves the ФД that the next closing answers.
		d.at = base
		d.at.FD, d.at.Receipts = c.FD, base.Receipts+1
	}
	return out
}

// receipt fills in what is known without asking.
func (d *Driver) receipt(p program, fn string) fiscal.Receipt {
	r := fiscal.Receipt{
		Kind: p.Document.Kind, FN: fn, Test: fiscal.TestFN(fn),
		Total: p.Document.Total, Operation: p.Document.Operation, Machine: p.Document.Machine,
	}
	if d.regFN == fn {
		r.RegNumber = d.reg.RNM
	}
	return r
}

// readBack compares the whole document; when it cannot be read in time the
// receipt stands unverified and a later one is read.
func (d *Driver) readBack(ctx context.Context, p program, out *kkt.Outcome) {
	doc, err := d.document(ctx, out.Receipt.FD, d.opts.Now().Add(d.set.Idle))
	if err != nil || !doc.Complete {
		return
	}
	d.verified(p, doc, out)
}

// verified puts the document read back into the outcome and compares it.
func (d *Driver) verified(p program, doc readback.Document, out *kkt.Outcome) {
	out.Document, out.Verified = doc.Bytes(), true
	doc.Fill(out.Receipt)
	if f := compare(p, doc); f != nil {
		out.Fault = f
		return
	}
	d.remember(p, out.Receipt.FN)
}

func (d *Driver) wantsReadBack(p program, fn string) bool {
	switch d.set.Verify {
	case VerifyAlways:
		return true
	case VerifyNever:
		return false
	}
	if d.seen.fn != fn || d.seen.taxes&p.Document.TaxSystem == 0 || !d.seen.kinds[p.Document.Kind] {
		return true
	}
	for _, it := range p.Document.Items {
		if !d.seen.rates[it.VAT] || it.Marked() {
			return true
		}
	}
	return d.set.Every > 0 && d.waiting >= d.set.Every
}

func (d *Driver) remember(p program, fn string) {
	if d.seen.fn != fn {
		d.seen = seen{fn: fn, rates: map[fiscal.VAT]bool{}, kinds: map[fiscal.DocumentKind]bool{}}
	}
	d.waiting = 0
	d.seen.kinds[p.Document.Kind] = true
	d.seen.taxes |= p.Document.TaxSystem
	for _, it := range p.Document.Items {
		d.seen.rates[it.VAT] = true
	}
}

func fdParam(fd uint32) []byte { return binary.LittleEndian.AppendUint32(nil, fd) }
