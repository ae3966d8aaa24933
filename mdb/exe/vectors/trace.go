package vectors

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/chekomat/chekomat/mdb"
	"github.com/chekomat/chekomat/mdb/exe"
	"github.com/chekomat/chekomat/mdb/exe/vends"
	"github.com/chekomat/chekomat/mdb/trace"
)

// settings of a trace.
type settings struct {
	Mode           string          `json:"mode"`
	PriceTable     map[uint8]int64 `json:"price_table"`
	Scale          uint8           `json:"default_scale"`
	Decimals       uint8           `json:"default_decimals"`
	AnyVendReplyOK bool            `json:"any_vend_reply_ok"`
	Initial        *initial        `json:"initial"`
}

// initial is what was saved before a restart.
type initial struct {
	State  string `json:"state"`
	Line   *uint8 `json:"line"`
	Credit *int64 `json:"credit"`
}

func (i *initial) saved() (line uint8, credit int64) {
	credit = vends.None
	if i.Line != nil {
		line = *i.Line
	}
	if i.Credit != nil {
		credit = *i.Credit
	}
	return line, credit
}

// heard is one word of a trace: [t_ms, "M"|"S", hex, "P"?], or without time.
type heard struct {
	t    int64 // µs; -1 where a capture has no times
	line mdb.Line
	b    byte
	bad  bool
}

func (h *heard) UnmarshalJSON(raw []byte) error {
	var f []json.RawMessage
	if err := json.Unmarshal(raw, &f); err != nil {
		return err
	}
	h.t = -1
	if len(f) > 0 && f[0][0] != '"' {
		t, err := micros(f[0])
		if err != nil {
			return err
		}
		h.t, f = t, f[1:]
	}
	if len(f) < 2 || len(f) > 3 {
		return fmt.Errorf("word of %d fields", len(f))
	}
	var s [3]string
	for i := range f {
		if err := json.Unmarshal(f[i], &s[i]); err != nil {
			return err
		}
	}
	switch s[0] {
	case "M":
		h.line = mdb.EXEMaster
	case "S":
		h.line = mdb.EXESlave
	default:
		return fmt.Errorf("line %q", s[0])
	}
	b, err := hexByte(s[1])
	h.b, h.bad = b, s[2] == "P"
	return err
}

// micros reads milliseconds, whole or with up to three decimals.
func micros(raw json.RawMessage) (int64, error) {
	whole, part, _ := strings.Cut(string(raw), ".")
	if len(part) > 3 {
		return 0, fmt.Errorf("time %s is finer than a microsecond", raw)
	}
	t, err := strconv.ParseInt(whole+(part + "000")[:3], 10, 64)
	if err != nil || t < 0 {
		return 0, fmt.Errorf("time %s is no number of milliseconds", raw)
	}
	return t, nil
}

// words gives times where a capture has none: a poll every 100 ms, an answer
// after 3 ms, bytes of a block at once.
func words(hs []heard) []mdb.Word {
	ws := make([]mdb.Word, 0, len(hs))
	t := int64(0)
	for i, h := range hs {
		switch {
		case h.t >= 0:
			t = h.t
		case h.line == mdb.EXESlave, i > 0 && h.b&0x10 == 0:
			t += 3000
		default:
			t += 100_000
		}
		w := mdb.Word{T: t, V: exe.Word(h.b), Line: h.line}
		if h.bad {
			w.V ^= mdb.Mode
		}
		ws = append(ws, w)
	}
	return ws
}

// trace runs a dialogue through the listener.
func (v *Vector) trace() error {
	var in struct {
		Wire []heard         `json:"wire"`
		End  json.RawMessage `json:"end_ms"`
	}
	var want struct {
		Outcomes []json.RawMessage `json:"outcomes"`
		Displays []struct {
			Value       int64 `json:"value"`
			ExactChange bool  `json:"exact_change"`
		} `json:"displays"`
		State     string   `json:"state"`
		Anomalies []string `json:"anomalies"`
	}
	if err := errors.Join(take(v.Input, &in), take(v.Expect, &want)); err != nil {
		return err
	}
	l := vends.NewListener(v.Config.config())
	var got result
	if c := v.Config; c != nil && c.Initial != nil {
		line, credit := c.Initial.saved()
		l.Resume(vends.State(c.Initial.State), line, credit)
		if l.State() == vends.Busy {
			got.take(l.Lost())
		}
	}
	for _, w := range words(in.Wire) {
		got.take(l.Word(w))
	}
	if in.End != nil {
		end, err := micros(in.End)
		if err != nil {
			return &FormError{err}
		}
		got.take(l.Advance(end))
	}

	if len(got.outcomes) != len(want.Outcomes) {
		return differ("number of outcomes", len(got.outcomes), len(want.Outcomes))
	}
	for i, raw := range want.Outcomes {
		if err := sameOutcome(&got.outcomes[i], raw); err != nil {
			return fmt.Errorf("outcome %d: %w", i, err)
		}
	}
	shown := ""
	for _, d := range want.Displays {
		shown += fmt.Sprintf("%d %v; ", d.Value, d.ExactChange)
	}
	switch {
	case got.displays != shown:
		return differ("displays", got.displays, shown)
	case string(l.State()) != want.State:
		return differ("state", l.State(), want.State)
	case !slices.Equal(got.anomalies, want.Anomalies):
		return differ("anomalies", got.anomalies, want.Anomalies)
	}
	return whole(in.Wire)
}

func (s *settings) config() vends.Config {
	if s == nil {
		return vends.Config{}
	}
	return vends.Config{Mode: vends.Mode(s.Mode), Prices: s.PriceTable, Scale: s.Scale, Decimals: s.Decimals, AnyVendReplyOK: s.AnyVendReplyOK}
}

// Dialogue gives the words of a trace or a published capture, what is assumed of
// it and when its record ends, µs; made-up times where a capture has none. ok is
// false for a vector that is no dialogue.
func (v *Vector) Dialogue() (h trace.Header, ws []mdb.Word, end int64, ok bool, err error) {
	in := struct {
		Wire []heard         `json:"wire"`
		End  json.RawMessage `json:"end_ms"`
	}{}
	switch {
	case v.Kind == "trace":
		err = take(v.Input, &in)
	case v.Kind == "" && v.Wire != nil:
		err = take(v.Wire, &in.Wire)
	default:
		return h, nil, 0, false, nil
	}
	if err != nil {
		return h, nil, 0, false, err
	}
	ws = words(in.Wire)
	if len(ws) > 0 {
		end = ws[len(ws)-1].T
	}
	if in.End != nil {
		if end, err = micros(in.End); err != nil {
			return h, nil, 0, false, &FormError{err}
		}
	}
	h = trace.Header{Bus: "exe", Fidelity: trace.Full}
	if c := v.Config; c != nil {
		h.Assume, h.State = c.assume(), c.state()
	}
	return h, ws, end, true, nil
}

// assume says the settings as a trace does.
func (s *settings) assume() (as []trace.Assumption) {
	if s.Mode != "" {
		as = append(as, trace.Assumption{What: "exe", Text: s.Mode})
	}
	if s.Scale != 0 {
		as = append(as, trace.Assumption{What: "money", Setup: trace.Setup{Scale: uint32(s.Scale), Decimals: s.Decimals, Currency: 0x1643}})
	}
	for _, line := range slices.Sorted(maps.Keys(s.PriceTable)) {
		as = append(as, trace.Assumption{What: "line", Line: line, Kopecks: s.PriceTable[line]})
	}
	return as
}

// state is the recovery's where a vector begins with a restart.
func (s *settings) state() []byte {
	if s.Initial == nil {
		return nil
	}
	r := vends.New(s.config())
	line, credit := s.Initial.saved()
	r.Resume(vends.State(s.Initial.State), line, credit)
	return r.Checkpoint()
}

// result gathers what a listener found.
type result struct {
	outcomes  []vends.Outcome
	displays  string
	anomalies []string
}

func (r *result) take(notes []vends.Note) {
	for _, n := range notes {
		switch n.Kind {
		case vends.Decided:
			r.outcomes = append(r.outcomes, n.Outcome)
		case vends.Amended:
			r.outcomes[len(r.outcomes)-1] = n.Outcome
		case vends.Shown:
			r.displays += fmt.Sprintf("%d %v; ", n.Value, n.Display.ExactChange)
		case vends.Anomaly:
			r.anomalies = append(r.anomalies, n.Name)
		default: // what a vector does not speak of
		}
	}
}

// sameOutcome compares what the vector names; flags have no order.
func sameOutcome(o *vends.Outcome, raw json.RawMessage) error {
	var want map[string]any
	if err := take(raw, &want); err != nil {
		return err
	}
	got := map[string]any{"kind": o.Kind, "line": nil, "price": nil, "price_source": o.Source, "payment_hint": o.Hint, "evidence": o.Evidence}
	if o.LineKnown {
		got["line"] = o.Line
	}
	if o.Price != vends.None {
		got["price"] = o.Price
	}
	for k, w := range want {
		if k == "flags" {
			continue
		}
		if g, ok := got[k]; !ok || compact(g) != compact(w) {
			return differ(k, g, w)
		}
	}
	var flags []string
	if list, ok := want["flags"].([]any); ok {
		for _, f := range list {
			flags = append(flags, fmt.Sprint(f))
		}
	}
	names := o.Flags.Names()
	slices.Sort(flags)
	slices.Sort(names)
	if !slices.Equal(names, flags) {
		return differ("flags", names, flags)
	}
	return nil
}

// whole takes the undamaged pairs of a trace apart and puts them together
// again: commands, answers and blocks come back as the same bytes.
func whole(hs []heard) error {
	var p exe.Pairer
	var b exe.Blocks
	var block []byte
	for _, w := range words(hs) {
		pair, ok := p.Push(w)
		if !ok || pair.Fault != exe.Good {
			continue
		}
		if c, command := pair.Command(); command {
			if exe.To(exe.DeviceOf(pair.Master), c) != pair.Master {
				return differ("command encoded back", c, pair.Master)
			}
			if c == exe.Status {
				// Bits 5 and 4 have no name: an answer that has them can't be told whole.
				if s := exe.ParseState(pair.Answer); pair.Answer&0x30 == 0 && s.Byte() != pair.Answer {
					return differ("state encoded back", s.Byte(), pair.Answer)
				}
			}
			if c == exe.AcceptData {
				block = block[:0]
			}
		} else if exe.Data(exe.Nibble(pair.Master)) != pair.Master {
			return differ("data encoded back", exe.Data(exe.Nibble(pair.Master)), pair.Master)
		}
		block = append(block, pair.Master)
		if d, shown, _, _ := b.Push(pair.Master); shown {
			if block[8]&0xE != 0 {
				continue // bits nobody names
			}
			if again := exe.AppendBlock(nil, d); !bytes.Equal(again, block) {
				return differ("block encoded back", fmt.Sprintf("% X", again), fmt.Sprintf("% X", block))
			}
		}
	}
	return nil
}

func compact(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(b)
}
