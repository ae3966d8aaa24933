// Package cli is the hub's command line for those who work with it: registers,
// jobs, checks. It asks a running hub over its public HTTP API, as the
// dashboard does, and so sees and may do what its token may.
package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/chekomat/chekomat/hub/api/client"
	"github.com/chekomat/chekomat/hub/api/texts"
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

// Strict makes a wrong command line below cmd a UsageError: a command there is
// none of, an argument too many. A group without arguments prints its help.
func (c CLI) Strict(cmd *cobra.Command) *cobra.Command {
	for _, sub := range cmd.Commands() {
		c.Strict(sub)
	}
	if !cmd.Runnable() && cmd.HasSubCommands() {
		cmd.Args, cmd.SuggestionsMinimumDistance = cobra.ArbitraryArgs, 2
		cmd.RunE = func(cmd *cobra.Command, given []string) error {
			if len(given) == 0 {
				return cmd.Help()
			}
			wrong := fmt.Sprintf(c.say("%s: нет команды %q; какие есть, скажет %[1]s --help", "%s: there is no command %q; %[1]s --help names those there are"), cmd.CommandPath(), given[0])
			if near := cmd.SuggestionsFor(given[0]); len(near) > 0 {
				wrong += c.say("; похоже на ", "; near: ") + strings.Join(near, ", ")
			}
			return UsageError{errors.New(wrong)}
		}
		return cmd
	}
	check := cmd.Args
	cmd.Args = func(cmd *cobra.Command, given []string) error {
		if check == nil {
			return nil
		}
		if err := check(cmd, given); err != nil {
			return UsageError{fmt.Errorf("%s: %w; %s --help", cmd.UseLine(), err, cmd.CommandPath())}
		}
		return nil
	}
	return cmd
}

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
	cmd := &cobra.Command{Use: use, Short: short, Long: long, Args: cobra.ExactArgs(args)}
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
		return c.explain(run(cmd.Context(), cmd, hub, args))
	}
	return cmd
}

// explained is an error in a person's words.
type explained struct {
	words string
	cause error
}

func (e explained) Error() string { return e.words }
func (e explained) Unwrap() error { return e.cause }

// explain says what the hub refused, or that there is none to answer, and what
// to do next. What was asked of its API matters to programs only.
func (c CLI) explain(err error) error {
	if e, ok := errors.AsType[*client.Error](err); ok {
		p := e.Problem
		words := p.Title
		if p.Field != "" {
			words += " (" + p.Field + ")"
		}
		if detail := strings.TrimPrefix(p.Detail, "store: "); detail != "" {
			words += ": " + detail
		}
		for _, f := range p.Errors {
			words += "; " + f.Field + ": " + f.Title
		}
		if p.Next != "" {
			words += ". " + p.Next
		}
		return explained{fmt.Sprintf("%s [%d %s]", words, p.Status, p.Code), err}
	}
	if e, ok := errors.AsType[*url.Error](err); ok {
		return explained{fmt.Sprintf(c.say("хаб не отвечает: %v. Запустите его (hub serve) или назовите другой: --url, --data",
			"the hub does not answer: %v. Start it (hub serve), or name another by --url or --data"), e), err}
	}
	return err
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

// word says a stable code in the command line's language: a job's state or
// purpose shortly, any other by its title. A code without words stands for itself.
func (c CLI) word(code string) string {
	if w, ok := short[code]; ok {
		return c.say(w[0], w[1])
	}
	if texts.Has(code) {
		return texts.Of(code, c.Lang).Title
	}
	return code
}

// short are the words of tables, where a title is too long.
var short = map[string][2]string{
	"held": {"отложена", "held"}, "resolving": {"выясняется", "resolving"}, "in_flight": {"печатается", "in flight"},
	"queued": {"в очереди", "queued"}, "done": {"сделана", "done"}, "void": {"снята", "void"},
	"not_printed": {"не сделана", "not made"},
	"receipt":     {"чек", "receipt"}, "refund": {"возврат", "refund"}, "correction": {"коррекция", "correction"},
	"shift_open": {"открытие смены", "shift opening"}, "shift_close": {"закрытие смены", "shift closing"},
}

// joined puts words together and leaves out those that are empty.
func joined(sep string, words ...string) string {
	kept := words[:0]
	for _, w := range words {
		if w != "" {
			kept = append(kept, w)
		}
	}
	return strings.Join(kept, sep)
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
