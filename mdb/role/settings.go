package role

import (
	"fmt"
	"time"

	"github.com/chekomat/chekomat/mdb"
)

// ReaderSettings say what our reader tells of itself and how it behaves towards
// machines that read the protocol in their own way (reference 17).
type ReaderSettings struct {
	Device   mdb.Device // Cashless2 (60H) or Cashless1 (10H); 0 is Cashless2
	Level    uint8      // highest level offered, 1 to 3; 0 is 1: some machines refuse what they say they can (SandenVendo)
	Currency uint16     // as on the bus; 0 is 1643, rouble
	Scale    uint8      // 0 is 1
	Decimals uint8      // with Scale 0: 2
	Response uint8      // seconds the VMC shall wait for an answer; 0 is 30
	Options  uint8      // of READER CONFIG besides "wants CASH SALE"
	NoCash   bool       // do not ask for CASH SALE
	Features uint32     // option bits of PERIPHERAL ID, at level 3
	Identity mdb.Identity

	// Sells: sessions are begun and vends decided by the owner. Without it every
	// VEND REQUEST is denied by the module itself, also when no host is there.
	Sells bool

	ByPoll    bool // data never as direct answers, only to POLL
	EndAtOnce bool // SESSION COMPLETE is answered with 07 at once, not with ACK and 07 to POLL
	SilentID  bool // REQUEST ID is not answered at all
	ShortID   bool // PERIPHERAL ID of 30 bytes also at level 3

	CancelEvery time.Duration // SESSION CANCEL REQUEST again while the VMC ignores it; 0 is 1 s
	CancelTries int           // then the session is ended from our side; 0 is 10
}

func (s ReaderSettings) defaults() ReaderSettings {
	if s.Device == 0 {
		s.Device = mdb.Cashless2
	}
	if s.Level == 0 {
		s.Level = 1
	}
	if s.Currency == 0 {
		s.Currency = 0x1643
	}
	if s.Scale == 0 {
		s.Scale, s.Decimals = 1, 2
	}
	if s.Response == 0 {
		s.Response = 30
	}
	if !s.NoCash {
		s.Options |= mdb.ReaderCashSale
	}
	if s.Identity == (mdb.Identity{}) {
		s.Identity = ours
	}
	if s.CancelEvery == 0 {
		s.CancelEvery = time.Second
	}
	if s.CancelTries == 0 {
		s.CancelTries = 10
	}
	return s
}

// Check says what of the settings no reader can be.
func (s ReaderSettings) Check() error {
	switch {
	case s.Device != 0 && !s.Device.Cashless():
		return fmt.Errorf("a reader lives at 10H or 60H, not at %02XH", uint8(s.Device))
	case s.Level > 3:
		return fmt.Errorf("a reader of level %d: there are 1, 2 and 3", s.Level)
	}
	return nil
}

// ours is who we say we are.
var ours = mdb.Identity{Manufacturer: "CKM", Serial: "000000000001", Model: "CHEKOMAT", Software: 0x0100}

// GatewaySettings say what our communications gateway tells of itself.
type GatewaySettings struct {
	Level    uint8  // 0 is 3, the only one of mdb 8
	Response uint16 // seconds; 0 is 5
	Identity mdb.Identity
	Quiet    bool // do not offer verbose mode: machines then report events only
	ByPoll   bool // data never as direct answers, only to POLL
}

// VerboseMode is the option bit of mdb 8 that makes a VMC send a REPORT after
// each activity.
const VerboseMode = 1 << 1

func (s GatewaySettings) defaults() GatewaySettings {
	if s.Level == 0 {
		s.Level = 3
	}
	if s.Response == 0 {
		s.Response = 5
	}
	if s.Identity == (mdb.Identity{}) {
		s.Identity = ours
	}
	if !s.Quiet {
		s.Identity.Options |= VerboseMode
	}
	s.Identity.HasOptions = true
	return s
}

// Ours is our identity with a serial number of the owner's.
func Ours(serial string) mdb.Identity {
	id := ours
	id.Serial = serial
	return id
}
