package pirit

import (
	"context"
	"errors"
	"time"

	"github.com/chekomat/chekomat/fiscal/fault"
	"github.com/chekomat/chekomat/fiscal/kkt"
)

const phaseInWork = 3

// Ready waits until the register answers, finishes or annuls a document that
// was left open, and reads ФН, last document and shift.
func (d *Driver) Ready(ctx context.Context) (kkt.Baseline, error) {
	if err := d.lock(ctx); err != nil {
		return kkt.Baseline{}, err
	}
	defer d.unlock()
	base, err := d.ready(ctx)
	if err != nil {
		d.at = kkt.Baseline{}
		return kkt.Baseline{}, problem(err)
	}
	d.at = base
	return base, nil
}

func (d *Driver) ready(ctx context.Context) (kkt.Baseline, error) {
	for range 4 {
		if err := d.connect(ctx); err != nil {
			return kkt.Baseline{}, err
		}
		st, err := d.status(ctx)
		if err != nil {
			return kkt.Baseline{}, err
		}
		if err := usable(st); err != nil {
			return kkt.Baseline{}, err
		}
		switch state := st.state(); {
		case state == stateInFN:
			// Closed in the ФН, waits for the printer; its numbers are known by
			// reading documents.
			if _, err := d.call(ctx, cmdClose, "1"); err != nil {
				return kkt.Baseline{}, err
			}
		case state != stateClosed:
			// Nothing of ours is in flight: what is open was left by a crash.
			if _, err := d.call(ctx, cmdAnnul); err != nil {
				return kkt.Baseline{}, err
			}
		case st.Document != 0:
			return kkt.Baseline{}, retry(fault.DocumentOpen, time.Second, "document status %d", st.Document)
		default:
			base, again, err := d.baseline(ctx, st)
			if err != nil || !again {
				return base, err
			}
		}
	}
	return kkt.Baseline{}, retry(fault.DocumentOpen, time.Second, "a document stays open")
}

// usable says why a document cannot be begun in this state.
func usable(st status) error {
	switch {
	case st.Fatal&(fatalNoFN|fatalFN) != 0:
		return failed(fault.FNFailed, "fatal bits %d", st.Fatal)
	case st.Fatal != 0:
		return failed(fault.RegisterBroken, "fatal bits %d", st.Fatal)
	case st.Flags&(flagNonFiscal|flagFNClosed|flagNoReg) != 0:
		return config(fault.FNClosed, "flags %d", st.Flags)
	}
	return nil
}

// baseline reads where the ФН stands. again says that a shift closing was
// brought to its end and the state has to be read anew.
func (d *Driver) baseline(ctx context.Context, st status) (base kkt.Baseline, again bool, err error) {
	if !d.set.NoPrint {
		if err := d.paper(ctx); err != nil {
			return base, false, err
		}
	}
	fn, err := d.serial(ctx)
	if err != nil {
		return base, false, err
	}
	state, err := get(ctx, d, cmdFN, fnState, parseFNStatus)
	if err != nil {
		return base, false, err
	}
	switch {
	case state.Phase != phaseInWork:
		return base, false, config(fault.FNClosed, "phase %d", state.Phase)
	case state.Document != 0:
		return base, false, retry(fault.FNState, time.Second, "the ФН has document %02Xh open, the register none", state.Document)
	}
	last, err := get(ctx, d, cmdFN, fnLastFD, parseUint32)
	if err != nil {
		return base, false, err
	}
	sh, err := get(ctx, d, cmdFN, fnShift, parseShift)
	if err != nil {
		return base, false, err
	}
	if st.Flags&flagUnfinished != 0 && !sh.Open {
		// The ФН has the report; the register still has to finish it.
		_, err := d.call(ctx, cmdCloseShift)
		return base, true, err
	}
	if d.regFN != fn {
		if err := d.readRegistration(ctx, fn); err != nil {
			return base, false, err
		}
	}
	base = kkt.Baseline{
		FN: fn, FD: last, Shift: sh.Number, ShiftOpen: sh.Open,
		Expired: sh.Open && st.Flags&(flagExpired|flagUnfinished) != 0,
	}
	if sh.Open {
		base.Receipts = sh.Receipts
	}
	return base, false, nil
}

// Bits of the printer's status, the answer of 04h.
const (
	printerNotReady = 1 << 0
	printerNoPaper  = 1 << 1
	printerCover    = 1 << 2
	printerCutter   = 1 << 3
	printerGone     = 1 << 7
)

func parsePrinter(f []string) (uint64, error) {
	n, err := numbers(cmdPrinter, f, 1)
	if err != nil {
		return 0, err
	}
	return n[0], nil
}

// paper refuses to begin a document that could not be printed. A model without
// the question is not asked.
func (d *Driver) paper(ctx context.Context) error {
	f, err := d.call(ctx, cmdPrinter)
	if _, ok := errors.AsType[*DeviceError](err); ok {
		return nil
	}
	if err != nil {
		return err
	}
	bits, err := parsePrinter(f)
	switch {
	case err != nil:
		return err
	case bits&printerNoPaper != 0:
		return retry(fault.PaperOut, later, "printer status %d", bits)
	case bits&(printerNotReady|printerCutter|printerGone) != 0:
		return retry(fault.PrinterFault, later, "printer status %d", bits)
	case bits&printerCover != 0:
		return retry(fault.CoverOpen, later, "printer status %d", bits)
	}
	return nil
}
