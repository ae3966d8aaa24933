package pirit

import (
	"fmt"
	"net/url"
	"strconv"
	"time"

	"github.com/chekomat/chekomat/fiscal/kkt"
)

// Model of a register: what its commands can carry differs (kkt-others 1, 2.2).
type Model string

// Models.
const (
	Pirit2F  Model = "pirit2f"  // Пирит 2Ф
	Pirit2SF Model = "pirit2sf" // Пирит 2СФ
	FM16     Model = "fm16"     // Viki Print, Viki Mini, Viki Tower
)

// machine says whether 31h takes 1187 and 1036.
func (m Model) machine(v kkt.FFD) bool { return m != FM16 || v == kkt.FFD12 }

// address says whether 30h takes 1009.
func (m Model) address(v kkt.FFD) bool { return m == Pirit2SF || v == kkt.FFD12 }

// Settings are the parameters of a register's URL:
//
//	pirit+tcp://host:port?model=pirit2f&vat=11:6,12:7&print=no&verify=first
//	pirit+serial:///dev/ttyUSB0?baud=57600
//
// No port is standard: over TCP the register stands behind a converter.
type Settings struct {
	Addr       kkt.Address    // host:port, or a serial port with baud= (default 57600)
	Password   string         // password=, 4 characters, default PIRI
	Model      Model          // model=, default pirit2f
	Tax        TaxNumbers     // vat=
	Verify     Verify         // verify=
	Every      int            // every=N: with verify=first, each Nth receipt is read back too, default 64; 0 never
	NoPrint    bool           // print=no sets bit 7 of the document's mode (firmware 565.1.13, 665.4.13 and later); yes (default) prints
	Department int            // department=1..99, default 1
	Zone       *time.Location // zone=: start of work sets the register's clock by ours (up to 8 minutes); without it the register keeps its own
	Block      int            // block=: bytes asked for in one 78/16, default 256; the longest is not stated
	Connect    time.Duration  // connect=, default 3s
	Control    time.Duration  // control=: wait for ACK and between bytes of a frame, default 1s
	Answer     time.Duration  // answer=: longest wait for an answer while the register answers ENQ, default 10s
	Close      time.Duration  // close=: the same for 31h, default 30s
	Shift      time.Duration  // shift=: the same for 23h and 21h, default 120s
}

// Verify says which receipts are read back whole and compared.
type Verify string

// Verification policies. First: the first receipt of each ФН since the driver
// was opened, the first of each VAT rate and tax system on it, then every
// Settings.Every.
const (
	VerifyFirst  Verify = "first"
	VerifyAlways Verify = "always"
	VerifyNever  Verify = "never"
)

// ParseSettings reads a URL; unknown parameters are errors, so a typing error
// does not silently leave a default.
func ParseSettings(u *url.URL) (Settings, error) {
	s := Settings{
		Password: "PIRI", Model: Pirit2F, Tax: DocumentedTaxNumbers(), Verify: VerifyFirst, Every: 64, Department: 1,
		Block: 256, Connect: 3 * time.Second, Control: time.Second, Answer: 10 * time.Second,
		Close: 30 * time.Second, Shift: 120 * time.Second,
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return s, fmt.Errorf("the address has bad parameters")
	}
	for name, values := range query {
		if err := s.set(name, values[0]); err != nil {
			return s, err
		}
		if len(values) > 1 {
			return s, fmt.Errorf("parameter %s is given twice", name)
		}
	}
	s.Addr, err = kkt.ParseAddress(u, "", 57600)
	return s, err
}

func (s *Settings) set(name, v string) (err error) {
	switch name {
	case kkt.BaudParameter: // kkt.ParseAddress reads it
	case "password":
		s.Password = v
		if len(v) != PasswordLen || unwritable(v) {
			return fmt.Errorf("password has not 4 plain characters")
		}
	case "model":
		s.Model = Model(v)
		err = oneOf(name, v, "pirit2f", "pirit2sf", "fm16")
	case "vat":
		s.Tax, err = ParseTaxNumbers(v)
	case "verify":
		s.Verify = Verify(v)
		err = oneOf(name, v, "first", "always", "never")
	case "every":
		s.Every, err = integer(name, v, 0, 1_000_000)
	case "print":
		s.NoPrint = v == "no"
		err = oneOf(name, v, "yes", "no")
	case "department":
		s.Department, err = integer(name, v, 1, 99)
	case "zone":
		if s.Zone, err = time.LoadLocation(v); err != nil {
			err = fmt.Errorf("zone=%q is not a time zone like Europe/Moscow", v)
		}
	case "block":
		s.Block, err = integer(name, v, 16, 4096)
	case "connect":
		s.Connect, err = duration(name, v)
	case "control":
		s.Control, err = duration(name, v)
	case "answer":
		s.Answer, err = duration(name, v)
	case "close":
		s.Close, err = duration(name, v)
	case "shift":
		s.Shift, err = duration(name, v)
	default:
		err = fmt.Errorf("unknown parameter %q", name)
	}
	return err
}

func oneOf(name, v string, allowed ...string) error {
	for _, a := range allowed {
		if v == a {
			return nil
		}
	}
	return fmt.Errorf("%s=%q is none of %v", name, v, allowed)
}

func integer(name, v string, least, most int) (int, error) {
	n, err := strconv.Atoi(v)
	if err != nil || n < least || n > most {
		return 0, fmt.Errorf("%s=%q is not %d..%d", name, v, least, most)
	}
	return n, nil
}

func duration(name, v string) (time.Duration, error) {
	d, err := time.ParseDuration(v)
	if err != nil || d <= 0 || d > time.Hour {
		return 0, fmt.Errorf("%s=%q is not a duration like 500ms", name, v)
	}
	return d, nil
}
