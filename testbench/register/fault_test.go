package register

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chekomat/chekomat/testbench/fn"
	"github.com/chekomat/chekomat/testbench/register/faults"
	"github.com/google/go-cmp/cmp"
)

func (w *world) inject(s string) {
	w.t.Helper()
	f, err := ParseFault(s)
	if err != nil {
		w.t.Fatal(err)
	}
	if err := w.Inject(f); err != nil {
		w.t.Fatal(err)
	}
}

// toClose brings a receipt to the command the faults strike.
func toClose(t *testing.T, cfg Config) (*world, *client) {
	w := newWorld(t, noon, cfg)
	sold(w)
	return w, dial(t, w.Register)
}

var closing50 = closeBy(0, 5000, 1)

// patience bounds the wait for something that must come.
const patience = 20 * time.Second

// knock connects and sends first until the register answers n bytes.
func knock(t *testing.T, w *world, n int, first ...byte) (*client, []byte) {
	t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); {
		conn, err := net.Dial("tcp", w.Addr())
		if err != nil {
			continue
		}
		c := &client{conn: conn, in: bufio.NewReader(conn), wait: 5 * time.Second}
		if b, err := c.raw(n, first...); err == nil {
			t.Cleanup(func() { _ = conn.Close() })
			return c, b
		}
		_ = conn.Close()
	}
	t.Fatal("the register never came back")
	return nil, nil
}

// What each fault of the link does to FF45h: whether the document exists, and
// what a host that comes back with ENQ meets.
func TestLinkFaultsAtTheClosing(t *testing.T) {
	for _, c := range []struct {
		fault  string
		exists bool
		enq    byte // answer to ENQ of the next connection
	}{
		{"lost_request@FF45", false, nak},
		{"damaged_request@FF45", false, nak},
		{"lost_ack@FF45", true, ack},
		{"lost_answer@FF45", true, nak},
		{"cut@FF45,when=before", false, nak},
		{"cut@FF45", true, ack},
		{"cut@FF45,drop", true, nak},
		{"cut@FF45,byte=7", true, ack},
		{"cut@FF45#1,byte=1000", true, ack},
		{"damaged_answer@FF45", true, ack},
		{"late_execution@FF45,delay=30ms", true, ack},
		{"delayed_answer@FF45,delay=30ms", true, ack},
		{"delayed_answer@FF45,delay=30ms,when=before", true, ack},
		{"power_loss@FF45,when=before,delay=10ms", false, nak},
		{"power_loss@FF45,delay=10ms", true, nak},
		{"error@FF45", false, nak},
		{"error@FF45,when=after", true, nak},
	} {
		t.Run(c.fault, func(t *testing.T) {
			w, host := toClose(t, Config{})
			w.inject(c.fault)
			host.wait = 20 * time.Millisecond // the host gives up: no verdict depends on it
			_, _ = host.send(closing50...)
			_ = host.conn.Close()
			host, answered := knock(t, w, 1, enq)
			said := answered[0]
			if said != c.enq {
				t.Fatalf("ENQ answered %02X, want %02X", said, c.enq)
			}
			if said == ack {
				answer, err := host.answer()
				if err != nil || len(answer) != 16 || answer[1] != 0x45 || binary.LittleEndian.Uint32(answer[8:]) != 3 {
					t.Fatalf("late answer % X, %v", answer, err)
				}
				if _, err := host.raw(0, ack); err != nil {
					t.Fatal(err)
				}
			}
			status := host.must(t, 0, cmd(0xFF01)...)
			last, current := binary.LittleEndian.Uint32(status[26:]), status[1]
			mode := host.must(t, 0, cmd(0x10)...)[3]
			if c.exists != (last == 3) || c.exists != (current == 0) || c.exists != (mode == 2) || c.exists == (mode == 8) {
				t.Fatalf("last ФД %d, current document %02X, mode %02X", last, current, mode)
			}
			if len(w.Archive()) != int(last) {
				t.Fatalf("%d documents", len(w.Archive()))
			}
			if !c.exists {
				host.must(t, 0, closing50...) // the receipt is still there and may be closed
			}
		})
	}
}

// A register that executes late answers ENQ with ACK until it has: a host that
// waits for that is never deceived (reliability.md C.3.1).
func TestLateExecutionIsSeenByENQ(t *testing.T) {
	w, host := toClose(t, Config{})
	w.inject("late_execution@FF45,delay=50ms")
	if _, err := host.send(closing50...); err == nil {
		t.Fatal("the connection was not cut")
	}
	if n := len(w.Archive()); n != 2 {
		t.Fatalf("executed at once: %d documents", n)
	}
	host, said := knock(t, w, 1, enq)
	if said[0] != ack {
		t.Fatalf("ENQ answered %02X before the execution", said[0])
	}
	if answer, err := host.answer(); err != nil || answer[2] != 0 {
		t.Fatalf("% X, %v", answer, err)
	}
	if n := len(w.Archive()); n != 3 {
		t.Fatalf("%d documents", n)
	}
}

func TestPowerUpMayCancelTheReceipt(t *testing.T) {
	w, host := toClose(t, Config{PowerUp: "cancel"})
	w.inject("power_loss@FF45,when=before,delay=1ms")
	_, _ = host.send(closing50...)
	host, _ = knock(t, w, 1, enq)
	if s := host.must(t, 0, cmd(0x10)...); s[3] != 2 {
		t.Fatalf("mode %02X", s[3])
	}
	if s := host.must(t, 0, cmd(0xFF01)...); s[1] != 0 || binary.LittleEndian.Uint32(s[26:]) != 2 {
		t.Fatalf("ФН % X", s)
	}
}

func TestBusy(t *testing.T) {
	w := newWorld(t, noon, Config{})
	opened(w)
	c := dial(t, w.Register)
	w.inject("busy@8D,delay=1m")
	c.must(t, errPrinting, cmd(0x8D, 0)...)
	if s := c.must(t, 0, cmd(0x10)...); s[4] != 5 || s[14] != 5 {
		t.Fatalf("submode %d, print result %d", s[4], s[14])
	}
	w.now = w.now.Add(time.Minute)
	c.must(t, 0, cmd(0x8D, 0)...)
}

func TestForeignDocumentComesWhenTheReceiptIsClosed(t *testing.T) {
	for _, at := range []string{"foreign_document@FF45", "foreign_document@FF45,when=after"} {
		w, c := toClose(t, Config{})
		w.inject(at)
		c.must(t, 0, closing50...)
		docs := w.Archive()
		if len(docs) != 4 || docs[2].Key != "" || docs[3].Key != "FOREIGN-1" || docs[3].Machine != "FOREIGN" {
			t.Fatalf("%s: %+v", at, docs)
		}
	}
	w := newWorld(t, noon, Config{})
	opened(w)
	c := dial(t, w.Register)
	w.inject("foreign_document@FF01,when=after") // between the baseline and the receipt
	if s := c.must(t, 0, cmd(0xFF01)...); binary.LittleEndian.Uint32(s[26:]) != 2 {
		t.Fatal("the baseline saw the foreign document")
	}
	if c.receipt(t, 100, "k") != 4 {
		t.Fatal("no foreign document before the receipt")
	}
}

func TestForeignReceiptIsHeldOpen(t *testing.T) {
	w := newWorld(t, noon, Config{})
	opened(w)
	c := dial(t, w.Register)
	w.inject("foreign_open,delay=1m")
	c.must(t, errReceiptOpen, cmd(0x8D, 0)...)
	for _, data := range [][]byte{cmd(0x88), cmd(0x89), cmd(0xFF08), sale(1, 100, 8, "x"), closing50} {
		c.must(t, errOtherOperator, data...)
	}
	w.now = w.now.Add(time.Minute)
	if c.receipt(t, 100, "k") != 3 {
		t.Fatal("the other operator's receipt took a number")
	}
}

func TestAutoShiftBetweenReceipts(t *testing.T) {
	w, c := toClose(t, Config{})
	w.inject("auto_shift@FF45,when=after")
	c.must(t, 0, closing50...)
	docs := w.Archive()
	if len(docs) != 5 || docs[3].Type != fn.TypeShiftClose || docs[4].Type != fn.TypeShiftOpen || docs[4].Shift != 2 {
		t.Fatalf("%+v", docs)
	}
}

func TestFNReplaced(t *testing.T) {
	dir := t.TempDir()
	w := newWorld(t, noon, Config{Data: dir})
	w.documents(3)
	w.inject("fn_replaced")
	c := dial(t, w.Register)
	s := c.must(t, 0, cmd(0xFF01)...)
	if string(s[10:26]) != "9999078902001235" || binary.LittleEndian.Uint32(s[26:]) != 1 || s[3] != 0 {
		t.Fatalf("% X", s)
	}
	w.documents(4)
	before := w.Archive()
	if len(before) != 3+4 {
		t.Fatalf("%d documents of both ФН", len(before))
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	w = newWorld(t, noon, Config{Data: dir})
	if d := cmp.Diff(before, w.Archive()); d != "" {
		t.Fatal(d)
	}
}

func TestOffAndRepair(t *testing.T) {
	w := newWorld(t, noon, Config{})
	c := dial(t, w.Register)
	c.must(t, 0, cmd(0x10)...)
	w.inject("off")
	if _, err := c.do(cmd(0x10)...); err == nil {
		t.Fatal("answers while off")
	}
	if conn, err := net.Dial("tcp", w.Addr()); err == nil {
		second := &client{conn: conn, in: bufio.NewReader(conn), wait: time.Second}
		if _, err := second.do(cmd(0x10)...); err == nil {
			t.Fatal("a new client is served while off")
		}
		_ = conn.Close()
	}
	if !w.Status().Off {
		t.Fatal("status says on")
	}
	w.inject("repair")
	dial(t, w.Register).must(t, 0, cmd(0x10)...)
}

func TestRatesFollowTheSeed(t *testing.T) {
	run := func(seed uint64) (struck []int) {
		w := newWorld(t, noon, Config{Seed: seed})
		w.inject("error:0.2,code=30")
		for i := range 200 {
			if _, ok := w.match(0x10); ok {
				struck = append(struck, i)
			}
		}
		return struck
	}
	a, b, other := run(1), run(1), run(2)
	if cmp.Diff(a, b) != "" || cmp.Diff(a, other) == "" || len(a) < 20 || len(a) > 60 {
		t.Fatalf("%d, %d, %d strikes", len(a), len(b), len(other))
	}
}

func TestFaultText(t *testing.T) {
	for text, want := range map[string]Fault{
		"lost_answer:0.01":                       {Kind: faults.LostAnswer, Rate: 0.01},
		"late_execution:0.005@FF45,delay=2s":     {Kind: faults.LateExecution, Rate: 0.005, Command: "FF45", Delay: faults.Delay(2 * time.Second)},
		"cut@FF45#2,byte=7,drop":                 {Kind: faults.Cut, Command: "FF45", Nth: 2, Byte: 7, Drop: true},
		"power_loss@FF45,when=before":            {Kind: faults.PowerLoss, Command: "FF45", When: faults.Before},
		"error@FF01,code=2F,times=3":             {Kind: faults.ErrorCode, Command: "FF01", Code: 0x2F, Times: 3},
		"shift_expired":                          {Kind: faults.ShiftExpired},
		"foreign_document:0.1@8D,when=after":     {Kind: faults.ForeignDocument, Rate: 0.1, Command: "8D", When: faults.After},
		"delayed_answer@FF3B,delay=1.5s,times=2": {Kind: faults.DelayedAnswer, Command: "FF3B", Delay: faults.Delay(1500 * time.Millisecond), Times: 2},
	} {
		got, err := ParseFault(text)
		if err != nil || got != want {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
		var back Fault
		if err := json.Unmarshal([]byte(got.String()), &back); err != nil || back != got {
			t.Errorf("%s: JSON %s came back as %+v, %v", text, got, back, err)
		}
	}
	for _, bad := range []string{"", "nonsense", "cut@ZZ", "cut@9A", "cut:2", "cut:x", "cut@FF45#x", "cut,byte=-1", "cut,when=never", "cut,what=1", "error,code=100"} {
		if f, err := ParseFault(bad); err == nil {
			t.Errorf("%q was taken as %+v", bad, f)
		}
	}
}

func TestControlAPI(t *testing.T) {
	w := newWorld(t, noon, Config{Control: "127.0.0.1:0"})
	call := func(method, path, body string, into any) int {
		t.Helper()
		req, err := http.NewRequest(method, "http://"+w.ControlAddr()+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = res.Body.Close() }()
		b, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		if s, ok := into.(*string); ok {
			*s = string(b)
		} else if into != nil && res.StatusCode == http.StatusOK {
			if err := json.Unmarshal(b, into); err != nil {
				t.Fatalf("%s %s: %v in %s", method, path, err, b)
			}
		}
		return res.StatusCode
	}
	c := dial(t, w.Register)
	c.must(t, 0, cmd(0xE0)...)
	c.receipt(t, 8500, "key-1")
	var docs []fn.Document
	call("GET", "/archive?type=receipt", "", &docs)
	if len(docs) != 1 || docs[0].Key != "key-1" || docs[0].Machine != "VM-0001234" || docs[0].Sum != 8500 || docs[0].QR == "" || len(docs[0].TLV) == 0 {
		t.Fatalf("%+v", docs)
	}
	call("GET", "/archive?key=none", "", &docs)
	if len(docs) != 0 {
		t.Fatal("found what is not there")
	}
	var s Status
	call("GET", "/status", "", &s)
	if s.LastFD != 3 || s.Receipts != 1 || s.Commands["FF45"] != 1 || s.Mode != 2 || !s.Client || s.RegisterMS.P50 <= 0 {
		t.Fatalf("%+v", s)
	}
	var faults []Fault
	if call("POST", "/fault", `"lost_answer@FF45"`, &faults) != 200 || call("POST", "/fault", `{"kind":"cut","command":"FF45","nth":2}`, &faults) != 200 || len(faults) != 2 {
		t.Fatalf("%+v", faults)
	}
	for _, bad := range []string{`"nonsense"`, `{"kind":"cut","when":"never"}`, `{`, `7`} {
		if code := call("POST", "/fault", bad, nil); code != http.StatusBadRequest {
			t.Errorf("%s: %d", bad, code)
		}
	}
	call("DELETE", "/fault", "", &faults)
	if len(faults) != 0 {
		t.Fatal("faults stayed")
	}
	if call("POST", "/clock", `{"jump":"25h"}`, &s); s.Mode != 3 {
		t.Fatalf("mode %d after a day", s.Mode)
	}
	var text string
	if call("GET", "/metrics", "", &text); !strings.Contains(text, "register_receipts_total 1\n") {
		t.Fatal(text)
	}
}

func TestClientsOneAtATime(t *testing.T) {
	t.Run("queue", func(t *testing.T) {
		w := newWorld(t, noon, Config{})
		first := dial(t, w.Register)
		first.must(t, 0, cmd(0x10)...)
		second := dial(t, w.Register)
		if _, err := second.raw(0, enq); err != nil {
			t.Fatal(err)
		}
		first.must(t, 0, cmd(0x10)...)
		_ = first.conn.Close()
		if b, err := second.raw(1); err != nil || b[0] != nak {
			t.Fatalf("% X, %v", b, err)
		}
	})
	t.Run("refuse", func(t *testing.T) {
		w := newWorld(t, noon, Config{Second: "refuse"})
		first := dial(t, w.Register)
		first.must(t, 0, cmd(0x10)...)
		if conn, err := net.Dial("tcp", w.Addr()); err == nil {
			second := &client{conn: conn, in: bufio.NewReader(conn), wait: time.Second}
			if _, err := second.do(cmd(0x10)...); err == nil {
				t.Fatal("a second client was served")
			}
			_ = conn.Close()
		}
		first.must(t, 0, cmd(0x10)...)
	})
	t.Run("replace", func(t *testing.T) {
		w := newWorld(t, noon, Config{Second: "replace"})
		first := dial(t, w.Register)
		first.must(t, 0, cmd(0x10)...)
		if _, err := first.raw(1, enq); err != nil { // its ACK was taken
			t.Fatal(err)
		}
		dial(t, w.Register).must(t, 0, cmd(0x10)...)
		if _, err := first.do(cmd(0x10)...); err == nil {
			t.Fatal("the first client is still served")
		}
	})
}

func TestLinkV1(t *testing.T) {
	w := newWorld(t, noon, Config{ByteTimeout: 10 * time.Millisecond})
	c := dial(t, w.Register)
	expect := func(want []byte, send ...byte) {
		t.Helper()
		got, err := c.raw(len(want), send...)
		if err != nil || !bytes.Equal(got, want) {
			t.Fatalf("% X answered % X, %v; want % X", send, got, err, want)
		}
	}
	frame := appendFrameV1(nil, cmd(0x13))
	reply := []byte{ack, stx, 3, 0x13, 0, 30, 3 ^ 0x13 ^ 30}
	expect([]byte{nak}, enq)
	expect(reply, append([]byte{0, 0, 0, 0, 0xFF, stx, 0}, frame...)...) // noise and an empty frame before it
	expect(reply, enq)                                                   // not taken yet: ACK and the answer again
	expect(nil, nak)                                                     // damaged at the host: the register waits for ENQ
	expect(reply, enq)
	expect([]byte{nak}, ack, enq)
	bad := bytes.Clone(frame)
	bad[len(bad)-1] ^= 1
	expect([]byte{nak}, bad...) // not executed
	if n := w.Status().Commands["13"]; n != 1 {
		t.Fatalf("executed %d times", n)
	}
	expect(nil, stx, 200, 1, 2) // then silence
	c.wait = 20 * time.Millisecond
	// The receiver starts anew once the byte timeout has passed.
	for end := time.Now().Add(patience); time.Now().Before(end); {
		got, err := c.raw(1, enq)
		if err == nil && got[0] == nak {
			return
		}
	}
	t.Fatal("silence inside a frame did not reset the receiver")
}

func TestRNDISSendsAStrayByte(t *testing.T) {
	w := newWorld(t, noon, Config{RNDIS: true})
	c := dial(t, w.Register)
	c.must(t, 0, cmd(0x10)...)
	if b, err := c.raw(2, enq); err != nil || !bytes.Equal(b, []byte{0xFF, nak}) {
		t.Fatalf("% X, %v", b, err)
	}
}

// Link V2: exactly once by numbers (kkt-shtrih.md §4).
func TestLinkV2(t *testing.T) {
	w := newWorld(t, noon, Config{})
	c := dial(t, w.Register)
	ask := func(frame []byte) (uint16, []byte) {
		t.Helper()
		if _, err := c.raw(0, frame...); err != nil {
			t.Fatal(err)
		}
		var r receiverV2
		for {
			b, err := c.raw(1)
			if err != nil {
				t.Fatal(err)
			}
			if r.push(b[0]) == evFrame {
				return r.num, r.data
			}
		}
	}
	if n, data := ask([]byte{0x8F, 0, 0, 0x0F, 0x1D}); n != 0 || len(data) != 0 {
		t.Fatalf("%d % X before any command", n, data)
	}
	open := appendFrameV2(nil, 1, cmd(0xE0))
	for range 3 { // repeats execute nothing
		if n, data := ask(open); n != 1 || !bytes.Equal(data, []byte{0xE0, 0, 30}) {
			t.Fatalf("%d % X", n, data)
		}
	}
	if n, data := ask([]byte{0x8F, 0, 0, 0x0F, 0x1D}); n != 1 || data[0] != 0xE0 {
		t.Fatalf("%d % X", n, data)
	}
	if n, data := ask(appendFrameV2(nil, 7, cmd(0x41))); n != 1 || data[0] != 0xE0 {
		t.Fatalf("a wrong number was executed: %d % X", n, data)
	}
	for n := uint16(2); n < 0x9F; n++ { // numbers that need stuffing are among them
		if got, data := ask(appendFrameV2(nil, n, cmd(0x13))); got != n || data[0] != 0x13 {
			t.Fatalf("%d: %d % X", n, got, data)
		}
	}
	if len(w.Archive()) != 2 {
		t.Fatalf("%d documents", len(w.Archive()))
	}
	w.inject("lost_answer@41")
	if _, err := c.raw(0, appendFrameV2(nil, 0x9F, cmd(0x41))...); err != nil {
		t.Fatal(err)
	}
	if n, data := ask(appendFrameV2(nil, 0x9F, cmd(0x41))); n != 0x9F || data[1] != 0 {
		t.Fatalf("the lost answer came back as %d % X", n, data)
	}
	// Power off forgets the reply and the number.
	w.inject("off,delay=1ms")
	_, b := knock(t, w, 7, 0x8F, 0, 0, 0x0F, 0x1D)
	if !bytes.Equal(b, []byte{0x8F, 2, 0, 0, 0, 0xA8, 0x69}) {
		t.Fatalf("% X after power off", b)
	}
}
