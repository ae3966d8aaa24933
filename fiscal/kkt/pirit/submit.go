package pirit

import (
	"context"
	"errors"

	"github.com/chekomat/chekomat/fiscal"
	"github.com/chekomat/chekomat/fiscal/fault"
	"github.com/chekomat/chekomat/fiscal/kkt"
	"github.com/chekomat/chekomat/fiscal/kkt/readback"
)

// Submit sends the stored commands once. A fault before the finishing command
// is certain: the document is annulled and does not exist. A finishing command
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
	if err := d.capable(ctx, p, base.FN); err != nil {
		return problem(err).Outcome()
	}
	d.at = kkt.Baseline{}
	last := p.Steps[len(p.Steps)-1]
	for i, st := range p.Steps[:len(p.Steps)-1] {
		if _, err := d.call(ctx, st.Code, st.encoded()...); err != nil {
			return d.abandon(ctx, i, err)
		}
	}
	if err := ctx.Err(); err != nil {
		return d.abandon(ctx, len(p.Steps)-1, retry(fault.NoAnswer, soon, "before %s: %v", last.Code, err))
	}
	reply, err := d.call(ctx, last.Code, last.encoded()...)
	if err != nil {
		return d.unfinished(ctx, p, base, err)
	}
	if p.Document.Kind == fiscal.KindReceipt {
		return d.finish(ctx, p, base, reply)
	}
	out := d.find(ctx, p, "", base)
	if out.Kind == kkt.Failed {
		return doubt(fault.OutcomeUnknown, soon, "%s was answered, but the ФН has no report", last.Code)
	}
	return out
}

// permitted refuses what the baseline already tells is impossible.
func permitted(p program, base kkt.Baseline) error {
	kind := p.Document.Kind
	switch {
	case base.FN == "":
		return retry(fault.BaselineMoved, 0, "no baseline was read")
	case p.Document.Test != fiscal.TestFN(base.FN):
		return config(fault.TestMismatch, "document test=%v, ФН %s", p.Document.Test, base.FN)
	case kind == fiscal.KindShiftOpen && base.ShiftOpen:
		return &kkt.Problem{Kind: kkt.Rejected, Fault: fault.New(fault.ShiftOpen, "")}
	case kind == fiscal.KindShiftOpen:
		return nil
	case !base.ShiftOpen && kind == fiscal.KindShiftClose:
		return &kkt.Problem{Kind: kkt.Rejected, Fault: fault.New(fault.ShiftClosed, "")}
	case !base.ShiftOpen:
		return retry(fault.ShiftClosed, 0, "")
	case base.Expired && kind == fiscal.KindReceipt:
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
	st, err := d.status(ctx)
	if err != nil {
		return err
	}
	at, err := d.position(ctx)
	if err != nil {
		return err
	}
	if at.FN != base.FN || at.FD != base.FD || at.ShiftOpen != base.ShiftOpen || st.Document != 0 {
		return retry(fault.BaselineMoved, 0, "ФН %s ФД %d document %d, baseline %s %d", at.FN, at.FD, st.Document, base.FN, base.FD)
	}
	return nil
}

// position is the ФН and its last document and shift.
func (d *Driver) position(ctx context.Context) (at kkt.Baseline, err error) {
	if at.FN, err = d.serial(ctx); err != nil {
		return at, err
	}
	if at.FD, err = get(ctx, d, cmdFN, fnLastFD, parseUint32); err != nil {
		return at, err
	}
	sh, err := get(ctx, d, cmdFN, fnShift, parseShift)
	at.Shift, at.ShiftOpen = sh.Number, sh.Open
	return at, err
}

// capable checks against the registration in the register what the commands
// were made for.
func (d *Driver) capable(ctx context.Context, p program, fn string) error {
	if p.Document.Kind != fiscal.KindReceipt {
		return nil
	}
	if d.regFN != fn {
		if err := d.readRegistration(ctx, fn); err != nil {
			return err
		}
	}
	if p.FFD != 0 && d.reg.FFD != 0 && p.FFD != d.reg.FFD {
		return failed(fault.RegisterSettings, "commands for FFD %s, the register works in %s", p.FFD, d.reg.FFD)
	}
	return d.set.suits(p.Document, d.reg)
}

// abandon ends an attempt that failed at step i, before the finishing command
// was sent: the document does not exist. It annuls what is open, so that the
// next attempt need not.
func (d *Driver) abandon(ctx context.Context, i int, cause error) kkt.Outcome {
	out := problem(cause).Outcome()
	if _, ok := errors.AsType[*DeviceError](cause); ok && i > 0 {
		_, _ = d.call(ctx, cmdAnnul) // Ready annuls again if this fails
	}
	return out
}

// unfinished classifies a failed finishing command. A link error is Ambiguous
// unless nothing was sent. An error answer is certain only when the code says
// so, no document is open any more, and the ФН still stands at the baseline.
func (d *Driver) unfinished(ctx context.Context, p program, base kkt.Baseline, cause error) kkt.Outcome {
	if link, ok := errors.AsType[*LinkError](cause); ok && !link.Sent {
		return problem(cause).Outcome()
	}
	dev, ok := errors.AsType[*DeviceError](cause)
	if !ok || leavesDoubt(dev) {
		return inDoubt(cause)
	}
	if p.Document.Kind == fiscal.KindReceipt {
		if _, err := d.call(ctx, cmdAnnul); err != nil {
			return inDoubt(cause)
		}
	}
	st, err := d.status(ctx)
	if err != nil || st.Document != 0 {
		return inDoubt(cause)
	}
	at, err := d.position(ctx)
	if err != nil || at.FN != base.FN || at.FD != base.FD {
		return inDoubt(cause)
	}
	return problem(cause).Outcome()
}

// finish makes the receipt of the answer to 31h.
func (d *Driver) finish(ctx context.Context, p program, base kkt.Baseline, reply []string) kkt.Outcome {
	c, err := parseClosed(reply)
	if err != nil {
		return inDoubt(err)
	}
	if c.FD <= base.FD {
		return doubt(fault.ProtocolBroken, soon, "31 answers ФД %d, the last one was %d", c.FD, base.FD)
	}
	r := d.receipt(p, base.FN)
	r.FD, r.FP, r.At, r.Shift, r.Number = c.FD, c.FP, c.At, c.Shift, c.Number
	out := kkt.Outcome{Kind: kkt.Done, Receipt: &r}
	d.waiting++
	if c.At.IsZero() || d.wantsReadBack(p, base.FN) {
		doc, err := d.document(ctx, c.FD)
		switch {
		case err == nil && doc.Complete:
			d.verified(p, doc, &out)
		case c.At.IsZero():
			return doubt(fault.DocumentUnread, soon, "31 answers ФД %d without a time: %v", c.FD, err)
		}
	}
	if out.Fault == nil && c.FD == base.FD+1 && d.s != nil {
		// The next document may start from here without asking: whatever comes
		// between moves the ФД that the next 31 answers.
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

// verified puts the document read back into the outcome and compares it.
func (d *Driver) verified(p program, doc readback.Document, out *kkt.Outcome) {
	out.Document, out.Verified = doc.Bytes(), true
	doc.Fill(out.Receipt)
	if f := doc.Difference(readback.Sent{Document: p.Document, Key: p.Key}); f != nil {
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
	if d.seen.fn != fn || d.seen.taxes&p.Document.TaxSystem == 0 {
		return true
	}
	for _, it := range p.Document.Items {
		if !d.seen.rates[it.VAT] {
			return true
		}
	}
	return d.set.Every > 0 && d.waiting >= d.set.Every
}

func (d *Driver) remember(p program, fn string) {
	if d.seen.fn != fn {
		d.seen = seen{fn: fn, rates: map[fiscal.VAT]bool{}}
	}
	d.waiting = 0
	d.seen.taxes |= p.Document.TaxSystem
	for _, it := range p.Document.Items {
		d.seen.rates[it.VAT] = true
	}
}
