package vectors

import (
	"errors"
	"fmt"
	"slices"

	"github.com/chekomat/chekomat/mdb/exe"
	"github.com/chekomat/chekomat/mdb/exe/vends"
)

// published checks a capture: a block without answers, a poll, or a sale.
func (v *Vector) published() error {
	var in []heard
	var want struct {
		block
		Name      string   `json:"name"`
		Inhibited *bool    `json:"inhibited"`
		Free      *bool    `json:"free"`
		Displays  []string `json:"displays"`
		Sales     []struct {
			Line uint8 `json:"line"`
		} `json:"sales"`
	}
	if err := errors.Join(take(v.Wire, &in), take(v.Expect, &want)); err != nil {
		return err
	}
	if len(in) == 0 {
		return fmt.Errorf("nothing on the wire")
	}
	if want.Value != "" {
		return want.capture(in)
	}
	if want.Name != "" {
		c, _ := exe.CommandOf(in[0].b)
		if c.String() != want.Name {
			return differ("command", c, want.Name)
		}
	}
	if want.Inhibited != nil && want.Free != nil {
		if len(in) != 2 {
			return differ("words", len(in), 2)
		}
		s := exe.ParseState(in[1].b)
		if s.Inhibited != *want.Inhibited || s.FreeVend != *want.Free {
			return differ("state", s, v.Expect)
		}
		return whole(in)
	}
	l := vends.NewListener(vends.Config{})
	var got result
	for _, w := range words(in) {
		got.take(l.Word(w))
	}
	var lines, wants []uint8
	for _, o := range got.outcomes {
		if o.Kind == vends.Sale {
			lines = append(lines, o.Line)
		}
	}
	for _, s := range want.Sales {
		wants = append(wants, s.Line)
	}
	if !slices.Equal(lines, wants) {
		return differ("sales", lines, wants)
	}
	if want.Displays != nil {
		if shown := units(in); !slices.Equal(shown, want.Displays) {
			return differ("displays", shown, want.Displays)
		}
	}
	return whole(in)
}

// capture of a block whose answers nobody wrote down.
func (b block) capture(in []heard) error {
	var raw []byte
	for _, h := range in {
		raw = append(raw, h.b)
	}
	if err := b.check(raw); err != nil {
		return err
	}
	d, _, err := exe.ParseBlock(raw)
	if err != nil {
		return err
	}
	if got := decimal(d); got != b.Value {
		return differ("value", got, b.Value)
	}
	return nil
}

// units are the values shown, with the decimals said.
func units(in []heard) (out []string) {
	var p exe.Pairer
	var b exe.Blocks
	for _, w := range words(in) {
		if pair, ok := p.Push(w); ok && pair.Fault == exe.Good {
			if d, shown, _, _ := b.Push(pair.Master); shown {
				out = append(out, decimal(d))
			}
		}
	}
	return out
}

func decimal(d exe.Display) string {
	v := fmt.Sprintf("%0*d", int(d.Decimals)+1, int(d.Units)*int(d.Scale))
	if d.Decimals == 0 {
		return v
	}
	n := len(v) - int(d.Decimals)
	return v[:n] + "." + v[n:]
}
