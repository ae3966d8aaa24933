package decode

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/chekomat/chekomat/mdb"
	"github.com/chekomat/chekomat/mdb/module"
	"github.com/chekomat/chekomat/mdb/sales"
	"github.com/chekomat/chekomat/mdb/trace"
	"github.com/chekomat/chekomat/mdb/trace/check"
)

// Settings of Run.
type Settings struct {
	Open     module.Options
	Options  Options
	Style    Style
	JSON     bool
	Devices  []string // only these; none: all
	From, To int64    // µs of the trace; To 0 is its end
	Assume   []string // statements as in a trace: "reader1 scale 1 decimals 2"
	NoEvents bool     // without what recovery makes of it
}

// speaker is a decoder of either bus.
type speaker interface {
	Word(mdb.Word)
	Lost(note string)
	Event(Entry)
	End()
}

// HeaderOf gives what a source says of itself, with assumptions added. A file
// that does not name its bus names it by the lines of its words.
func HeaderOf(src module.Source, isEXE bool, assume []string) (trace.Header, error) {
	f := src.Fidelity()
	h := trace.Header{Bus: "mdb", Fidelity: trace.Fidelity(f)}
	if s, ok := src.(module.Headed); ok {
		if said, ok := s.Header(); ok {
			h = said
		}
	}
	if isEXE {
		h.Bus = "exe"
	}
	var p trace.Parser
	if _, err := p.Line("trace 1"); err != nil {
		return h, err
	}
	for _, a := range assume {
		it, err := p.Line("assume " + a)
		if err != nil {
			return h, fmt.Errorf("--assume %q: %w", a, err)
		}
		if it.Assume != nil {
			h.Assume = append(h.Assume, *it.Assume)
		}
	}
	return h, nil
}

// Run prints the dialogue of the source at an address.
func Run(ctx context.Context, address string, s Settings, out io.Writer) error {
	sources, err := Open(ctx, address, s.Open)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(out)
	var line []byte
	if s.To == 0 {
		s.To = math.MaxInt64
	}
	print := func(e Entry) {
		if e.T < s.From || e.T > s.To || len(s.Devices) > 0 && !slices.Contains(s.Devices, e.Device) && e.Kind != "lost" && e.Kind != "break" {
			return
		}
		if s.JSON {
			line = s.Style.AppendJSON(line[:0], e)
		} else {
			line = s.Style.AppendText(line[:0], e)
		}
		_, _ = w.Write(line) // the error comes back with Flush
	}
	for _, src := range sources {
		if src.Name != "" {
			// Its own times begin here.
			e := Entry{T: s.From, Kind: "note", Text: src.Name}
			print(e)
		}
		err = errors.Join(err, s.feed(ctx, src, print, w), src.Close())
	}
	if e := w.Flush(); e != nil && err == nil {
		err = fmt.Errorf("write the dialogue: %w", e)
	}
	return err
}

func (s Settings) feed(ctx context.Context, src module.Source, print func(Entry), w *bufio.Writer) error {
	var sp speaker
	var rec check.Recovery
	tell := func(es []sales.Event) {
		for _, e := range es {
			if e.Kind != sales.KindActivity {
				device := ""
				if e.Reader != 0 {
					device = name(mdb.Device(e.Reader))
				}
				sp.Event(Entry{T: e.T, Kind: "event", Device: device, Text: check.Describe(e), Message: string(e.Kind)})
			}
		}
	}
	live := false
	if k, ok := src.(Source); ok {
		_, live = k.Source.(module.Keeper)
	}
	for {
		c, err := src.Read(ctx)
		if errors.Is(err, io.EOF) || err == nil && len(c.Words) > 0 && c.Words[0].T > s.To {
			break
		}
		if err != nil {
			return fmt.Errorf("decode: %w", err)
		}
		if sp == nil {
			if len(c.Words) == 0 {
				continue
			}
			h, err := HeaderOf(src, c.Words[0].Line >= mdb.EXEMaster, s.Assume)
			if err != nil {
				return err
			}
			if h.Bus == "exe" {
				sp = newEXE(h, s.Options, print)
			} else {
				sp = New(h, s.Options, print)
			}
			if !s.NoEvents {
				if rec, err = check.New(h); err != nil {
					return err
				}
			}
			if h.Clock != "" {
				print(Entry{T: h.ClockT, Kind: "note", Text: "the clock shows " + h.Clock})
			}
		}
		if c.Lost {
			sp.Lost(c.Note)
			if rec != nil {
				tell(rec.Lost(c.Note))
			}
		}
		for _, word := range c.Words {
			sp.Word(word)
			if rec != nil {
				tell(rec.Word(word))
			}
		}
		if rec != nil {
			tell(rec.Advance(c.Now))
		}
		if live || s.Open.Speed > 0 {
			if err := w.Flush(); err != nil {
				return fmt.Errorf("write the dialogue: %w", err)
			}
		}
	}
	if sp != nil {
		sp.End()
	}
	if rec != nil {
		tell(rec.Undecided())
	}
	return nil
}

// Seconds reads a time of the trace: seconds (12.5) or a duration (1m30s).
func Seconds(text string) (int64, error) {
	if v, err := strconv.ParseFloat(text, 64); err == nil && v >= 0 && v < 1e10 {
		return int64(math.Round(v * 1e6)), nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		return 0, fmt.Errorf("%q is no time: seconds (12.5) or 1m30s", text)
	}
	return d.Microseconds(), nil
}

// OpenFlags adds the flags that say how a file is to be read.
func OpenFlags(c *cobra.Command, o *module.Options) {
	f := c.Flags()
	f.StringVar(&o.Format, "format", "", "form of the file: trace, words, blocks, qibixx, saleae, edges; by its name if not given")
	f.StringVar(&o.Slave, "slave", "", "file with the peripherals' line, when FILE has the VMC's alone (Saleae)")
	f.StringVar(&o.Bus, "bus", "", "bus of a Saleae file: mdb or exe")
	f.StringVar(&o.Parity, "parity", "", "parity an eight-bit serial analyzer was set to: even or odd")
}

// colours reports whether out is a terminal that wants colours (no-color.org).
func colours(out io.Writer, when string) bool {
	if when != "auto" {
		return when == "always"
	}
	f, ok := out.(*os.File)
	if !ok || os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb" {
		return false
	}
	st, err := f.Stat()
	return err == nil && st.Mode()&os.ModeCharDevice != 0
}

var aliases = map[string]string{"cashless1": "reader1", "cashless2": "reader2", "bill": "validator", "10": "reader1", "60": "reader2",
	"08": "changer", "30": "validator", "18": "gateway"}

// Command gives `decode FILE`.
func Command() *cobra.Command {
	var s Settings
	var from, to, colour string
	c := &cobra.Command{
		Use:   "decode FILE|URL",
		Short: "Print a bus trace as a readable dialogue / показать запись шины как разговор",
		Long: `Decode reads a trace (*.trace, *.words.csv, *.blocks.txt, *.log of Qibixx, *.csv
of Saleae Logic, the dialogues of a *.jsonl of vectors, FILE.jsonl#NAME for one)
or a live module and prints what machine and devices say: time,
device, message, fields, reply. Money is scaled by what the devices said of
themselves; what had to be assumed is said. Polls without an answer are folded.
Lines with >>> are what sales recovery makes of it.

Читает запись шины или живой модуль и печатает разговор автомата с устройствами:
время, устройство, сообщение, поля, ответ. Пустые опросы свёрнуты (--polls их
показывает); строки с >>> — продажи и происшествия, которые из этого следуют.

Colours are for terminals and obey NO_COLOR. Exit codes: 0 read to the end,
1 the source could not be opened or read.`,
		Example: "  testbench decode shop.words.csv --device reader1 --from 55 --to 1m10s\n  testbench decode vmc.csv --slave reader.csv --json",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if s.From, err = Seconds(from); err != nil {
				return fmt.Errorf("--from: %w", err)
			}
			if to != "" {
				if s.To, err = Seconds(to); err != nil {
					return fmt.Errorf("--to: %w", err)
				}
			}
			if colour != "auto" && colour != "always" && colour != "never" {
				return fmt.Errorf("--color %q: auto, always or never", colour)
			}
			for i, d := range s.Devices {
				d = strings.ToLower(d)
				if a, ok := aliases[d]; ok {
					d = a
				}
				s.Devices[i] = d
			}
			s.Style.Colour = colours(cmd.OutOrStdout(), colour)
			return Run(cmd.Context(), args[0], s, cmd.OutOrStdout())
		},
	}
	f := c.Flags()
	f.BoolVar(&s.JSON, "json", false, "one JSON object a line")
	f.BoolVar(&s.Style.Raw, "raw", false, "with the bytes")
	f.BoolVar(&s.Options.Polls, "polls", false, "show polls that say nothing, too")
	f.StringSliceVar(&s.Devices, "device", nil, "only these devices: reader1, changer, validator, gateway, 40…")
	f.StringVar(&from, "from", "0", "from this time of the trace on: seconds or 1m30s")
	f.StringVar(&to, "to", "", "up to this time")
	f.StringArrayVar(&s.Assume, "assume", nil, `what was not heard, as in a trace: "reader1 scale 1 decimals 2 currency 1643"`)
	f.BoolVar(&s.NoEvents, "no-events", false, "without sales and incidents")
	f.StringVar(&colour, "color", "auto", "auto, always or never")
	OpenFlags(c, &s.Open)
	return c
}
