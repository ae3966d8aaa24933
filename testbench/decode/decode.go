// Package decode tells what a machine's bus says, for people: blocks with their
// messages, scaled money, replies, errors and silence; polls that say nothing
// are folded.
package decode

import (
	"fmt"
	"strings"

	"github.com/chekomat/chekomat/mdb"
	"github.com/chekomat/chekomat/mdb/trace"
	"github.com/chekomat/chekomat/mdb/vectors"
)

// Entry is a line of the dialogue.
type Entry struct {
	T       int64           `json:"t_us"`
	Kind    string          `json:"kind"`           // command, answer, error, break, silence, lost, polls, note, event
	From    string          `json:"from,omitempty"` // who spoke, on EXE: MASTER
	Device  string          `json:"device,omitempty"`
	Message string          `json:"message,omitempty"`
	Fields  []vectors.Field `json:"-"`
	Values  map[string]any  `json:"fields,omitempty"`
	Reply   string          `json:"reply,omitempty"` // ACK, NAK, RET; "none" where one was due
	Late    bool            `json:"late,omitempty"`
	Error   string          `json:"error,omitempty"`
	Raw     string          `json:"raw,omitempty"`
	Count   int             `json:"count,omitempty"`
	Text    string          `json:"text,omitempty"`

	device  mdb.Device
	answers bool // kind command: data came for it
	idle    bool // a poll, or a probe nobody answers
}

// Decoder turns words of MDB into entries. Make one with New.
type Decoder struct {
	out    func(Entry)
	framer mdb.Framer
	state  book
	held   []Entry // waits for its reply
	after  []Entry // what held is to be followed by
	polls  int     // folded so far
	since  int64   // of the first
	last   int64   // of the last word
	heard  bool
	probed map[mdb.Device]bool
	opts   Options
}

// Options of a dialogue.
type Options struct {
	Polls bool // show polls that say nothing
	Quiet int64
}

// silence worth a line, µs.
const silence = 1_000_000

// New makes a decoder that knows what a trace's header says.
func New(h trace.Header, opts Options, out func(Entry)) *Decoder {
	if opts.Quiet == 0 {
		opts.Quiet = silence
	}
	return &Decoder{out: out, state: newBook(h), probed: map[mdb.Device]bool{}, opts: opts}
}

// Word takes the next word.
func (d *Decoder) Word(w mdb.Word) {
	if d.heard && w.T-d.last > 6146 {
		d.blocks(d.framer.Advance(w.T))
	}
	if quiet := w.T - d.last; d.heard && quiet > d.opts.Quiet {
		d.flush()
		d.fold(d.last)
		d.out(Entry{T: d.last, Kind: "silence", Text: fmt.Sprintf("%d.%01d s", quiet/1_000_000, quiet/100_000%10), Count: int(quiet / 1000)})
	}
	d.last, d.heard = w.T, true
	d.blocks(d.framer.Push(w))
}

// Lost says that words are missing.
func (d *Decoder) Lost(note string) {
	d.flush()
	d.fold(d.last)
	d.framer.Reset()
	d.out(Entry{T: d.last, Kind: "lost", Text: note})
}

// Event gives an entry that came of what was said last.
func (d *Decoder) Event(e Entry) {
	if len(d.held) > 0 {
		d.after = append(d.after, e)
		return
	}
	d.say(e)
}

// End tells what is still held back.
func (d *Decoder) End() {
	d.blocks(d.framer.Advance(d.last + 1_000_000))
	d.flush()
	d.fold(d.last)
}

func (d *Decoder) blocks(bs []mdb.Block) {
	for i := range bs {
		d.block(&bs[i])
	}
}

func rawOf(b *mdb.Block) string { return strings.TrimSpace(fmt.Sprintf("% X", b.Bytes())) }

func (d *Decoder) block(b *mdb.Block) {
	switch b.Kind {
	case mdb.ACK, mdb.NAK, mdb.RET:
		d.reply(b)
		return
	case mdb.Break:
		d.flush()
		d.fold(b.T)
		d.out(Entry{T: b.T, Kind: "break", Text: fmt.Sprintf("%d ms", (b.End-b.T)/1000)})
		d.state.talk.Reset()
		return
	case mdb.Invalid:
		d.flush()
		who := "VMC"
		if b.Line == mdb.Slave {
			who = "DEV"
		}
		d.say(Entry{T: b.T, Kind: "error", Error: b.Fault.String(), Raw: rawOf(b), Text: who})
		return
	}
	dev, known := b.Device()
	if b.Kind == mdb.Answer {
		for i := range d.held {
			d.held[i].answers = true
		}
	}
	d.flush()
	if b.Kind == mdb.Command {
		d.state.guess(b)
	}
	for _, n := range d.state.notes() {
		d.say(Entry{T: b.T, Kind: "note", Device: name(dev), Text: n, device: dev})
	}
	for i, m := range vectors.Say(b, d.state.talk.Of(dev)) {
		e := Entry{T: b.T, Kind: "command", Device: name(dev), Message: m.Name, device: dev, Late: b.Marks&mdb.Late != 0}
		if i == 0 {
			e.Raw = rawOf(b)
		}
		if b.Kind == mdb.Answer {
			e.Kind = "answer"
			if !known || b.Marks&mdb.Unordered != 0 {
				e.Device, e.Text = "", "to no command that was heard"
			}
		}
		if m.Err != nil {
			e.Error = m.Err.Error()
		}
		d.state.learn(dev, m)
		e.Fields = d.state.scale(dev, m)
		switch m.Command.(type) {
		case mdb.Poll:
			e.idle = true
		case mdb.Reset:
			e.idle = d.probed[dev]
		}
		d.held = append(d.held, e)
	}
}

// reply adds ACK, NAK or RET to the block it is for.
func (d *Decoder) reply(b *mdb.Block) {
	text := map[mdb.Kind]string{mdb.ACK: "ACK", mdb.NAK: "NAK", mdb.RET: "RET"}[b.Kind]
	want := "command"
	if b.Line == mdb.Master {
		want = "answer"
	}
	n := len(d.held)
	if n == 0 || d.held[n-1].Kind != want {
		d.flush()
		d.say(Entry{T: b.T, Kind: want, Message: text, Raw: rawOf(b), Text: "stray"})
		return
	}
	for i := range d.held {
		d.held[i].Reply = text
	}
	d.flush()
}

// flush gives away what waited for a reply.
func (d *Decoder) flush() {
	held := d.held
	d.held = nil
	for _, e := range held {
		if e.Reply == "" && !e.answers {
			e.Reply = "none"
		}
		if e.Kind == "command" {
			if e.Reply == "none" {
				d.probed[e.device] = true
			} else {
				delete(d.probed, e.device)
			}
		}
		if e.idle && !d.opts.Polls && e.Reply != "NAK" {
			if d.polls == 0 {
				d.since = e.T
			}
			d.polls++
			continue
		}
		d.say(e)
	}
	after := d.after
	d.after = nil
	for _, e := range after {
		d.say(e)
	}
}

// say folds what went before and gives the entry.
func (d *Decoder) say(e Entry) {
	d.fold(e.T)
	d.out(e)
}

// fold tells how many polls said nothing. One poll before an answer is part of
// the answer.
func (d *Decoder) fold(now int64) {
	if d.polls > 1 {
		d.out(Entry{T: d.since, Kind: "polls", Count: d.polls, Text: fmt.Sprintf("%d.%01d s", (now-d.since)/1_000_000, (now-d.since)/100_000%10)})
	}
	d.polls = 0
}

// name of a device in a dialogue: people say reader, not cashless.
func name(d mdb.Device) string {
	switch d {
	case mdb.Cashless1:
		return "reader1"
	case mdb.Cashless2:
		return "reader2"
	case mdb.Validator:
		return "validator"
	}
	return d.String()
}
