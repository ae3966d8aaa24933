// Package register is a stand-in for a cash register that speaks the Shtrih-M
// protocol over TCP, with a virtual ФН inside. It was written from the
// reference alone, not from the driver it tests; its archive tells what really
// was fiscalized.
package register

import (
	"encoding/json"
	"fmt"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/chekomat/chekomat/testbench/register/faults"
	"github.com/spf13/cobra"
)

const long = `An emulated cash register (Shtrih-M protocol, TCP) on a virtual FN.
Эмулятор кассы (протокол Штрих-М, TCP) на виртуальном ФН.

The first line of output is one JSON object with the addresses. Documents are
kept in --data and survive SIGKILL at any moment; a restart goes on from them.
Первая строка вывода: JSON с адресами. Документы лежат в --data и переживают
SIGKILL в любой момент.

Faults (--fault, repeatable; the same words in POST /fault of --control):
  lost_answer:0.01              every command, with probability 0.01
  late_execution:0.005@FF45     FF45h only
  cut@FF45#2,byte=7             the second FF45h, after 7 bytes of the answer
  power_loss@FF45,when=before   the next FF45h, before the FN's commit
  error@FF01,code=2F,times=3    the next three FF01h
Kinds: %s.

Honesty limits. This stand-in is built from documents and captures, not from a
certified device. Assumed, not proven: 1036 taken by FF0Ch per receipt, the tax
byte of 22 %% (C0h + 11), the length of E0h's answer, elements longer than 252
bytes continued over several FF3Bh, what a second TCP client meets, 33h/63h for
tax systems, an open receipt surviving power loss. Fiscal signs are fake. It is
not a cash register and must never be offered as one.
Границы честности: эмулятор сделан по документам и записям обмена, а не по
сертифицированному устройству; фискальные признаки ненастоящие; это не касса.`

// Command is "testbench register".
func Command() *cobra.Command {
	var (
		cfg      Config
		protocol string
		injected []string
		zone     string
		noOFD    bool
		systems  uint8
	)
	names := make([]string, 0, len(faults.Kinds()))
	for _, k := range faults.Kinds() {
		names = append(names, string(k))
	}
	cmd := &cobra.Command{
		Use:           "register",
		Short:         "Emulated cash register on a virtual FN / эмулятор кассы на виртуальном ФН",
		Long:          fmt.Sprintf(long, strings.Join(names, ", ")),
		Args:          cobra.NoArgs,
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if protocol != "shtrih" {
				return fmt.Errorf("protocol %q: only shtrih is emulated", protocol)
			}
			for _, s := range injected {
				f, err := ParseFault(s)
				if err != nil {
					return err
				}
				cfg.Faults = append(cfg.Faults, f)
			}
			location, err := time.LoadLocation(zone)
			if err != nil {
				return fmt.Errorf("zone %q: %w", zone, err)
			}
			cfg.Zone, cfg.OFD, cfg.TaxSystems = location, !noOFD, systems
			return run(cmd, cfg)
		},
	}
	f := cmd.Flags()
	f.StringVar(&protocol, "protocol", "shtrih", "protocol: shtrih")
	f.StringVar(&cfg.Listen, "listen", "127.0.0.1:0", "address hosts connect to")
	f.StringVar(&cfg.Control, "control", "127.0.0.1:0", "address of the HTTP control API (GET /archive /status /metrics /fault, POST /fault /clock); empty for none")
	f.StringVar(&cfg.Data, "data", "", "folder of the FN archive, tables and NVRAM; empty keeps all in memory")
	f.BoolVar(&cfg.Sync, "sync", false, "fsync each document (SIGKILL-safe without it, a power cut of this computer needs it)")
	f.DurationVar(&cfg.Service, "service", 0, "service time of a whole receipt, spread over its commands; 0 for none")
	f.Float64Var(&cfg.Jitter, "jitter", 0, "share by which --service varies, 0..1")
	f.DurationVar(&cfg.Print, "print", 0, "time the printer needs for a document; 0 for none")
	f.Uint64Var(&cfg.Seed, "seed", 0, "seed of everything random")
	f.StringArrayVar(&injected, "fault", nil, "fault to inject, repeatable")
	f.StringVar(&cfg.Serial, "serial", "", "factory number of the register (default 00106900000001)")
	f.StringVar(&cfg.FN, "fn", "", "serial of the FN, 16 digits (default 9999078902001234)")
	f.StringVar(&cfg.INN, "inn", "", "INN of the user (default 7700999990)")
	f.StringVar(&cfg.RNM, "rnm", "", "registration number (default: one that checks)")
	f.StringVar(&cfg.User, "user", "", "name of the user, tag 1048")
	f.StringVar(&cfg.Address, "address", "", "address fixed at registration, tag 1009; empty leaves it to each receipt")
	f.StringVar(&cfg.Place, "place", "", "place fixed at registration, tag 1187; empty leaves it to each receipt")
	f.StringVar(&cfg.Machine, "machine", "", "machine number of table 24, tag 1036 of receipts that bring none")
	f.StringVar(&cfg.MachineFrom, "machine-from", "ff0c", "where 1036 comes from: ff0c (per receipt) or table (33h to FF0Ch)")
	f.Uint8Var(&systems, "tax-systems", 0, "tax systems of the registration, bits of tag 1062 (default all)")
	f.Uint8Var(&cfg.FFD, "ffd", 4, "FFD: 2 for 1.05, 4 for 1.2")
	f.DurationVar(&cfg.FNLife, "fn-life", 0, "life of the FN's keys (default 1100 days)")
	f.IntVar(&cfg.FNCapacity, "fn-capacity", 0, "documents the FN holds (default 250000)")
	f.StringVar(&zone, "zone", "Local", "time zone of the register's clock")
	f.StringVar(&cfg.Second, "second", "queue", "what a second client meets: queue, refuse or replace")
	f.StringVar(&cfg.PowerUp, "power-up", "keep", "what a power loss does to an open receipt: keep or cancel")
	f.BoolVar(&cfg.ShortStatus, "short-status", false, "answer 10h with 16 bytes instead of 17")
	f.BoolVar(&cfg.ExtendedErrors, "extended-errors", false, "add 4-byte codes to errors")
	f.BoolVar(&cfg.RNDIS, "rndis", false, "send a stray FFh after the ACK of an answer")
	f.DurationVar(&cfg.ByteTimeout, "byte-timeout", 500*time.Millisecond, "silence inside a frame that resets the receiver")
	f.BoolVar(&noOFD, "no-ofd", false, "nobody confirms documents: the queue grows")
	f.DurationVar(&cfg.OFDDelay, "ofd-delay", 0, "time until a document is confirmed")
	return cmd
}

func run(cmd *cobra.Command, cfg Config) error {
	ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	r, err := Start(cfg)
	if err != nil {
		return fmt.Errorf("start register: %w", err)
	}
	s := r.Status()
	err = json.NewEncoder(cmd.OutOrStdout()).Encode(struct {
		Protocol string `json:"protocol"`
		Listen   string `json:"listen"`
		Control  string `json:"control,omitempty"`
		Serial   string `json:"serial"`
		FN       string `json:"fn"`
		LastFD   uint32 `json:"last_fd"`
	}{"shtrih", r.Addr(), r.ControlAddr(), s.Serial, s.FN, s.LastFD})
	if err == nil {
		<-ctx.Done()
	}
	if cerr := r.Close(); err == nil {
		err = cerr
	}
	return err
}
