package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/chekomat/chekomat/agent/journal"
	"github.com/chekomat/chekomat/hub/api/contract"
)

// currencies by the names people use, as ISO 4217 numbers.
var currencies = map[string]string{"": "", "RUB": "643", "643": "643", "EUR": "978", "978": "978", "USD": "840", "840": "840"}

// ErrCount says that the count did not come out.
var ErrCount = errors.New("sales were lost or doubled")

// Command is "testbench demo".
func Command() *cobra.Command {
	var cfg Config
	var forTime time.Duration
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "The whole of Chekomat on this computer / весь Чекомат на этом компьютере",
		Long: `Starts an emulated cash register, the hub, and for each machine a virtual vending
machine with its agent; all on loopback, each a process of its own. Prints the
addresses of the dashboard and the machines' displays, runs until Ctrl-C, then waits
for what is on its way and counts: vends by the machines' own counters, records in
the journals, sales in the hub, receipts in the register's archive, receipts shown.

With --json the first line is an object of addresses, the last one the count.
With --trace the bus is a capture, from file to QR; sales in a currency other than
roubles are held unless --assume-currency says otherwise.

Exit codes: 0 nothing lost and nothing doubled; 1 otherwise, or it could not run.

Запускает кассу-эмулятор, хаб и автоматы с агентами на этом компьютере, печатает
адреса панели и дисплеев, по Ctrl-C дожидается чеков и сверяет счёт.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			iso, ok := currencies[strings.ToUpper(cfg.Assume)]
			if !ok {
				return fmt.Errorf("currency %q: RUB, EUR, USD or an ISO 4217 number of them wanted", cfg.Assume)
			}
			cfg.Assume, cfg.KnownPorts = iso, true
			if cfg.Lang != "ru" && cfg.Lang != "en" {
				return fmt.Errorf("language %q: ru or en wanted", cfg.Lang)
			}
			if cfg.Machines < 1 || cfg.Machines > 200 {
				return fmt.Errorf("%d machines: 1 to 200 wanted", cfg.Machines)
			}
			if cfg.EXE < 0 || cfg.Silent < 0 || cfg.Readers < 0 || cfg.EXE+cfg.Silent+cfg.Readers > cfg.Machines {
				return fmt.Errorf("%d silent machines, %d with our reader and %d on an Executive bus, of %d", cfg.Silent, cfg.Readers, cfg.EXE, cfg.Machines)
			}
			if cfg.Trace != "" {
				cfg.Data += "-trace-" + strings.Map(plain, filepath.Base(cfg.Trace))
				if cfg.Assume != "" {
					cfg.Data += "-" + cfg.Assume
				}
				if cfg.Speed == 0 {
					c, err := readCapture(cmd.Context(), cfg.Trace)
					if err != nil {
						return err
					}
					cfg.Speed = c.speed()
				}
			}
			if cfg.Bin == "" {
				self, err := os.Executable()
				if err != nil {
					return fmt.Errorf("where the programs are: %w", err)
				}
				cfg.Bin = filepath.Dir(self)
			}
			ctx, cancel := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
			defer cancel()
			return run(ctx, cfg, forTime, asJSON, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	f := cmd.Flags()
	f.StringVar(&cfg.Bin, "bin", "", "folder of the programs hub, agent, testbench; default: this one's")
	f.StringVar(&cfg.Data, "data", "demo-data", "folder of everything the demo keeps")
	f.IntVar(&cfg.Machines, "machines", 3, "how many vending machines")
	f.IntVar(&cfg.Silent, "silent", 0, "how many of them do not announce cash sales (class C, decided ten seconds later)")
	f.IntVar(&cfg.EXE, "exe", 0, "how many of them, the last ones, have an Executive bus instead of MDB")
	f.IntVar(&cfg.Readers, "readers", 0, "how many of them, the first ones, announce cash sales to our own reader, played by the module")
	f.StringVar(&cfg.Firmware, "firmware", "", "modules are the flashable firmware in an emulator, linked by uart or usb (needs node and arm-none-eabi-gcc)")
	f.DurationVar(&cfg.Every, "every", 5*time.Second, "mean time between buyers of a machine")
	f.DurationVar(&cfg.VendTime, "vend-time", time.Second, "from paid to dispensed")
	f.DurationVar(&cfg.Service, "service", 350*time.Millisecond, "what a receipt takes the register")
	f.StringVar(&cfg.Protocol, "register-protocol", "shtrih", "protocol of the register: shtrih, pirit")
	f.StringArrayVar(&cfg.Faults, "fault", nil, "fault of the register, as of testbench register --help")
	f.Uint64Var(&cfg.Seed, "seed", 0, "seed of the buyers; 0 draws one")
	f.DurationVar(&forTime, "for", 0, "stop selling after this time; 0 runs until Ctrl-C")
	f.StringVar(&cfg.Trace, "trace", "", "a capture to be the bus of one machine")
	f.UintVar(&cfg.Speed, "speed", 0, "how much faster than recorded the capture plays; 0: ten times, more where that would take over a minute")
	f.StringVar(&cfg.Assume, "assume-currency", "", "take the amounts of the bus for this currency: RUB")
	f.StringVar(&cfg.Lang, "lang", "ru", "language of the displays: ru, en")
	f.BoolVar(&asJSON, "json", false, "addresses and count as JSON lines")
	return cmd
}

// plain keeps what may stand in a folder's name.
func plain(r rune) rune {
	if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-' {
		return r
	}
	return '-'
}

func run(ctx context.Context, cfg Config, forTime time.Duration, asJSON bool, out, progress io.Writer) error {
	w := wordsFor("")
	if asJSON && !isTerminal(progress) {
		progress = io.Discard
	}
	fmt.Fprintf(progress, w.starting+"\n", cfg.Machines)
	d, err := Start(ctx, cfg)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.findFN(ctx); err != nil {
		return err
	}
	if asJSON {
		if err := json.NewEncoder(out).Encode(d.Addresses); err != nil {
			return err
		}
	} else {
		d.tell(out, w)
	}
	d.sell(ctx, forTime, progress, w)

	// Ctrl-C ended the selling; from here a second one ends everything.
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	fmt.Fprintf(progress, "\n%s\n", w.stopping)
	if err := d.StopSelling(ctx); err != nil {
		return err
	}
	fmt.Fprintln(progress, w.draining)
	if err := d.Drain(ctx, 90*time.Second); err != nil {
		return err
	}
	r, err := d.Count(ctx)
	if err != nil {
		return err
	}
	if asJSON {
		err = json.NewEncoder(out).Encode(r)
	} else {
		fmt.Fprintf(out, w.done+"\n", r.Vends, r.Journaled, r.InHub, r.Receipts, r.Shown, r.Lost, r.Duplicated)
		if r.Lost+r.Duplicated > 0 {
			fmt.Fprintln(out, w.failed, strings.Join(r.Problems, "\n  "))
		}
	}
	if err == nil && r.Lost+r.Duplicated > 0 {
		err = ErrCount
	}
	return err
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// tell prints where to look.
func (d *Demo) tell(out io.Writer, w words) {
	fmt.Fprintf(out, "\n  %s\n    %s\n", w.dashboard, d.Dashboard)
	for _, k := range d.Kiosks {
		fmt.Fprintf(out, "  %s %s\n    %s\n", w.kiosk, k.Serial, k.URL)
	}
	fmt.Fprintf(out, "  %s\n    %s\n  %s\n    %s\n\n%s\n\n", w.register, d.Archive, w.data, d.Data, w.stop)
}

// sell lets machines sell for a time, or a capture play to its end, or until
// ctx ends.
func (d *Demo) sell(ctx context.Context, forTime time.Duration, progress io.Writer, w words) {
	if d.cfg.Trace != "" && forTime == 0 {
		if d.playing(ctx) == nil {
			return
		}
	}
	var end <-chan time.Time
	if forTime > 0 {
		end = time.After(forTime)
	}
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-end:
			return
		case <-tick.C:
			var s contract.Summary
			if isTerminal(progress) && d.hub.Get(ctx, "/api/v1/summary", &s) == nil && len(s.Operators) > 0 {
				o := s.Operators[0]
				fmt.Fprintf(progress, "\r%s %d · %s %d · %s %d   ", w.vends, o.Sales, w.receipts, o.Receipts, w.queue, o.Queue.Queued+o.Queue.InFlight+o.Queue.Resolving)
			}
		}
	}
}

// playing waits until the agent has heard a capture to its end and its sales
// are all journaled.
func (d *Demo) playing(ctx context.Context) error {
	c, err := readCapture(ctx, d.cfg.Trace)
	if err != nil {
		return err
	}
	for {
		heard, err := journal.Heard(d.members[0].dir + "/agent")
		if err == nil && heard.Seq >= c.words {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// findFN asks the register for the number of its FN.
func (d *Demo) findFN(ctx context.Context) error {
	var status struct {
		FN string `json:"fn"`
	}
	if err := getJSON(ctx, d.control+"/status", &status); err != nil {
		return err
	}
	d.FN = status.FN
	return nil
}
