package demo

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/chekomat/chekomat/mdb/module"
	"github.com/chekomat/chekomat/mdb/sales"
	"github.com/chekomat/chekomat/testbench/machine"
)

// salesOf recovers what a capture sold, as fast as it can be read: the
// capture's own counter.
func salesOf(ctx context.Context, path string) ([]sales.Event, error) {
	src, err := module.Open(ctx, path, module.Cursor{}, module.Options{})
	if err != nil {
		return nil, fmt.Errorf("demo: open the trace: %w", err)
	}
	defer src.Close()
	r := sales.New(sales.ForSource(src.Fidelity()))
	var sold []sales.Event
	keep := func(events []sales.Event) {
		for _, e := range events {
			if e.Kind == sales.KindSale {
				sold = append(sold, e)
			}
		}
	}
	for {
		c, err := src.Read(ctx)
		for _, w := range c.Words {
			keep(r.Word(w))
		}
		keep(r.Advance(c.Now))
		if errors.Is(err, io.EOF) {
			return sold, nil
		}
		if err != nil {
			return nil, fmt.Errorf("demo: read the trace: %w", err)
		}
	}
}

// vendsOf is the capture's own counter in the form of a machine's.
func vendsOf(ctx context.Context, path, serial string) ([]Vend, error) {
	sold, err := salesOf(ctx, path)
	if err != nil {
		return nil, err
	}
	var vends []Vend
	for _, e := range sold {
		minor, _ := e.Amount.Minor()
		vends = append(vends, Vend{serial, minor, true})
	}
	return vends, nil
}

// planOf gives the capture's columns names and prices, so that its sales can
// be sold.
func planOf(ctx context.Context, path string) ([]machine.Column, error) {
	sold, err := salesOf(ctx, path)
	if err != nil {
		return nil, err
	}
	var plan []machine.Column
	seen := map[uint16]bool{}
	for _, e := range sold {
		if minor, ok := e.Requested.Minor(); ok && e.ItemKnown && !seen[e.Item] {
			seen[e.Item] = true
			plan = append(plan, machine.Column{Column: int(e.Item), Name: fmt.Sprintf("Товар из ячейки %d", e.Item), Price: minor})
		}
	}
	return plan, nil
}
