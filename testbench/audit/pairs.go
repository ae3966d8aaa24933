package audit

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/chekomat/chekomat/mdb/evadts"
)

// ErrDisagree is what pairs give whose differences are not the expected ones.
var ErrDisagree = errors.New("audit pairs disagree with what is expected of them")

// pair is a row of a file of pairs: two audit files beside it, and what should
// come out.
type pair struct {
	Old    string          `json:"old"`
	New    string          `json:"new"`
	Expect json.RawMessage `json:"expect"`
}

// pairLine is what PairsJSON writes for a row: the fields of a difference and
// whether they are the expected ones.
type pairLine struct {
	Kind string `json:"kind"` // "audit_pair"
	Old  string `json:"old"`
	New  string `json:"new"`
	evadts.Difference
	Agrees        *bool    `json:"agrees,omitempty"` // absent where nothing is expected
	Disagreements []string `json:"disagreements,omitempty"`
}

// PairsSummary is the last line of PairsJSON.
type PairsSummary struct {
	Kind  string `json:"kind"` // "summary"
	Pairs int    `json:"pairs"`
	Agree int    `json:"agree"` // or expected nothing
}

const longestRow = 1 << 20

// IsPairs reports whether a file's first row names two audit files.
func IsPairs(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	first, err := bufio.NewReader(io.LimitReader(f, longestRow)).ReadBytes('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return false
	}
	var row pair
	return json.Unmarshal(first, &row) == nil && row.Old != "" && row.New != ""
}

// PairsJSON gives the difference of each pair of a file (evadts' pairs.jsonl)
// as one JSON object a line, last a summary. It is ErrDisagree when a pair is
// not what its row expects.
func PairsJSON(path string, out io.Writer) error {
	enc := json.NewEncoder(out)
	return eachPair(path, func(l pairLine, _ evadts.Money) error { return enc.Encode(l) },
		func(s PairsSummary) error { return enc.Encode(s) })
}

// PairsText is PairsJSON for a person; lang is "ru", "en" or "" for the
// environment's.
func PairsText(path, lang string, out io.Writer) error {
	t := wordsOf(lang)
	return eachPair(path, func(l pairLine, m evadts.Money) error {
		if err := newPage(out, t, m).difference(l.Old, l.New, l.Difference); err != nil {
			return fmt.Errorf("write the difference: %w", err)
		}
		if l.Agrees != nil {
			verdict := t.agrees
			if !*l.Agrees {
				verdict = t.disagrees
			}
			fmt.Fprintln(out, verdict)
		}
		for _, d := range l.Disagreements {
			fmt.Fprintln(out, "  "+d)
		}
		fmt.Fprintln(out)
		return nil
	}, func(s PairsSummary) error {
		_, err := fmt.Fprintf(out, t.pairs+"\n", s.Pairs, s.Agree)
		return err
	})
}

func eachPair(path string, one func(pairLine, evadts.Money) error, last func(PairsSummary) error) error {
	raw, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("read audit pairs: %w", err)
	}
	sc := bufio.NewScanner(bytes.NewReader(raw))
	sc.Buffer(nil, longestRow)
	sum := PairsSummary{Kind: "summary"}
	for n := 1; sc.Scan(); n++ {
		if len(bytes.TrimSpace(sc.Bytes())) == 0 {
			continue
		}
		l, money, err := onePair(filepath.Dir(path), sc.Bytes())
		if err != nil {
			return fmt.Errorf("audit pairs %s, row %d: %w", path, n, err)
		}
		if sum.Pairs++; l.Agrees == nil || *l.Agrees {
			sum.Agree++
		}
		if err := one(l, money); err != nil {
			return err
		}
	}
	if err := sc.Err(); err != nil {
		return fmt.Errorf("read audit pairs %s: %w", path, err)
	}
	if err := last(sum); err != nil {
		return err
	}
	if sum.Agree < sum.Pairs {
		return fmt.Errorf("%w: %d of %d", ErrDisagree, sum.Pairs-sum.Agree, sum.Pairs)
	}
	return nil
}

func onePair(folder string, raw []byte) (l pairLine, m evadts.Money, err error) {
	var row pair
	if err := json.Unmarshal(raw, &row); err != nil {
		return l, m, err
	}
	if row.Old == "" || row.New == "" {
		return l, m, errors.New(`no "old" and "new" audit file`)
	}
	older, err := single(filepath.Join(folder, row.Old))
	if err != nil {
		return l, m, err
	}
	newer, err := single(filepath.Join(folder, row.New))
	if err != nil {
		return l, m, err
	}
	l = pairLine{Kind: "audit_pair", Old: row.Old, New: row.New, Difference: evadts.Diff(older, newer, evadts.Conditions{})}
	if len(row.Expect) > 0 {
		got, err := json.Marshal(l.Difference)
		if err != nil {
			return l, m, fmt.Errorf("difference as JSON: %w", err)
		}
		l.Disagreements = evadts.Disagreements(row.Expect, got)
		agrees := len(l.Disagreements) == 0
		l.Agrees = &agrees
	}
	return l, newer.Money, nil
}
