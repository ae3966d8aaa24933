package dex

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/chekomat/chekomat/mdb/evadts"
	"github.com/chekomat/chekomat/mdb/evadts/line"
)

// worked is the report of evadts 2.2.
const worked = "DXS*FSC0000001*VA*V0/6*1\r\nST*001*0001\r\nID1*FSC0000042*TESTVEND*0100***A-17\r\nID4*2*1643*RUB\r\n" +
	"VA1*12500*3*5000*1\r\nCA2*7500*2*0*0\r\nDA2*5000*1*5000*1\r\nPA1*11*2500\r\nPA7*11*CA*0*2500*1*2500*0*0\r\n" +
	"PA1*12*5000\r\nPA7*12*CA*0*5000*1*5000*0*0\r\nPA7*12*DA*1*5000*1*5000*1*5000\r\n" +
	"EA3*4*251101*1200**251101*0900***4*2\r\nG85*41DC\r\nSE*14*0001\r\nDXE*1*1\r\n"

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestFrames holds the computed frames of evadts 4.2.
func TestFrames(t *testing.T) {
	blocks := Blocks([]byte(worked), 243)
	for _, c := range []struct {
		name string
		got  []byte
		want string
	}{
		{"handshake 1, read", request("FSC0000001", opRead, "R00L06"), "10 01 46 53 43 30 30 30 30 30 30 31 52 52 30 30 4C 30 36 10 03 1C AD"},
		{"handshake 1, send", request("FSC0000001", opSend, "R00L06"), "10 01 46 53 43 30 30 30 30 30 30 31 53 52 30 30 4C 30 36 10 03 DD 61"},
		{"handshake 2", response("00", "FSC0000042", "R00L06", false), "10 01 30 30 46 53 43 30 30 30 30 30 34 32 52 30 30 4C 30 36 10 03 B0 FE"},
		{"handshake 2, E", response("00", "EPHOR00001", "R01L01", false), "10 01 30 30 45 50 48 4F 52 30 30 30 30 31 52 30 31 4C 30 31 10 03 FE 80"},
		{"block, more follow", AppendFrame(nil, stx, []byte("11111"), false), "10 02 31 31 31 31 31 10 17 73 48"},
		{"report, head of block 1", blocks[0][:6], "10 02 44 58 53 2A"},
		{"report, tail of block 1", blocks[0][len(blocks[0])-7:], "44 41 2A 10 17 E3 16"},
		{"report, head of block 2", blocks[1][:6], "10 02 31 2A 35 30"},
		{"report, tail of block 2", blocks[1][len(blocks[1])-7:], "31 0D 0A 10 03 A7 2A"},
	} {
		if want := unhex(t, c.want); !bytes.Equal(c.got, want) {
			t.Errorf("%s: % X, want % X", c.name, c.got, want)
		}
	}
	if len(blocks) != 2 || len(blocks[0]) != 2+241+4 || len(blocks[1]) != 2+91+4 {
		t.Errorf("%d blocks", len(blocks))
	}
}

func pair(t testing.TB, s Settings, p Play) (*Reader, *Machine) {
	t.Helper()
	if p.CommID == "" {
		p.CommID = "FSC0000042"
	}
	if p.Report == nil {
		p.Report = []byte(worked)
	}
	r, err := NewReader(s)
	if err != nil {
		t.Fatal(err)
	}
	m, err := NewMachine(p)
	if err != nil {
		t.Fatal(err)
	}
	return r, m
}

// TestReadOut reads machines of every habit of evadts 4.2 and 4.3; by default
// none has its interval counters cleared.
func TestReadOut(t *testing.T) {
	for _, c := range []struct {
		name     string
		settings Settings
		play     Play
		reads    int
		cleared  int
		saved    bool
	}{
		{name: "plain"},
		{name: "old level", settings: Settings{Level: "R01L01"}, play: Play{Level: "R01L01"}},
		{name: "small blocks", play: Play{BlockSize: 20}},
		{name: "machine is master of exchange 1", play: Play{Bids: true}},
		{name: "code behind the id (Spec 4.7)", play: Play{CodeBehind: true}},
		{name: "CR LF in the handshake (CoinCo Global2)", play: Play{TrailCRLF: true}},
		{name: "busy twice (WACK)", play: Play{Busy: 2}},
		{name: "SAVE taken", settings: Settings{Intervals: Save}, reads: 1, saved: true},
		{name: "SAVE refused", settings: Settings{Intervals: Save}, play: Play{RefuseSend: "05"}},
		{name: "the operator agreed", settings: Settings{Intervals: Agreed}, reads: 1, cleared: 1},
		{name: "the operator agreed, machine bids", settings: Settings{Intervals: Agreed}, play: Play{Bids: true}, reads: 1, cleared: 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, m := pair(t, c.settings, c.play)
			at, done := (&line.Loop{A: r, B: m, Delay: time.Millisecond}).Run()
			got, err := r.Result()
			if !done || err != nil || string(got) != worked {
				t.Fatalf("after %v: done %v, %v, %q", at, done, err, got)
			}
			if m.Cleared != c.cleared || m.Saved != c.saved || r.Saved() != c.saved {
				t.Errorf("cleared %d, saved %v: %+v", m.Cleared, m.Saved, m)
			}
			// The machine's own end of a withheld or just ended read-out.
			for now, i := at, 0; i < 50; i++ {
				a := m.Step(now, nil)
				if a.Wake == line.Never {
					break
				}
				now = a.Wake
			}
			if c.reads == 0 && m.Cleared != 0 {
				t.Errorf("interval counters cleared")
			}
		})
	}
}

// TestRefusals: the machine's own no ends the read-out at once.
func TestRefusals(t *testing.T) {
	for _, code := range answers[1:] {
		r, m := pair(t, Settings{}, Play{Refuse: code})
		_, done := (&line.Loop{A: r, B: m}).Run()
		_, err := r.Result()
		var no *Refused
		if !done || !errors.Is(err, line.ErrRefused) || !errors.As(err, &no) || no.Code != code || r.Attempts() != 1 {
			t.Errorf("code %s: %v after %d attempts", code, err, r.Attempts())
		}
	}
}

// silent never says anything.
type silent struct{}

func (silent) Step(time.Duration, []byte) line.Action { return line.Action{Wake: line.Never} }

// chatter says the same again and again.
type chatter struct {
	say   []byte
	every time.Duration
}

func (c chatter) Step(now time.Duration, in []byte) line.Action {
	return line.Action{Send: c.say, Wake: now + c.every}
}

// TestEndsWithANamedError: whatever sits at the other end, the reader comes to
// an end by its own timers.
func TestEndsWithANamedError(t *testing.T) {
	for _, c := range []struct {
		name  string
		other line.Session
		want  error
	}{
		{"nobody", silent{}, line.ErrNoAnswer},
		{"ENQ for ever", chatter{[]byte{enq}, time.Second}, nil},
		{"NAK for ever", chatter{[]byte{nak}, time.Second / 10}, line.ErrNoAnswer},
		{"EOT for ever", chatter{[]byte{eot}, time.Second / 10}, line.ErrNoAnswer},
		{"ACK0 for ever", chatter{[]byte{dle, '0'}, time.Second / 10}, line.ErrNoAnswer},
		{"noise", chatter{[]byte("hello\r\n"), time.Second / 10}, line.ErrNoAnswer},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, _ := pair(t, Settings{}, Play{})
			at, done := (&line.Loop{A: r, B: c.other}).Run()
			report, err := r.Result()
			if !done || err == nil || report != nil || c.want != nil && !errors.Is(err, c.want) {
				t.Fatalf("after %v: done %v, %v, %d bytes", at, done, err, len(report))
			}
			if at > 6*time.Minute {
				t.Errorf("took %v", at)
			}
		})
	}
}

func TestTooLongIsNamed(t *testing.T) {
	r, m := pair(t, Settings{MaxReport: 100, Attempts: 2}, Play{})
	(&line.Loop{A: r, B: m}).Run()
	if _, err := r.Result(); !errors.Is(err, line.ErrTooLong) {
		t.Error(err)
	}
}

// TestLostAckOfARepeatedBlock: the report repeats a block byte for byte, and an
// ACK is lost; the seal decides which block is a repetition.
func TestLostAckOfARepeatedBlock(t *testing.T) {
	report := sealedReport(t, 6)
	for lose := range 30 {
		r, m := pair(t, Settings{}, Play{Report: report, BlockSize: 16 + 2})
		n := 0
		_, done := (&line.Loop{A: r, B: m, ToB: func(_ time.Duration, b []byte) []byte {
			if n++; n == lose {
				return nil
			}
			return b
		}}).Run()
		if got, err := r.Result(); !done || err != nil || !bytes.Equal(got, report) {
			t.Errorf("message %d lost: %v, %q", lose, err, got)
		}
	}
}

// sealedReport repeats a line of 16 bytes, so that blocks of 16 are equal.
func sealedReport(t testing.TB, n int) []byte {
	t.Helper()
	text := "DXS*FSC01*VA*1\r\nST*001*0000001\r\n" + strings.Repeat("CA11*0*0*0*000\r\n", n)
	reports, err := evadts.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return evadts.Append(nil, reports[0].Sealed())
}

// TestUnsealedReports: a report without G85 is read over a line that loses
// nothing; once bytes were lost nobody could prove it, so it is read again.
func TestUnsealedReports(t *testing.T) {
	unsealed := strings.Replace(worked, "G85*41DC\r\n", "", 1)
	r, m := pair(t, Settings{}, Play{Report: []byte(unsealed), BlockSize: 40})
	(&line.Loop{A: r, B: m}).Run()
	if got, err := r.Result(); err != nil || string(got) != unsealed || r.Attempts() != 1 {
		t.Errorf("%v after %d attempts", err, r.Attempts())
	}
	n := 0
	r, m = pair(t, Settings{}, Play{Report: []byte(unsealed), BlockSize: 40})
	(&line.Loop{A: r, B: m, ToA: func(_ time.Duration, b []byte) []byte {
		if n++; n == 12 {
			return b[1:]
		}
		return b
	}}).Run()
	if got, err := r.Result(); err != nil || string(got) != unsealed || r.Attempts() != 2 {
		t.Errorf("%v after %d attempts", err, r.Attempts())
	}
	r, m = pair(t, Settings{}, Play{Report: []byte(unsealed), BlockSize: 40})
	(&line.Loop{A: r, B: m, ToA: func(_ time.Duration, b []byte) []byte {
		if len(b) > 40 {
			if n++; n%3 == 0 {
				return b[1:]
			}
		}
		return b
	}}).Run()
	if got, err := r.Result(); !errors.Is(err, line.ErrDamaged) || got != nil {
		t.Errorf("%v, %q", err, got)
	}
}

func TestSettings(t *testing.T) {
	for _, s := range []Settings{{CommID: "SHORT"}, {Level: "R1"}, {CommID: "FSC00000\x1001"}} {
		if _, err := NewReader(s); !errors.Is(err, ErrSettings) {
			t.Errorf("%+v: %v", s, err)
		}
	}
	if _, err := NewMachine(Play{}); !errors.Is(err, ErrSettings) {
		t.Error("a machine without a name was made")
	}
}

// TestOverAPipe reads through the shell, with real clocks cut short.
func TestOverAPipe(t *testing.T) {
	fast := Timing{Turn: time.Microsecond, Answer: 5 * time.Second, Char: 5 * time.Second, Idle: 5 * time.Second,
		Exchange: time.Microsecond, Bid: 5 * time.Second, WACK: time.Microsecond}
	r, m := pair(t, Settings{Timing: fast, Intervals: Agreed}, Play{Timing: fast})
	near, far := net.Pipe()
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- line.Serve(ctx, far, m) }()
	got, err := line.Read(ctx, near, r)
	if err != nil || string(got) != worked {
		t.Errorf("%v, %q", err, got)
	}
	cancel()
	near.Close()
	if err := <-served; err != nil {
		t.Error(err)
	}
}
