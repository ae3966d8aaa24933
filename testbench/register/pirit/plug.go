package pirit

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/chekomat/chekomat/testbench/register"
)

func init() {
	register.Plug(register.Protocol{
		Name: "pirit",
		About: "Dreamkas Pirit 2F, Pirit 2SF, FM16 (Viki Print) / Дримкас Пирит 2Ф, 2СФ, FM16 (Вики Принт);\n" +
			"           --option model=pirit2f|pirit2sf|fm16, tax=6:11;7:12 (tax number: code of 1199 beyond the\n" +
			"           documented 0..5), password=PIRI, sender=E-MAIL, attended=yes, reopen=yes, block=BYTES of 78/16",
		Start: func(c register.Config) (register.Device, error) {
			cfg, err := plugged(c)
			if err != nil {
				return nil, err
			}
			return Start(cfg)
		},
		Known: known,
	})
}

var _ register.Device = (*Register)(nil)

// Identity is who the register says it is.
func (r *Register) Identity() register.Identity {
	d := r.dev
	d.mu.Lock()
	defer d.mu.Unlock()
	return register.Identity{Serial: d.nv.Serial, FN: d.fn.Serial(), LastFD: d.fn.Status().LastFD}
}

// Disarm drops the faults that still wait for their command.
func (r *Register) Disarm() { r.faults.Clear() }

// plugged takes what all protocols share and this one's options.
func plugged(c register.Config) (Config, error) {
	cfg := Config{
		Listen: c.Listen, Pty: c.Pty, PtyLink: c.PtyLink, Baud: c.Baud, Control: c.Control, Data: c.Data, Sync: c.Sync,
		Serial: c.Serial, FN: c.FN, INN: c.INN, RNM: c.RNM, User: c.User, Address: c.Address, Place: c.Place, Machine: c.Machine,
		TaxSystems: c.TaxSystems, FFD: c.FFD, FNLife: c.FNLife, FNCapacity: c.FNCapacity, Service: c.Service, Print: c.Print,
		Seed: c.Seed, Faults: c.Faults, Zone: c.Zone, Clock: c.Clock, OFD: c.OFD, OFDDelay: c.OFDDelay,
	}
	if cfg.Listen == "none" {
		cfg.Listen = ""
	}
	for name, v := range c.Options {
		var err error
		switch name {
		case "model":
			cfg.Model = v
		case "tax":
			cfg.Taxes, err = parseTaxes(v)
		case "password":
			cfg.Password = v
		case "sender":
			cfg.Sender = v
		case "attended":
			cfg.Attended = v == "yes"
		case "reopen":
			cfg.Reopen = v == "yes"
		case "block":
			cfg.Block, err = strconv.Atoi(v)
		default:
			err = fmt.Errorf("unknown")
		}
		if err != nil {
			return cfg, fmt.Errorf("option %s=%s of protocol pirit: %w", name, v, err)
		}
	}
	return cfg, nil
}

// parseTaxes reads "6:11;7:12".
func parseTaxes(s string) (map[int]byte, error) {
	taxes := map[int]byte{}
	for pair := range strings.SplitSeq(s, ";") {
		number, rate, _ := strings.Cut(pair, ":")
		n, err := strconv.ParseUint(number, 10, 8)
		r, err2 := strconv.ParseUint(rate, 10, 8)
		if err != nil || err2 != nil {
			return nil, fmt.Errorf("%q is not <tax number>:<code of 1199>", pair)
		}
		taxes[int(n)] = byte(r)
	}
	return taxes, nil
}
