// Package audit reads EVA-DTS files for people and scripts: what a machine
// counted, and what it sold between two reads.
package audit

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/chekomat/chekomat/mdb/evadts"
)

// ErrUnfit is what two files give that cannot be compared.
var ErrUnfit = errors.New("the reports cannot be compared")

// Options of Run.
type Options struct {
	JSON       bool
	Lang       string            // ru, en; "" is the environment's
	Conditions evadts.Conditions // of a difference
}

// Command gives `audit FILE [FILE2]`.
func Command() *cobra.Command {
	var o Options
	c := &cobra.Command{
		Use:   "audit FILE [FILE2]",
		Short: "Read EVA-DTS audit files, or what was sold between two / отчёты EVA-DTS и продажи между двумя",
		Long: `Prints each report of an audit file: machine, totals, products, events, and what
is wrong with it. With two files of one machine, older first, prints what was
sold between the reads by cumulative counters. A file of pairs (pairs.jsonl)
prints the difference of each pair and whether it is the expected one.

With --json each report, difference or pair is one JSON object a line; values are
integers in the report's minor units ("decimals").

Exit codes: 0 done, 1 a file could not be read, the reports cannot be compared, or
a pair is not as expected.

Печатает отчёты EVA-DTS: автомат, итоги, товары, события, замечания. По двум
отчётам одного автомата, прежнему и новому, печатает проданное между ними.`,
		Args:         cobra.RangeArgs(1, 2),
		SilenceUsage: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			return Run(args, o, cmd.OutOrStdout())
		},
	}
	f := c.Flags()
	f.BoolVar(&o.JSON, "json", false, "one JSON object a line")
	f.StringVar(&o.Lang, "lang", "", "language: ru, en; default: the environment's")
	f.BoolVar(&o.Conditions.TransportProved, "transport-proved", false, "both came over DEX or DDCMP: a report without G85 is fit too")
	f.BoolVar(&o.Conditions.PortIsIdentity, "same-port", false, "both came from one machine, though it does not name itself")
	f.Int64Var(&o.Conditions.KnownReads, "known-reads", 0, "reads of ours since the older one, the newer included; 0 asks nothing")
	c.AddCommand(portCommand(), readCommand())
	return c
}

// Run prints one file, or the difference of two.
func Run(files []string, o Options, out io.Writer) error {
	switch {
	case len(files) == 2:
		return compare(files[0], files[1], o, out)
	case IsPairs(files[0]) && o.JSON:
		return PairsJSON(files[0], out)
	case IsPairs(files[0]):
		return PairsText(files[0], o.Lang, out)
	}
	return show(files[0], o, out)
}

// reportLine is one report with --json.
type reportLine struct {
	Kind   string `json:"kind"` // "audit_report"
	File   string `json:"file"`
	Offset int    `json:"offset"`
	Whole  bool   `json:"whole"`
	evadts.Audit
}

func show(file string, o Options, out io.Writer) error {
	reports, err := parse(file)
	if err != nil {
		return err
	}
	enc := json.NewEncoder(out)
	for i, r := range reports {
		a := evadts.Read(r)
		if o.JSON {
			err = enc.Encode(reportLine{"audit_report", file, r.Offset, r.Whole(o.Conditions.TransportProved), a})
		} else {
			if i > 0 {
				fmt.Fprintln(out)
			}
			err = newPage(out, wordsOf(o.Lang), a.Money).report(file, a)
		}
		if err != nil {
			return fmt.Errorf("write the report of %s: %w", file, err)
		}
	}
	return nil
}

// differenceLine is a difference with --json.
type differenceLine struct {
	Kind string `json:"kind"` // "audit_difference"
	Old  string `json:"old"`
	New  string `json:"new"`
	evadts.Difference
}

func compare(older, newer string, o Options, out io.Writer) error {
	a, err := single(older)
	if err != nil {
		return err
	}
	b, err := single(newer)
	if err != nil {
		return err
	}
	d := evadts.Diff(a, b, o.Conditions)
	if o.JSON {
		err = json.NewEncoder(out).Encode(differenceLine{"audit_difference", older, newer, d})
	} else {
		err = newPage(out, wordsOf(o.Lang), b.Money).difference(older, newer, d)
	}
	if err != nil {
		return fmt.Errorf("write the difference of %s and %s: %w", older, newer, err)
	}
	if d.Outcome == evadts.NoResult {
		return fmt.Errorf("%s and %s: %w", older, newer, ErrUnfit)
	}
	return nil
}

func parse(file string) ([]evadts.Report, error) {
	raw, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read an audit file: %w", err)
	}
	reports, err := evadts.Parse(raw)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return reports, nil
}

// single reads a file that has to hold one report.
func single(file string) (evadts.Audit, error) {
	reports, err := parse(file)
	if err != nil {
		return evadts.Audit{}, err
	}
	if len(reports) != 1 {
		return evadts.Audit{}, fmt.Errorf("%s holds %d reports, one is wanted", file, len(reports))
	}
	return evadts.Read(reports[0]), nil
}
