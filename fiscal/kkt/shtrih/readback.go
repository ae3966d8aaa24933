package shtrih

import (
	"context"
	"encoding/binary"
	"errors"
	"time"

	"github.com/chekomat/chekomat/fiscal"
	"github.com/chekomat/chekomat/fiscal/fault"
	"github.com/chekomat/chekomat/fiscal/kkt"
	"github.com/chekomat/chekomat/fiscal/kkt/readback"
)

// errNoSuchData is what the register answers when nothing is left to read.
const errNoSuchData = 0x08

// maxDocument is above the longest document of FFD (32768 and its head).
const maxDocument = 40_000

// document reads a document's TLV. While the register prints it refuses with
// 73h or 72h; that is waited for until end.
func (d *Driver) document(ctx context.Context, fd uint32, end time.Time) (readback.Document, error) {
	for {
		head, err := d.call(ctx, cmdDocumentTLV, fdParam(fd))
		var dev *DeviceError
		if errors.As(err, &dev) && (dev.Code == 0x73 || dev.Code == 0x72 || dev.Code == 0x50) && d.opts.Now().Before(end) {
			st, err := d.idle(ctx)
			if err != nil {
				return readback.Document{}, err
			}
			if st.Submode == submodeNoPaper || st.Submode == submodeBreak {
				return readback.Document{}, retry(fault.PaperOut, later, "submode %d", st.Submode)
			}
			if err := sleep(ctx, d.set.Poll); err != nil {
				return readback.Document{}, retry(fault.Busy, soon, "read ФД %d: %v", fd, err)
			}
			continue
		}
		if err != nil {
			return readback.Document{}, err
		}
		if len(head) < 4 {
			return readback.Document{}, short(cmdDocumentTLV, head)
		}
		code, announced := binary.LittleEndian.Uint16(head), int(binary.LittleEndian.Uint16(head[2:]))
		raw, whole, err := d.readOut(ctx)
		if err != nil {
			return readback.Document{}, err
		}
		return readback.Assemble(code, announced, raw, whole), nil
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

// kindOfType is the kind of a document type of FF0Ah; "" for those the till
// does not make.
func kindOfType(t byte) fiscal.DocumentKind {
	return readback.Document{Code: uint16(t)}.Kind()
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
	out.Receipt.Kind = kindOfType(s.Type)
	doc, err := d.document(ctx, fd, d.opts.Now().Add(d.set.Idle))
	var dev *DeviceError
	if errors.As(err, &dev) && dev.Code == errNoSuchData {
		return out, nil // only the short form is left
	}
	if err != nil {
		return kkt.Stored{}, err
	}
	doc.Fill(&out.Receipt)
	out.Receipt.Machine = doc.Machine()
	out.Document, out.Key = doc.Bytes(), doc.Key()
	return out, nil
}
