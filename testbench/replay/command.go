package replay

import (
	"github.com/spf13/cobra"

	"github.com/chekomat/chekomat/testbench/audit"
)

// Command gives `replay FILE|URL`.
func Command() *cobra.Command {
	var opts Options
	quiet := false
	c := &cobra.Command{
		Use:   "replay FILE|URL",
		Short: "Run a bus trace through sales recovery and print sales and incidents",
		Long: `Replay reads a trace (*.trace, *.words.csv, *.blocks.txt, *.log of Qibixx, *.csv of
Saleae Logic) or a live module (chekomat+tcp://host:port, chekomat:///dev/ttyACM0) and prints one line for each
sale, reversal, return, top-up and incident, last a summary.

With --json each line is an object; "amount" and "requested" are decimal strings
after scaling, "amount_raw" stands where the scale is unknown.

A trace of an Executive bus (in *.words.csv the directions are EM and ES) is known
by its lines; what that bus does not tell, its *.trace or the flags --exe-* say.

A *.jsonl of vectors is replayed dialogue by dialogue, each under a line with its
name and closed by its summary; FILE.jsonl#NAME is one of them.

A file of audit pairs (a .jsonl whose rows name two reports each) gives what was
sold between the reports of each pair; see "audit".

Exit codes: 0 read to the end, 1 the source could not be opened or read, or a
pair is not what its row expects.

Читает запись шины и печатает продажи и происшествия, последней строкой — итог.`,
		Args:          cobra.ExactArgs(1),
		SilenceUsage:  true,
		SilenceErrors: false,
		RunE: func(cmd *cobra.Command, args []string) error {
			if audit.IsPairs(args[0]) {
				if opts.JSON {
					return audit.PairsJSON(args[0], cmd.OutOrStdout())
				}
				return audit.PairsText(args[0], "", cmd.OutOrStdout())
			}
			if !quiet && !opts.Realtime {
				opts.Progress = stderrIfTerminal()
			}
			_, err := Run(cmd.Context(), args[0], opts, cmd.OutOrStdout())
			return err
		},
	}
	f := c.Flags()
	f.BoolVar(&opts.JSON, "json", false, "one JSON object a line")
	f.BoolVar(&opts.Realtime, "real-time", false, "replay a file at the pace it was recorded")
	f.BoolVar(&opts.Activity, "activity", false, "print what a display would show, too")
	f.BoolVar(&opts.StartsIdle, "starts-idle", false, "nothing was in progress when the trace began: the cash ledger counts from the first coin")
	f.BoolVar(&quiet, "quiet", false, "no progress bar")
	opts.EXE.flags(f)
	return c
}
