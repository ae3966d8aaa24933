package decode

import (
	"fmt"

	"github.com/chekomat/chekomat/mdb"
	"github.com/chekomat/chekomat/mdb/exe"
	"github.com/chekomat/chekomat/mdb/trace"
	"github.com/chekomat/chekomat/mdb/vectors"
)

// exeDecoder turns words of Executive into entries: a pair of bytes each. A
// STATUS or CREDIT answered as the last time says nothing.
type exeDecoder struct {
	out    func(Entry)
	opts   Options
	pairs  exe.Pairer
	blocks exe.Blocks
	said   map[byte]byte
	polls  int
	since  int64
	last   int64
	heard  bool
}

func newEXE(h trace.Header, opts Options, out func(Entry)) *exeDecoder {
	if opts.Quiet == 0 {
		opts.Quiet = silence
	}
	return &exeDecoder{out: out, opts: opts, said: map[byte]byte{}, pairs: exe.Pairer{IgnoreParity: !h.Fidelity.ModeBits}}
}

func (d *exeDecoder) Word(w mdb.Word) {
	if quiet := w.T - d.last; d.heard && quiet > d.opts.Quiet {
		d.fold(d.last)
		d.out(Entry{T: d.last, Kind: "silence", Text: fmt.Sprintf("%d.%01d s", quiet/1_000_000, quiet/100_000%10), Count: int(quiet / 1000)})
	}
	d.last, d.heard = w.T, true
	if p, ok := d.pairs.Push(w); ok {
		d.pair(p)
	}
}

func (d *exeDecoder) Lost(note string) {
	d.fold(d.last)
	d.pairs.Drop()
	d.blocks.Drop()
	d.said = map[byte]byte{}
	d.out(Entry{T: d.last, Kind: "lost", Text: note})
}

func (d *exeDecoder) Event(e Entry) { d.say(e) }

func (d *exeDecoder) End() {
	if p, open := d.pairs.Open(); open {
		p.Fault = exe.NoReply
		d.pair(p)
		d.pairs.Drop()
	}
	d.fold(d.last)
}

func (d *exeDecoder) fold(now int64) {
	if d.polls > 1 {
		d.out(Entry{T: d.since, Kind: "polls", Count: d.polls, Text: fmt.Sprintf("%d.%01d s", (now-d.since)/1_000_000, (now-d.since)/100_000%10)})
	}
	d.polls = 0
}

func (d *exeDecoder) say(e Entry) {
	d.fold(e.T)
	d.out(e)
}

func (d *exeDecoder) pair(p exe.Pair) {
	e := Entry{T: p.T, Kind: "command", From: "MASTER", Device: exe.DeviceOf(p.Master).String(), Raw: fmt.Sprintf("%02X → %02X", p.Master, p.Answer)}
	c, command := p.Command()
	if e.Message = c.String(); !command {
		e.Message = fmt.Sprintf("data %X", exe.Nibble(p.Master))
	}
	if p.Fault != exe.Good && p.Fault != exe.OtherDevice {
		e.Kind, e.Error = "error", string(p.Fault)
		switch p.Fault {
		case exe.NoReply:
			e.Raw = fmt.Sprintf("%02X", p.Master)
		case exe.Orphan:
			e.Message, e.Device, e.Raw = "", "", fmt.Sprintf("→ %02X", p.Answer)
		}
		d.say(e)
		return
	}
	shown, full, mine, anomaly := d.blocks.Push(p.Master)
	switch {
	case anomaly != "":
		e.Error = anomaly
	case full:
		e.Message = "DISPLAY"
		if v, err := shown.Minor(); err == nil {
			e.Fields = []vectors.Field{{Name: "credit", Value: trace.Of(v).String()}, {Name: "exact_change", Value: shown.ExactChange}}
		}
	case mine && !d.opts.Polls:
		return // inside a block: told at its end
	}
	e.Fields = append(e.Fields, answered(c, command, p.Answer)...)
	if was, ok := d.said[p.Master]; command && (c == exe.Status || c == exe.Credit) {
		if d.said[p.Master] = p.Answer; ok && was == p.Answer && !d.opts.Polls {
			if d.polls == 0 {
				d.since = p.T
			}
			d.polls++
			return
		}
	}
	d.say(e)
}

// answered tells what the machine's byte means.
func answered(c exe.Command, command bool, b byte) []vectors.Field {
	f := func(name string, v any) []vectors.Field { return []vectors.Field{{Name: name, Value: v}} }
	if !command {
		return nil
	}
	switch c {
	case exe.Status:
		s := exe.ParseState(b)
		return []vectors.Field{{Name: "inhibited", Value: s.Inhibited}, {Name: "free_vend", Value: s.FreeVend}}
	case exe.Credit:
		switch exe.RequestOf(b) {
		case exe.Wanted:
			return f("wanted", b)
		case exe.NothingWanted:
			return f("wanted", "nothing")
		}
		return f("wanted", "undefined")
	case exe.Vend:
		return f("result", [...]string{"delivered", "odd answer", "failed", "refused"}[exe.ResultOf(b)&3])
	}
	return nil
}
