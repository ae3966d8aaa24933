package role

import (
	"bytes"
	"testing"

	"github.com/chekomat/chekomat/mdb"
	"github.com/chekomat/chekomat/mdb/module"
	"github.com/chekomat/chekomat/mdb/module/link"
)

// stage is a VMC with one role on a module, all in step.
type stage struct {
	t     *testing.T
	d     *link.Device
	r     Role
	now   int64
	lines []module.Line
	deaf  bool // the VMC ACKs nothing
}

func newStage(t *testing.T, r Role) *stage {
	t.Helper()
	d, err := link.NewDevice(link.DeviceConfig{Boot: 1, Limit: 16, Capabilities: link.CanSpeakMDB})
	if err != nil {
		t.Fatal(err)
	}
	s := &stage{t: t, d: d, r: r}
	s.do(Act{Replies: r.Start()})
	s.must(link.SetMode{Mode: 1, Addresses: []uint8{uint8(r.Device())}})
	return s
}

func newReader(t *testing.T, set ReaderSettings) (*stage, *Reader) {
	t.Helper()
	r, err := NewReader(set)
	if err != nil {
		t.Fatal(err)
	}
	return newStage(t, r), r
}

func (s *stage) must(m link.Message) {
	s.t.Helper()
	if got := s.d.Do(m); got != link.StatusOK {
		s.t.Fatalf("%+v: %s", m, link.StatusText(got))
	}
}

func (s *stage) do(a Act) {
	s.t.Helper()
	for _, r := range a.Replies {
		s.must(link.ReplySet{Key: r.Key, Reply: r.Data})
	}
	for _, l := range a.Lines {
		s.must(link.PollQueue{Tag: l.Tag, Data: l.Data, Address: uint8(l.Address)})
		s.lines = append(s.lines, l)
	}
}

// owner does what the owner of a reader wants.
func (s *stage) owner(a Act, err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
	s.do(a)
}

// ask says a message of the VMC and gives the answer without checksum; ok is
// false for silence, an empty answer is ACK.
func (s *stage) ask(m mdb.CommandMessage, dl mdb.Dialect) (answer []byte, ok bool) {
	s.t.Helper()
	s.now += 100_000
	block := mdb.EncodeCommand(s.r.Device(), m, dl)
	got := s.d.Ask(s.now, block)
	if _, reset := m.(mdb.Reset); reset {
		s.lines = nil
	}
	if len(got) > 1 && !s.deaf {
		s.d.Hear(s.now, block[0], mdb.ACK)
		if _, poll := m.(mdb.Poll); poll && len(s.lines) > 0 && bytes.Equal(got[:len(got)-1], s.lines[0].Data) {
			tag := s.lines[0].Tag
			s.lines = s.lines[1:]
			s.do(s.r.Said(s.now, tag, true))
		}
	}
	s.do(s.r.Command(s.now, block[:len(block)-1]))
	s.do(s.r.Advance(s.now))
	if got == nil {
		return nil, false
	}
	return got[:len(got)-1], true
}

// want asks and demands an answer: nil is ACK.
func (s *stage) want(m mdb.CommandMessage, dl mdb.Dialect, want ...byte) {
	s.t.Helper()
	got, ok := s.ask(m, dl)
	if !ok || !bytes.Equal(got, want) {
		s.t.Fatalf("%T: answered % X (%v), want % X", m, got, ok, want)
	}
}

// poll polls until something other than ACK comes, at most n times.
func (s *stage) poll(n int) []byte {
	s.t.Helper()
	for range n {
		if got, _ := s.ask(mdb.Poll{}, mdb.Dialect{}); len(got) > 0 {
			return got
		}
	}
	return nil
}

// setUp is the start sequence of a VMC of a level (mdb 7.4.1).
func (s *stage) setUp(level uint8) {
	s.t.Helper()
	s.want(mdb.Reset{}, mdb.Dialect{})
	s.want(mdb.Poll{}, mdb.Dialect{}, 0)
	s.ask(mdb.SetupConfig{Level: level, Columns: 16, Rows: 2, Display: 1}, mdb.Dialect{})
	s.ask(mdb.MaxMinPrices{Max: 0xFFFF}, mdb.Dialect{})
	s.ask(mdb.RequestID{}, mdb.Dialect{})
	s.ask(mdb.ReaderControl{Action: mdb.ReaderEnable}, mdb.Dialect{})
}
