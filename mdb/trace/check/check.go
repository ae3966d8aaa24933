// Package check runs written traces through recovery and compares what it says
// with what the trace expects, so that a dialogue and its meaning are one text.
package check

import (
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/chekomat/chekomat/mdb"
	"github.com/chekomat/chekomat/mdb/exe/vends"
	"github.com/chekomat/chekomat/mdb/module"
	"github.com/chekomat/chekomat/mdb/sales"
	"github.com/chekomat/chekomat/mdb/trace"
)

// Recovery is what both buses' recoveries do.
type Recovery interface {
	Word(mdb.Word) []sales.Event
	Advance(t int64) []sales.Event
	Lost(note string) []sales.Event
	Undecided() []sales.Event
	Checkpoint() []byte
	Restore([]byte) error
}

// New makes the recovery a trace's header asks for. It fails when the header
// carries a checkpoint that can't be read.
func New(h trace.Header) (Recovery, error) {
	r := fresh(h)
	if h.State == nil {
		return r, nil
	}
	if err := r.Restore(h.State); err != nil {
		return nil, fmt.Errorf("take up the state of the trace: %w", err)
	}
	return r, nil
}

func fresh(h trace.Header) Recovery {
	if h.Bus == "exe" {
		return vends.New(EXE(h))
	}
	return sales.New(MDB(h))
}

// Fidelity of a trace as a source has it.
func Fidelity(f trace.Fidelity) module.Fidelity {
	return module.Fidelity{ModeBits: f.ModeBits, Checksums: f.Checksums, Times: f.Times, BothLines: f.BothLines}
}

var devices = map[string]mdb.Device{
	"reader1": mdb.Cashless1, "reader2": mdb.Cashless2, "changer": mdb.Changer, "validator": mdb.Validator, "gateway": mdb.Gateway,
	"hopper1": mdb.Hopper1, "hopper2": mdb.Hopper2,
}

// MDB is the configuration of sales recovery for a trace.
func MDB(h trace.Header) sales.Config {
	c := sales.ForSource(Fidelity(h.Fidelity))
	for _, a := range h.Assume {
		switch a.What {
		case "idle":
			c.StartsIdle = true
		case "money":
			c.Scale, c.Decimals, c.Currency = a.Setup.Scale, a.Setup.Decimals, a.Setup.Currency
		default:
			d, ok := devices[a.What]
			if !ok {
				continue
			}
			s := sales.Setup{Device: d, Level: a.Setup.Level, Scale: a.Setup.Scale, Decimals: a.Setup.Decimals,
				Currency: a.Setup.Currency, Options: a.Setup.Options, Wide: a.Setup.Wide}
			copy(s.Credits[:], a.Setup.Credits)
			c.Setups = append(c.Setups, s)
		}
	}
	return c
}

// EXE is the configuration of the recovery of vends for a trace.
func EXE(h trace.Header) vends.Config {
	var c vends.Config
	for _, a := range h.Assume {
		switch a.What {
		case "exe":
			c.Mode = vends.Mode(a.Text)
		case "payment":
			c.Payment = vends.Payment(a.Text)
		case "line":
			if c.Prices == nil {
				c.Prices = map[uint8]int64{}
			}
			c.Prices[a.Line] = a.Kopecks
		case "money":
			c.Scale, c.Decimals = uint8(min(a.Setup.Scale, 255)), a.Setup.Decimals
			if a.Setup.Currency != 0 {
				c.Currency = fmt.Sprintf("%04X", a.Setup.Currency)
			}
		}
	}
	return c.ForSource(Fidelity(h.Fidelity))
}

// Failure is an expectation that was not met.
type Failure struct {
	Line int
	Text string
}

func (f Failure) Error() string { return fmt.Sprintf("%d: %s", f.Line, f.Text) }

// Run plays a trace and compares. A trace that expects nothing of recovery
// passes whatever it says.
func Run(f trace.File) []error {
	rec, err := New(f.Header)
	if err != nil {
		return []error{err}
	}
	p := player{rec: rec, timer: trace.Timer{Fidelity: f.Header.Fidelity}}
	expects := false
	for i := range f.Items {
		expects = expects || f.Items[i].Kind == trace.Expected
		p.item(i+1, &f.Items[i])
	}
	if expects {
		p.nothing(len(f.Items))
	}
	return p.failed
}

// File plays the trace at path; the error names path and line of all that was
// not met.
func File(path string) error {
	r, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("check trace: %w", err)
	}
	defer r.Close()
	f, err := trace.Parse(r)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	var all []error
	for _, e := range Run(f) {
		all = append(all, fmt.Errorf("%s:%w", path, e))
	}
	return errors.Join(all...)
}

type player struct {
	rec    Recovery
	timer  trace.Timer
	words  []mdb.Word
	events []sales.Event // not compared yet
	failed []error
}

func (p *player) item(line int, it *trace.Item) {
	switch it.Kind {
	case trace.Said:
		p.words = p.timer.Item(p.words[:0], it)
		for _, w := range p.words {
			p.take(p.rec.Word(w))
		}
	case trace.Silent:
		p.timer.Item(nil, it)
		p.take(p.rec.Advance(p.timer.Now()))
	case trace.Lost:
		p.take(p.rec.Lost(it.Text))
	case trace.Expected:
		p.expect(line, it.Expect)
	}
}

func (p *player) take(es []sales.Event) {
	for _, e := range es {
		if e.Kind == sales.KindActivity {
			continue
		}
		e.Parts = slices.Clone(e.Parts)
		p.events = append(p.events, e)
	}
}

func (p *player) fail(line int, format string, args ...any) {
	p.failed = append(p.failed, Failure{line, fmt.Sprintf(format, args...)})
}

func (p *player) nothing(line int) {
	for _, e := range p.events {
		p.fail(line, "not expected: %s", Describe(e))
	}
	p.events = p.events[:0]
}

func (p *player) expect(line int, x *trace.Expectation) {
	if x.Nothing {
		p.nothing(line)
		return
	}
	if len(p.events) == 0 {
		p.fail(line, "expected %s, nothing happened", x)
		return
	}
	e := p.events[0]
	p.events = p.events[1:]
	if why := Differs(x, e); why != "" {
		p.fail(line, "expected %s, got %s: %s", x, Describe(e), why)
	}
}

// Describe writes an event as the expectation that fits it best.
func Describe(e sales.Event) string { x := Expect(e); return x.String() }

// Expect makes the expectation an event fulfils.
func Expect(e sales.Event) trace.Expectation {
	x := trace.Expectation{Kind: string(e.Kind), Class: string(e.Class), Code: e.Code, By: e.Source}
	if e.Kind == sales.KindIncident {
		x.Class = "" // always D
	}
	parts := partsOf(e)
	for _, p := range parts {
		part := trace.Part{Source: p.Source}
		if len(parts) > 1 {
			part.Sum = sumOf(p.Amount)
		}
		x.Parts = append(x.Parts, part)
	}
	if e.Kind != sales.KindIncident || e.ItemKnown {
		x.HasItem, x.Item = true, -1
		if e.ItemKnown {
			x.Item = int(e.Item)
		}
	}
	if e.Kind != sales.KindIncident || e.Amount.Raw != 0 {
		x.Sum, x.Currency = sumOf(e.Amount), e.Amount.Currency
	}
	if e.Requested.Known && e.Requested != e.Amount {
		x.Requested = sumOf(e.Requested)
	}
	if e.Tendered.Known {
		x.Tendered, x.Change = sumOf(e.Tendered), sumOf(e.Change)
	}
	return x
}

// partsOf gives the parts of a sale; one that names none is the reader's whole.
func partsOf(e sales.Event) []sales.Part {
	if e.Parts == nil && e.Kind != sales.KindIncident {
		switch mdb.Device(e.Reader) {
		case mdb.Cashless1:
			return []sales.Part{{Source: "reader1", Kind: "cashless", Amount: e.Amount}}
		case mdb.Cashless2:
			return []sales.Part{{Source: "reader2", Kind: "cashless", Amount: e.Amount}}
		}
	}
	return e.Parts
}

func sumOf(a sales.Amount) trace.Sum {
	if v, ok := a.Minor(); ok && v >= 0 {
		return trace.Of(v)
	}
	return trace.Sum{Said: true, Unknown: true}
}

// Differs says where an event is not what was expected, "" nowhere.
func Differs(x *trace.Expectation, e sales.Event) string {
	got := Expect(e)
	got.Class = string(e.Class)
	switch {
	case x.Kind != got.Kind:
		return fmt.Sprintf("it is a %s", got.Kind)
	case x.Code != "" && x.Code != got.Code:
		return fmt.Sprintf("its code is %s", got.Code)
	case x.Class != "" && x.Class != got.Class:
		return fmt.Sprintf("its class is %s", got.Class)
	case x.By != "" && x.By != got.By:
		return fmt.Sprintf("its evidence is %s", got.By)
	case x.HasItem && x.Item >= 0 && (!e.ItemKnown || x.Item != int(e.Item)):
		return "another item"
	case x.HasItem && x.Item < 0 && e.ItemKnown:
		return "its item is known"
	case x.Currency != "" && x.Currency != got.Currency && !(trace.Rouble(x.Currency) && trace.Rouble(got.Currency)):
		return fmt.Sprintf("its currency is %q", got.Currency)
	}
	for _, s := range []struct {
		name string
		want trace.Sum
		got  sales.Amount
	}{{"amount", x.Sum, e.Amount}, {"requested", x.Requested, e.Requested}, {"tendered", x.Tendered, e.Tendered}, {"change", x.Change, e.Change}} {
		if s.want.Said && s.want != sumOf(s.got) {
			return s.name + " is " + sumOf(s.got).String()
		}
	}
	return differentParts(x.Parts, partsOf(e))
}

func differentParts(want []trace.Part, got []sales.Part) string {
	if want == nil {
		return ""
	}
	if len(want) != len(got) {
		return fmt.Sprintf("it has %d parts", len(got))
	}
	for i, w := range want {
		if w.Source != got[i].Source {
			return fmt.Sprintf("part %d is of %s", i+1, got[i].Source)
		}
		if w.Sum.Said && w.Sum != sumOf(got[i].Amount) {
			return fmt.Sprintf("part %d is %s", i+1, sumOf(got[i].Amount))
		}
	}
	return ""
}
