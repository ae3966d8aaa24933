// Command hub turns the sales of a fleet of vending machines into fiscal
// receipts: it takes agents' records in over MQTT, makes each sale's receipt on
// a cash register, sends it back to the machine, and shows it all on a page.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/chekomat/chekomat/hub/cli"
)

// Exit codes.
const (
	exitFailed = 1 // it could not start, or a part failed
	exitUsage  = 2 // the command line or configuration is wrong
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.LookupEnv, os.Stdout, os.Stderr))
}

// usageError is a fault of who called.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// run is main with everything it takes from outside.
func run(ctx context.Context, args []string, env func(string) (string, bool), out, errs io.Writer) int {
	cmd := command(language(args, env), env, out, errs)
	cmd.SetArgs(args)
	err := cmd.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	fmt.Fprintln(errs, "hub: "+err.Error())
	if errors.As(err, &usageError{}) || errors.As(err, &cli.UsageError{}) {
		return exitUsage
	}
	return exitFailed
}

// language of the program's texts: --lang, else that of the environment.
func language(args []string, env func(string) (string, bool)) string {
	for i, a := range args {
		if v, ok := strings.CutPrefix(a, "--lang="); ok {
			return known(v)
		}
		if a == "--lang" && i+1 < len(args) {
			return known(args[i+1])
		}
	}
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		if v, ok := env(name); ok && v != "" {
			return known(v)
		}
	}
	return "en"
}

func known(v string) string {
	if strings.HasPrefix(strings.ToLower(v), "ru") {
		return "ru"
	}
	return "en"
}
