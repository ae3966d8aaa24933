package register

import (
	"fmt"
	"strings"
	"time"

	"github.com/chekomat/chekomat/testbench/fn"
)

// Config describes an emulated register of any protocol. Zero values get the
// defaults of Command's flags. What belongs to the Shtrih-M protocol alone says
// so; other protocols ignore it.
type Config struct {
	Listen  string // address of the protocol, 127.0.0.1:0 by default; "none" has no TCP
	Pty     bool   // serve a pseudo-terminal beside it
	PtyLink string // symbolic link to the pseudo-terminal
	Baud    int    // pace and speed of the pseudo-terminal, 0 for none
	Control string // address of the HTTP control API; "" has none
	// Data is the folder of ФН archive, settings and NVRAM; "" keeps all in
	// memory.
	Data string
	// Sync fsyncs the ФН archive after each document. Without it documents
	// survive SIGKILL, not a power cut of the host machine.
	Sync bool

	Serial  string // factory number of the register (1013)
	FN      string // serial of the ФН, 16 digits, 9999… for a debug one
	INN     string
	RNM     string // computed from INN and Serial when empty
	User    string // 1048
	Address string // 1009; "" leaves it to each receipt
	Place   string // 1187; "" leaves it to each receipt
	Machine string // 1036 of table 24, used when a receipt brings none
	// TaxSystems are the bits of 1062.
	TaxSystems byte
	FFD        byte // 1209: 2 (1.05), 3 (1.1) or 4 (1.2)
	FNLife     time.Duration
	FNCapacity int
	FNMemory   int64   // bytes of the archive
	FNOverdue  fn.Code // what the ФН answers after 30 days without the ОФД

	// Service is the time one whole receipt takes, from 8Dh to the answer of
	// FF45h, spread over its commands as kkt-shtrih.md §10 saw it; 0 is none.
	Service time.Duration
	Jitter  float64       // share by which Service varies, 0..1
	Print   time.Duration // time the printer needs for a document; 0 is none
	Seed    uint64
	Faults  []Fault

	Zone  *time.Location   // zone of the register's clock, time.Local by default
	Clock func() time.Time // time.Now by default

	// ShortStatus (Shtrih-M) answers 10h with 16 bytes instead of 17.
	ShortStatus bool
	// ExtendedErrors (Shtrih-M) adds a 4-byte code to errors (flag bit 54).
	ExtendedErrors bool
	// RNDIS (Shtrih-M) sends a stray FFh after the ACK of an answer.
	RNDIS bool
	// MachineFrom (Shtrih-M) says where 1036 comes from: "ff0c" takes it per receipt,
	// "table" refuses it in FF0Ch and writes table 24 field 1.
	MachineFrom string
	// Second says what a second client meets: "queue", "refuse" or "replace".
	Second string
	// PowerUp says what a power loss does to an open receipt: "keep" it (the
	// register starts in mode 8) or "cancel" it.
	PowerUp     string
	ByteTimeout time.Duration // silence inside a frame that resets the receiver
	// OFD confirms documents by itself.
	OFD      bool
	OFDDelay time.Duration
	// Options belong to one protocol; its package says which it has.
	Options map[string]string
}

func (c *Config) defaults() error {
	set := func(s *string, v string) {
		if *s == "" {
			*s = v
		}
	}
	set(&c.Listen, "127.0.0.1:0")
	set(&c.Serial, "00106900000001")
	set(&c.FN, "9999078902001234")
	set(&c.INN, "7700999990")
	set(&c.User, `ООО "ПРИМЕР"`)
	set(&c.MachineFrom, "ff0c")
	set(&c.Second, "queue")
	set(&c.PowerUp, "keep")
	set(&c.RNM, rnm(c.INN, c.Serial))
	if c.TaxSystems == 0 {
		c.TaxSystems = 0x3F &^ (1 << 3) // all but ЕНВД, abolished in 2021
	}
	if c.FFD == 0 {
		c.FFD = 4
	}
	if c.Zone == nil {
		c.Zone = time.Local
	}
	if c.Clock == nil {
		c.Clock = time.Now
	}
	if c.ByteTimeout == 0 {
		c.ByteTimeout = 500 * time.Millisecond
	}
	return c.check()
}

func (c *Config) check() error {
	oneOf := func(flag, v string, of ...string) error {
		for _, s := range of {
			if v == s {
				return nil
			}
		}
		return fmt.Errorf("%s %q: one of %s wanted", flag, v, strings.Join(of, ", "))
	}
	switch {
	case c.FFD < 2 || c.FFD > 4:
		return fmt.Errorf("FFD %d: 2 (1.05), 3 (1.1) or 4 (1.2) wanted", c.FFD)
	case c.Listen == "none" && !c.Pty:
		return fmt.Errorf("neither TCP nor a pseudo-terminal: nobody could reach the register")
	case len(c.INN) != 10 && len(c.INN) != 12:
		return fmt.Errorf("ИНН %q: 10 or 12 digits wanted", c.INN)
	case len(c.Serial) > 20 || len(c.RNM) > 20 || len(c.Machine) > 20:
		return fmt.Errorf("serial, РНМ and machine number have at most 20 characters")
	case c.Jitter < 0 || c.Jitter > 1:
		return fmt.Errorf("jitter %v: 0..1 wanted", c.Jitter)
	}
	if err := oneOf("machine-from", c.MachineFrom, "ff0c", "table"); err != nil {
		return err
	}
	if err := oneOf("second", c.Second, "queue", "refuse", "replace"); err != nil {
		return err
	}
	return oneOf("power-up", c.PowerUp, "keep", "cancel")
}

// rnm makes a registration number that checks: number 1 of the tax register
// and the CRC over number, ИНН and factory number (ffd.md §14).
func rnm(inn, serial string) string {
	pad := func(s string, n int) string { return strings.Repeat("0", max(0, n-len(s))) + s }
	const first = "0000000001"
	return fmt.Sprintf("%s%06d", first, crc16([]byte(first+pad(inn, 12)+pad(serial, 20))))
}
