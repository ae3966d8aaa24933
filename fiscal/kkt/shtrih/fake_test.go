package shtrih

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/chekomat/chekomat/fiscal"
	"github.com/chekomat/chekomat/fiscal/ffd"
	"github.com/chekomat/chekomat/fiscal/kkt"
	"github.com/chekomat/chekomat/fiscal/kkt/readback"
)

// fake is the smallest register that can lose an answer: V1 over net.Pipe, one
// ФН with an archive, faults by script. It shares no code with the driver
// beyond the frame codec.
type fake struct {
	fn       string
	docs     []fakeDoc
	mode     byte
	submode  byte
	open     bool // shift
	shift    uint16
	receipts uint16
	current  byte // document open in the ФН
	pending  []byte
	cutAt    int // link byte at which the connection breaks once; 0 never
	bytes    int
	forgets  bool               // a pending answer is lost with the connection
	extended bool               // FF45h answers with the time
	version  byte               // of FFD, for the host to know
	tables   map[[2]byte][]byte // table and field of row 1
	written  int                // fields
	reading  []byte
	op       byte
	items    []ffd.Element
	tags     []ffd.Element
	total    int64
	now      time.Time
	long     []byte // reply of 11h
	calls    []Code
	group    sync.WaitGroup
	dials    int
	// refuse answers a command with an error code instead of executing it.
	refuse map[Code][]byte
	// before runs before a command is executed, after when it was.
	before, after func(Code)
	// distort changes the body of a receipt before the ФН takes it.
	distort func([]ffd.Element) []ffd.Element
	// taxCodes turns the byte of FF46h into 1199.
	taxCodes map[byte]fiscal.VAT
}

type fakeDoc struct {
	code byte
	body []ffd.Element
	op   byte
	sum  int64
	fp   uint32
	at   time.Time
	no   uint16 // shift
	cut  int    // bytes the register gives of the TLV, 0 all
}

func newFake() *fake {
	f := &fake{
		fn: "9999078902001234", mode: modeOpen, open: true, shift: 7, now: time.Date(2026, 3, 6, 13, 50, 0, 0, time.UTC),
		refuse: map[Code][]byte{}, taxCodes: map[byte]fiscal.VAT{},
	}
	for v, b := range MaskTaxBytes() {
		f.taxCodes[b] = v
	}
	for range 3 {
		f.add(fakeDoc{code: typeReceipt, op: 1, sum: 100})
	}
	return f
}

func (f *fake) add(d fakeDoc) uint32 {
	d.fp, d.at, d.no = 0x0a000000+uint32(len(f.docs)), f.now, f.shift
	if d.code == typeReceipt || d.code == typeCorrection {
		f.receipts++
	}
	f.docs = append(f.docs, d)
	fd := uint32(len(f.docs))
	head := []ffd.Element{ffd.Num(1040, uint64(fd)), ffd.Clock(1012, f.now), ffd.Sign(0x3104, d.fp), ffd.Num(1038, uint64(f.shift)), ffd.Num(1042, uint64(f.receipts))}
	f.docs[fd-1].body = append(head, d.body...)
	return fd
}

// keys counts the documents that bear a key with the base.
func (f *fake) keys(base kkt.Key) (n int) {
	for _, d := range f.docs {
		if (readback.Document{Body: d.body}).Key().Base() == base {
			n++
		}
	}
	return n
}

func (f *fake) dial(context.Context, string, string) (net.Conn, error) {
	f.group.Wait() // the register sees the end of the connection before
	f.dials++
	client, server := net.Pipe()
	f.group.Go(func() { f.serve(server) })
	return client, nil
}

var errCut = errors.New("cut")

// fakeLink counts the bytes of the device's end and breaks at one of them.
type fakeLink struct {
	f    *fake
	conn net.Conn
	r    *bufio.Reader
}

func (l *fakeLink) step() error {
	l.f.bytes++
	if l.f.bytes == l.f.cutAt {
		l.conn.Close()
		return errCut
	}
	return nil
}

func (l *fakeLink) get() (byte, error) {
	b, err := l.r.ReadByte()
	if err != nil {
		return 0, err
	}
	return b, l.step()
}

func (l *fakeLink) put(b ...byte) error {
	for i := range b {
		if err := l.step(); err != nil {
			return err
		}
		if _, err := l.conn.Write(b[i : i+1]); err != nil {
			return err
		}
	}
	return nil
}

func (f *fake) serve(conn net.Conn) {
	defer conn.Close()
	l := &fakeLink{f, conn, bufio.NewReader(conn)}
	if f.forgets {
		f.pending = nil
	}
	for {
		b, err := l.get()
		if err != nil {
			return
		}
		switch {
		case b == ENQ && f.pending != nil:
			err = errors.Join(l.put(ACK), l.put(f.pending...))
		case b == ENQ:
			err = l.put(NAK)
		case b == ACK:
			f.pending = nil
		case b == STX:
			err = f.command(l)
		}
		if err != nil {
			return
		}
	}
}

func (f *fake) command(l *fakeLink) error {
	n, err := l.get()
	if err != nil {
		return err
	}
	frame := []byte{STX, n}
	for range int(n) + 1 {
		b, err := l.get()
		if err != nil {
			return err
		}
		frame = append(frame, b)
	}
	data, _, err := ParseFrame(frame)
	if err != nil {
		return l.put(NAK)
	}
	c, rest := Code(data[0]), data[1:]
	if data[0] == 0xff {
		c, rest = 0xff00|Code(data[1]), data[2:]
	}
	if c != cmdDeviceType {
		rest = rest[4:]
	}
	reply := []byte{byte(c)}
	if c > 0xff {
		reply = []byte{0xff, byte(c)}
	}
	ackErr := l.put(ACK) // taken: executed whatever becomes of the link
	f.calls = append(f.calls, c)
	if f.before != nil {
		f.before(c)
	}
	if q := f.refuse[c]; len(q) > 0 {
		f.refuse[c] = q[1:]
		reply = append(reply, q[0])
	} else {
		out, code := f.execute(c, slices.Clone(rest))
		reply = append(append(reply, code), out...)
	}
	if f.after != nil {
		f.after(c)
	}
	f.pending = AppendFrame(nil, reply)
	if ackErr != nil {
		return ackErr
	}
	return l.put(f.pending...)
}

func (f *fake) last() uint32 { return uint32(len(f.docs)) }

func time5(t time.Time) []byte {
	return []byte{byte(t.Year() - 2000), byte(t.Month()), byte(t.Day()), byte(t.Hour()), byte(t.Minute())}
}

func (f *fake) execute(c Code, p []byte) ([]byte, byte) {
	le := binary.LittleEndian
	switch c {
	case cmdShortStatus:
		return []byte{30, 0x92, 2, f.mode, f.submode, 0, 0, 0, 0, 0, 0, 0, 0, 0}, 0
	case cmdLongStatus:
		return f.long, 0
	case cmdFNStatus:
		out := []byte{3, f.current, 0, b2i(f.open), 0}
		out = append(append(out, time5(f.now)...), f.fn...)
		return le.AppendUint32(out, f.last()), 0
	case cmdShift:
		return le.AppendUint16(le.AppendUint16([]byte{b2i(f.open)}, f.shift), f.receipts), 0
	case cmdRegistration:
		out := append(time5(f.now), "7700999990  0000000001036533    "...)
		out = append(out, 0x37, 4)
		return le.AppendUint32(le.AppendUint32(out, 1), 1), 0
	case cmdOpenReceipt:
		if f.mode == modeDocument {
			return nil, 0x4a
		}
		if !f.open {
			return nil, 0x3d
		}
		f.mode, f.current, f.items, f.tags, f.total = modeDocument, 4, nil, nil, 0
		return []byte{30}, 0
	case cmdCancel:
		if f.mode != modeDocument {
			return nil, 0x55
		}
		f.mode, f.current = modeOpen, 0
		return []byte{30}, 0
	case cmdFNCancel:
		f.current = 0
		return nil, 0
	case cmdBeginFix:
		if f.mode == modeDocument || f.current != 0 {
			return nil, 0x4a
		}
		f.current, f.items, f.tags, f.total = 0x14, nil, nil, 0
		return nil, 0
	case cmdFix:
		return f.fix(p)
	case cmdOperation:
		if f.current == 0x14 {
			f.mode = modeDocument
		}
		if f.mode != modeDocument {
			return nil, 0x73
		}
		f.op = p[0]
		sum := get5(p[12:])
		f.total += sum
		f.items = append(f.items, ffd.Struct(1059, ffd.Num(1199, uint64(f.taxCodes[p[22]])), ffd.Num(1043, uint64(sum))))
		return nil, 0
	case cmdTLV:
		e, _, err := ffd.ParseElement(p)
		if err != nil || f.current == 0 {
			return nil, 0x33
		}
		f.tags = append(f.tags, e)
		return nil, 0
	case cmdCloseReceipt:
		return f.close(p)
	case cmdOpenShift, cmdCloseShift:
		return f.turnShift(c)
	case cmdFindDocument:
		return f.find(le.Uint32(p))
	case cmdDocumentTLV:
		fd := le.Uint32(p)
		if f.submode != 0 || fd == 0 || fd > f.last() {
			return nil, 0x73
		}
		d := f.docs[fd-1]
		body := ffd.AppendChain(nil, d.body)
		f.reading = body
		if d.cut > 0 {
			f.reading = body[:d.cut]
		}
		return le.AppendUint16([]byte{d.code, 0}, uint16(len(body))), 0
	case cmdReadTLV:
		if len(f.reading) == 0 {
			return nil, errNoSuchData
		}
		n := min(len(f.reading), 200)
		out := f.reading[:n]
		f.reading = f.reading[n:]
		return out, 0
	case cmdReadTable:
		if v, ok := f.tables[[2]byte{p[0], p[3]}]; ok {
			return v, 0
		}
	case cmdWriteTable:
		if _, ok := f.tables[[2]byte{p[0], p[3]}]; ok {
			f.tables[[2]byte{p[0], p[3]}] = slices.Clone(p[4:])
			f.written++
			return nil, 0
		}
	case cmdContinue:
		f.submode = 0
		return []byte{30}, 0
	}
	return nil, 0x37
}

func (f *fake) close(p []byte) ([]byte, byte) {
	if f.mode != modeDocument {
		return nil, 0x73
	}
	var paid int64
	var tags []ffd.Element
	for i, tag := range []ffd.Tag{1031, 1081, 1081, 1081, 1081, 1081, 1081, 1081, 1081, 1081, 1081, 1081, 1081, 1215, 1216, 1217} {
		if v := get5(p[5*i:]); v > 0 {
			paid += v
			tags = append(tags, ffd.Num(tag, uint64(v)))
		}
	}
	if paid < f.total {
		return nil, 0x45
	}
	body := []ffd.Element{ffd.Num(1054, uint64(f.op)), ffd.Num(1020, uint64(f.total)), ffd.Num(1055, uint64(p[111]))}
	body = slices.Concat(body, f.tags, f.items, tags)
	if f.distort != nil {
		body = f.distort(body)
	}
	sum, _ := ffd.Find(body, 1020).Uint()
	code := byte(typeReceipt)
	if f.current == 0x14 {
		code, body = typeCorrection, ground(body)
	}
	fd := f.add(fakeDoc{code: code, op: f.op, sum: int64(sum), body: body})
	f.mode, f.current = modeOpen, 0
	out := binary.LittleEndian.AppendUint32(make([]byte, 5), fd)
	out = binary.LittleEndian.AppendUint32(out, f.docs[fd-1].fp)
	if f.extended {
		out = append(out, time5(f.now)...)
	}
	return out, 0
}

// ground puts 1178 and 1179 into 1174, as the register does for a host that
// sent them by themselves.
func ground(body []ffd.Element) (out []ffd.Element) {
	base := ffd.Element{Tag: 1174, Nested: []ffd.Element{}}
	for _, e := range body {
		switch e.Tag {
		case 1177, 1178, 1179:
			base.Nested = append(base.Nested, e)
		case 1174:
			base = e
		default:
			out = append(out, e)
		}
	}
	return append(out, base)
}

// fix is FF4Ah.
func (f *fake) fix(p []byte) ([]byte, byte) {
	if f.current != 0x14 || len(p) != 63 {
		return nil, 0x33
	}
	body := []ffd.Element{ffd.Num(1173, uint64(p[0])), ffd.Num(1054, uint64(p[1])), ffd.Num(1020, uint64(get5(p[2:]))), ffd.Num(1055, uint64(p[62]))}
	for i, tag := range []ffd.Tag{1031, 1081, 1215, 1216, 1217, 1102, 1103, 1104, 1105, 1106, 1107} {
		body = append(body, ffd.Num(tag, uint64(get5(p[7+5*i:]))))
	}
	body = ground(slices.Concat(body, f.tags))
	if f.distort != nil {
		body = f.distort(body)
	}
	fd := f.add(fakeDoc{code: typeCorrection, op: p[1], sum: get5(p[2:]), body: body})
	f.current = 0
	out := binary.LittleEndian.AppendUint32([]byte{byte(f.receipts), 0}, fd)
	out = binary.LittleEndian.AppendUint32(out, f.docs[fd-1].fp)
	if f.extended {
		out = append(out, time5(f.now)...)
	}
	return out, 0
}

func (f *fake) turnShift(c Code) ([]byte, byte) {
	if c == cmdOpenShift {
		if f.open {
			return nil, 0x73
		}
		f.open, f.mode, f.receipts = true, modeOpen, 0
		f.shift++
		f.add(fakeDoc{code: typeShiftOpen})
		return []byte{30}, 0
	}
	if !f.open {
		return nil, 0x73
	}
	f.add(fakeDoc{code: typeShiftClose})
	f.open, f.mode = false, modeClosed
	return []byte{30}, 0
}

func (f *fake) find(fd uint32) ([]byte, byte) {
	if fd == 0 || fd > f.last() {
		return nil, errNoSuchData
	}
	d := f.docs[fd-1]
	out := append([]byte{d.code, 0}, time5(d.at)...)
	out = binary.LittleEndian.AppendUint32(out, fd)
	out = binary.LittleEndian.AppendUint32(out, d.fp)
	if d.code == typeReceipt || d.code == typeCorrection {
		return put5(append(out, d.op), d.sum), 0
	}
	return binary.LittleEndian.AppendUint16(out, d.no), 0
}

func b2i(b bool) byte {
	if b {
		return 1
	}
	return 0
}
