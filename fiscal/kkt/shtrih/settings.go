package shtrih

import (
	"fmt"
	"net/url"
	"strconv"
	"time"

	"github.com/chekomat/chekomat/fiscal/kkt"
)

// Family of registers: tables and the order of commands differ (kkt-shtrih 1).
type Family string

// Families.
const (
	Desktop  Family = "desktop"
	Nano     Family = "nano"
	Cashcore Family = "cashcore" // models 16, 20, 21, 45, 46
	Mobile   Family = "mobile"   // model 19
)

// itemTagsFirst says whether FF4Dh goes before FF46h.
func (f Family) itemTagsFirst() bool { return f == Cashcore || f == Mobile }

// table numbers that differ between families.
func (f Family) fsTable() byte {
	if f == Cashcore {
		return 13
	}
	return 18
}

func (f Family) embeddedTable() byte {
	if f == Cashcore {
		return 16
	}
	return 24
}

// noPrint gives the setting that switches printing off for good.
func (f Family) noPrint() (table, field, off byte) {
	switch f {
	case Cashcore:
		return 1, 48, 1
	case Mobile:
		return 1, 43, 1
	}
	return 17, 7, 2
}

// Settings are the parameters of a register's URL:
//
//	shtrih+tcp://host[:port]?password=30&family=desktop&link=v1&tag1036=tlv&vat=mask&verify=first
//	shtrih+serial:///dev/ttyUSB0?baud=115200&…
type Settings struct {
	Addr       kkt.Address   // default port 7778, Cashcore 12345; serial at 115200 baud
	Password   uint32        // of the system administrator, default 30
	Family     Family        // default desktop
	V2         bool          // link=v1 (default) or v2
	Table1036  bool          // tag1036=tlv (default): FF0Ch; table: write the embedded-device table before each receipt
	Registered bool          // place=tlv (default): 1009 and 1187 by FF0Ch; registration: left to the registration's, which must be the machine's
	KeyTag     bool          // key=tlv (default): 1084 by FF0Ch; requisite: internal tag 15000, named in table 17 fields 13 and 14
	BaseStruct bool          // correction=tags (default): 1177, 1178, 1179 by FF0Ch one by one; struct: inside 1174
	MarkTLV    bool          // mark=refuse (default) marked goods in FFD 1.2; tlv: 2000 and 1260 by FF4Dh
	Tax        TaxBytes      // vat=
	Verify     Verify        // verify=
	Every      int           // every=N: with verify=first, each Nth receipt is read back too, default 64; 0 never
	NoPrint    bool          // print=no switches printing off at the first Ready; yes (default) leaves the register as it is
	Department byte          // department=0..16, default 1
	EcashSlot  int           // ecash=2..13, the payment of FF45h that stands for cashless, default 2
	Connect    time.Duration // connect=, default 3s
	Control    time.Duration // control=: wait for ENQ/ACK/NAK and between bytes of a frame, default 1s
	Answer     time.Duration // answer=: wait for an answer, default 10s
	Close      time.Duration // close=: wait for FF45h, default 30s
	Shift      time.Duration // shift=: wait for E0h and 41h, default 120s
	Poll       time.Duration // poll=: longest wait between status requests while the register is busy, default 100ms; the first is a sixteenth
	Idle       time.Duration // idle=: longest wait for the register to become idle, default 20s
}

// Verify says which receipts are read back whole and compared.
type Verify string

// Verification policies. First: the first receipt of each ФН since the driver
// was opened, the first of each VAT rate and tax system on it, then every
// Settings.Every. What FF0Ah tells (sum, operation) is always compared when
// the register does not send the time with FF45h.
const (
	VerifyFirst  Verify = "first"
	VerifyAlways Verify = "always"
	VerifyNever  Verify = "never"
)

// ParseSettings reads a URL; unknown parameters are errors, so a typing error
// does not silently leave a default.
func ParseSettings(u *url.URL) (Settings, error) {
	s := Settings{
		Password: 30, Family: Desktop, Verify: VerifyFirst, Every: 64, Department: 1, EcashSlot: 2,
		Connect: 3 * time.Second, Control: time.Second, Answer: 10 * time.Second, Close: 30 * time.Second,
		Shift: 120 * time.Second, Poll: 100 * time.Millisecond, Idle: 20 * time.Second,
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return s, fmt.Errorf("the address has bad parameters")
	}
	s.Tax, _ = ParseTaxBytes("")
	for name, values := range query {
		if err := s.set(name, values[0]); err != nil {
			return s, err
		}
		if len(values) > 1 {
			return s, fmt.Errorf("parameter %s is given twice", name)
		}
	}
	port := "7778"
	if s.Family == Cashcore {
		port = "12345"
	}
	s.Addr, err = kkt.ParseAddress(u, port, 115200)
	return s, err
}

func (s *Settings) set(name, v string) (err error) {
	switch name {
	case "password":
		var n uint64
		if n, err = strconv.ParseUint(v, 10, 32); err != nil {
			return fmt.Errorf("password is not a number")
		}
		s.Password = uint32(n)
	case "family":
		s.Family = Family(v)
		err = oneOf(name, v, "desktop", "nano", "cashcore", "mobile")
	case "link":
		s.V2 = v == "v2"
		err = oneOf(name, v, "v1", "v2")
	case "tag1036":
		s.Table1036 = v == "table"
		err = oneOf(name, v, "tlv", "table")
	case "place":
		s.Registered = v == "registration"
		err = oneOf(name, v, "tlv", "registration")
	case "key":
		s.KeyTag = v == "requisite"
		err = oneOf(name, v, "tlv", "requisite")
	case "correction":
		s.BaseStruct = v == "struct"
		err = oneOf(name, v, "tags", "struct")
	case "mark":
		s.MarkTLV = v == "tlv"
		err = oneOf(name, v, "refuse", "tlv")
	case "vat":
		s.Tax, err = ParseTaxBytes(v)
	case "verify":
		s.Verify = Verify(v)
		err = oneOf(name, v, "first", "always", "never")
	case "print":
		s.NoPrint = v == "no"
		err = oneOf(name, v, "yes", "no")
	case "every":
		s.Every, err = number(name, v, 0, 1_000_000)
	case "department":
		var n int
		n, err = number(name, v, 0, 16)
		s.Department = byte(n)
	case "ecash":
		s.EcashSlot, err = number(name, v, 2, 13)
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
	case "poll":
		s.Poll, err = duration(name, v)
	case "idle":
		s.Idle, err = duration(name, v)
	case kkt.BaudParameter: // of Addr
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

func number(name, v string, least, most int) (int, error) {
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
