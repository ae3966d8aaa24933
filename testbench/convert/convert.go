// Package convert turns traces of one form into another.
package convert

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/chekomat/chekomat/mdb"
	"github.com/chekomat/chekomat/mdb/module"
	"github.com/chekomat/chekomat/mdb/trace"
	"github.com/chekomat/chekomat/testbench/decode"
)

// Settings of Run.
type Settings struct {
	Open   module.Options
	To     string   // FormTrace, FormWords or FormBlocks; "" by the name of the file written
	Assume []string // for the header of a *.trace
}

// Counts of a conversion.
type Counts struct {
	Words   int
	Blocks  int
	Dropped int // words no form of the kind wanted can hold
}

// writer is a form being written.
type writer interface {
	head(h trace.Header) error
	lost(note string)
	words(ws []mdb.Word)
	end(now int64)
}

// Run converts the source at an address into the form wanted.
func Run(ctx context.Context, address, form string, s Settings, out io.Writer) (n Counts, err error) {
	b := bufio.NewWriter(out)
	var w writer
	switch form {
	case module.FormTrace:
		w = &traceWriter{w: b, n: &n}
	case module.FormWords:
		w = &wordsWriter{w: b, n: &n}
	case module.FormBlocks:
		w = &blocksWriter{w: b, n: &n}
	default:
		return n, fmt.Errorf("convert: form %q can't be written (trace, words, blocks): give --to, or a name as *.trace", form)
	}
	sources, err := decode.Open(ctx, address, s.Open)
	if err != nil {
		return n, err
	}
	if len(sources) > 1 {
		return n, fmt.Errorf("convert %s: %d dialogues in it: choose one, %s#%s", address, len(sources), address, sources[0].Name)
	}
	src := sources[0]
	defer src.Close()
	if err := feed(ctx, src, s, w); err != nil {
		return n, err
	}
	if err := b.Flush(); err != nil {
		return n, fmt.Errorf("convert %s: write: %w", address, err)
	}
	return n, nil
}

func feed(ctx context.Context, src module.Source, s Settings, w writer) error {
	began := false
	now := int64(0)
	for {
		c, err := src.Read(ctx)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("convert: %w", err)
		}
		now = c.Now
		if !began {
			began = true
			h, err := decode.HeaderOf(src, len(c.Words) > 0 && c.Words[0].Line >= mdb.EXEMaster, s.Assume)
			if err != nil {
				return err
			}
			if err := w.head(h); err != nil {
				return err
			}
		}
		if c.Lost {
			w.lost(c.Note)
		}
		w.words(c.Words)
	}
	if began {
		w.end(now)
	}
	return nil
}

// traceWriter writes *.trace. A block that is in two chunks stays whole.
type traceWriter struct {
	w    *bufio.Writer
	n    *Counts
	f    trace.Fidelity
	kept []mdb.Word
	last int64
	line []byte
}

func (t *traceWriter) head(h trace.Header) error {
	t.f = h.Fidelity
	f := trace.File{Items: trace.Heading(h)}
	_, _ = t.w.Write(f.Append(nil))
	return nil
}

func (t *traceWriter) flush(keep int) {
	items := trace.Group(nil, t.kept, t.f)
	for i := range max(len(items)-keep, 0) {
		t.line = trace.AppendItem(t.line[:0], &items[i])
		_, _ = t.w.Write(t.line)
		t.n.Blocks++
		t.kept = t.kept[len(items[i].Words):]
	}
}

func (t *traceWriter) lost(note string) {
	t.flush(0)
	t.line = trace.AppendItem(t.line[:0], &trace.Item{Kind: trace.Lost, Text: oneLine(note)})
	_, _ = t.w.Write(t.line)
}

// oneLine keeps a module's note from ending the statement.
func oneLine(s string) string {
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r <= ' ' || r == '#' || r == 0x7F }), " ")
}

func (t *traceWriter) words(ws []mdb.Word) {
	t.kept = append(t.kept, ws...)
	t.n.Words += len(ws)
	if len(ws) > 0 {
		t.last = ws[len(ws)-1].T
	}
	if len(t.kept) > 4096 {
		t.flush(1)
	}
}

func (t *traceWriter) end(now int64) {
	t.flush(0)
	if d := now - t.last; d > 0 {
		t.line = trace.AppendItem(t.line[:0], &trace.Item{Kind: trace.Silent, Span: d})
		_, _ = t.w.Write(t.line)
	}
}

// wordsWriter writes *.words.csv, which knows no flags.
type wordsWriter struct {
	w     *bufio.Writer
	n     *Counts
	timed bool
}

// directions of *.words.csv, by line.
var directions = [...]string{mdb.Master: "M", mdb.Slave: "S", mdb.EXEMaster: "EM", mdb.EXESlave: "ES"}

func (t *wordsWriter) head(h trace.Header) error {
	t.timed = h.Fidelity.Times
	head := "dir,word\n"
	if t.timed {
		head = "t_us,dir,word\n"
	}
	_, _ = t.w.WriteString(head)
	return nil
}

func (t *wordsWriter) lost(note string) { fmt.Fprintf(t.w, "# lost: %s\n", oneLine(note)) }

func (t *wordsWriter) words(ws []mdb.Word) {
	for _, w := range ws {
		if int(w.Line) >= len(directions) || w.T < 0 || w.Flags&(mdb.BreakStart|mdb.BreakEnd|mdb.FramingError) != 0 {
			t.n.Dropped++
			continue
		}
		t.n.Words++
		if t.timed {
			fmt.Fprintf(t.w, "%d,", w.T)
		}
		fmt.Fprintf(t.w, "%s,%03X\n", directions[w.Line], w.V)
	}
}

func (*wordsWriter) end(int64) {}

// blocksWriter writes *.blocks.txt: good blocks and replies, checksums included.
type blocksWriter struct {
	w   *bufio.Writer
	n   *Counts
	f   mdb.Framer
	now int64
}

func (t *blocksWriter) head(h trace.Header) error {
	if h.Bus != "mdb" {
		return fmt.Errorf("convert: blocks of bus %s can't be written", h.Bus)
	}
	_, _ = t.w.WriteString("# one block per line: direction (M = VMC, S = peripherals) then bytes incl. checksum\n")
	return nil
}

func (t *blocksWriter) lost(note string) {
	t.f.Reset()
	fmt.Fprintf(t.w, "# lost: %s\n", oneLine(note))
}

func (t *blocksWriter) words(ws []mdb.Word) {
	for _, w := range ws {
		t.n.Words++
		if w.T-t.now > mdb.WordTime+5000 {
			t.blocks(t.f.Advance(w.T))
		}
		t.now = w.T
		t.blocks(t.f.Push(w))
	}
}

func (t *blocksWriter) end(int64) { t.blocks(t.f.Advance(t.now + 1_000_000)) }

func (t *blocksWriter) blocks(bs []mdb.Block) {
	for i := range bs {
		b := &bs[i]
		if b.Kind == mdb.Invalid || b.Kind == mdb.Break {
			t.n.Dropped += int(b.N)
			fmt.Fprintf(t.w, "# left out: %s % X\n", b.Fault, b.Bytes())
			continue
		}
		t.n.Blocks++
		fmt.Fprintf(t.w, "%c % X\n", "MS"[b.Line&1], b.Bytes())
	}
}

// Command gives `convert IN OUT`.
func Command() *cobra.Command {
	var s Settings
	c := &cobra.Command{
		Use:   "convert IN OUT",
		Short: "Turn a bus trace of one form into another / переписать запись шины в другой форме",
		Long: `Convert reads any trace that replay reads and writes it as *.trace (everything),
*.words.csv (words) or *.blocks.txt (good blocks of MDB). OUT "-" is standard
output, with --to. What a form can't hold is counted and told.

Читает запись шины в любой форме и пишет её как *.trace, *.words.csv или
*.blocks.txt; чего форма не вмещает, то считает и называет.

Exit codes: 0 converted, 1 not.`,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			form := s.To
			if form == "" {
				form = module.FormOf(args[1])
			}
			out := cmd.OutOrStdout()
			if args[1] != "-" {
				f, err := os.CreateTemp(dir(args[1]), ".convert-*")
				if err != nil {
					return fmt.Errorf("convert: %w", err)
				}
				defer os.Remove(f.Name()) // gone when it was renamed
				defer f.Close()
				out = f
			}
			n, err := Run(cmd.Context(), args[0], form, s, out)
			if err != nil {
				return err
			}
			if f, ok := out.(*os.File); ok && args[1] != "-" {
				if err := errors.Join(f.Chmod(0o644), f.Close(), os.Rename(f.Name(), args[1])); err != nil {
					return fmt.Errorf("convert: write %s: %w", args[1], err)
				}
			}
			fmt.Fprintf(cmd.ErrOrStderr(), "%d words, %d blocks, %d words left out\n", n.Words, n.Blocks, n.Dropped)
			return nil
		},
	}
	c.Flags().StringVar(&s.To, "to", "", "form to write: trace, words, blocks; by the name of OUT if not given")
	c.Flags().StringArrayVar(&s.Assume, "assume", nil, "statement for the header of a *.trace: \"idle\", \"line 12 45.00\"")
	decode.OpenFlags(c, &s.Open)
	return c
}

// dir is the folder a file is written in, so that renaming works.
func dir(path string) string {
	if i := strings.LastIndexByte(path, os.PathSeparator); i >= 0 {
		return path[:i+1]
	}
	return "."
}
