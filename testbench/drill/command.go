package drill

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
)

// ErrFound says that a scene did not end as it must.
var ErrFound = errors.New("the drill found faults")

// Command is "testbench drill".
func Command() *cobra.Command {
	var cfg Config
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "drill",
		Short: "Break a running demo on purpose and look at what it says / учения: ломать и смотреть",
		Long: `Runs demos on loopback, breaks them and holds dashboard, displays and the count
against what they must say: register off, busy, shift expired, FN full, its life
over, FN replaced, paper out, another program on the register, lost and late
answers, the hub killed, bad records, full disks. Takes about a minute and a half.

Parts: ` + strings.Join(Parts(), ", ") + `. Full disks need a C compiler (cc).
Exit codes: 0 all is as it must be; 1 otherwise.

Запускает весь Чекомат, ломает его и сверяет, что говорят панель и экраны и
сходится ли счёт. Длится около полутора минут.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			if cfg.Bin == "" {
				self, err := os.Executable()
				if err != nil {
					return fmt.Errorf("where the programs are: %w", err)
				}
				cfg.Bin = filepath.Dir(self)
			}
			if cfg.Data == "" {
				dir, err := os.MkdirTemp("", "chekomat-drill-")
				if err != nil {
					return fmt.Errorf("drill: folder: %w", err)
				}
				defer os.RemoveAll(dir)
				cfg.Data = dir
			}
			out := cmd.OutOrStdout()
			cfg.Said = func(f Found) {
				switch {
				case asJSON:
					_ = json.NewEncoder(out).Encode(f)
				case f.Skipped != "":
					fmt.Fprintf(out, "----  %-10s %s\n", f.Part, f.Skipped)
				case f.OK:
					fmt.Fprintf(out, "ok    %-10s %s (%.0f s)\n", f.Part, f.Scene, f.Seconds)
				default:
					fmt.Fprintf(out, "FAIL  %-10s %s (%.0f s)\n      %s\n", f.Part, f.Scene, f.Seconds, f.Problem)
				}
			}
			all, err := Run(ctx, cfg)
			for _, f := range all {
				if !f.OK && err == nil {
					err = ErrFound
				}
			}
			return err
		},
	}
	f := cmd.Flags()
	f.StringVar(&cfg.Bin, "bin", "", "folder of the programs hub, agent, testbench; default: this one's")
	f.StringVar(&cfg.Data, "data", "", "folder to keep everything in; default: a temporary one")
	f.StringSliceVar(&cfg.Parts, "part", nil, "parts to play; default: all")
	f.BoolVar(&asJSON, "json", false, "a JSON line for each scene")
	return cmd
}
