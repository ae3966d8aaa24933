package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/chekomat/chekomat/mdb/module"
	"github.com/chekomat/chekomat/mdb/sales"
	"github.com/chekomat/chekomat/testbench/machine"
)

// capture is what a trace file holds: its own counter.
type capture struct {
	sold  []sales.Event
	words uint64
	last  time.Duration // from the first to the last word
}

// errSilent says that a capture holds nothing to play.
var errSilent = errors.New("there is no word of a bus in it")

// readCapture recovers what a capture sold, as fast as it can be read.
func readCapture(ctx context.Context, path string) (capture, error) {
	src, err := module.Open(ctx, path, module.Cursor{}, module.Options{})
	if err != nil {
		return capture{}, fmt.Errorf("demo: %w", err)
	}
	defer src.Close()
	r := sales.New(sales.ForSource(src.Fidelity()))
	var c capture
	keep := func(events []sales.Event) {
		for _, e := range events {
			if e.Kind == sales.KindSale {
				c.sold = append(c.sold, e)
			}
		}
	}
	first := int64(-1)
	for {
		chunk, err := src.Read(ctx)
		for _, w := range chunk.Words {
			if first < 0 {
				first = w.T
			}
			c.last = time.Duration(w.T-first) * time.Microsecond
			keep(r.Word(w))
		}
		keep(r.Advance(chunk.Now))
		c.words += uint64(len(chunk.Words))
		switch {
		case errors.Is(err, io.EOF) && c.words == 0:
			return c, fmt.Errorf("demo: read trace %s: %w", path, errSilent)
		case errors.Is(err, io.EOF):
			return c, nil
		case err != nil:
			return c, fmt.Errorf("demo: %w", err)
		}
	}
}

// playFor bounds how long a capture plays unless a pace is asked for.
const playFor = time.Minute

// speed is how much faster than recorded a capture plays by itself.
func (c capture) speed() uint { return uint(max(10, (c.last+playFor-1)/playFor)) }

// vendsOf is the capture's own counter in the form of a machine's.
func vendsOf(ctx context.Context, path, serial string) ([]Vend, error) {
	c, err := readCapture(ctx, path)
	if err != nil {
		return nil, err
	}
	var vends []Vend
	for _, e := range c.sold {
		minor, _ := e.Amount.Minor()
		vends = append(vends, Vend{serial, minor, true})
	}
	return vends, nil
}

// planOf gives the capture's columns names and prices, so that its sales can
// be sold.
func planOf(ctx context.Context, path string) ([]machine.Column, error) {
	c, err := readCapture(ctx, path)
	if err != nil {
		return nil, err
	}
	var plan []machine.Column
	seen := map[uint16]bool{}
	for _, e := range c.sold {
		if minor, ok := e.Requested.Minor(); ok && e.ItemKnown && !seen[e.Item] {
			seen[e.Item] = true
			plan = append(plan, machine.Column{Column: int(e.Item), Name: fmt.Sprintf("Товар из ячейки %d", e.Item), Price: minor})
		}
	}
	return plan, nil
}
