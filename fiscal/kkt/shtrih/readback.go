package shtrih

import (
	"context"
	"encoding/binary"
	"errors"
	"time"

	"github.com/chekomat/chekomat/fiscal"
	"github.com/chekomat/chekomat/fiscal/fault"
	"github.com/chekomat/chekomat/fiscal/ffd"
	"github.com/chekomat/chekomat/fiscal/kkt"
)

// archived is a document as FF3Ah and FF3Bh gave it.
type archived struct {
	code     uint16
	body     []ffd.Element // what could be parsed
	complete bool          // the whole announced length came and parsed
}

func (a archived) bytes() []byte {
	return ffd.AppendDocument(nil, ffd.Document{Code: ffd.Tag(a.code), Body: a.body})
}

// key is the value of 1084 under our name.
func (a archived) key() kkt.Key {
	for _, e := range a.body {
		if e.Tag != 1084 {
			continue
		}
		name, value := ffd.Find(e.Nested, 1085), ffd.Find(e.Nested, 1086)
		if name != nil && value != nil && name.Text() == kkt.KeyName {
			return kkt.Key(value.Text())
		}
	}
	return ""
}

// errNoSuchData is what the register answers when nothing is left to read.
const errNoSuchData = 0x08

// maxDocument is above the longest document of FFD (32768 and its head).
const maxDocument = 40_000

// document reads a document's TLV. While the register prints it refuses with
// 73h or 72h; that is waited for until end.
func (d *Driver) document(ctx context.Context, fd uint32, end time.Time) (archived, error) {
	for {
		head, err := d.call(ctx, cmdDocumentTLV, fdParam(fd))
		var dev *DeviceError
		if errors.As(err, &dev) && (dev.Code == 0x73 || dev.Code == 0x72 || dev.Code == 0x50) && d.opts.Now().Before(end) {
			st, err := d.idle(ctx)
			if err != nil {
				return archived{}, err
			}
			if st.Submode == submodeNoPaper || st.Submode == submodeBreak {
				return archived{}, retry(fault.PaperOut, later, "submode %d", st.Submode)
			}
			if err := sleep(ctx, d.set.Poll); err != nil {
				return archived{}, retry(fault.Busy, soon, "read ФД %d: %v", fd, err)
			}
			continue
		}
		if err != nil {
			return archived{}, err
		}
		if len(head) < 4 {
			return archived{}, short(cmdDocumentTLV, head)
		}
		code, announced := binary.LittleEndian.Uint16(head), int(binary.LittleEndian.Uint16(head[2:]))
		raw, whole, err := d.readOut(ctx)
		if err != nil {
			return archived{}, err
		}
		return assemble(code, announced, raw, whole), nil
	}
}

// readOut reads FF3Bh until the register has nothing left. whole is false when
// it ended in another way.
func (d *Driver) readOut(ctx context.Context) (raw []byte, whole bool, err error) {
	for len(raw) < maxDocument {
		b, err := d.call(ctx, cmdReadTLV, nil)
		var dev *DeviceError
		if errors.As(err, &dev) {
			return raw, dev.Code == errNoSuchData, nil
		}
		if err != nil {
			return nil, false, err
		}
		if len(b) == 0 {
			return raw, true, nil
		}
		raw = append(raw, b...)
	}
	return raw, false, nil
}

// assemble parses as much of the TLV as is whole. The announced length may
// count the document's head or not.
func assemble(code uint16, announced int, raw []byte, whole bool) archived {
	a := archived{code: code}
	rest := raw
	if doc, n, err := ffd.ParseDocument(raw); err == nil && n == len(raw) && uint16(doc.Code) == code {
		a.body, rest = doc.Body, nil
	}
	for len(rest) > 0 {
		e, n, err := ffd.ParseElement(rest)
		if err != nil {
			break
		}
		a.body = append(a.body, e)
		rest = rest[n:]
	}
	size := len(raw)
	a.complete = whole && len(rest) == 0 && len(a.body) > 0 &&
		(announced == size || announced == size+4 || announced == size-4)
	return a
}

// fill takes what the document tells of the receipt.
func fill(r *fiscal.Receipt, doc archived) {
	if e := ffd.Find(doc.body, 1012); e != nil {
		if at, err := e.Time(); err == nil {
			r.At = at
		}
	}
	if e := ffd.Find(doc.body, 1077); e != nil && r.FP == 0 {
		_, r.FP, _ = e.Sign()
	}
	for tag, to := range map[ffd.Tag]*uint32{1038: &r.Shift, 1042: &r.Number} {
		if e := ffd.Find(doc.body, tag); e != nil {
			if v, err := e.Uint(); err == nil {
				*to = uint32(v)
			}
		}
	}
	if e := ffd.Find(doc.body, 1037); e != nil {
		r.RegNumber = trimmed(e.Value)
	}
}

// ReadDocument reads a document of the ФН that is in the register. Documents
// older than about 30 days may be left in their short form only.
func (d *Driver) ReadDocument(ctx context.Context, fn string, fd uint32) (kkt.Stored, error) {
	if err := d.lock(ctx); err != nil {
		return kkt.Stored{}, err
	}
	defer d.unlock()
	if err := d.connect(ctx); err != nil {
		return kkt.Stored{}, err
	}
	at := d.at
	st, err := d.stored(ctx, fn, fd)
	if err != nil {
		return kkt.Stored{}, problem(err)
	}
	d.at = at // reading changes nothing
	return st, nil
}

func (d *Driver) stored(ctx context.Context, fn string, fd uint32) (kkt.Stored, error) {
	state, err := get(ctx, d, cmdFNStatus, nil, parseFNStatus)
	if err != nil {
		return kkt.Stored{}, err
	}
	if state.Serial != fn {
		return kkt.Stored{}, config(fault.FNReplaced, "ФН %s is in the register, asked for %s", state.Serial, fn)
	}
	s, err := get(ctx, d, cmdFindDocument, fdParam(fd), parseShortDocument)
	if err != nil {
		return kkt.Stored{}, err
	}
	out := kkt.Stored{Type: uint16(s.Type), Confirmed: s.Confirmed, Receipt: fiscal.Receipt{
		FN: fn, FD: s.FD, FP: s.FP, At: s.At, Shift: s.Shift, Total: s.Sum, Operation: s.Operation, Test: fiscal.TestFN(fn),
	}}
	switch s.Type {
	case typeShiftOpen:
		out.Receipt.Kind = fiscal.KindShiftOpen
	case typeShiftClose:
		out.Receipt.Kind = fiscal.KindShiftClose
	case typeReceipt, typeBSO:
		out.Receipt.Kind = fiscal.KindReceipt
	case typeCorrection, typeBSOCorr:
		out.Receipt.Kind = fiscal.KindCorrection
	}
	doc, err := d.document(ctx, fd, d.opts.Now().Add(d.set.Idle))
	var dev *DeviceError
	if errors.As(err, &dev) && dev.Code == errNoSuchData {
		return out, nil // only the short form is left
	}
	if err != nil {
		return kkt.Stored{}, err
	}
	fill(&out.Receipt, doc)
	out.Receipt.Machine = machineOf(doc)
	out.Document, out.Key = doc.bytes(), doc.key()
	return out, nil
}

func machineOf(doc archived) (m fiscal.Machine) {
	for tag, to := range map[ffd.Tag]*string{1036: &m.Serial, 1009: &m.Address, 1187: &m.Place} {
		if e := ffd.Find(doc.body, tag); e != nil {
			*to = e.Text()
		}
	}
	return m
}
