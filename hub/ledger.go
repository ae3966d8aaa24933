package main

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/chekomat/chekomat/hub/cli"
)

// ledgerEvery is how often closed shifts are held against the register's
// counters: a person has no use of it sooner.
const ledgerEvery = time.Minute

// startLedger holds each closed shift against what the register counted.
func (m *Main) startLedger(run context.Context) {
	m.work.Go(func() {
		tick := time.NewTicker(ledgerEvery)
		defer tick.Stop()
		for {
			select {
			case <-run.Done():
				return
			case <-tick.C:
			}
			for n := 1; n > 0 && run.Err() == nil; {
				var err error
				if n, err = m.store.BalanceShifts(run); err != nil && run.Err() == nil {
					m.Log.Error("shifts were not held against the register's counters", "error", err)
				}
			}
		}
	})
}

// check is the command that holds the database against what must always be true.
func (b *builder) check() *cobra.Command {
	return cli.CLI{Lang: b.lang, Out: b.out}.Check(func(cmd *cobra.Command) (string, error) {
		if _, err := b.load(cmd); err != nil {
			return "", err
		}
		return b.config.database()
	}, b.errs)
}
