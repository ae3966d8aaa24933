package ddcmp

import (
	"bufio"
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chekomat/chekomat/mdb/evadts"
	"github.com/chekomat/chekomat/mdb/evadts/line"
)

// captures are the line records of the folder, or a visible skip.
func captures(t testing.TB) []string {
	t.Helper()
	dir := os.Getenv("CHEKOMAT_TRACES")
	if dir == "" {
		root, err := filepath.Abs(".")
		if err != nil {
			t.Fatal(err)
		}
		for root != filepath.Dir(root) {
			if _, err := os.Stat(filepath.Join(root, "go.mod")); err == nil {
				break
			}
			root = filepath.Dir(root)
		}
		dir = filepath.Join(root, "..", "shared", "traces")
	}
	dir = filepath.Join(dir, "evadts")
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("CHEKOMAT_TRACES absent: %v", err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.ddcmp.jsonl"))
	if err != nil || len(files) == 0 {
		t.Skipf("CHEKOMAT_TRACES absent: no *.ddcmp.jsonl in %s", dir)
	}
	return files
}

type row struct {
	T     int64 `json:"t_ms"`
	From  string
	Hex   string
	bytes []byte
}

func readCapture(t testing.TB, path string) (rows []row) {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	sc := bufio.NewScanner(bytes.NewReader(raw))
	sc.Buffer(nil, 1<<20)
	for sc.Scan() {
		var r row
		if err := json.Unmarshal(sc.Bytes(), &r); err != nil {
			t.Fatal(err)
		}
		if r.bytes, err = hex.DecodeString(r.Hex); err != nil {
			t.Fatal(err)
		}
		rows = append(rows, r)
	}
	return rows
}

// report is the file that carries the text of a capture.
func report(t testing.TB, capture string) []byte {
	t.Helper()
	b, err := os.ReadFile(strings.TrimSuffix(capture, ".ddcmp.jsonl") + ".eva")
	if err != nil {
		t.Skipf("not in this folder of CHEKOMAT_TRACES: %v", err)
	}
	return b
}

// TestCapturedFrames: every frame of every capture is understood and, built
// again, has the same bytes save bit 6 that E's master leaves out.
func TestCapturedFrames(t *testing.T) {
	for _, path := range captures(t) {
		for i, r := range readCapture(t, path) {
			s := scanner{limit: 1024}
			var got []frame
			for _, b := range r.bytes {
				if f := s.push(b); f.kind != none {
					f.data = bytes.Clone(f.data)
					got = append(got, f)
				}
			}
			if len(got) != 1 || s.open() {
				t.Fatalf("row %d: %+v", i+1, got)
			}
			f := got[0]
			var again []byte
			switch f.kind {
			case data:
				again = AppendData(nil, f.a, f.b, f.station, f.last, f.data)
				if r.bytes[2]&flag == 0 {
					again = again[:0]
				}
			case start, stack, ack, nack:
				again = AppendControl(nil, r.bytes[1], flag|f.reason, f.a, f.b, f.station)
			default:
				t.Fatalf("row %d: %+v", i+1, f)
			}
			if len(again) > 0 && !bytes.Equal(again, r.bytes) {
				t.Errorf("row %d: % X, want % X", i+1, again, r.bytes)
			}
		}
	}
}

// said gives what the slave's first data beginning so hold behind those bytes.
func said(rows []row, head ...byte) []byte {
	for _, r := range rows {
		if r.From == "slave" && len(r.bytes) > headerLength && bytes.HasPrefix(r.bytes[headerLength:], head) {
			return r.bytes[headerLength+len(head) : len(r.bytes)-2]
		}
	}
	return nil
}

// player says the slave's frames of a capture, each once a message of the
// master came that it answers. list, when not 0, is what its answer to READ says.
type player struct {
	all   []row
	rows  []row // not played yet
	heard []frame
	scan  scanner
	list  byte
	out   line.Outbox
}

func (p *player) Step(now time.Duration, in []byte) (a line.Action) {
	for _, b := range in {
		f := p.scan.push(b)
		if f.kind == none {
			continue
		}
		f.data = bytes.Clone(f.data)
		p.heard = append(p.heard, f)
		if f.kind != ack && f.kind != start && f.kind != data {
			continue
		}
		p.say(now, f)
	}
	p.out.Flush(now, &a)
	a.Wake = line.Wake(p.out.Timer())
	return a
}

// say gives the slave's next frames up to the next word of the master. An ACK
// and a message of the master may come as one or as two.
func (p *player) say(now time.Duration, f frame) {
	if len(p.rows) > 0 && p.rows[0].From == "master" {
		r := p.rows[0]
		kindOf := map[byte]kind{typeSTART: start, typeACK: ack}[r.bytes[1]]
		if r.bytes[0] == message {
			kindOf = data
		}
		if kindOf != f.kind {
			return
		}
		p.rows = p.rows[1:]
	}
	for len(p.rows) > 0 && p.rows[0].From == "slave" {
		b := bytes.Clone(p.rows[0].bytes)
		if p.list != 0 && b[0] == message && begins(b[headerLength:], answer, read) {
			b[headerLength+3] = p.list
			b = evadts.AppendCRC16(b[:headerLength+9], b[headerLength:headerLength+9])
		}
		p.out.Put(now+time.Millisecond, b...)
		p.rows = p.rows[1:]
	}
}

// TestReaderAgainstTheCapture plays the recorded slave to the reader. Where
// its answer names list 1, FINISH stays away; named 2, FINISH is sent.
func TestReaderAgainstTheCapture(t *testing.T) {
	for _, path := range captures(t) {
		for _, list := range []byte{0, securityList} {
			rows := readCapture(t, path)
			p := &player{all: rows, rows: rows, scan: scanner{limit: 1024}, list: list}
			r, err := NewReader(Settings{Clock: time.Date(2019, 3, 1, 20, 19, 17, 0, time.UTC)})
			if err != nil {
				t.Fatal(err)
			}
			_, done := (&line.Loop{A: r, B: p}).Run()
			got, err := r.Result()
			if !done || err != nil || !bytes.Equal(got, report(t, path)) {
				t.Fatalf("%s: done %v, %v, %q", path, done, err, got)
			}
			finished := slices.ContainsFunc(p.heard, func(f frame) bool { return begins(f.data, command, finish) })
			want := list
			if d := said(p.all, answer, read, 1); list == 0 && len(d) > 0 {
				want = d[0]
			}
			if finished != (want == securityList) || r.List() != want {
				t.Errorf("list %d: FINISH sent %v, list said %d", want, finished, r.List())
			}
			for _, f := range p.heard {
				if begins(f.data, command, read) && f.data[3] != securityList {
					t.Errorf("asked for list %d", f.data[3])
				}
			}
		}
	}
}

// TestMachineAgainstTheCapture plays the recorded master to our machine: every
// frame the slave said comes again, byte for byte. Of FINISH the answer is ours.
func TestMachineAgainstTheCapture(t *testing.T) {
	for _, path := range captures(t) {
		rows := readCapture(t, path)
		var blocks [][]byte
		var want []byte
		for _, r := range rows {
			if r.From != "slave" {
				continue
			}
			want = append(want, r.bytes...)
			if d := r.bytes[headerLength:]; len(d) > 2 && d[0] == block {
				blocks = append(blocks, d[2:len(d)-2])
			}
		}
		m, err := NewMachine(Play{Blocks: blocks, Who: said(rows, answer, whoAreYou, 1), Timing: Timing{ACK: time.Minute, Link: time.Hour, Read: time.Hour}})
		if err != nil {
			t.Fatal(err)
		}
		var got []byte
		for _, r := range rows {
			now := time.Duration(r.T) * time.Millisecond
			if r.From != "master" {
				continue
			}
			a := m.Step(now, r.bytes)
			got = append(got, a.Send...)
			got = append(got, m.Step(now+4*time.Millisecond, nil).Send...)
		}
		if !bytes.HasPrefix(got, want) {
			t.Errorf("%s: got\n%X\nwant\n%X", path, got, want)
		}
		cleared := 0
		if d := said(rows, answer, read, 1); len(d) > 0 && d[0] == collectionList {
			cleared = 1
		}
		if m.Reads != 1 || m.Cleared != cleared {
			t.Errorf("reads %d, cleared %d, want %d", m.Reads, m.Cleared, cleared)
		}
	}
}

const text = "DXS*FSC0000001*VA*V0/6*1\r\nST*001*0001\r\nVA1*12500*3*5000*1\r\nG85*0000\r\nSE*4*0001\r\nDXE*1*1\r\n"

func pair(t testing.TB, s Settings, p Play) (*Reader, *Machine) {
	t.Helper()
	if p.Report == nil && p.Blocks == nil {
		p.Report = []byte(text)
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

// TestReadCommands holds the frames of evadts 5.1 and 5.2 the reader makes.
func TestReadCommands(t *testing.T) {
	for _, c := range []struct{ name, got, want string }{
		{"START, 115200 wanted", hexOf(AppendControl(nil, typeSTART, flag, 0, 8, 1)), "0506400008015B95"},
		{"STACK, 2400", hexOf(AppendControl(nil, typeSTACK, flag, 2, 8, 1)), "050740020801C795"},
		{"ACK", hexOf(AppendControl(nil, typeACK, flag, 1, 0, 1)), "050140010001B855"},
		{"read list 2", hexOf(AppendData(nil, 1, 2, 1, false, []byte{command, read, 0, securityList, 1, 0, 0, 0xFF, 0xFF})[8:]), "77E20002010000FFFFF1F1"},
		{"FINISH", hexOf(AppendData(nil, 1, 2, 1, false, []byte{command, finish})[8:]), "77FF67B0"},
	} {
		if c.got != c.want {
			t.Errorf("%s: %s, want %s", c.name, c.got, c.want)
		}
	}
}

func hexOf(b []byte) string { return strings.ToUpper(hex.EncodeToString(b)) }

func TestReadOut(t *testing.T) {
	for _, c := range []struct {
		name     string
		settings Settings
		play     Play
		finishes bool
	}{
		{name: "plain", finishes: true},
		{name: "small blocks", play: Play{BlockSize: 1}, finishes: true},
		{name: "length announced", play: Play{Announces: true}, finishes: true},
		{name: "empty report", play: Play{Blocks: [][]byte{{}}}, finishes: true},
		{name: "faster together", settings: Settings{Fastest: 115200}, play: Play{Fastest: 19200}, finishes: true},
		{name: "machine stays slow", settings: Settings{Fastest: 115200}, finishes: true},
		{name: "more than 256 blocks", play: Play{Report: bytes.Repeat([]byte("CA11*0*0\r\n"), 60), BlockSize: 2}, finishes: true},
		{name: "says list 1", play: Play{ListSaid: 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, m := pair(t, c.settings, c.play)
			at, done := (&line.Loop{A: r, B: m, Delay: time.Millisecond}).Run()
			got, err := r.Result()
			want := bytes.Join(m.play.Blocks, nil)
			if !done || err != nil || !bytes.Equal(got, want) || r.Attempts() != 1 {
				t.Fatalf("after %v: done %v, attempt %d, %v, %q", at, done, r.Attempts(), err, got)
			}
			if (m.Reads == 1) != c.finishes || m.Cleared != 0 {
				t.Errorf("reads %d, cleared %d", m.Reads, m.Cleared)
			}
			if want := 19200; c.play.Fastest == want && r.link.baud != want {
				t.Errorf("at %d baud", r.link.baud)
			}
		})
	}
}

type silent struct{}

func (silent) Step(time.Duration, []byte) line.Action { return line.Action{Wake: line.Never} }

func TestEndsWithANamedError(t *testing.T) {
	r, m := pair(t, Settings{}, Play{RefuseWho: true})
	(&line.Loop{A: r, B: m}).Run()
	if _, err := r.Result(); !errors.Is(err, line.ErrRefused) {
		t.Error(err)
	}
	r, m = pair(t, Settings{}, Play{RefuseRead: true})
	(&line.Loop{A: r, B: m}).Run()
	if _, err := r.Result(); !errors.Is(err, line.ErrRefused) {
		t.Error(err)
	}
	r, m = pair(t, Settings{MaxReport: 10}, Play{})
	(&line.Loop{A: r, B: m}).Run()
	if _, err := r.Result(); !errors.Is(err, line.ErrTooLong) {
		t.Error(err)
	}
	r, _ = pair(t, Settings{}, Play{})
	_, done := (&line.Loop{A: r, B: silent{}}).Run()
	if _, err := r.Result(); !done || !errors.Is(err, line.ErrNoAnswer) || r.Attempts() != 3 {
		t.Error(err)
	}
	for _, s := range []Settings{{Baud: 300}, {Fastest: 1}} {
		if _, err := NewReader(s); !errors.Is(err, ErrSettings) {
			t.Errorf("%+v: %v", s, err)
		}
	}
	if _, err := NewMachine(Play{Baud: 7}); !errors.Is(err, ErrSettings) {
		t.Error(err)
	}
}

func TestOverAPipe(t *testing.T) {
	fast := Timing{Start: 5 * time.Second, ACK: 5 * time.Second, Char: 5 * time.Second, Turn: time.Microsecond,
		Slave: time.Microsecond, Link: 10 * time.Second, Read: 10 * time.Second}
	r, m := pair(t, Settings{Timing: fast}, Play{Timing: fast})
	near, far := net.Pipe()
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- line.Serve(ctx, far, m) }()
	if got, err := line.Read(ctx, near, r); err != nil || string(got) != text {
		t.Errorf("%v, %q", err, got)
	}
	cancel()
	near.Close()
	if err := <-served; err != nil {
		t.Error(err)
	}
}
