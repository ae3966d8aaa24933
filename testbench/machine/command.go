package machine

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/chekomat/chekomat/testbench/firmware/board"
)

// options of the command.
type options struct {
	listen, data, plan string
	bus, exeMode       string
	seed               uint64
	every, vendTime    time.Duration
	silent, idle       bool
	guests             bool
	firmware           string
	ring               int
}

// Command is "testbench machine".
func Command() *cobra.Command {
	var o options
	cmd := &cobra.Command{
		Use:   "machine",
		Short: "Virtual vending machine with a tap on its bus / виртуальный автомат с модулем на шине",
		Long: `Plays a vending machine: VMC, coin changer, bill validator and cashless reader on
an MDB bus at its real pace, with an interface module (link protocol 1.1) that an
agent connects to: bus url chekomat+tcp://ADDRESS. Buyers come at random: sales by
cash with change and by card, cancelled and failed ones. With --bus exe it is a VMC and a payment device on an Executive bus.

The first line of output is {"listen":"ADDRESS"}; then a line for each buyer. The
machine's own counter is DATA/vends.jsonl. A line "stop" on standard input ends the
selling ({"stopped":true}); the bus goes on until SIGTERM.

Изображает автомат: контроллер, монетник, купюрник и терминал на шине MDB в
настоящем темпе (или шину Executive), и модуль, к которому подключается агент. Счётчик продаж самого
автомата лежит в DATA/vends.jsonl.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, cancel := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
			defer cancel()
			return run(ctx, o, cmd.InOrStdin(), cmd.OutOrStdout())
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.listen, "listen", "127.0.0.1:0", "address of the interface module")
	f.StringVar(&o.data, "data", ".", "folder of the machine's counter")
	f.StringVar(&o.bus, "bus", "mdb", "payment bus: mdb or exe")
	f.StringVar(&o.exeMode, "exe-mode", "price_holding", "EXE: who holds the prices: price_holding (the payment device) or price_display (the machine)")
	f.StringVar(&o.plan, "plan", "", "JSON file of columns [{column,name,price}]; default: the demo's")
	f.Uint64Var(&o.seed, "seed", 0, "seed of the buyers; 0 draws one")
	f.DurationVar(&o.every, "every", 6*time.Second, "mean time between buyers")
	f.DurationVar(&o.vendTime, "vend-time", time.Second, "from paid to dispensed")
	f.BoolVar(&o.silent, "silent", false, "the VMC does not announce cash sales; only the ledger can tell them (class C)")
	f.BoolVar(&o.guests, "guests", false, "the VMC also looks for a second reader (60H) and a gateway (18H), played by the module when the agent has it do so (bus.role)")
	f.StringVar(&o.firmware, "firmware", "", "the module is the flashable firmware in an emulator, linked by uart or usb; needs node and arm-none-eabi-gcc")
	f.BoolVar(&o.idle, "idle", false, "nobody buys; the bus is polled")
	f.IntVar(&o.ring, "ring", 1<<18, "words the module keeps for an agent that is away")
	return cmd
}

func (o options) check() error {
	switch {
	case o.bus != "mdb" && o.bus != "exe":
		return fmt.Errorf("machine: bus %q: mdb or exe", o.bus)
	case o.exeMode != "price_holding" && o.exeMode != "price_display":
		return fmt.Errorf("machine: exe mode %q: price_holding or price_display", o.exeMode)
	case o.firmware != "" && o.firmware != board.UART && o.firmware != board.USB:
		return fmt.Errorf("machine: firmware %q: linked by uart or usb", o.firmware)
	case o.bus == "exe" && o.guests:
		return errors.New("machine: --guests is of MDB: nobody else is polled on an Executive bus")
	case o.bus == "exe" && o.silent:
		return errors.New("machine: --silent is of MDB: an Executive bus announces no cash sales")
	}
	return nil
}

func run(ctx context.Context, o options, in io.Reader, out io.Writer) error {
	if err := o.check(); err != nil {
		return err
	}
	plan := DefaultPlan()
	if o.plan != "" {
		var err error
		if plan, err = ReadPlan(o.plan); err != nil {
			return err
		}
	}
	if o.seed == 0 {
		o.seed = rand.Uint64()
	}
	log, err := OpenLog(filepath.Join(o.data, "vends.jsonl"))
	if err != nil {
		return err
	}
	defer log.Close()
	t, err := newModule(o, rand.Uint64()|1, log)
	if err != nil {
		return err
	}
	defer t.close()

	lines := json.NewEncoder(out)
	if err := lines.Encode(map[string]string{"listen": t.address()}); err != nil {
		return err
	}
	var stop atomic.Bool
	stop.Store(o.idle)
	go func() {
		for sc := bufio.NewScanner(in); sc.Scan(); {
			if sc.Text() == "stop" {
				stop.Store(true)
			}
		}
	}()
	if err := sell(ctx, o, plan, t, log, &stop, lines); err != nil {
		return err
	}
	return t.drain(20 * time.Second)
}

// sell serves buyers at the bus's real pace until ctx ends.
func sell(ctx context.Context, o options, plan []Column, t hears, log *Log, stop *atomic.Bool, lines *json.Encoder) error {
	start := time.Now()
	pace := func(us int64) {
		if ahead := time.Duration(us)*time.Microsecond - time.Since(start); ahead > time.Millisecond {
			time.Sleep(ahead)
		}
		t.pass(us)
	}
	shop := NewShopper(plan, o.seed)
	cfg := Config{Columns: plan, Seed: o.seed, VendTime: o.vendTime, Silent: o.silent, Emit: t.feed, Pace: pace}
	if o.guests {
		cfg.Guest = t.guest()
	}
	var m seller = onMDB{New(cfg), shop}
	if o.bus == "exe" {
		var err error
		if m, err = newOnEXE(o, plan, t.feed, pace); err != nil {
			return err
		}
	}
	m.PowerUp()
	told := false
	next := m.Now() + shop.wait(o.every/2)
	for ctx.Err() == nil {
		m.Idle(150 * time.Millisecond)
		if err := t.note(); err != nil {
			return err
		}
		if stop.Load() {
			if !told {
				told = true
				if err := lines.Encode(map[string]bool{"stopped": true}); err != nil {
					return err
				}
			}
			continue
		}
		if m.Now() < next {
			continue
		}
		first := t.next()
		v, err := m.serve()
		if err != nil {
			return err
		}
		if v.Outcome == Sold {
			if err := log.Add(Entry{Boot: t.boot(), First: first, Last: t.next() - 1, Vend: &v}); err != nil {
				return err
			}
		}
		if err := lines.Encode(v); err != nil {
			return err
		}
		next = m.Now() + shop.wait(o.every)
	}
	return nil
}

// wait draws the time until the next buyer, µs, with the mean given.
func (s *Shopper) wait(mean time.Duration) int64 {
	return int64(min(s.rng.ExpFloat64(), 4) * float64(mean.Microseconds()))
}
