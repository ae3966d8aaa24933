package shtrih

import (
	"context"
	"encoding/binary"
	"errors"
	"strconv"
	"time"

	"github.com/chekomat/chekomat/fiscal"
	"github.com/chekomat/chekomat/fiscal/charset"
	"github.com/chekomat/chekomat/fiscal/fault"
	"github.com/chekomat/chekomat/fiscal/ffd"
	"github.com/chekomat/chekomat/fiscal/kkt"
)

// Units reads the state of the register. What an old firmware does not tell is
// left empty.
func (d *Driver) Units(ctx context.Context) ([]kkt.Unit, error) {
	if err := d.lock(ctx); err != nil {
		return nil, err
	}
	defer d.unlock()
	if err := d.connect(ctx); err != nil {
		return nil, err
	}
	u, err := d.unit(ctx)
	if err != nil {
		return nil, problem(err)
	}
	return []kkt.Unit{u}, nil
}

func (d *Driver) unit(ctx context.Context) (u kkt.Unit, err error) {
	st, err := get(ctx, d, cmdLongStatus, nil, parseLongStatus)
	if err != nil {
		return u, err
	}
	fn, err := get(ctx, d, cmdFNStatus, nil, parseFNStatus)
	if err != nil {
		return u, err
	}
	u = kkt.Unit{
		Serial: strconv.FormatUint(st.Serial, 10), Firmware: st.Firmware + "." + strconv.Itoa(int(st.Build)),
		Mode: st.Mode, Submode: st.Submode, Clock: st.Clock,
		FN: kkt.FNState{
			Serial: fn.Serial, Phase: fn.Phase, Document: fn.Document, LastFD: fn.LastFD, LastAt: fn.LastAt,
			ShiftOpen: fn.Open, Warnings: kkt.Warnings(fn.Warnings), Test: fiscal.TestFN(fn.Serial),
		},
	}
	if d.regFN != fn.Serial {
		if err := optional(d.readRegistration(ctx, fn.Serial)); err != nil {
			return u, err
		}
	}
	u.Registration, u.FN.FFD = d.reg, d.reg.FFD
	ask := func(c Code, params []byte, use func([]byte)) {
		if err != nil {
			return
		}
		b, e := d.call(ctx, c, params)
		if err = optional(e); err == nil && e == nil {
			use(b)
		}
	}
	ask(cmdDeviceType, nil, func(b []byte) {
		if len(b) > 6 {
			u.Model = charset.FromCP1251(b[6:])
		}
	})
	ask(cmdReadTable, []byte{d.set.Family.fsTable(), 1, 0, 1}, func(b []byte) {
		if s := trimmed(b); s != "" {
			u.Serial = charset.FromCP1251([]byte(s))
		}
	})
	ask(cmdFNValidity, nil, func(b []byte) {
		if len(b) >= 3 {
			u.FN.ValidUntil = fnDate(b)
		}
		if len(b) >= 4 {
			u.FN.RegistrationsLeft = b[3]
			u.FN.Told |= kkt.ToldRegistrations
		}
	})
	ask(cmdResource, nil, func(b []byte) {
		if r, e := parseResource(b); e == nil {
			u.FN.DocumentsLeft, u.FN.MemoryLeft = r.Documents, r.Memory
			u.FN.Told |= kkt.ToldDocuments | kkt.ToldMemory
		}
	})
	ask(cmdExchange, nil, func(b []byte) {
		if x, e := parseExchange(b); e == nil {
			u.FN.Unsent, u.FN.UnsentFD, u.FN.UnsentAt = x.Messages, x.FirstFD, x.FirstAt
			u.FN.Told |= kkt.ToldUnsent
		}
	})
	ask(cmdShift, nil, func(b []byte) {
		if s, e := parseShiftState(b); e == nil {
			u.FN.Shift, u.FN.ShiftOpen, u.FN.Receipts = s.Number, s.Open, s.Receipts
		}
	})
	if err == nil && u.FN.ShiftOpen {
		u.FN.OpenedAt, err = d.openedAt(ctx, u.FN)
	}
	u.Faults = notices(st, u.FN)
	return u, err
}

// optional keeps link errors only: an error answer means "not told".
func optional(err error) error {
	var dev *DeviceError
	if errors.As(err, &dev) || errors.Is(err, ErrFrame) {
		return nil
	}
	return err
}

// openedAt finds the report on the opening of the shift: it stands before the
// shift's receipts, or a little earlier when other reports came between.
func (d *Driver) openedAt(ctx context.Context, fn kkt.FNState) (time.Time, error) {
	for back := uint32(0); back < 8 && fn.LastFD > fn.Receipts+back; back++ {
		s, err := get(ctx, d, cmdFindDocument, fdParam(fn.LastFD-fn.Receipts-back), parseShortDocument)
		if err != nil {
			return time.Time{}, optional(err)
		}
		if s.Type == typeShiftOpen && s.Shift == fn.Shift {
			return s.At, nil
		}
	}
	return time.Time{}, nil
}

// readRegistration reads the last registration report of the ФН. Texts come
// from the ФН by FF0Eh; a firmware without it has them in its tables, which a
// person may have changed since.
func (d *Driver) readRegistration(ctx context.Context, fn string) error {
	r, err := get(ctx, d, cmdRegistration, nil, parseRegistration)
	if err != nil {
		return optional(err)
	}
	reg := kkt.Registration{
		INN: r.INN, RNM: r.RNM, TaxSystems: fiscal.TaxSystem(r.Tax), At: r.At, FD: r.FD,
		Autonomous: r.Mode&(1<<1) != 0, AutoMode: r.Mode&(1<<2) != 0, Internet: r.Mode&(1<<5) != 0,
	}
	report := byte(1)
	if b, err := d.call(ctx, cmdFNValidity, nil); err == nil && len(b) >= 5 && b[4] > 0 {
		report = b[4]
	} else if err := optional(err); err != nil {
		return err
	}
	table := d.set.Family.fsTable()
	for _, q := range []struct {
		tag          ffd.Tag
		table, field byte
		text         *string
	}{
		{1209, 0, 0, nil},
		{1048, table, 7, &reg.User},
		{1009, table, 9, &reg.Address},
		{1187, table, 14, &reg.Place},
		{1060, table, 13, &reg.FNSSite},
		{1046, table, 10, &reg.OFD},
		{1017, table, 12, &reg.OFDINN},
		{1036, d.set.Family.embeddedTable(), 1, &reg.Machine},
	} {
		b, err := d.call(ctx, cmdRegParameter, binary.LittleEndian.AppendUint16([]byte{report}, uint16(q.tag)))
		e, _, parseErr := ffd.ParseElement(b)
		switch {
		case optional(err) != nil:
			return err
		case err == nil && parseErr == nil && e.Tag == q.tag && q.text == nil:
			v, _ := e.Uint()
			reg.FFD = kkt.FFD(v)
		case err == nil && parseErr == nil && e.Tag == q.tag:
			*q.text = trimmed([]byte(e.Text()))
		case q.text == nil:
			if reg.FFD, err = d.versionFromTable(ctx); err != nil {
				return err
			}
		default:
			b, err := d.call(ctx, cmdReadTable, []byte{q.table, 1, 0, q.field})
			if optional(err) != nil {
				return err
			}
			*q.text = charset.FromCP1251([]byte(trimmed(b)))
		}
	}
	d.reg, d.regFN = reg, fn
	return nil
}

// versionFromTable reads the FFD version of the settings: 2 is 1.05, 4 is 1.2
// (the latter from general knowledge), other values are dead versions.
func (d *Driver) versionFromTable(ctx context.Context) (kkt.FFD, error) {
	at := []byte{17, 1, 0, 17}
	if d.set.Family == Cashcore {
		at = []byte{10, 1, 0, 29}
	}
	b, err := d.call(ctx, cmdReadTable, at)
	if err != nil || len(b) == 0 {
		return 0, optional(err)
	}
	switch v := kkt.FFD(b[0]); v {
	case kkt.FFD105, kkt.FFD11, kkt.FFD12:
		return v, nil
	}
	return 0, nil
}

// notices are what a person should know about the register.
func notices(st longStatus, fn kkt.FNState) []kkt.Fault {
	var out []kkt.Fault
	add := func(on bool, code fault.Code) {
		if on {
			out = append(out, fault.New(code, ""))
		}
	}
	add(st.Submode == submodeNoPaper || st.Submode == submodeBreak, fault.PaperOut)
	add(st.Flags&flagCoverOpen != 0, fault.CoverOpen)
	add(st.Mode&0x0f == modeExpired, fault.ShiftExpired)
	add(st.Mode&0x0f == modeDate, fault.DateNotConfirmed)
	add(st.Mode&0x0f == modeBlocked, fault.RegisterBlocked)
	add(fn.Phase != phaseInWork, fault.FNClosed)
	add(fn.Warnings&kkt.ReplaceNow != 0, fault.FNReplaceNow)
	add(fn.Warnings&kkt.ReplaceSoon != 0, fault.FNReplaceSoon)
	add(fn.Warnings&kkt.ArchiveFull != 0, fault.FNArchive90)
	add(fn.Warnings&kkt.OFDSilent != 0, fault.OFDSilent)
	add(fn.Warnings&kkt.FNCritical != 0, fault.FNFailed)
	return out
}
