package conformance

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// ErrFound says that a driver did not pass.
var ErrFound = errors.New("a driver lost, doubled or falsified documents")

// Command is "testbench conformance".
func Command() *cobra.Command {
	var o Options
	var driver string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "conformance",
		Short: "Try register drivers against everything that can go wrong / проверка драйверов касс на все сбои",
		Long: `Drives each register driver as the till does, against an emulator that counts
documents: answers cut at every byte, lost, repeated, delayed and damaged at every
step, requests lost and cut, late execution, power loss inside a document, paper out,
documents of other hosts, a replaced FN, and the hub's death at any byte and step,
any number of times. After each schedule the emulator's archive must hold exactly
one document of the job with the requisites that were asked for, and the hub's
record must equal it.

Drivers: ` + strings.Join(Names(), ", ") + `; the beginning of a name takes all that begin with it.
A sample is tried, fair to every document and fault; --schedules 0 tries everything
there is, some 25 000 schedules and several minutes a driver. The output (--json) is
one object: a result for each driver and their sum.
Exit codes: 0 every driver passed; 1 one did not, or the bench failed.

Проводит документы через каждый драйвер кассы на эмуляторе, ломая связь на каждом
байте и кассу на каждой команде, и сверяет архив ФН с записями хаба.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			return run(ctx, cmd.OutOrStdout(), cmd.ErrOrStderr(), o, driver, asJSON)
		},
	}
	f := cmd.Flags()
	f.StringVar(&driver, "driver", "all", "driver and link, or all / драйвер и линия")
	f.StringVar(&o.Documents, "document", "", "kind of document, or its beginning; all by default / вид документа")
	f.IntVar(&o.Schedules, "schedules", 3000, "schedules for each driver, a sample of the whole; 0 is all / число сценариев на драйвер, 0 все")
	f.Uint64Var(&o.Seed, "seed", 1, "seed of the order and of the mixed schedules / начальное число")
	f.IntVar(&o.Mixed, "mixed", 0, "mixed schedules for each document, 60 by default / смешанных сценариев на документ")
	f.IntVar(&o.Workers, "workers", 0, "schedules at the same time at most; by default 48 a core, fewer on a busy machine / сценариев одновременно")
	f.BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// Report is what the command prints.
type Report struct {
	Seed    uint64   `json:"seed"`
	Drivers []Result `json:"drivers"`
	Total   Result   `json:"total"`
	Limits  []string `json:"limits"` // what the emulators' agreement does not prove
}

// limits are printed with every report.
var limits = []string{
	"emulators are built from documents and captures, not from certified devices",
	"how 1036, 1009, 1187 and the key reach a Shtrih-M receipt, the byte of 22 % and the form of a correction's ground are assumptions the emulator shares",
}

func run(ctx context.Context, out, progress io.Writer, o Options, driver string, asJSON bool) error {
	var err error
	if o.Subjects, err = Subjects(driver); err != nil {
		return err
	}
	if len(kindsOf(o.Documents)) == 0 {
		return fmt.Errorf("no document %q", o.Documents)
	}
	if f, ok := progress.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		o.Progress = bar(progress)
	}
	began := time.Now()
	rs, err := Run(ctx, o)
	if err != nil {
		return err
	}
	r := Report{Seed: o.Seed, Drivers: rs, Total: sum(rs), Limits: limits}
	r.Total.Seconds = float64(time.Since(began).Milliseconds()) / 1000
	if asJSON {
		e := json.NewEncoder(out)
		e.SetIndent("", "  ")
		err = e.Encode(r)
	} else {
		err = r.print(out)
	}
	if err == nil && r.Total.Bad() {
		err = ErrFound
	}
	return err
}

func bar(to io.Writer) func(done, all int) {
	var b *progressbar.ProgressBar
	began := time.Now()
	return func(done, all int) {
		switch {
		case b == nil && time.Since(began) < 2*time.Second && done < all:
			return
		case b == nil:
			b = progressbar.NewOptions(all, progressbar.OptionSetWriter(to), progressbar.OptionSetDescription("conformance"),
				progressbar.OptionShowCount(), progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish())
		}
		_ = b.Set(done)
	}
}

func sum(rs []Result) (t Result) {
	t = Result{Subject: "all", Faults: map[string]int{}, Documents: map[string]int{}}
	for _, r := range rs {
		t.Schedules += r.Schedules
		t.Planned += r.Planned
		t.Made += r.Made
		t.Held += r.Held
		t.Lost += r.Lost
		t.Duplicated += r.Duplicated
		t.Wrong += r.Wrong
		t.Stuck += r.Stuck
		for k, n := range r.Faults {
			t.Faults[k] += n
		}
		for k, n := range r.Documents {
			t.Documents[k] += n
		}
	}
	return t
}

func (r Report) print(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%-18s %9s %9s %6s %6s %6s %6s %6s %8s\n", "driver", "schedules", "documents", "held", "lost", "double", "wrong", "stuck", "seconds")
	for _, d := range append(slices.Clone(r.Drivers), r.Total) {
		fmt.Fprintf(&b, "%-18s %9d %9d %6d %6d %6d %6d %6d %8.1f\n", d.Subject, d.Schedules, d.Made, d.Held, d.Lost, d.Duplicated, d.Wrong, d.Stuck, d.Seconds)
	}
	fmt.Fprintf(&b, "\nfaults: %s\n", counted(r.Total.Faults))
	fmt.Fprintf(&b, "documents: %s\n", counted(r.Total.Documents))
	for _, d := range r.Drivers {
		for _, kind := range slices.Sorted(maps.Keys(d.Refused)) {
			fmt.Fprintf(&b, "%s makes no %s: %s\n", d.Subject, kind, d.Refused[kind])
		}
		if len(d.Unknown) > 0 {
			fmt.Fprintf(&b, "%s: its emulator does not know %s\n", d.Subject, strings.Join(d.Unknown, ", "))
		}
		for _, f := range d.Failures {
			fmt.Fprintf(&b, "\nFAILED %s\n  %s\n  %s\n", f.Schedule, strings.Join(f.Verdict.Wrong, "\n  "), strings.Join(f.Story, "\n  "))
		}
	}
	for _, l := range r.Limits {
		fmt.Fprintf(&b, "note: %s\n", l)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func counted(m map[string]int) string {
	var parts []string
	for _, k := range slices.Sorted(maps.Keys(m)) {
		parts = append(parts, fmt.Sprintf("%s %d", k, m[k]))
	}
	return strings.Join(parts, ", ")
}
