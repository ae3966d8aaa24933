// Package replay runs a trace or a live module through sales recovery and
// prints what it finds: one line for each sale, reversal, return, top-up and
// incident, last a summary.
package replay

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"

	"github.com/chekomat/chekomat/mdb/module"
	"github.com/chekomat/chekomat/mdb/sales"
	"github.com/chekomat/chekomat/testbench/decode"
)

// Options of Run.
type Options struct {
	JSON       bool
	Realtime   bool
	Activity   bool      // print activity events too
	StartsIdle bool      // nothing was in progress when the trace began
	Progress   io.Writer // where a progress bar may go; nil for none
	Limit      uint64    // stop after that many words; 0 is none
	EXE        EXE
}

// ErrSilent says that a trace ended and held no word of a bus.
var ErrSilent = errors.New("there is no word of a bus in it")

// Run replays the source at address (a path or any URL module.Open knows) to out.
func Run(ctx context.Context, address string, opts Options, out io.Writer) (sales.Summary, error) {
	sources, err := decode.Open(ctx, address, pace(opts))
	if err != nil {
		return sales.Summary{}, err
	}
	if len(sources) > 1 {
		return runAll(ctx, sources, opts, out)
	}
	return run(ctx, address, sources[0], opts, out)
}

// runAll replays the dialogues of a file one after another, each under a line
// with its name and closed by its summary.
func runAll(ctx context.Context, sources []decode.Source, opts Options, out io.Writer) (last sales.Summary, err error) {
	for _, src := range sources {
		head := []byte(src.Name)
		if opts.JSON {
			if head, err = json.Marshal(map[string]string{"kind": "trace", "name": src.Name}); err != nil {
				return last, fmt.Errorf("write the result of %s: %w", src.Name, err)
			}
		}
		if _, err = out.Write(append(head, '\n')); err != nil {
			return last, fmt.Errorf("write the result of %s: %w", src.Name, err)
		}
		if last, err = run(ctx, src.Name, src, opts, out); err != nil {
			return last, err
		}
	}
	return last, nil
}

func run(ctx context.Context, address string, src decode.Source, opts Options, out io.Writer) (sales.Summary, error) {
	defer src.Close()
	w := bufio.NewWriter(out)
	bar := newProgress(opts.Progress, address)
	p := printer{w: w, opts: opts, live: opts.Realtime, cap: sales.CapOf(src.Fidelity())}
	failure := p.feed(ctx, src, bar)
	bar.close()
	if errors.Is(failure, ErrSilent) {
		failure = fmt.Errorf("replay: read trace %s: %w", address, failure)
	}
	if failure == nil && p.rec != nil {
		p.print(p.rec.Undecided())
	}
	sum := summarize(p.rec)
	sum.Complete = failure == nil
	sum.StrongestClass = p.cap
	sum.AssumedIdleBus = p.opts.StartsIdle
	sum.LastTime = p.last
	if failure != nil {
		sum.Error = failure.Error()
	}
	p.summary(sum)
	if err := w.Flush(); err != nil && failure == nil {
		failure = fmt.Errorf("write the result of %s: %w", address, err)
	}
	return sum, failure
}

type printer struct {
	w    *bufio.Writer
	opts Options
	live bool
	rec  recovery // nil until the first word told the bus
	cap  sales.Class
	line []byte
	last int64
}

// feed reads the source to its end. A limit reached is no failure.
func (p *printer) feed(ctx context.Context, src module.Source, bar *progress) error {
	var n uint64
	for {
		c, err := src.Read(ctx)
		if errors.Is(err, io.EOF) && p.rec == nil {
			return ErrSilent
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("replay: %w", err)
		}
		if p.rec == nil {
			if len(c.Words) == 0 {
				continue
			}
			if p.rec, p.cap, err = p.opts.recover(src, c.Words[0]); err != nil {
				return fmt.Errorf("replay: %w", err)
			}
		}
		if c.Lost {
			p.print(p.rec.Lost(c.Note))
		}
		for _, word := range c.Words {
			p.print(p.rec.Word(word))
			p.last = word.T
			if n++; n == p.opts.Limit {
				return nil
			}
		}
		p.print(p.rec.Advance(c.Now))
		bar.set(n)
		if p.live {
			if err := p.w.Flush(); err != nil {
				return fmt.Errorf("write: %w", err)
			}
		}
	}
}

func (p *printer) print(es []sales.Event) {
	for _, e := range es {
		if e.Kind == sales.KindActivity && !p.opts.Activity {
			continue
		}
		if p.opts.JSON {
			p.line = sales.AppendJSON(p.line[:0], e)
		} else {
			p.line = appendText(p.line[:0], e)
		}
		// The error stays in the writer and comes back with Flush.
		_, _ = p.w.Write(p.line)
	}
}

func (p *printer) summary(s sales.Summary) {
	if p.opts.JSON {
		b, err := json.Marshal(s)
		if err != nil {
			panic(fmt.Sprintf("summary as JSON: %v", err))
		}
		_, _ = p.w.Write(append(b, '\n'))
		return
	}
	fmt.Fprintf(p.w, "%d words, %d blocks, %d checksum errors; %d sales, %d incidents\n",
		s.Words, s.Blocks, s.ChecksumErrors, s.Sales, s.Incidents)
}

func appendText(dst []byte, e sales.Event) []byte {
	dst = fmt.Appendf(dst, "%12.6f s  %-8s", float64(e.T)/1e6, e.Kind)
	if e.Code != "" {
		dst = fmt.Appendf(dst, " %s", e.Code)
	}
	if e.Class != "" && e.Kind != sales.KindIncident {
		dst = fmt.Appendf(dst, " class %s by %s", e.Class, e.Source)
	}
	if e.Reader != 0 {
		dst = fmt.Appendf(dst, " reader %02X", e.Reader)
	}
	if e.ItemKnown {
		dst = fmt.Appendf(dst, " item %d", e.Item)
	}
	switch {
	case e.Amount.Known:
		dst = fmt.Appendf(dst, " amount %s %s", e.Amount.Decimal(), e.Amount.Currency)
	case e.Amount.Raw != 0:
		dst = fmt.Appendf(dst, " amount unknown (raw %d)", e.Amount.Raw)
	}
	if e.Requested.Known && e.Requested.Raw != e.Amount.Raw {
		dst = fmt.Appendf(dst, " requested %s", e.Requested.Decimal())
	}
	for _, part := range e.Parts {
		if len(e.Parts) > 1 && part.Amount.Known {
			dst = fmt.Appendf(dst, " %s %s", part.Source, part.Amount.Decimal())
		}
	}
	if e.Detail != "" {
		dst = fmt.Appendf(dst, " — %s", e.Detail)
	}
	return append(dst, '\n')
}

// progress shows how far a long file is, after two seconds.
type progress struct {
	to    io.Writer
	name  string
	start time.Time
	bar   *progressbar.ProgressBar
}

func newProgress(to io.Writer, name string) *progress {
	return &progress{to: to, name: name, start: time.Now()}
}

func (p *progress) set(words uint64) {
	if p.to == nil {
		return
	}
	if p.bar == nil {
		if time.Since(p.start) < 2*time.Second {
			return
		}
		p.bar = progressbar.NewOptions64(-1, progressbar.OptionSetWriter(p.to), progressbar.OptionSetDescription(p.name),
			progressbar.OptionShowCount(), progressbar.OptionShowIts(), progressbar.OptionSetItsString("words"),
			progressbar.OptionThrottle(100*time.Millisecond))
	}
	_ = p.bar.Set64(int64(words))
}

func (p *progress) close() {
	if p.bar != nil {
		_ = p.bar.Finish()
		fmt.Fprintln(p.to)
	}
}

// stderrIfTerminal gives standard error when a person is looking at it.
func stderrIfTerminal() io.Writer {
	if st, err := os.Stderr.Stat(); err == nil && st.Mode()&os.ModeCharDevice != 0 {
		return os.Stderr
	}
	return nil
}

func pace(opts Options) module.Options {
	if opts.Realtime {
		return module.Options{Speed: 1}
	}
	return module.Options{}
}
