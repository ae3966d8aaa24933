package vends

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/chekomat/chekomat/mdb"
	"github.com/chekomat/chekomat/mdb/exe"
	"github.com/chekomat/chekomat/mdb/sales"
)

// dialogue is a scripted exchange.
type dialogue struct {
	t  int64 // µs
	ws []mdb.Word
}

func (d *dialogue) word(line mdb.Line, hex string) {
	hex, bad := strings.CutSuffix(hex, "!")
	hex, gap := strings.CutPrefix(hex, "?")
	b, err := strconv.ParseUint(hex, 16, 8)
	if err != nil {
		panic(err)
	}
	w := mdb.Word{T: d.t, V: exe.Word(byte(b)), Line: line}
	if bad {
		w.V ^= mdb.Mode
	}
	if gap {
		w.Flags |= mdb.Gap
	}
	d.ws = append(d.ws, w)
}

func (d *dialogue) block(s string) {
	var units uint16
	scale, decimals := uint8(1), uint8(0)
	f := strings.Split(s, ",")
	n, err := strconv.Atoi(f[0])
	if err != nil {
		panic(err)
	}
	units = uint16(n)
	if len(f) == 3 {
		x, _ := strconv.Atoi(f[1])
		y, _ := strconv.Atoi(f[2])
		scale, decimals = uint8(x), uint8(y)
	}
	for _, b := range exe.AppendBlock(nil, exe.Display{Units: units, Scale: scale, Decimals: decimals}) {
		d.t += 3000
		d.ws = append(d.ws, mdb.Word{T: d.t, V: exe.Word(b), Line: mdb.EXEMaster})
		d.t += 3000
		d.ws = append(d.ws, mdb.Word{T: d.t, V: exe.Word(0), Line: mdb.EXESlave})
	}
}

// script reads a dialogue: "31/00" a pair, "33/" a byte nobody answers, "/00"
// an answer to nothing, "33/5000:00" an answer after 5 s, "[50]" a block of 50
// units (of 1, no decimals; "[50,5,1]" of 5 and one decimal), "@5000" silence
// in ms, "!" behind a byte a wrong parity, "?" before it lost words. Pairs come
// every 100 ms.
func script(s string) *dialogue {
	d := &dialogue{t: 1_000_000}
	for _, f := range strings.Fields(s) {
		if ms, ok := strings.CutPrefix(f, "@"); ok {
			n, err := strconv.Atoi(ms)
			if err != nil {
				panic(err)
			}
			d.t += int64(n) * 1000
			continue
		}
		d.t += 100_000
		if f[0] == '[' {
			d.block(strings.Trim(f, "[]"))
			continue
		}
		m, a, _ := strings.Cut(f, "/")
		if m != "" {
			d.word(mdb.EXEMaster, m)
		}
		after := 3
		if ms, rest, ok := strings.Cut(a, ":"); ok {
			after, _ = strconv.Atoi(ms)
			a = rest
		}
		if a != "" {
			d.t += int64(after) * 1000
			d.word(mdb.EXESlave, a)
		}
	}
	return d
}

// table of the scripts: line 8 costs 10, line 7 50, line 1 25; line 9 is free.
var table = map[uint8]int64{1: 2500, 7: 5000, 8: 1000, 9: 0}

var holding = Config{Prices: table, Payment: PaymentCash}

func with(c Config, set func(*Config)) Config { set(&c); return c }

func (d *dialogue) run(c Config) []sales.Event {
	return append(d.feed(New(c)), nil...)
}

func (d *dialogue) feed(r *Recovery) (out []sales.Event) {
	for _, w := range d.ws {
		out = append(out, r.Word(w)...)
	}
	out = append(out, r.Advance(d.t+100_000)...)
	return append(out, r.Undecided()...)
}

// brief tells events in short, one a line.
func brief(es []sales.Event) string {
	var b strings.Builder
	for _, e := range es {
		if e.Kind == sales.KindActivity {
			continue
		}
		item := "?"
		if e.ItemKnown {
			item = fmt.Sprint(e.Item)
		}
		amount := "?"
		if m, ok := e.Amount.Minor(); ok {
			amount = fmt.Sprint(m)
		}
		fmt.Fprintf(&b, "%s", e.Kind)
		if e.Code != "" {
			fmt.Fprintf(&b, " %s", e.Code)
		}
		if e.Kind == sales.KindSale || e.Kind == sales.KindFree {
			fmt.Fprintf(&b, " %s", e.Class)
		}
		if e.ItemKnown || e.Amount.Known || e.Kind == sales.KindSale {
			fmt.Fprintf(&b, " line %s %s", item, amount)
		}
		for _, p := range e.Parts {
			fmt.Fprintf(&b, " %s", p.Source)
		}
		if e.Detail != "" && (e.Kind == sales.KindSale || e.Amount.Known) {
			fmt.Fprintf(&b, " (%s)", e.Detail)
		}
		b.WriteString("\n")
	}
	return b.String()
}

type scene struct {
	name string
	cfg  Config
	say  string
	want string
}

func play(t *testing.T, scenes []scene) {
	t.Helper()
	for _, s := range scenes {
		t.Run(s.name, func(t *testing.T) {
			t.Helper()
			if got, want := strings.TrimSpace(brief(script(s.say).run(s.cfg))), strings.TrimSpace(s.want); got != want {
				t.Errorf("%s\ngot  %s\nwant %s", s.say, got, want)
			}
		})
	}
}
