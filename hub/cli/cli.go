// Package cli is the hub's command line for those who work with it: registers,
// jobs, checks. It asks a running hub over its public HTTP API, as the
// dashboard does, and so sees and may do what its token may.
package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/chekomat/chekomat/hub/api/client"
)

// CLI makes the commands.
type CLI struct {
	Lang string // ru or en
	Out  io.Writer
	// Ask gives a client of the hub the command's flags name.
	Ask func(cmd *cobra.Command) (*client.Client, error)
}

// Commands are kkt and job.
func (c CLI) Commands() []*cobra.Command { return []*cobra.Command{c.kkt(), c.job()} }

func (c CLI) say(ru, en string) string {
	if c.Lang == "ru" {
		return ru
	}
	return en
}

// UsageError is a command line that is wrong.
type UsageError struct{ error }

// Unwrap gives what is wrong.
func (e UsageError) Unwrap() error { return e.error }

// print gives v as JSON or as a person reads it.
func (c CLI) print(cmd *cobra.Command, v any, human func(io.Writer)) error {
	if asJSON, _ := cmd.Flags().GetBool("json"); asJSON {
		e := json.NewEncoder(c.Out)
		e.SetEscapeHTML(false)
		return e.Encode(v)
	}
	w := tabwriter.NewWriter(c.Out, 0, 4, 2, ' ', 0)
	human(w)
	if err := w.Flush(); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}

// command makes one command; args names its arguments.
func (c CLI) command(use, short, long string, args int, run func(ctx context.Context, cmd *cobra.Command, hub *client.Client, args []string) error) *cobra.Command {
	cmd := &cobra.Command{Use: use, Short: short, Long: long, Args: func(cmd *cobra.Command, given []string) error {
		if err := cobra.ExactArgs(args)(cmd, given); err != nil {
			return UsageError{fmt.Errorf("%s: %w", cmd.UseLine(), err)}
		}
		return nil
	}}
	cmd.Flags().Bool("json", false, c.say("ответ в JSON", "answer in JSON"))
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		for _, name := range needed {
			if f := cmd.Flags().Lookup(name); f != nil && f.Annotations[need] != nil && !f.Changed {
				return UsageError{fmt.Errorf("%s: --%s %s", cmd.UseLine(), name, c.say("не задан: "+f.Usage, "is missing: "+f.Usage))}
			}
		}
		hub, err := c.Ask(cmd)
		if err != nil {
			return err
		}
		hub.Lang = c.Lang
		return run(cmd.Context(), cmd, hub, args)
	}
	return cmd
}

// why adds the flag every decision of a person needs.
func (c CLI) why(cmd *cobra.Command) *cobra.Command {
	cmd.Flags().String("why", "", c.say("почему: стоит в истории рядом с именем токена", "why: stands in the history beside the token's name"))
	return require(cmd, "why")
}

// need marks a flag that has to be given; needed are the names such flags have.
const need = "needed"

var needed = []string{"why", "fn", "fd", "fp", "at"}

func require(cmd *cobra.Command, names ...string) *cobra.Command {
	for _, n := range names {
		_ = cmd.Flags().SetAnnotation(n, need, []string{""}) // the flags exist
	}
	return cmd
}

func whyOf(cmd *cobra.Command) string {
	w, _ := cmd.Flags().GetString("why")
	return w
}

// roubles prints kopecks.
func roubles(k int64) string {
	sign := ""
	if k < 0 {
		sign, k = "-", -k
	}
	return fmt.Sprintf("%s%d.%02d", sign, k/100, k%100)
}

// or gives s, or a dash when it is empty.
func or(s string) string {
	if s == "" {
		return "–"
	}
	return s
}
