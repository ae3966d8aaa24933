package firmware

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/chekomat/chekomat/testbench/firmware/board"
)

// ErrFound says that a scenario did not come out as it should.
var ErrFound = errors.New("not everything came out as it should")

// Command is "testbench firmware".
func Command() *cobra.Command {
	var (
		o      Options
		name   string
		asJSON bool
		list   bool
	)
	cmd := &cobra.Command{
		Use:   "firmware",
		Short: "The flashable firmware in an emulator, on the bench's own machines / прошивка модуля в эмуляторе",
		Long: `Runs the interface module's firmware, byte for byte as it is flashed, in an emulator
of its chip. A virtual machine sells; its bus is drawn on the chip's pins as waveforms
with jitter, clocks at the limits of MDB, noise and overlapping answers, all from one
seed; where the module plays a reader or gateway, its answers go back to the machine
in bus time. At the link's other end is the agent's own module source.

Told are: sales recovered against the machine's counter, words on the wire against
words received (values, times, order), the time from the machine's stop bit to our
answer (5000 µs are allowed), and how fast the bus went. What the emulator does not
have (flash programming, unique id, watchdog…) is the harness's own work and named in
"modelled": it proves the firmware's logic, not the silicon.

  testbench firmware --list
  testbench firmware --scenario cashless-sale --json
  testbench firmware --scenario all --link usb --seed 7

Needs node, npm and arm-none-eabi-gcc; make -C firmware installs them from Debian.
Exit codes: 0 all as it should be, 1 something was lost, late, recovered differently,
or could not be run.

Запускает прошивку модуля, ту же, что прошивается в плату, в эмуляторе её процессора:
шина виртуального автомата рисуется на выводах, слова из линии связи сверяются с тем,
что было на проводе, продажи — со счётчиком автомата.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			out := cmd.OutOrStdout()
			if list {
				return names(out, asJSON)
			}
			todo := Scenarios
			if name != "all" {
				s, err := Find(name)
				if err != nil {
					return err
				}
				todo = []Scenario{s}
			}
			if o.Link != board.UART && o.Link != board.USB {
				return fmt.Errorf("firmware: link %q: uart or usb", o.Link)
			}
			var err error
			if o.Folder, err = board.Ready(); err != nil {
				return err
			}
			ctx, cancel := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
			defer cancel()
			bad := false
			tell := newTeller(out, asJSON)
			for _, s := range todo {
				r, err := Run(ctx, s, o)
				if ctx.Err() != nil {
					return ctx.Err()
				}
				if err != nil {
					return err
				}
				bad = bad || !r.OK()
				if err := tell.result(r); err != nil {
					return err
				}
			}
			if err := tell.end(); err != nil {
				return err
			}
			if bad {
				return ErrFound
			}
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVar(&name, "scenario", "all", "what happens at the machine; --list names them; all plays every one")
	f.StringVar(&o.Link, "link", board.UART, "link between module and agent: uart (460800) or usb")
	f.Uint64Var(&o.Seed, "seed", 1, "seed of jitter, clocks, noise and of the machine; the same seed gives the same bus")
	f.BoolVar(&asJSON, "json", false, "one JSON object a scenario")
	f.BoolVar(&list, "list", false, "name the scenarios and end")
	return cmd
}

func names(out io.Writer, asJSON bool) error {
	if asJSON {
		type row struct {
			Name string `json:"name"`
			Says string `json:"says"`
		}
		rows := []row{}
		for _, s := range Scenarios {
			rows = append(rows, row{s.Name, s.Says})
		}
		return json.NewEncoder(out).Encode(rows)
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, s := range Scenarios {
		fmt.Fprintf(w, "%s\t%s\n", s.Name, s.Says)
	}
	return w.Flush()
}

// teller prints results as they come: JSON lines, or a table with what went
// wrong under it.
type teller struct {
	out      io.Writer
	asJSON   bool
	begun    bool
	problems []string
	modelled []string
}

func newTeller(out io.Writer, asJSON bool) *teller { return &teller{out: out, asJSON: asJSON} }

const columns = "%-20s %5s %5s %7s %8s %9s %8s %8s %8s %8s  %s\n"

func (t *teller) result(r Result) error {
	if t.asJSON {
		return json.NewEncoder(t.out).Encode(r)
	}
	if !t.begun {
		t.begun = true
		fmt.Fprintf(t.out, columns, "scenario", "link", "sold", "sales", "on wire", "received", "p50 µs", "p99 µs", "max µs", "bus/real", "")
	}
	p50, p99, most := "-", "-", "-"
	if a := r.Response; a != nil {
		p50, p99, most = fmt.Sprintf("%.0f", a.P50), fmt.Sprintf("%.0f", a.P99), fmt.Sprintf("%.0f", a.Max)
	}
	verdict := "ok"
	if !r.OK() {
		verdict = fmt.Sprintf("%d wrong", len(r.Problems))
	}
	for _, p := range r.Problems {
		t.problems = append(t.problems, r.Scenario+": "+p)
	}
	t.modelled = r.Modelled
	_, err := fmt.Fprintf(t.out, columns, r.Scenario, r.Link, fmt.Sprint(r.Sold), fmt.Sprint(len(r.Sales)), fmt.Sprint(r.Wire), fmt.Sprint(r.Received),
		p50, p99, most, fmt.Sprintf("%.1f", r.Speed), verdict)
	return err
}

func (t *teller) end() error {
	if t.asJSON {
		return nil
	}
	for _, p := range t.problems {
		fmt.Fprintln(t.out, p)
	}
	_, err := fmt.Fprintf(t.out, "modelled by the harness: %v\n", t.modelled)
	return err
}
