package pirit

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"

	"github.com/chekomat/chekomat/fiscal"
	"github.com/chekomat/chekomat/fiscal/fault"
	"github.com/chekomat/chekomat/fiscal/kkt"
	"github.com/chekomat/chekomat/fiscal/kkt/readback"
)

// maxDocument is above the longest document of FFD (32768 and its head).
const maxDocument = 40_000

// headLen is the length of a document's head: code and length.
const headLen = 4

// leastBlock is the shortest block worth asking for.
const leastBlock = 16

// reading is a document on its way out of the ФН: blocks come by offset, so
// that a reading goes on after the link broke.
type reading struct {
	fd  uint32
	sel selected
	raw []byte
}

// document reads a document's TLV from its beginning.
func (d *Driver) document(ctx context.Context, fd uint32) (readback.Document, error) {
	var r reading
	if _, err := d.choose(ctx, fd, &r); err != nil {
		return readback.Document{}, err
	}
	return d.readOut(ctx, &r)
}

// choose is 78/15; a reading of the same document keeps what it has.
func (d *Driver) choose(ctx context.Context, fd uint32, r *reading) (selected, error) {
	f, err := d.ask(ctx, cmdFN, fnSelect, strconv.FormatUint(uint64(fd), 10))
	if err != nil {
		return selected{}, err
	}
	sel, err := parseSelected(f)
	if err != nil {
		return sel, err
	}
	if r.fd != fd || r.sel != sel {
		*r = reading{fd: fd, sel: sel}
	}
	return sel, nil
}

// readOut is 78/16 until the announced size is there. The size may count the
// document's head or not.
func (d *Driver) readOut(ctx context.Context, r *reading) (readback.Document, error) {
	ended := false
	for want := r.want(); len(r.raw) < want && !ended; want = r.want() {
		f, err := d.ask(ctx, cmdFN, fnRead, strconv.Itoa(len(r.raw)), strconv.Itoa(min(d.block, want-len(r.raw))))
		dev, refused := errors.AsType[*DeviceError](err)
		switch {
		case refused && dev.Code == errNoData:
			ended = true
		case refused && d.block > leastBlock && react(dev).fault == fault.RegisterSettings:
			d.block = max(leastBlock, d.block/2) // longer than this model gives
		case err != nil:
			return readback.Document{}, err
		case len(f) == 0 || f[0] == "":
			ended = true
		default:
			b, err := hex.DecodeString(f[0])
			if err != nil || len(b) > d.block {
				d.drop()
				return readback.Document{}, &LinkError{cmdFN, true, fmt.Errorf("%w: block of %d characters is no hexadecimal of at most %d bytes", ErrFrame, len(f[0]), d.block)}
			}
			r.raw = append(r.raw, b...)
		}
	}
	return readback.Assemble(r.sel.Type, r.sel.Size, r.raw, len(r.raw) >= r.want() || ended && r.headless()), nil
}

// headless says that what came is the announced size less a head that it
// counts and did not give.
func (r *reading) headless() bool {
	return len(r.raw) == r.sel.Size-headLen && !r.head(r.sel.Size-headLen)
}

// head says whether the document begins with a head that announces so many
// bytes.
func (r *reading) head(size int) bool {
	return len(r.raw) >= headLen && binary.LittleEndian.Uint16(r.raw) == r.sel.Type && int(binary.LittleEndian.Uint16(r.raw[2:])) == size
}

// want is how many bytes there are: 4 more than announced when the document
// begins with a head that the size does not count.
func (r *reading) want() int {
	if r.head(r.sel.Size) {
		return r.sel.Size + headLen
	}
	return r.sel.Size
}

// ReadDocument reads a document of the ФН that is in the register. Documents
// older than about 30 days are left in a short form whose layout here is not
// stated; they cannot be read.
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
	if _, err := d.status(ctx); err != nil {
		return kkt.Stored{}, err
	}
	serial, err := d.serial(ctx)
	if err != nil {
		return kkt.Stored{}, err
	}
	if serial != fn {
		return kkt.Stored{}, config(fault.FNReplaced, "ФН %s is in the register, asked for %s", serial, fn)
	}
	doc, err := d.document(ctx, fd)
	if err != nil {
		return kkt.Stored{}, err
	}
	if !doc.Complete {
		return kkt.Stored{}, failed(fault.DocumentUnread, "ФД %d", fd)
	}
	out := kkt.Stored{
		Type: doc.Code, Key: doc.Key(), Document: doc.Bytes(),
		Receipt: fiscal.Receipt{Kind: doc.Kind(), FN: fn, FD: fd, Test: fiscal.TestFN(fn), Machine: doc.Machine()},
	}
	doc.Fill(&out.Receipt)
	if v, ok := doc.Uint(1020); ok {
		out.Receipt.Total = int64(v)
	}
	if v, ok := doc.Uint(1054); ok {
		out.Receipt.Operation = fiscal.Operation(v)
	}
	ticket, err := d.ask(ctx, cmdFN, fnDocument, strconv.FormatUint(uint64(fd), 10))
	if optional(err) != nil {
		return kkt.Stored{}, err
	}
	out.Confirmed = err == nil && len(ticket) > 0 && ticket[0] == "1"
	return out, nil
}
