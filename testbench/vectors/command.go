// Package vectors is the command that checks conformance vectors of both buses.
package vectors

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/chekomat/chekomat/mdb/vectors"
)

// ErrFailed is what the command gives when a vector does not pass.
var ErrFailed = errors.New("vectors failed")

// Command gives `vectors FILE.jsonl`.
func Command() *cobra.Command {
	return &cobra.Command{
		Use:   "vectors FILE.jsonl",
		Short: "Check the MDB and EXE codecs and sales recovery against conformance vectors",
		Long: `Prints one line for each vector that fails and last "passed N of M". Vectors of
MDB and of EXE may stand in one file.
Exit codes: 0 all passed, 1 some failed or the file could not be read.

Проверяет декодеры MDB и EXE и восстановление продаж по набору эталонных векторов.`,
		Args:         cobra.ExactArgs(1),
		SilenceUsage: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			f, err := os.Open(args[0])
			if err != nil {
				return fmt.Errorf("open vectors: %w", err)
			}
			defer f.Close()
			rep, err := vectors.Run(f, cmd.OutOrStdout())
			if err == nil && rep.Passed < rep.Total {
				err = fmt.Errorf("%w: %d of %d", ErrFailed, rep.Total-rep.Passed, rep.Total)
			}
			return err
		},
	}
}
