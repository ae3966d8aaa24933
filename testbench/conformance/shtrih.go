package conformance

import (
	"time"

	_ "github.com/chekomat/chekomat/fiscal/kkt/shtrih" // the driver under test
	"github.com/chekomat/chekomat/testbench/fn"
	"github.com/chekomat/chekomat/testbench/register"
	"github.com/chekomat/chekomat/testbench/register/faults"
)

// quick are time-outs for an emulator on loopback: a lost byte costs little.
const quick = "?connect=2s&control=60ms&answer=200ms&close=200ms&shift=200ms&poll=5ms&idle=300ms"

func init() {
	add(
		Subject{Name: "shtrih-v1-tcp", PaperError: 0x6B, Start: shtrih(false, "")},
		Subject{Name: "shtrih-v2-tcp", PaperError: 0x6B, Start: shtrih(false, "&link=v2")},
		Subject{Name: "shtrih-v1-serial", PaperError: 0x6B, Start: shtrih(true, "")},
		Subject{Name: "shtrih-v2-serial", PaperError: 0x6B, Start: shtrih(true, "&link=v2")},
	)
}

// shtrih starts Shtrih-M emulators on a TCP port or a pseudo-terminal; query is
// added to the driver's URL.
func shtrih(serial bool, query string) func(Start) (Register, error) {
	return func(s Start) (Register, error) {
		cfg := register.Config{
			INN: "7700999990", FFD: byte(s.FFD), Seed: s.Seed, OFD: true, Zone: time.UTC, ByteTimeout: 30 * time.Millisecond,
		}
		if serial {
			cfg.Listen, cfg.Pty = "none", true
		}
		r, err := register.Start(cfg)
		if err != nil {
			return nil, err
		}
		url := "shtrih+tcp://" + r.Addr()
		if serial {
			url = "shtrih+serial://" + r.Path()
		}
		return shtrihRegister{r, url + quick + query}, nil
	}
}

type shtrihRegister struct {
	*register.Register
	url string
}

func (r shtrihRegister) URL() string                 { return r.url }
func (r shtrihRegister) Struck() map[faults.Kind]int { return r.Status().Struck }
func (r shtrihRegister) Archive() []fn.Document      { return r.Register.Archive() }
