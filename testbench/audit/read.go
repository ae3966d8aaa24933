package audit

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/chekomat/chekomat/mdb/evadts/ddcmp"
	"github.com/chekomat/chekomat/mdb/evadts/dex"
	"github.com/chekomat/chekomat/mdb/evadts/line"
)

// readOptions of `audit read`.
type readOptions struct {
	protocol string
	baud     int
	fastest  int
	patient  bool
	agreed   bool
	save     bool
	output   string
}

func (o readOptions) reader() (line.Reader, int, error) {
	switch o.protocol {
	case DEX:
		s := dex.Settings{}
		if o.patient {
			s.Timing = dex.Patient
		}
		switch {
		case o.agreed:
			s.Intervals = dex.Agreed
		case o.save:
			s.Intervals = dex.Save
		}
		r, err := dex.NewReader(s)
		return r, 9600, err
	case DDCMP:
		r, err := ddcmp.NewReader(ddcmp.Settings{Baud: o.baud, Fastest: o.fastest, Clock: time.Now()})
		return r, o.baud, err
	}
	return nil, 0, fmt.Errorf("%q: %w", o.protocol, errProtocol)
}

// readPort reads a report from a serial port.
func (o readOptions) readPort(ctx context.Context, path string) ([]byte, error) {
	r, baud, err := o.reader()
	if err != nil {
		return nil, err
	}
	port, err := line.OpenSerial(path, baud)
	if err != nil {
		return nil, err
	}
	defer port.Close()
	report, err := line.Read(ctx, port, r)
	if err != nil {
		return nil, fmt.Errorf("audit port %s: %w", path, err)
	}
	return report, nil
}

func readCommand() *cobra.Command {
	var o readOptions
	c := &cobra.Command{
		Use:   "read PORT",
		Short: "Read a report from a machine's audit port / считать отчёт из порта аудита автомата",
		Long: `Reads a report by DEX or DDCMP and writes its bytes, unchanged, to --output or
standard output. The machine's interval counters are left alone: DEX withholds the
last acknowledgement (see --save, --agreed), DDCMP reads list 2.

Считывает отчёт по DEX или DDCMP. Интервальные счётчики автомата не сбрасываются.`,
		Args: cobra.ExactArgs(1), SilenceUsage: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, cancel := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
			defer cancel()
			report, err := o.readPort(ctx, args[0])
			if err != nil {
				return err
			}
			if o.output == "" {
				_, err = cmd.OutOrStdout().Write(report)
			} else {
				err = os.WriteFile(o.output, report, 0o644)
			}
			if err != nil {
				return fmt.Errorf("write the report: %w", err)
			}
			return nil
		},
	}
	f := c.Flags()
	f.StringVar(&o.protocol, "protocol", DEX, "dex, ddcmp")
	f.IntVar(&o.baud, "baud", 2400, "DDCMP: speed the link starts at")
	f.IntVar(&o.fastest, "fastest", 0, "DDCMP: speed to change to if the machine can")
	f.BoolVar(&o.patient, "patient", false, "DEX: wait as CoinCo changers need it")
	f.BoolVar(&o.save, "save", false, "DEX: ask the machine to keep its interval counters (SD1 SAVE)")
	f.BoolVar(&o.agreed, "agreed", false, "DEX: acknowledge everything; a machine in mode AUTO clears its interval counters")
	f.StringVarP(&o.output, "output", "o", "", "file to write; default: standard output")
	c.MarkFlagsMutuallyExclusive("save", "agreed")
	return c
}
