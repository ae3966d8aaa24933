package simulate

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
)

// ErrViolated says that an invariant was broken.
var ErrViolated = errors.New("simulation: an invariant was broken")

// Command is "testbench simulate".
func Command() *cobra.Command {
	var o Options
	var asJSON bool
	var replay string
	cmd := &cobra.Command{
		Use:   "simulate",
		Short: "Whole Chekomat on virtual time from a seed, with faults everywhere / весь Чекомат на виртуальном времени, со сбоями повсюду",
		Long: `Plays schedules of sales and faults in one process on virtual time: agents,
broker, hub and registers. At the end of each everything heals and what is left
is held against what was sold. A violation is shrunk and told in words; exit
code 1. Equal seeds give equal stories. See docs/simulation.md.

Разыгрывает продажи и сбои в одном процессе на виртуальном времени. В конце
каждого расписания всё чинится, и остаток сверяется с проданным. Нарушение
ужимается и рассказывается словами; код завершения 1.

How far a run is, is told on standard error: a bar on a terminal, else a line
every ten seconds.

Exit codes: 0 nothing was broken, 1 an invariant was, or the command could not run.
Коды завершения: 0 всё цело, 1 нарушение или не удалось запустить.

--break swaps in a wrong strategy, which must end with exit code 1 / подставляет
неверную стратегию, и код завершения должен быть 1:
` + breaksHelp(),
		Example: `  testbench simulate --seed 1 --schedules 10000 --json
  testbench simulate --break key-without-waiting
  testbench simulate --replay plan.json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			out := cmd.OutOrStdout()
			var rep Report
			var err error
			if replay != "" {
				rep, err = replayed(replay, o, cmd.InOrStdin())
			} else {
				p := newProgress(cmd.ErrOrStderr())
				o.Progress, o.Shrinking = p.step, p.shrinking
				rep, err = Many(cmd.Context(), o)
				p.end()
			}
			if err != nil {
				return err
			}
			if asJSON {
				e := json.NewEncoder(out)
				e.SetIndent("", "  ")
				err = e.Encode(rep)
			} else {
				rep.print(out)
			}
			if err == nil && rep.Violations > 0 {
				err = fmt.Errorf("%w: %d of %d schedules", ErrViolated, rep.Violations, rep.Schedules)
			}
			return err
		},
	}
	f := cmd.Flags()
	f.Uint64Var(&o.Seed, "seed", 1, "seed of the first schedule / зерно первого расписания")
	f.IntVar(&o.Schedules, "schedules", 500, "how many schedules / сколько расписаний")
	f.StringVar(&o.Break, "break", "", "swap in a wrong strategy / подставить неверную стратегию")
	f.IntVar(&o.Workers, "workers", 0, "side by side, 0: one a processor / одновременно, 0: по числу процессоров")
	f.IntVar(&o.Tries, "tries", 400, "tries to shrink a failing schedule / попыток ужать")
	f.StringVar(&replay, "replay", "", "play the plan of a file (-: standard input), as a story has it, and tell all / проиграть план из файла")
	f.BoolVar(&asJSON, "json", false, "answer in JSON / ответ в JSON")
	return cmd
}

// replayed plays one plan and tells its story whether or not it breaks anything.
func replayed(file string, o Options, in io.Reader) (Report, error) {
	var raw []byte
	var err error
	if file == "-" {
		raw, err = io.ReadAll(in)
	} else {
		raw, err = os.ReadFile(file)
	}
	var p Plan
	if err == nil {
		err = json.Unmarshal(raw, &p)
	}
	if err == nil {
		err = p.check()
	}
	if err != nil {
		return Report{}, fmt.Errorf("simulate: read the plan %s: %w", file, err)
	}
	if o.Break != "" {
		p.Break = o.Break
	}
	if err := checkBreak(p.Break); err != nil {
		return Report{}, err
	}
	r, err := Play(p)
	rep := Report{Seed: p.Seed, Faults: map[Kind]int{}, Acts: map[ActKind]int{}, Invariants: Invariants, Break: p.Break, Seeds: []uint64{}}
	rep.add(r)
	if len(r.Wrong) > 0 {
		rep.Seeds = append(rep.Seeds, p.Seed)
	}
	rep.Stories = []Story{{Seed: p.Seed, Wrong: r.Wrong, Plan: p, Words: r.Words()}}
	return rep, err
}

func (rep Report) print(to io.Writer) {
	for _, s := range rep.Stories {
		for _, line := range s.Words {
			fmt.Fprintln(to, line)
		}
		fmt.Fprintln(to, "plan for --replay:", string(mustJSON(s.Plan)))
		fmt.Fprintln(to)
	}
	faults, acts := 0, 0
	for _, n := range rep.Faults {
		faults += n
	}
	for _, n := range rep.Acts {
		acts += n
	}
	fmt.Fprintf(to, "%d schedules, %d sales, %d receipts, %d acts, %d faults of %d kinds, %.0f minutes of virtual time in %.1f s (%.1f schedules/s)\n",
		rep.Schedules, rep.Sales, rep.Receipts, acts, faults, len(rep.Faults), rep.Minutes, rep.Seconds, rep.PerSecond)
	if rep.Violations == 0 {
		fmt.Fprintln(to, "no invariant was broken:", strings.Join(rep.Invariants, " "))
		return
	}
	fmt.Fprintf(to, "%d schedules broke an invariant, seeds %v\n", rep.Violations, rep.Seeds)
}
