package conformance

import (
	"time"

	_ "github.com/chekomat/chekomat/fiscal/kkt/pirit" // the driver under test
	"github.com/chekomat/chekomat/testbench/register/faults"
	"github.com/chekomat/chekomat/testbench/register/pirit"
)

func init() {
	add(
		Subject{Name: "pirit-tcp", PaperError: 0x08, Start: startPirit(false)},
		Subject{Name: "pirit-serial", PaperError: 0x08, Start: startPirit(true)},
	)
}

// piritTaxes are tax numbers beyond the documented ones, an assumption both
// ends share: code of 1199 to number, and back.
const piritTaxes = "&model=pirit2sf&vat=7:6,8:7,9:8,10:9,11:10,12:11"

func startPirit(serial bool) func(Start) (Register, error) {
	return func(s Start) (Register, error) {
		cfg := pirit.Config{
			INN: "7700999990", FFD: byte(s.FFD), Seed: s.Seed, OFD: true, Zone: time.UTC, ByteGap: 30 * time.Millisecond,
			Model: pirit.Pirit2SF, Pty: serial, Taxes: map[int]byte{6: 7, 7: 8, 8: 9, 9: 10, 10: 11, 11: 12},
		}
		r, err := pirit.Start(cfg)
		if err != nil {
			return nil, err
		}
		url := "pirit+tcp://" + r.Addr()
		if serial {
			url = "pirit+serial://" + r.Path()
		}
		return piritRegister{r, url + quickPirit + piritTaxes}, nil
	}
}

// quickPirit is what quick is, of this driver.
const quickPirit = "?connect=2s&control=60ms&answer=200ms&close=200ms&shift=200ms"

type piritRegister struct {
	*pirit.Register
	url string
}

func (r piritRegister) URL() string                 { return r.url }
func (r piritRegister) Struck() map[faults.Kind]int { return r.Status().Struck }
