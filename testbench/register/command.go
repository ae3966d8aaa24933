// Package register is a stand-in for a cash register with a virtual ФН inside.
// It speaks the Shtrih-M protocol itself; other protocols are packages below it
// that plug themselves in (Plug). It was written from the reference alone, not
// from the driver it tests; its archive tells what really was fiscalized.
package register

import (
	"context"
	"encoding/json"
	"fmt"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/chekomat/chekomat/testbench/fn"
	"github.com/chekomat/chekomat/testbench/register/faults"
	"github.com/spf13/cobra"
)

const long = `An emulated cash register on a virtual FN, over TCP and over a pseudo-terminal
that stands for its serial port. Point any client software at it.
Эмулятор кассы на виртуальном ФН: по TCP и через псевдотерминал вместо
последовательного порта. К нему можно подключить любую программу.

Protocols / протоколы (--protocol):
%[1]s
The first line of output is one JSON object with the addresses. Documents are
kept in --data and survive SIGKILL at any moment; a restart goes on from them.
Первая строка вывода: JSON с адресами. Документы лежат в --data и переживают
SIGKILL в любой момент.

What a client should try first (Shtrih-M, password 30):
С чего начать (Штрих-М, пароль 30):
  10h status, E0h open the shift, 8Dh open a receipt, FF46h a position,
  FF0Ch 1084 with the key, FF45h close; then FF0Ah and FF3Ah/FF3Bh read it back.
  curl http://CONTROL/archive   what really was fiscalized / что пробито на деле
  curl http://CONTROL/keys      documents by key / сколько документов у ключа

Faults (--fault, repeatable; the same words in POST /fault of --control):
Сбои (--fault, можно несколько; те же слова в POST /fault):
  lost_answer:0.01              every command, with probability 0.01
  late_execution:0.005@close    what closes a receipt, by its generic name
  cut@FF45#2,byte=7             the second FF45h, after 7 bytes of the answer
  power_loss@close,step=finish  power fails before the FN's commit of the next one
  power_loss@close,step=answer  …after the commit, before the FN's answer
  error@FF01,code=2F,times=3    the next three FF01h
  slow@close,delay=3s           every one from now on
Kinds / виды: %[2]s.
Generic commands / общие имена команд: %[3]s.
Options: rate after ":", command after "@", number after "#", when=before|after,
step=begin|dataN|finish|answer, delay=, byte=, code=, times=, drop.

Honesty limits. This stand-in is built from documents and captures, not from a
certified device. Assumed, not proven, of Shtrih-M: 1036 taken by FF0Ch per
receipt, the tax byte of 22 %% (C0h + 11), the length of E0h's answer, elements
longer than 252 bytes continued over several FF3Bh, what a second TCP client
meets, 33h/63h for tax systems, an open receipt surviving power loss, the layout
of FF31h..FF34h and FF64h, payments of FF36h, 2000 by FF4Dh, registers beside
148, 152, 193, 195 and 241. Fiscal signs are fake. It is not a cash register and
must never be offered as one.
Границы честности: эмулятор сделан по документам и записям обмена, а не по
сертифицированному устройству; фискальные признаки ненастоящие; это не касса.`

// options are the flags that need turning into a Config.
type options struct {
	protocol, zone, ffd string
	injected            []string
	noOFD, delays, json bool
	systems, overdue    uint8
	months              int
}

// Command is "testbench register".
func Command() *cobra.Command {
	var cfg Config
	var o options
	cmd := &cobra.Command{
		Use:           "register",
		Short:         "Emulated cash register on a virtual FN / эмулятор кассы на виртуальном ФН",
		Long:          fmt.Sprintf(long, aboutProtocols(), joined(faults.Kinds()), joined(faults.Commands())),
		Example:       "  testbench register --protocol shtrih --listen 127.0.0.1:7778 --control 127.0.0.1:7779 --data ./kkt\n  testbench register --listen none --pty --pty-link ./ttyKKT --baud 115200 --ffd 1.05 --delays",
		Args:          cobra.NoArgs,
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.fill(&cfg); err != nil {
				return err
			}
			return run(cmd, o, cfg)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.protocol, "protocol", "shtrih", "protocol: "+strings.Join(Protocols(), ", "))
	f.StringVar(&cfg.Listen, "listen", "127.0.0.1:0", "address hosts connect to; none for no TCP")
	f.BoolVar(&cfg.Pty, "pty", false, "open a pseudo-terminal for hosts of a serial port")
	f.StringVar(&cfg.PtyLink, "pty-link", "", "symbolic link to the pseudo-terminal")
	f.IntVar(&cfg.Baud, "baud", 0, "speed of the pseudo-terminal: paces it and garbles what a host at another speed says; 0 for neither")
	f.StringVar(&cfg.Control, "control", "127.0.0.1:0", "address of the HTTP control API (GET /archive /keys /status /metrics /fault, POST /fault /clock); empty for none")
	f.BoolVar(&o.json, "json", false, "nothing but JSON: the addresses, then each document as it is made, one line each")
	f.StringVar(&cfg.Data, "data", "", "folder of the FN archive, tables and NVRAM; empty keeps all in memory")
	f.BoolVar(&cfg.Sync, "sync", false, "fsync each document (SIGKILL-safe without it, a power cut of this computer needs it)")
	f.DurationVar(&cfg.Service, "service", 0, "service time of a whole receipt, spread over its commands; 0 for none")
	f.BoolVar(&o.delays, "delays", false, fmt.Sprintf("delays as captures of real devices show them: --service %s --jitter 0.2", CapturedService))
	f.Float64Var(&cfg.Jitter, "jitter", 0, "share by which --service varies, 0..1")
	f.DurationVar(&cfg.Print, "print", 0, "time the printer needs for a document; 0 for none")
	f.Uint64Var(&cfg.Seed, "seed", 0, "seed of everything random")
	f.StringArrayVar(&o.injected, "fault", nil, "fault to inject, repeatable")
	f.StringVar(&cfg.Serial, "serial", "", "factory number of the register (default 00106900000001)")
	f.StringVar(&cfg.FN, "fn", "", "serial of the FN, 16 digits (default 9999078902001234)")
	f.StringVar(&cfg.INN, "inn", "", "INN of the user (default 7700999990)")
	f.StringVar(&cfg.RNM, "rnm", "", "registration number (default: one that checks)")
	f.StringVar(&cfg.User, "user", "", "name of the user, tag 1048")
	f.StringVar(&cfg.Address, "address", "", "address fixed at registration, tag 1009; empty leaves it to each receipt")
	f.StringVar(&cfg.Place, "place", "", "place fixed at registration, tag 1187; empty leaves it to each receipt")
	f.StringVar(&cfg.Machine, "machine", "", "machine number of table 24, tag 1036 of receipts that bring none")
	f.StringVar(&cfg.MachineFrom, "machine-from", "ff0c", "where 1036 comes from: ff0c (per receipt) or table (33h to FF0Ch)")
	f.Uint8Var(&o.systems, "tax-systems", 0, "tax systems of the registration, bits of tag 1062 (default all)")
	f.StringVar(&o.ffd, "ffd", "1.2", "FFD: 1.05, 1.1 or 1.2")
	f.DurationVar(&cfg.FNLife, "fn-life", 0, "life of the FN's keys (default 1100 days)")
	f.IntVar(&o.months, "fn-months", 0, "life of the FN's keys by model: 13, 15 or 36 months")
	f.IntVar(&cfg.FNCapacity, "fn-capacity", 0, "documents the FN holds (default 250000)")
	f.Int64Var(&cfg.FNMemory, "fn-memory", 0, "bytes the FN's archive holds (default 256 MB)")
	f.Uint8Var(&o.overdue, "fn-overdue", 0x14, "code of the FN when the OFD was silent for 30 days: 20 (14h) or 21 (15h)")
	f.StringVar(&o.zone, "zone", "Local", "time zone of the register's clock")
	f.StringVar(&cfg.Second, "second", "queue", "what a second client meets: queue, refuse or replace")
	f.StringVar(&cfg.PowerUp, "power-up", "keep", "what a power loss does to an open receipt: keep or cancel")
	f.BoolVar(&cfg.ShortStatus, "short-status", false, "answer 10h with 16 bytes instead of 17")
	f.BoolVar(&cfg.ExtendedErrors, "extended-errors", false, "add 4-byte codes to errors")
	f.BoolVar(&cfg.RNDIS, "rndis", false, "send a stray FFh after the ACK of an answer")
	f.DurationVar(&cfg.ByteTimeout, "byte-timeout", 500*time.Millisecond, "silence inside a frame that resets the receiver")
	f.BoolVar(&o.noOFD, "no-ofd", false, "nobody confirms documents: the queue grows")
	f.DurationVar(&cfg.OFDDelay, "ofd-delay", 0, "time until a document is confirmed")
	f.StringToStringVar(&cfg.Options, "option", nil, "name=value of the protocol, repeatable; see the protocols above")
	return cmd
}

func aboutProtocols() (s string) {
	for _, name := range Protocols() {
		s += fmt.Sprintf("  %-8s %s\n", name, protocols[name].About)
	}
	return s
}

func joined[T ~string](list []T) string {
	out := make([]string, len(list))
	for i, v := range list {
		out[i] = string(v)
	}
	return strings.Join(out, ", ")
}

var ffdCodes = map[string]byte{"1.05": 2, "1.1": 3, "1.2": 4, "2": 2, "3": 3, "4": 4}

func (o *options) fill(cfg *Config) error {
	p, ok := protocols[o.protocol]
	if !ok {
		return fmt.Errorf("protocol %q: one of %s wanted", o.protocol, strings.Join(Protocols(), ", "))
	}
	for _, s := range o.injected {
		f, err := faults.Parse(s)
		if err == nil {
			err = f.Check(p.Known)
		}
		if err != nil {
			return err
		}
		cfg.Faults = append(cfg.Faults, f)
	}
	var err error
	if cfg.Zone, err = time.LoadLocation(o.zone); err != nil {
		return fmt.Errorf("zone %q: %w", o.zone, err)
	}
	if cfg.FFD, ok = ffdCodes[o.ffd]; !ok {
		return fmt.Errorf("FFD %q: 1.05, 1.1 or 1.2 wanted", o.ffd)
	}
	if o.months != 0 {
		if cfg.FNLife, err = fn.Months(o.months); err != nil {
			return err
		}
	}
	if o.delays {
		cfg.Service, cfg.Jitter = CapturedService, 0.2
	}
	cfg.OFD, cfg.TaxSystems, cfg.FNOverdue = !o.noOFD, o.systems, fn.Code(o.overdue)
	return nil
}

func run(cmd *cobra.Command, o options, cfg Config) error {
	ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	r, err := Open(o.protocol, cfg)
	if err != nil {
		return fmt.Errorf("start register: %w", err)
	}
	who := r.Identity()
	out := json.NewEncoder(cmd.OutOrStdout())
	err = out.Encode(struct {
		Protocol string `json:"protocol"`
		Listen   string `json:"listen,omitempty"`
		Pty      string `json:"pty,omitempty"`
		Control  string `json:"control,omitempty"`
		Identity
	}{o.protocol, r.Addr(), r.Path(), r.ControlAddr(), who})
	if err == nil && o.json {
		err = follow(ctx, r, out)
	} else if err == nil {
		welcome(cmd, o.protocol, r)
		<-ctx.Done()
	}
	if cerr := r.Close(); err == nil {
		err = cerr
	}
	return err
}

// welcome tells a person where to connect.
func welcome(cmd *cobra.Command, protocol string, r Device) {
	if r.Addr() != "" {
		cmd.PrintErrf("%s+tcp://%s\n", protocol, r.Addr())
	}
	if r.Path() != "" {
		cmd.PrintErrf("%s+serial://%s\n", protocol, r.Path())
	}
	if r.ControlAddr() != "" {
		cmd.PrintErrf("http://%s/archive  /keys  /status  /fault  /clock\n", r.ControlAddr())
	}
}

// follow writes each document as it is made.
func follow(ctx context.Context, r Device, out *json.Encoder) error {
	seen, last := len(r.Archive()), r.Identity()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		now := r.Identity()
		if now == last {
			continue
		}
		last = now
		docs := r.Archive()
		for _, d := range docs[min(seen, len(docs)):] {
			if err := out.Encode(d); err != nil {
				return fmt.Errorf("write a document: %w", err)
			}
		}
		seen = len(docs)
	}
}
