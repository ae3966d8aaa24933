package firmware

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/chekomat/chekomat/mdb"
	"github.com/chekomat/chekomat/mdb/module"
	"github.com/chekomat/chekomat/testbench/firmware/board"
)

// ErrFlat says that a capture can't be drawn: its words have no times, or one
// line is missing.
var ErrFlat = errors.New("a capture without times or without one of the lines can't be drawn on pins")

// Capture draws a capture of a bus on the board's pins and writes what the
// module's host got to path, as *.words.csv on the capture's own time.
func Capture(ctx context.Context, capture, path string, o Options) (c board.Compared, err error) {
	words, err := wordsOf(ctx, capture)
	if err != nil {
		return c, err
	}
	b, err := board.New(board.Config{Folder: o.Folder, Link: o.Link, Seed: uint32(o.Seed) + 1, Dirt: board.Dirt{Seed: o.Seed, Fixed: true, Jitter: 2, Noise: 20}}, "127.0.0.1:0")
	if err != nil {
		return c, fmt.Errorf("firmware: %s: %w", capture, err)
	}
	defer b.Close()
	h := board.Attach(b.URL(), module.Cursor{}, nil, nil)
	defer h.Stop()
	if err := b.Until(h, "the module's greeting", func(at board.Heard) bool { return at.Opened > 0 }); err != nil {
		return c, err
	}
	b.Begin()
	for _, w := range words {
		b.Emit(w)
		b.Pace(w.T)
	}
	if err := b.Finish(h); err != nil {
		return c, err
	}
	heard := h.Heard()
	c = board.Compare(b.Sent(), heard.Words)
	return c, writeWords(path, heard.Words, b.Sent()[0].T-heard.Words[0].T)
}

func wordsOf(ctx context.Context, path string) (words []mdb.Word, err error) {
	src, err := module.Open(ctx, path, module.Cursor{}, module.Options{})
	if err != nil {
		return nil, fmt.Errorf("firmware: %w", err)
	}
	defer src.Close()
	var lines [4]bool
	for {
		c, err := src.Read(ctx)
		words = append(words, c.Words...)
		for _, w := range c.Words {
			lines[w.Line] = true
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("firmware: %w", err)
		}
	}
	if f := src.Fidelity(); !f.Times || !lines[mdb.Master] || !lines[mdb.Slave] {
		return nil, fmt.Errorf("firmware: %s: %w", path, ErrFlat)
	}
	return words, nil
}

func writeWords(path string, words []mdb.Word, shift int64) error {
	out := []byte("t_us,dir,word\n")
	dir := map[mdb.Line]string{mdb.Master: "M", mdb.Slave: "S", mdb.EXEMaster: "EM", mdb.EXESlave: "ES"}
	for _, w := range words {
		out = fmt.Appendf(out, "%d,%s,%03X\n", w.T+shift, dir[w.Line], w.V)
	}
	if err := os.WriteFile(path, out, 0o600); err != nil {
		return fmt.Errorf("firmware: write what was heard: %w", err)
	}
	return nil
}
