package pirit

import (
	"bufio"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/chekomat/chekomat/fiscal/charset"
	"github.com/chekomat/chekomat/fiscal/ffd"
	"github.com/chekomat/chekomat/fiscal/kkt"
	"github.com/chekomat/chekomat/fiscal/kkt/readback"
)

// fake is the smallest register that can lose an answer: one ФН with an
// archive, faults by script, net.Pipe as its line. It shares no code with the
// driver beyond the frame codec.
type fake struct {
	fn       string
	docs     []fakeDoc
	version  ffd.Version
	address  string // 1009 of the registration
	started  bool
	open     bool // shift
	expired  bool
	unclosed bool // flag 8: the ФН closed the shift, the register did not
	shift    uint32
	receipts uint32
	document byte // status of the open document
	pending  []string
	fnOpen   byte // document the ФН has open
	fatal    int
	flags    int
	paper    int // status of the printer
	phase    int
	cut      int // bytes the register gives of each document, 0 all
	longest  int // block it gives, 0 any
	headless bool
	reading  []byte

	alive bool // ENQ is answered while a command runs

	cutAt int // link byte at which the connection breaks once; 0 never
	bytes int
	calls []string
	group sync.WaitGroup
	dials int
	now   time.Time

	address9, attribute string
	system              string
	items, payments     []ffd.Element
	total, paid         int64

	// refuse answers a command ("31", "78/15") with an error code instead of
	// executing it; 256 and above: 01 with the reason code-256.
	refuse map[string][]int
	reason int
	// before runs before a command is executed, after when it was.
	before, after func(string)
	// distort changes the body of a receipt before the ФН takes it.
	distort func([]ffd.Element) []ffd.Element
	// reply changes the answer frame.
	reply func(call string, frame []byte) []byte
	taxes map[string]uint64 // tax number to 1199
}

type fakeDoc struct {
	code uint16
	body []ffd.Element
	fp   uint32
	at   time.Time
}

func newFake() *fake {
	f := &fake{
		fn: "9999078902001234", version: ffd.V12, address: "г. Москва", started: true, open: true, shift: 7, phase: 3,
		now: time.Date(2026, 3, 6, 13, 50, 0, 0, time.UTC), refuse: map[string][]int{},
		taxes: map[string]uint64{"0": 1, "1": 2, "2": 5, "3": 6, "4": 3, "5": 4, "6": 11},
	}
	f.add(1)
	f.register(f.version)
	f.add(2)
	f.add(3, ffd.Num(1054, 1), ffd.Num(1020, 100))
	return f
}

// register makes document 1 the registration of a format.
func (f *fake) register(v kkt.FFD) {
	f.version = v
	body := []ffd.Element{ffd.Num(1209, uint64(v)), ffd.Num(1062, 0x37), ffd.Num(1001, 1)}
	for _, t := range []struct {
		tag  ffd.Tag
		text string
	}{{1018, "7700999990"}, {1037, "0000000001036533"}, {1009, f.address}, {1187, "холл"}} {
		e, _ := ffd.Str(t.tag, t.text)
		body = append(body, e)
	}
	f.docs[0].body = append(f.docs[0].body[:4:4], body...)
}

func (f *fake) last() uint32 { return uint32(len(f.docs)) }

func (f *fake) add(code uint16, body ...ffd.Element) uint32 {
	d := fakeDoc{code: code, fp: 0x0a000000 + uint32(len(f.docs)), at: f.now}
	fd := f.last() + 1
	d.body = []ffd.Element{ffd.Num(1040, uint64(fd)), ffd.Clock(1012, f.now), ffd.Sign(0x3104, d.fp), ffd.Num(1038, uint64(f.shift))}
	if code == 3 {
		f.receipts++
		d.body = append(d.body, ffd.Num(1042, uint64(f.receipts)))
	}
	d.body = append(d.body, body...)
	f.docs = append(f.docs, d)
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
	f.group.Wait() // commands run one after another, whatever line they came by
	f.dials++
	client, server := net.Pipe()
	f.group.Go(func() { f.serve(server) })
	return client, nil
}

var errCut = errors.New("cut")

// fakeLink counts the bytes of the device's end and breaks at one of them.
type fakeLink struct {
	f       *fake
	conn    net.Conn
	in      chan byte // what the port has received
	running atomic.Bool
}

// receive fills the port's buffer; ENQ is answered at once by a register that
// does so while it works.
func (l *fakeLink) receive() {
	defer close(l.in)
	r := bufio.NewReader(l.conn)
	for {
		b, err := r.ReadByte()
		if err != nil {
			return
		}
		if b == ENQ && l.running.Load() {
			_, _ = l.conn.Write([]byte{ACK})
			continue
		}
		l.in <- b
	}
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
	b, ok := <-l.in
	if !ok {
		return 0, io.EOF
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
	l := &fakeLink{f: f, conn: conn, in: make(chan byte, 4096)}
	f.group.Go(l.receive)
	for {
		b, err := l.get()
		if err != nil {
			return
		}
		switch b {
		case ENQ:
			err = l.put(ACK)
		case STX:
			err = f.command(l)
		}
		if err != nil {
			return
		}
	}
}

func (f *fake) command(l *fakeLink) error {
	frame := []byte{STX}
	for tail := -1; tail != 0; {
		b, err := l.get()
		if err != nil && tail != 1 { // the last byte arrived: executed whatever becomes of the link
			return err
		}
		frame = append(frame, b)
		if tail > 0 {
			tail--
		} else if b == ETX {
			tail = 2
		}
	}
	c, _, err := ParseCommand(frame)
	if err != nil {
		return l.put(AppendAnswer(nil, Answer{ID: FirstID, Code: 0, Error: 7})...)
	}
	call := c.Code.String()
	if (c.Code == cmdFN || c.Code == cmdInfo) && len(c.Fields) > 0 {
		call += "/" + c.Fields[0]
	}
	f.calls = append(f.calls, call)
	if f.before != nil {
		l.running.Store(f.alive)
		f.before(call)
		l.running.Store(false)
	}
	a := Answer{ID: c.ID, Code: c.Code}
	if q := f.refuse[call]; len(q) > 0 {
		f.refuse[call] = q[1:]
		if a.Error = byte(q[0]); q[0] >= 256 {
			a.Error, f.reason = errState, q[0]-256
		}
	} else {
		var code int
		if a.Fields, code = f.execute(c); code >= 256 {
			a.Error, f.reason = errState, code-256
		} else {
			a.Error = byte(code)
		}
	}
	if f.after != nil {
		f.after(call)
	}
	out := AppendAnswer(nil, a)
	if f.reply != nil {
		out = f.reply(call, out)
	}
	return l.put(out...)
}

func at(fields []string, i int) string {
	if i < len(fields) {
		return charset.FromCP866([]byte(fields[i]))
	}
	return ""
}

func kopecks(s string) int64 {
	r, k, _ := strings.Cut(s, ".")
	v, _ := strconv.ParseInt(r+(k + "00")[:2], 10, 64)
	return v
}

func (f *fake) execute(c Command) ([]string, int) {
	if !f.started && c.Code != cmdStatus && c.Code != cmdStart && c.Code != cmdReadClock && c.Code != cmdErrors {
		return nil, 256 + reasonNotStarted
	}
	q := at(c.Fields, 0)
	switch c.Code {
	case cmdStatus:
		flags := f.flags
		for bit, on := range map[int]bool{flagNotStarted: !f.started, flagShiftOpen: f.open, flagExpired: f.expired, flagUnfinished: f.unclosed} {
			if on {
				flags |= bit
			}
		}
		return []string{strconv.Itoa(f.fatal), strconv.Itoa(flags), strconv.Itoa(int(f.document))}, 0
	case cmdStart:
		f.started = true
		return nil, 0
	case cmdReadClock:
		return clockFields(f.now), 0
	case cmdErrors:
		return []string{"1", strconv.Itoa(f.reason), "text"}, 0
	case cmdPrinter:
		return []string{strconv.Itoa(f.paper)}, 0
	case cmdInfo:
		if v, ok := map[string]string{"1": "0490000123", "3": "7700999990", "4": "0000000001036533", "21": "4", "70": "565.1.13", "23": "55"}[q]; ok {
			return []string{q, v, "4", "0"}[:min(4, 2+2*strings.Count(q, "23"))], 0
		}
		if q == "5" || q == "17" {
			return append([]string{q}, clockFields(f.now)...), 0
		}
		return []string{q, "310328", "900"}, 0
	case cmdFN:
		return f.exchange(c, q)
	case cmdOpen:
		return nil, f.begin(c)
	case cmdItem:
		if f.document>>4 != 1 {
			return nil, 256 + 11
		}
		price := kopecks(at(c.Fields, 3))
		rate, ok := f.taxes[at(c.Fields, 4)]
		if !ok {
			f.reason = 48
			return nil, errFormat
		}
		f.total += price
		f.items = append(f.items, ffd.Struct(1059, ffd.Num(1199, rate), ffd.Num(1043, uint64(price))))
		return []string{"0.0000"}, 0
	case cmdSubtotal:
		f.document = f.document&15 | 2<<4
	case cmdAttribute:
		f.attribute = at(c.Fields, 3)
	case cmdPayment:
		sum := kopecks(at(c.Fields, 1))
		tag := map[string]ffd.Tag{"0": 1031, "1": 1081, "13": 1215, "14": 1216, "15": 1217}[q]
		if tag == 0 {
			f.reason = 55
			return nil, errFormat
		}
		f.payments = append(f.payments, ffd.Num(tag, uint64(sum)))
		f.paid += sum
		state := byte(3)
		if f.paid >= f.total {
			state = 4
		}
		f.document = f.document&15 | state<<4
	case cmdClose:
		return f.close(c)
	case cmdAnnul:
		if f.document>>4 == stateInFN {
			return nil, 256 + reasonInFN
		}
		f.document = 0
	case cmdOpenShift:
		if f.open {
			return nil, 0x0f
		}
		f.open, f.receipts = true, 0
		f.shift++
		f.add(2)
	case cmdCloseShift:
		if f.unclosed && !f.open {
			f.unclosed = false
			return nil, 0
		}
		if !f.open {
			return nil, 256 + reasonShiftClosed
		}
		f.add(5)
		f.open = false
	case cmdWriteClock:
		if f.open {
			return nil, 0x0f
		}
	default:
		return nil, 2
	}
	return nil, 0
}

func (f *fake) begin(c Command) int {
	if f.document != 0 {
		return 256 + 9
	}
	if !f.open {
		return 256 + reasonShiftClosed
	}
	mode, _ := strconv.Atoi(at(c.Fields, 0))
	f.document = byte(mode&15) | 1<<4
	f.system, f.address9 = at(c.Fields, 4), at(c.Fields, 5)
	f.items, f.payments, f.total, f.paid, f.attribute = nil, nil, 0, 0, ""
	return 0
}

func (f *fake) close(c Command) ([]string, int) {
	switch f.document >> 4 {
	case stateInFN:
		if f.paper&printerNoPaper != 0 {
			return nil, errNoPaper
		}
		f.document = 0
		return f.pending, 0
	case 4:
	default:
		return nil, 256 + 14
	}
	address := f.address9
	if address == "" {
		address = f.address
	}
	system, _ := strconv.Atoi(f.system)
	operation := map[byte]uint64{docSale: 1, docReturn: 2, docBuy: 3, docBuyReturn: 4}[f.document&15]
	body := []ffd.Element{ffd.Num(1054, operation), ffd.Num(1020, uint64(f.total)), ffd.Num(1055, 1<<system)}
	for _, t := range []struct {
		tag  ffd.Tag
		text string
	}{{1009, address}, {1187, at(c.Fields, 3)}, {1036, at(c.Fields, 5)}, {1008, at(c.Fields, 1)}, {1192, f.attribute}} {
		if e, err := ffd.Str(t.tag, t.text); err == nil && t.text != "" {
			body = append(body, e)
		}
	}
	name, _ := ffd.Str(1085, at(c.Fields, 6))
	value, _ := ffd.Str(1086, at(c.Fields, 7))
	body = slices.Concat(body, []ffd.Element{ffd.Struct(1084, name, value)}, f.items, f.payments)
	if f.distort != nil {
		body = f.distort(body)
	}
	fd := f.add(3, body...)
	f.pending = append([]string{"12", "34", "string", strconv.Itoa(int(fd)), strconv.Itoa(int(f.docs[fd-1].fp)), strconv.Itoa(int(f.shift)), strconv.Itoa(int(f.receipts))}, clockFields(f.now)...)
	if f.paper&printerNoPaper != 0 {
		f.document = f.document&15 | stateInFN<<4
		return nil, errNoPaper
	}
	f.document = 0
	return f.pending, 0
}

func (f *fake) exchange(c Command, q string) ([]string, int) {
	n, _ := strconv.Atoi(at(c.Fields, 1))
	switch q {
	case fnSerial:
		return []string{q, f.fn}, 0
	case fnState:
		return []string{q, strconv.Itoa(f.phase), strconv.Itoa(int(f.fnOpen)), "0"}, 0
	case fnLastFD:
		return []string{q, strconv.Itoa(len(f.docs))}, 0
	case fnRegistration:
		return []string{q, "1"}, 0
	case fnShift:
		open := "0"
		if f.open {
			open = "1"
		}
		return []string{q, strconv.Itoa(int(f.shift)), open, strconv.Itoa(int(f.receipts))}, 0
	case fnOFD:
		return append([]string{q, "2", "1", "3"}, clockFields(f.now)...), 0
	case fnVersions:
		return []string{q, "fn", "0", strconv.Itoa(int(f.version)), "1", "4", "4", "4"}, 0
	case fnDocument:
		return []string{q, "1", "00"}, 0
	case fnSelect:
		if n < 1 || n > len(f.docs) {
			return nil, errNoData
		}
		f.reading = f.tlv(n)
		size := len(f.reading)
		if !f.headless {
			size -= 4
		}
		if f.cut > 0 {
			f.reading = f.reading[:min(f.cut, len(f.reading))]
		}
		return []string{q, strconv.Itoa(int(f.docs[n-1].code)), strconv.Itoa(size)}, 0
	case fnRead:
		size, _ := strconv.Atoi(at(c.Fields, 2))
		if f.longest > 0 && size > f.longest {
			f.reason = 66
			return nil, errFormat
		}
		if n > len(f.reading) {
			return nil, errNoData
		}
		return []string{q, fmt.Sprintf("%X", f.reading[n:min(n+size, len(f.reading))])}, 0
	}
	return nil, 2
}

// tlv is a document as the register gives it: with its head, or, for a
// headless one, without.
func (f *fake) tlv(fd int) []byte {
	d := f.docs[fd-1]
	b := ffd.AppendDocument(nil, ffd.Document{Code: ffd.Tag(d.code), Body: d.body})
	if f.headless {
		return b[4:]
	}
	return b
}

func unhex(s string) []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		panic(err)
	}
	return b
}
