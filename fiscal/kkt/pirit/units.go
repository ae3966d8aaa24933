package pirit

import (
	"context"
	"errors"
	"time"

	"github.com/chekomat/chekomat/fiscal"
	"github.com/chekomat/chekomat/fiscal/fault"
	"github.com/chekomat/chekomat/fiscal/ffd"
	"github.com/chekomat/chekomat/fiscal/kkt"
	"github.com/chekomat/chekomat/fiscal/kkt/readback"
)

// Units reads the state of the register. What a model does not tell is left
// empty.
func (d *Driver) Units(ctx context.Context) ([]kkt.Unit, error) {
	if err := d.lock(ctx); err != nil {
		return nil, err
	}
	defer d.unlock()
	if err := d.connect(ctx); err != nil {
		return nil, err
	}
	at := d.at
	u, err := d.unit(ctx)
	if err != nil {
		return nil, problem(err)
	}
	d.at = at // asking changes nothing
	return []kkt.Unit{u}, nil
}

func (d *Driver) unit(ctx context.Context) (u kkt.Unit, err error) {
	st, err := d.status(ctx)
	if err != nil {
		return u, err
	}
	fn, err := d.serial(ctx)
	if err != nil {
		return u, err
	}
	u.Mode, u.Submode = byte(st.Flags), st.Document
	u.FN.Serial, u.FN.Test = fn, fiscal.TestFN(fn)
	if d.regFN != fn {
		if err := d.readRegistration(ctx, fn); err != nil {
			return u, err
		}
	}
	u.Registration, u.FN.FFD = d.reg, d.reg.FFD
	q := questions{ctx: ctx, d: d}
	q.text(cmdInfo, infoSerial, &u.Serial)
	q.text(cmdInfo, infoModel, &u.Model)
	q.text(cmdInfo, infoFirmware, &u.Firmware)
	q.clock(cmdInfo, infoLast, &u.FN.LastAt)
	q.ask(cmdInfo, infoFNEnd, func(f []string) {
		if t, err := time.Parse("020106", f[0]); err == nil {
			u.FN.ValidUntil = t
		}
	})
	q.ask(cmdFN, fnState, func(f []string) {
		if s, err := parseFNStatus(f); err == nil {
			u.FN.Phase, u.FN.Document, u.FN.Warnings = s.Phase, s.Document, kkt.Warnings(s.Warnings)
		}
	})
	q.ask(cmdFN, fnLastFD, func(f []string) { u.FN.LastFD, _ = parseUint32(f) })
	q.ask(cmdFN, fnShift, func(f []string) {
		if s, err := parseShift(f); err == nil {
			u.FN.Shift, u.FN.ShiftOpen, u.FN.Receipts = s.Number, s.Open, s.Receipts
		}
	})
	q.ask(cmdFN, fnOFD, func(f []string) {
		if x, err := parseExchange(f); err == nil {
			u.FN.Unsent, u.FN.UnsentFD, u.FN.UnsentAt = x.Unsent, x.FirstFD, x.FirstAt
			u.FN.Told |= kkt.ToldUnsent
		}
	})
	if u.FN.ShiftOpen {
		q.clock(cmdInfo, infoShiftFrom, &u.FN.OpenedAt)
	}
	var printer uint64
	q.plain(cmdPrinter, func(f []string) { printer, _ = parsePrinter(f) })
	q.plain(cmdReadClock, func(f []string) {
		if len(f) >= 2 {
			u.Clock, _ = parseClock(f[0], f[1])
		}
	})
	u.Faults = notices(st, u.FN, printer)
	return u, q.err
}

// questions asks what a model may not tell; only a broken link is an error.
type questions struct {
	ctx context.Context
	d   *Driver
	err error
}

func (q *questions) use(f []string, err error, use func([]string)) {
	if q.err = optional(err); q.err == nil && err == nil && len(f) > 0 {
		use(f)
	}
}

func (q *questions) ask(c Code, question string, use func([]string)) {
	if q.err == nil {
		f, err := q.d.ask(q.ctx, c, question)
		q.use(f, err, use)
	}
}

func (q *questions) plain(c Code, use func([]string)) {
	if q.err == nil {
		f, err := q.d.call(q.ctx, c)
		q.use(f, err, use)
	}
}

func (q *questions) text(c Code, question string, to *string) {
	q.ask(c, question, func(f []string) { *to = decode(f[0]) })
}

func (q *questions) clock(c Code, question string, to *time.Time) {
	q.ask(c, question, func(f []string) {
		if len(f) >= 2 {
			*to, _ = parseClock(f[0], f[1])
		}
	})
}

// optional keeps link errors only: an error answer means "not told".
func optional(err error) error {
	if _, ok := errors.AsType[*DeviceError](err); ok {
		return nil
	}
	return err
}

// Bits of the work mode in 02/23.
const (
	modeAutonomous = 1 << 1
	modeAutomatic  = 1 << 2
	modeInternet   = 1 << 5
)

// readRegistration reads the last registration report of the ФН. Where it
// cannot be read, 02h and 78/14 tell the most necessary.
func (d *Driver) readRegistration(ctx context.Context, fn string) error {
	fd, err := get(ctx, d, cmdFN, fnRegistration, parseUint32)
	if err == nil {
		var doc readback.Document
		if doc, err = d.document(ctx, fd); err == nil && doc.Complete {
			d.reg, d.regFN = registration(doc, fd), fn
			return nil
		}
	}
	if optional(err) != nil {
		return err
	}
	var reg kkt.Registration
	q := questions{ctx: ctx, d: d}
	q.text(cmdInfo, infoINN, &reg.INN)
	q.text(cmdInfo, infoRNM, &reg.RNM)
	q.ask(cmdInfo, infoModes, func(f []string) {
		if n, err := numbers(cmdInfo, f, 2); err == nil {
			reg.TaxSystems = fiscal.TaxSystem(n[0] & 0x3f)
			reg.Autonomous, reg.AutoMode, reg.Internet = n[1]&modeAutonomous != 0, n[1]&modeAutomatic != 0, n[1]&modeInternet != 0
		}
	})
	q.ask(cmdFN, fnVersions, func(f []string) {
		if len(f) > 2 {
			v, _ := number(cmdFN, f[2], 8)
			reg.FFD = kkt.FFD(v)
		}
	})
	if q.err == nil {
		d.reg, d.regFN = reg, fn
	}
	return q.err
}

// registration takes the report on registration apart.
func registration(doc readback.Document, fd uint32) kkt.Registration {
	flag := func(tag ffd.Tag) bool { v, _ := doc.Uint(tag); return v == 1 }
	reg := kkt.Registration{
		INN: doc.Text(1018), RNM: doc.Text(1037), FFD: ffd.VersionOf(doc.Body), User: doc.Text(1048),
		Address: doc.Text(1009), Place: doc.Text(1187), Machine: doc.Text(1036), FNSSite: doc.Text(1060),
		OFD: doc.Text(1046), OFDINN: doc.Text(1017), FD: fd,
		AutoMode: flag(1001), Autonomous: flag(1002), Internet: flag(1108),
	}
	if v, ok := doc.Uint(1062); ok {
		reg.TaxSystems = fiscal.TaxSystem(v & 0x3f)
	}
	if v, ok := doc.Uint(1290); ok && reg.FFD == kkt.FFD12 {
		reg.Internet = v&(1<<5) != 0
	}
	if e := ffd.Find(doc.Body, 1012); e != nil {
		reg.At, _ = e.Time()
	}
	return reg
}

// notices are what a person should know about the register.
func notices(st status, fn kkt.FNState, printer uint64) []kkt.Fault {
	var out []kkt.Fault
	add := func(on bool, code fault.Code) {
		if on {
			out = append(out, fault.New(code, ""))
		}
	}
	add(st.Fatal != 0, fault.RegisterBroken)
	add(printer&printerNoPaper != 0, fault.PaperOut)
	add(printer&(printerNotReady|printerCutter|printerGone) != 0, fault.PrinterFault)
	add(printer&printerCover != 0, fault.CoverOpen)
	add(st.Flags&flagExpired != 0, fault.ShiftExpired)
	add(fn.Phase != phaseInWork, fault.FNClosed)
	add(fn.Warnings&kkt.ReplaceNow != 0, fault.FNReplaceNow)
	add(fn.Warnings&kkt.ReplaceSoon != 0, fault.FNReplaceSoon)
	add(fn.Warnings&kkt.ArchiveFull != 0, fault.FNArchive90)
	add(fn.Warnings&kkt.OFDSilent != 0, fault.OFDSilent)
	add(fn.Warnings&kkt.FNCritical != 0, fault.FNFailed)
	return out
}
