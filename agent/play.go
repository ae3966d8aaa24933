package main

import (
	"context"
	"fmt"

	"github.com/chekomat/chekomat/mdb/module"
)

// opener opens the bus source and has the module play the roles of the
// configuration. A module that can't is listened to all the same, and the log
// says so: what it hears is evidence too.
func (a *agent) opener() (func(context.Context, module.Cursor) (module.Source, error), error) {
	cast, err := a.cfg.Bus.Cast()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errUsage, err)
	}
	address := a.cfg.Bus.URL
	return func(ctx context.Context, from module.Cursor) (module.Source, error) {
		src, err := module.Open(ctx, address, from, module.Options{})
		if err != nil {
			return nil, err
		}
		if sp, ok := src.(module.Speaker); ok && cast == nil {
			// The module may still play what an earlier configuration said.
			if err := sp.SetMode(); err != nil {
				a.logger.Warn("the module can't be told to listen only", "err", err)
			}
		}
		if cast != nil {
			playing, err := cast.Play(src)
			if err != nil {
				a.logger.Error("the module does not play its roles on the bus; it only listens", "roles", a.cfg.Bus.Role, "err", err)
			} else {
				src = playing
			}
		}
		return a.complaining(src), nil
	}, nil
}

// complaining logs what the module refused or suffered.
func (a *agent) complaining(src module.Source) module.Source {
	c := &complaints{Source: src, tell: func(what string) { a.logger.Warn("module: " + what) }}
	if k, ok := src.(module.Keeper); ok {
		return struct {
			*complaints
			module.Keeper
		}{c, k}
	}
	return c
}

type complaints struct {
	module.Source
	tell func(string)
}

// Read implements module.Source.
func (c *complaints) Read(ctx context.Context) (module.Chunk, error) {
	ch, err := c.Source.Read(ctx)
	for _, why := range ch.Trouble {
		c.tell(why)
	}
	return ch, err
}
