package pirit

import (
	"fmt"
	"strings"
	"time"

	"github.com/chekomat/chekomat/testbench/fn"
	"github.com/chekomat/chekomat/testbench/register/faults"
)

// Models whose commands differ (kkt-others.md §1, §2.2).
const (
	Pirit2F  = "pirit2f"
	Pirit2SF = "pirit2sf"
	FM16     = "fm16"
)

// Config describes an emulated register. Zero values get defaults.
type Config struct {
	Listen  string // TCP address of the protocol; "" and no Pty: 127.0.0.1:0
	Pty     bool   // a pseudo-terminal beside or instead of it
	PtyLink string // symbolic link to the pseudo-terminal
	Baud    int    // pace of the pseudo-terminal; 0 none
	Control string // address of the HTTP control API; "" has none
	// Data is the folder of ФН archive and NVRAM; "" keeps all in memory.
	Data string
	// Sync fsyncs the ФН archive after each document.
	Sync bool

	Model    string // pirit2f by default
	Firmware string // 02/70
	Password string // of the link, PIRI by default
	Serial   string // factory number of the register (1013)
	FN       string // serial of the ФН, 16 digits, 9999… for a debug one
	INN      string
	RNM      string // computed from INN and Serial when empty
	User     string // 1048, at most 88 characters
	Address  string // 1009 of the registration, at most 88 characters
	Place    string // 1187 of the registration, at most 112 characters
	Machine  string // 1036 of the registration, at most 12 characters; ignored without automatic mode
	Sender   string // 1117 of the registration
	// Attended registers without automatic mode: a cashier is needed.
	Attended bool
	// TaxSystems are the bits of 1062.
	TaxSystems byte
	FFD        byte // 1209: 2 (1.05), 3 (1.1), 4 (1.2)
	FNLife     time.Duration
	FNCapacity int
	// Taxes maps tax numbers beyond the documented 0..5 to codes of 1199.
	Taxes map[int]byte
	// Reopen lets the opening of a document change an expired shift (setting 2
	// bit 5 of Пирит 2СФ).
	Reopen bool
	// Block is the longest block 78/16 gives, in bytes; not stated anywhere.
	Block int

	// Service is the time one whole receipt takes, from 30h to the answer of
	// 31h, spread over its commands; 0 is none.
	Service time.Duration
	Print   time.Duration // time the printer needs for a document that is printed; 0 is none
	Seed    uint64
	Faults  []faults.Fault

	Zone    *time.Location   // zone of the register's clock, time.Local by default
	Clock   func() time.Time // time.Now by default
	ByteGap time.Duration    // silence inside a frame that ends it with 05h, 200 ms
	// OFD confirms documents by itself.
	OFD      bool
	OFDDelay time.Duration
}

func (c *Config) defaults() error {
	set := func(s *string, v string) {
		if *s == "" {
			*s = v
		}
	}
	if !c.Pty {
		set(&c.Listen, "127.0.0.1:0")
	}
	set(&c.Model, Pirit2F)
	set(&c.Firmware, map[string]string{FM16: "665.4.13"}[c.Model])
	set(&c.Firmware, "565.1.13")
	set(&c.Password, "PIRI")
	set(&c.Serial, "0490010001")
	set(&c.FN, "9999078902001235")
	set(&c.INN, "7700999990")
	set(&c.User, `ООО "ПРИМЕР"`)
	set(&c.Address, "101000, г. Москва, ул. Кассовая, д. 1")
	set(&c.Place, "Помещение кассы")
	set(&c.Sender, "receipts@example.org")
	set(&c.RNM, rnm(c.INN, c.Serial))
	if c.TaxSystems == 0 {
		c.TaxSystems = 0x3F &^ (1 << 3) // all but ЕНВД, abolished in 2021
	}
	if c.FFD == 0 {
		c.FFD = 4
	}
	if c.Block == 0 {
		c.Block = 512
	}
	if c.Zone == nil {
		c.Zone = time.Local
	}
	if c.Clock == nil {
		c.Clock = time.Now
	}
	if c.ByteGap == 0 {
		c.ByteGap = 200 * time.Millisecond
	}
	return c.check()
}

func (c *Config) check() error {
	long := func(s string, n int) bool { return len(fn.CP866(s)) > n }
	switch {
	case c.Model != Pirit2F && c.Model != Pirit2SF && c.Model != FM16:
		return fmt.Errorf("model %q: pirit2f, pirit2sf or fm16 wanted", c.Model)
	case len(c.Password) != passwordLen:
		return fmt.Errorf("password of the link: 4 characters wanted")
	case c.FFD < 2 || c.FFD > 4:
		return fmt.Errorf("FFD %d: 2 (1.05), 3 (1.1) or 4 (1.2) wanted", c.FFD)
	case len(c.INN) != 10 && len(c.INN) != 12:
		return fmt.Errorf("ИНН %q: 10 or 12 digits wanted", c.INN)
	case len(c.Serial) > 20 || len(c.RNM) > 20:
		return fmt.Errorf("serial and РНМ have at most 20 characters")
	case long(c.User, 88) || long(c.Address, 88):
		return fmt.Errorf("user and address of the registration have at most 88 characters")
	case long(c.Place, 112):
		return fmt.Errorf("place of the registration has at most 112 characters")
	case long(c.Machine, 12):
		return fmt.Errorf("machine number of the registration has at most 12 characters")
	case long(c.Sender, 44):
		return fmt.Errorf("sender's e-mail of the registration has at most 44 characters")
	}
	for number, rate := range c.Taxes {
		if number < 6 || number > 99 || rate < 1 || rate > 12 {
			return fmt.Errorf("tax number %d for rate %d: 6..99 and 1..12 wanted", number, rate)
		}
	}
	return nil
}

// rate is the code of 1199 of a tax number (setting 40).
func (c *Config) rate(number int) (byte, bool) {
	if number >= 0 && number < 6 {
		return [6]byte{1, 2, 5, 6, 3, 4}[number], true
	}
	r, ok := c.Taxes[number]
	return r, ok
}

// takesMachine says that 31h takes 1187, 1117 and 1036; elsewhere the fields
// are reserved and ignored.
func (c *Config) takesMachine() bool { return c.Model != FM16 || c.FFD == 4 }

// takesAddress says that 30h takes 1009; elsewhere the field is ignored.
func (c *Config) takesAddress() bool { return c.Model == Pirit2SF || c.FFD == 4 }

// rnm makes a registration number that checks: number 1 of the tax register
// and the CRC over number, ИНН and factory number (ffd.md §14).
func rnm(inn, serial string) string {
	pad := func(s string, n int) string { return strings.Repeat("0", max(0, n-len(s))) + s }
	const first = "0000000001"
	crc := uint16(0xFFFF)
	for _, b := range []byte(first + pad(inn, 12) + pad(serial, 20)) {
		crc ^= uint16(b) << 8
		for range 8 {
			if crc&0x8000 != 0 {
				crc = crc<<1 ^ 0x1021
			} else {
				crc <<= 1
			}
		}
	}
	return fmt.Sprintf("%s%06d", first, crc)
}
