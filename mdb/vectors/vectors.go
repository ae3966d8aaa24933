// Package vectors checks the MDB codec and sales recovery against conformance
// vectors: JSON lines of words, the blocks they decode to, and what the whole
// exchange means. Lines of EXE vectors, alone or among MDB's, go to mdb/exe/vectors.
package vectors

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/chekomat/chekomat/mdb"
	exevectors "github.com/chekomat/chekomat/mdb/exe/vectors"
)

// vector is one line of a vectors file.
type vector struct {
	Name    string           `json:"name"`
	Dir     string           `json:"dir"`
	Words   []string         `json:"words"`
	Context map[string]any   `json:"context"`
	Expect  []map[string]any `json:"expect"`
	Result  map[string]any   `json:"result"`
}

// Report counts vectors.
type Report struct{ Passed, Total int }

// Run checks every vector of r, prints one line for each that fails, a line that
// is no vector among them, and last "passed N of M".
func Run(r io.Reader, out io.Writer) (Report, error) {
	var rep Report
	sc := bufio.NewScanner(r)
	sc.Buffer(nil, 8<<20)
	for n := 1; sc.Scan(); n++ {
		if len(bytes.TrimSpace(sc.Bytes())) == 0 {
			continue
		}
		name, err := checkLine(sc.Bytes())
		if name == "" {
			name = fmt.Sprintf("line %d", n)
		}
		rep.Total++
		if err != nil {
			fmt.Fprintf(out, "%s: %v\n", name, err)
			continue
		}
		rep.Passed++
	}
	if err := sc.Err(); err != nil {
		return rep, fmt.Errorf("read vectors: %w", err)
	}
	fmt.Fprintf(out, "passed %d of %d\n", rep.Passed, rep.Total)
	return rep, nil
}

// checkLine checks a vector of either bus and gives its name. A line that is no
// vector gives a FormError.
func checkLine(line []byte) (name string, err error) {
	if exevectors.Is(line) {
		return exevectors.CheckLine(line)
	}
	var v vector
	if err := json.Unmarshal(line, &v); err != nil {
		return "", &exevectors.FormError{Err: err}
	}
	if len(v.Words) == 0 || v.Expect == nil {
		return "", &exevectors.FormError{Err: errors.New("a vector has words and what to expect")}
	}
	return v.Name, v.check()
}

func (v *vector) check() error {
	ws, err := v.timed()
	if err != nil {
		return err
	}
	got, err := v.decode(ws)
	if err != nil {
		return err
	}
	if len(got) != len(v.Expect) {
		return fmt.Errorf("%d blocks, want %d: %s", len(got), len(v.Expect), compact(got))
	}
	for i, want := range v.Expect {
		if err := match(got[i], want); err != nil {
			return fmt.Errorf("block %d: %w", i, err)
		}
	}
	if v.Result != nil {
		return v.checkResult(ws)
	}
	return nil
}

// decode gives what the blocks say, in the state the context and the traffic so
// far make, and encodes the whole ones back.
func (v *vector) decode(ws []mdb.Word) (got []map[string]any, err error) {
	talk := dialects(v.Context)
	for _, b := range blocksOf(ws) {
		dev, _ := b.Device()
		if b.Kind == mdb.Command {
			talk.Command(&b)
		}
		dl := talk.Of(dev)
		said, rest := describe(&b, dl)
		if rest && !v.expectsError(len(got)+len(said)-1) {
			// Bytes behind the known messages are logged, not rejected (reference 14, 17).
			said = said[:len(said)-1]
		}
		got = append(got, said...)
		if err := encodesBack(&b, dl); err != nil {
			return nil, err
		}
		switch b.Kind {
		case mdb.Answer:
			ms, _ := mdb.ParseAnswer(nil, b.To, b.Sub, b.Payload(), dl)
			for _, m := range ms {
				talk.Answer(dev, m)
			}
		case mdb.Break:
			talk.Reset()
		}
	}
	return got, nil
}

func (v *vector) expectsError(i int) bool {
	return i < len(v.Expect) && v.Expect[i]["error"] != nil
}

// timed gives the words times a bus could have: a poll period before each
// command, 0.3 ms before an answer.
func (v *vector) timed() ([]mdb.Word, error) {
	if len(v.Dir) != len(v.Words) {
		return nil, fmt.Errorf("%d directions for %d words", len(v.Dir), len(v.Words))
	}
	t := int64(1_000_000)
	last := mdb.Line(9)
	ws := make([]mdb.Word, 0, len(v.Words))
	for i, s := range v.Words {
		x, err := strconv.ParseUint(s, 16, 9)
		if err != nil {
			return nil, fmt.Errorf("word %q: %w", s, err)
		}
		w := mdb.Word{V: uint16(x)}
		if v.Dir[i] == 'S' {
			w.Line = mdb.Slave
		}
		switch {
		case w.Line == mdb.Master && w.V&mdb.Mode != 0:
			t += 100_000
		case w.Line != last:
			t += mdb.WordTime + 300
		default:
			t += mdb.WordTime
		}
		w.T, last = t, w.Line
		ws = append(ws, w)
	}
	return ws, nil
}

// match compares a block with what is expected. An expected error needs an
// error and its checksums; its wording is free.
func match(got, want map[string]any) error {
	want = clone(want)
	if _, bad := want["error"]; bad {
		if _, is := got["error"]; !is {
			return fmt.Errorf("%s, want an error", compact(got))
		}
		delete(want, "error")
		got = clone(got)
		delete(got, "error")
		if want["expected_chk"] == nil {
			delete(got, "expected_chk")
			delete(got, "got_chk")
		}
	}
	if want["meaning"] == nil {
		// A vector may leave the text of a code out.
		got = clone(got)
		delete(got, "meaning")
	}
	if !same("", normal(got), normal(want)) {
		return fmt.Errorf("%s, want %s", compact(got), compact(want))
	}
	return nil
}

// same compares values of JSON. Texts that name a code are free in their wording
// where the reference words them freely too, as long as they speak of one thing.
func same(key string, got, want any) bool {
	switch w := want.(type) {
	case map[string]any:
		g, ok := got.(map[string]any)
		if !ok || len(g) != len(w) {
			return false
		}
		for k := range w {
			if _, ok := g[k]; !ok || !same(k, g[k], w[k]) {
				return false
			}
		}
		return true
	case []any:
		g, ok := got.([]any)
		return ok && slices.EqualFunc(g, w, func(g, w any) bool { return same(key, g, w) })
	case string:
		g, ok := got.(string)
		return ok && (g == w || worded[key] && alike(g, w))
	}
	return reflect.DeepEqual(got, want)
}

// worded are the fields that put a code or a bit into words: type of an error,
// main and sub code of the changer's diagnostics, flags of a satellite.
var worded = map[string]bool{"meaning": true, "codes": true, "errors": true}

// alike reports whether two texts have the same numbers and codes and a word in
// common.
func alike(a, b string) bool {
	split := func(s string) (codes, words []string) {
		for f := range strings.FieldsFuncSeq(strings.ToLower(s), func(r rune) bool { return r == ' ' || r == ',' }) {
			switch {
			case strings.ContainsAny(f, "0123456789"):
				codes = append(codes, f)
			case len(f) > 2:
				words = append(words, f)
			}
		}
		return codes, words
	}
	ca, wa := split(a)
	cb, wb := split(b)
	return slices.Equal(ca, cb) && slices.ContainsFunc(wa, func(w string) bool { return slices.Contains(wb, w) })
}

func clone(m map[string]any) map[string]any {
	c := make(map[string]any, len(m))
	for k, v := range m {
		c[k] = v
	}
	return c
}

// normal makes values of Go and of JSON comparable.
func normal(v any) any {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	var x any
	if err := json.Unmarshal(b, &x); err != nil {
		return err
	}
	return x
}

func compact(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(b)
}
