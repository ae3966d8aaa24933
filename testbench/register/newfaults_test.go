package register

import (
	"bytes"
	"testing"
	"time"

	"github.com/chekomat/chekomat/testbench/fn"
	"github.com/chekomat/chekomat/testbench/register/faults"
	"go.bug.st/serial"
)

// Power fails at each step of the document inside FF45h: it exists when, and
// only when, the ФН committed it, and the register comes back either with the
// receipt open or without it.
func TestPowerFailsInsideTheClosing(t *testing.T) {
	for _, powerUp := range []string{"keep", "cancel"} {
		for _, c := range []struct {
			fault  string
			exists bool
		}{
			{"power_loss@close,step=data", false}, {"power_loss@close,step=data3", false}, {"power_loss@FF45,step=finish", false},
			{"power_loss@close,step=answer", true}, {"power_loss@close,step=begin", true}, // FF45h begins nothing: the power fails after it
			{"power_loss@close,when=before", false}, {"power_loss@close", true},
		} {
			t.Run(powerUp+" "+c.fault, func(t *testing.T) {
				w, cl := toClose(t, Config{PowerUp: powerUp})
				before := len(w.Archive())
				w.inject(c.fault + ",delay=1ms")
				if out, err := cl.do(closing50...); err == nil {
					t.Fatalf("answered % X", out)
				}
				knock(t, w, 1, enq)
				if exists := len(w.Archive()) == before+1; exists != c.exists {
					t.Fatalf("document exists: %v", exists)
				}
				want, current := byte(2), fn.CurrentNone
				if !c.exists && powerUp == "keep" {
					want, current = 8, fn.CurrentReceipt
				}
				if m, s := w.dev.mode(), w.dev.fn.Status(); m != want || s.Current != current {
					t.Fatalf("mode %d, current %02X after the power came back", m, s.Current)
				}
				if want == 8 {
					w.exec(closing50)
				} else {
					w.documents(uint32(before + 2))
				}
			})
		}
	}
}

func TestPowerFailsInsideTheShiftReports(t *testing.T) {
	w := newWorld(t, noon, Config{})
	host := dial(t, w.Register)
	for _, c := range []struct {
		code   uint16
		step   string
		exists bool
		mode   byte
	}{
		{0xE0, "begin", false, 4}, {0xE0, "data", false, 4}, {0xE0, "finish", false, 4}, {0xE0, "answer", true, 2},
		{0x41, "begin", false, 2}, {0x41, "finish", false, 2}, {0x41, "answer", true, 4},
	} {
		before := len(w.Archive())
		w.inject("power_loss@document,delay=1ms,step=" + c.step)
		if out, err := host.do(cmd(c.code)...); err == nil {
			t.Fatalf("answered % X", out)
		}
		host, _ = knock(t, w, 1, enq)
		if made := len(w.Archive()) - before; (made == 1) != c.exists || w.dev.mode() != c.mode {
			t.Fatalf("%02X at %s: %d documents, mode %d", c.code, c.step, made, w.dev.mode())
		}
	}
}

func TestRepeatedAnswerStandsBeforeTheNext(t *testing.T) {
	w := newWorld(t, noon, Config{})
	w.inject("repeated_answer@status")
	c := dial(t, w.Register)
	first := c.must(t, 0, cmd(0x10)...)
	again, err := c.answer()
	if err != nil || !bytes.Equal(again[2:], first) {
		t.Fatalf("% X, %v", again, err)
	}
	c.must(t, 0, cmd(0xFC)[:1]...)
}

func TestSlowStrikesUntilCleared(t *testing.T) {
	w := newWorld(t, noon, Config{})
	w.inject("slow@10,delay=1ms")
	c := dial(t, w.Register)
	for range 3 {
		c.must(t, 0, cmd(0x10)...)
	}
	w.faults.Clear()
	c.must(t, 0, cmd(0x10)...)
	if n := w.Status().Struck[faults.Slow]; n != 3 {
		t.Fatalf("struck %d times", n)
	}
}

func TestFailedFN(t *testing.T) {
	w := newWorld(t, noon, Config{})
	w.exec(cmd(0xE0))
	w.inject("fn_failure")
	w.refused(byte(fn.Failure), cmd(0x8D, 0))
	if out := w.exec(cmd(0xFF01)); out[4] != fn.WarnCritical {
		t.Fatalf("warnings %02X", out[4])
	}
	w.exec(cmd(0xFF0A, number4(1)...))
	w.inject("repair")
	w.exec(cmd(0x8D, 0))
}

func TestOFDOffAndOn(t *testing.T) {
	w := newWorld(t, noon, Config{})
	w.inject("ofd_off")
	w.dev.confirmAll()
	if q := w.dev.fn.Queue(); q.Unsent != 1 {
		t.Fatalf("%+v", q)
	}
	w.inject("ofd_on")
	w.dev.confirmAll()
	if q := w.dev.fn.Queue(); q.Unsent != 0 {
		t.Fatalf("%+v", q)
	}
}

func TestReplacedFNIsReRegistered(t *testing.T) {
	for _, ffd := range []byte{2, 3, 4} {
		w := newWorld(t, noon, Config{FFD: ffd})
		w.documents(3)
		old := w.Identity()
		w.inject("fn_replaced")
		now := w.Identity()
		if now.Serial != old.Serial || now.FN == old.FN || now.LastFD != 1 {
			t.Fatalf("%+v after %+v", now, old)
		}
		if d := w.last(); d.Type != fn.TypeReregistration || d.Reasons&reasonBits[1] == 0 && d.Reasons&2 == 0 {
			t.Fatalf("%+v", d)
		}
		w.refused(byte(fn.NoData), cmd(0xFF0A, number4(3)...)) // the old archive is gone for hosts
		if len(w.Archive()) != 4 {
			t.Fatalf("%d documents for the bench", len(w.Archive()))
		}
	}
}

func TestReplacedRegister(t *testing.T) {
	cfg := Config{Data: t.TempDir()}
	w := newWorld(t, noon, cfg)
	w.documents(3)
	w.exec(cmd(0x1E, append([]byte{24, 1, 0, 1}, "VM-9"...)...))
	old := w.Identity()
	w.inject("register_replaced")
	now := w.Identity()
	if now.Serial == old.Serial || now.FN == old.FN || w.last().Type != fn.TypeRegistration || w.dev.mode() != 4 {
		t.Fatalf("%+v after %+v", now, old)
	}
	if out := w.exec(cmd(0x1F, 24, 1, 0, 1)); len(out) != 0 {
		t.Fatalf("settings of the old register: % X", out)
	}
	if reg, _ := w.dev.fn.Registered(); reg.RNM != rnm(w.dev.cfg.INN, now.Serial) {
		t.Fatalf("РНМ %s", reg.RNM)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	again := newWorld(t, noon, cfg)
	if again.Identity() != now || len(again.Archive()) != 4 {
		t.Fatalf("%+v after a restart, %d documents", again.Identity(), len(again.Archive()))
	}
}

// Another host cuts us off and makes its receipt; ours is not executed, or is
// executed and unanswered.
func TestSecondHost(t *testing.T) {
	for fault, made := range map[string]int{"second_host@close,delay=1ms": 0, "second_host@close,when=after,delay=1ms": 1} {
		w, c := toClose(t, Config{})
		before := len(w.Archive())
		w.inject(fault)
		if _, err := c.do(closing50...); err == nil {
			t.Fatal("answered")
		}
		knock(t, w, 1, enq)
		if made == 0 {
			w.exec(cmd(0x88)) // our receipt is still open: the other host waits for us
			w.exec(cmd(0x10))
		}
		w.dev.mu.Lock()
		w.dev.between()
		w.dev.mu.Unlock()
		var foreign, ours int
		for _, d := range w.Archive()[before:] {
			if d.KeyName == "foreign" {
				foreign++
			} else {
				ours++
			}
		}
		if ours != made || foreign != 1 {
			t.Fatalf("%s: %d of ours, %d foreign", fault, ours, foreign)
		}
	}
}

// The same receipt over the pseudo-terminal, by both link layers.
func TestSerialLine(t *testing.T) {
	w := newWorld(t, noon, Config{Listen: "none", Pty: true})
	if w.Addr() != "" {
		t.Fatal(w.Addr())
	}
	port, err := serial.Open(w.Path(), &serial.Mode{BaudRate: 115200})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = port.Close() }()
	if err := port.SetReadTimeout(patience); err != nil {
		t.Fatal(err)
	}
	read := func(n int) []byte {
		t.Helper()
		b := make([]byte, n)
		for at := 0; at < n; {
			m, err := port.Read(b[at:])
			if err != nil || m == 0 {
				t.Fatalf("read %d of %d bytes, %v", at, n, err)
			}
			at += m
		}
		return b
	}
	say := func(b ...byte) {
		t.Helper()
		if _, err := port.Write(b); err != nil {
			t.Fatal(err)
		}
	}
	v1 := func(data []byte) []byte {
		t.Helper()
		say(enq)
		if b := read(1); b[0] != nak {
			t.Fatalf("% X to ENQ", b)
		}
		say(appendFrameV1(nil, data)...)
		if b := read(3); b[0] != ack || b[1] != stx {
			t.Fatalf("% X to a frame", b)
		} else {
			out := read(int(b[2]) + 1)
			say(ack)
			return out[:b[2]]
		}
		return nil
	}
	v1(cmd(0xE0))
	v1(cmd(0x8D, 0))
	v1(sale(1, 5000, 8, "Вода"))
	v1(tag(1084, keyTag("serial-1")))
	w.inject("cut@close,byte=4")
	say(enq)
	read(1)
	say(appendFrameV1(nil, closing50)...)
	read(5) // ACK and four bytes of the answer, then the line falls silent
	say(enq)
	if b := read(3); b[0] != ack || b[1] != stx {
		t.Fatalf("% X to ENQ after the cut", b)
	} else {
		read(int(b[2]) + 1)
		say(ack)
	}
	if n := CountKeys(w.Archive())["serial-1"]; n != 1 {
		t.Fatalf("%d documents", n)
	}

	w.inject("power_loss@status,delay=1ms")
	say(appendFrameV1(nil, cmd(0x10))...)    // its ACK goes with the power
	for end := time.Now().Add(patience); ; { // the other link layer after the power came back
		if time.Now().After(end) {
			t.Fatal("the register never came back")
		}
		if err := port.SetReadTimeout(20 * time.Millisecond); err != nil {
			t.Fatal(err)
		}
		say(0x8F, 0, 0, 0x0F, 0x1D)
		b := make([]byte, 7)
		if n, _ := port.Read(b[:1]); n == 1 {
			if err := port.SetReadTimeout(patience); err != nil {
				t.Fatal(err)
			}
			copy(b[1:], read(6))
			if !bytes.Equal(b, []byte{0x8F, 2, 0, 0, 0, 0xA8, 0x69}) {
				t.Fatalf("% X", b)
			}
			break
		}
	}
}

func TestProtocolsByName(t *testing.T) {
	if _, err := Open("morse", Config{}); err == nil {
		t.Fatal("a protocol nobody plugged in")
	}
	d, err := Open("shtrih", Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = d.Close() }()
	if d.Identity().LastFD != 1 || d.Addr() == "" || d.Path() != "" {
		t.Fatalf("%+v", d.Identity())
	}
	defer func() {
		if recover() == nil {
			t.Fatal("a name was taken twice")
		}
	}()
	Plug(Protocol{Name: "shtrih"})
}

func TestFlags(t *testing.T) {
	fill := func(args ...string) (Config, error) {
		var o options
		o.protocol, o.zone, o.ffd, o.overdue = "shtrih", "UTC", "1.2", 0x14
		for i := 0; i+1 < len(args); i += 2 {
			switch args[i] {
			case "protocol":
				o.protocol = args[i+1]
			case "ffd":
				o.ffd = args[i+1]
			case "fault":
				o.injected = append(o.injected, args[i+1])
			case "zone":
				o.zone = args[i+1]
			case "months":
				o.months = int(args[i+1][0]) - 'A' + 12
			case "delays":
				o.delays = true
			}
		}
		var cfg Config
		return cfg, o.fill(&cfg)
	}
	for _, bad := range [][]string{{"protocol", "x"}, {"ffd", "1.3"}, {"fault", "cut@31"}, {"fault", "x"}, {"zone", "Nowhere/At"}, {"months", "A"}} {
		if _, err := fill(bad...); err == nil {
			t.Errorf("%v was taken", bad)
		}
	}
	for _, good := range [][]string{{"ffd", "1.05"}, {"ffd", "4"}, {"fault", "cut@close#2"}, {"months", "D"}, {"delays", ""}} {
		if _, err := fill(good...); err != nil {
			t.Errorf("%v: %v", good, err)
		}
	}
}
