// Package bench measures every hot path beside its limit or its peer: Go's own
// benchmarks of the packages, and whole programs run as they are deployed.
package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
)

// ErrUnmeasured says that a measurement could not be made.
var ErrUnmeasured = errors.New("a measurement could not be made")

// bench is a run of measurements.
type bench struct {
	bin   string // folder of hub, agent and testbench
	quick bool
	words *words
}

// group is what is measured at one go.
type group struct {
	name    string
	measure func(*bench, context.Context) ([]Row, error)
}

// Groups, in the order of the table.
const (
	groupWords    = "words"
	groupVend     = "vend"
	groupIngest   = "ingest"
	groupAgent    = "agent"
	groupTill     = "till"
	groupBusy     = "busy"
	groupStores   = "stores"
	groupTLV      = "tlv"
	groupRender   = "render"
	groupEmulator = "emulator"
)

var groups = []group{
	{groupWords, (*bench).decoding},
	{groupVend, (*bench).vend},
	{groupIngest, (*bench).ingest},
	{groupAgent, (*bench).agent},
	{groupTill, (*bench).till},
	{groupBusy, (*bench).busy},
	{groupStores, (*bench).stores},
	{groupTLV, (*bench).tlv},
	{groupRender, (*bench).render},
	{groupEmulator, (*bench).emulator},
}

func groupNames() []string {
	var names []string
	for _, g := range groups {
		names = append(names, g.name)
	}
	return names
}

// Command is "testbench bench".
func Command() *cobra.Command {
	var b bench
	var only []string
	var asJSON bool
	var lang string
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Every hot path beside its budget or peer / скорость всех узких мест рядом с бюджетом",
		Long: `Measures and prints one table: figure, budget of the design, what the same work
costs without us (measured in the same run), ratio. Some figures are Go's benchmarks
of the packages (run in the repository, with Go installed), some whole programs:
register emulator, hub and agents on loopback.

Exit codes: 0 everything was measured, over its budget or not; 1 otherwise.

Измеряет и печатает одну таблицу: величина, бюджет, та же работа без нас в том же
прогоне, отношение. Код 1: что-то измерить не удалось; медленно — не ошибка.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			for _, name := range only {
				if !slices.Contains(groupNames(), name) {
					return fmt.Errorf("no measurement %q; there are %s", name, strings.Join(groupNames(), ", "))
				}
			}
			if b.bin == "" {
				self, err := os.Executable()
				if err != nil {
					return fmt.Errorf("where the programs are: %w", err)
				}
				b.bin = filepath.Dir(self)
			}
			if asJSON && lang == "" {
				lang = "en" // what scripts read is the same everywhere
			}
			b.words = wordsFor(lang)
			ctx, cancel := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
			defer cancel()
			load := loadAverage()
			rows, err := b.measure(ctx, only, cmd.ErrOrStderr())
			if asJSON {
				return errors.Join(json.NewEncoder(cmd.OutOrStdout()).Encode(rows), err)
			}
			writeTable(cmd.OutOrStdout(), rows, b.words)
			fmt.Fprintf(cmd.OutOrStdout(), b.words.all+"\n", runtime.NumCPU(), load)
			return err
		},
	}
	f := cmd.Flags()
	f.StringVar(&b.bin, "bin", "", "folder of the programs hub, agent, testbench; default: this one's")
	f.BoolVar(&b.quick, "quick", false, "fewer repetitions: under a minute")
	f.StringSliceVar(&only, "only", nil, "measure these alone: "+strings.Join(groupNames(), ", "))
	f.BoolVar(&asJSON, "json", false, "an array of rows instead of the table")
	f.StringVar(&lang, "lang", "", "language: ru, en; default: the environment's, with --json English")
	return cmd
}

// measure runs the groups one after another, so that none disturbs another. A
// group that cannot be measured leaves a row that says why.
func (b *bench) measure(ctx context.Context, only []string, progress io.Writer) ([]Row, error) {
	var chosen []group
	for _, g := range groups {
		if len(only) == 0 || slices.Contains(only, g.name) {
			chosen = append(chosen, g)
		}
	}
	var rows []Row
	var failed error
	for i, g := range chosen {
		fmt.Fprintf(progress, "[%d/%d] %s: %s … ", i+1, len(chosen), b.words.measuring, b.words.groups[g.name])
		start := time.Now()
		made, err := g.measure(b, ctx)
		fmt.Fprintf(progress, "%.1f s\n", time.Since(start).Seconds())
		for k := range made {
			made[k].Group = g.name
			made[k].judge()
		}
		rows = append(rows, made...)
		if err != nil {
			failed = ErrUnmeasured
			rows = append(rows, Row{Group: g.name, Key: g.name, Name: b.words.groups[g.name], Mark: MarkFailed, Note: strings.ReplaceAll(err.Error(), "\n", "\n      ")})
		}
		if ctx.Err() != nil {
			return rows, errors.Join(ErrUnmeasured, ctx.Err())
		}
	}
	return rows, failed
}

// row is a row of the catalogue; size fills the name's %s.
func (b *bench) row(key, unit string, figure float64, size ...any) Row {
	name := b.words.rows[key]
	if len(size) > 0 {
		name = fmt.Sprintf(name, size...)
	}
	return Row{Key: key, Name: name, Figure: figure, Unit: b.words.units[unit]}
}

func (b *bench) peer(key string, figure float64) *Peer {
	return &Peer{b.words.peers[key], figure}
}
