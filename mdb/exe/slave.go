package exe

import "github.com/chekomat/chekomat/mdb"

// Asked is what a master byte means to the machine.
type Asked uint8

// What may be asked.
const (
	AskedNothing Asked = iota // answered by the role itself
	AskedToVend               // Slave.Vended has to be called; the line stays silent until then
	AskedToShow               // Slave.Shows holds a new display
	AskedRequest              // the pending request went out
)

// Slave is the machine's role: a VMC that answers a payment device (exe 9). It
// is pure: words in, answers out. It answers each good byte to the VMC, PNAK to
// a damaged one, and nothing to other devices.
type Slave struct {
	State    State // answer to STATUS
	Identity byte  // answer to IDENTIFY, AUDIT and the audit data commands: not public, 00h

	blocks  Blocks
	shows   Display
	request byte
	wants   bool
	vending bool
	last    byte // last good master byte
	answer  byte // to it
	said    bool
}

// Request queues a line (or a price in base units) for the next CREDIT. It
// reports whether the line can be said at all.
func (s *Slave) Request(line byte) bool {
	if line > MaxRequest {
		return false
	}
	s.request, s.wants = line, true
	return true
}

// Withdraw takes the pending request back.
func (s *Slave) Withdraw() { s.wants = false }

// Wants gives the pending request.
func (s *Slave) Wants() (line byte, ok bool) { return s.request, s.wants }

// Vending reports whether a VEND waits for Vended.
func (s *Slave) Vending() bool { return s.vending }

// Shows is the display the master has asked for last.
func (s *Slave) Shows() Display { return s.shows }

// Word takes a word of the master. reply is false when nothing is to be said
// (yet).
func (s *Slave) Word(w mdb.Word) (answer byte, reply bool, asked Asked) {
	if w.Line != mdb.EXEMaster {
		return 0, false, AskedNothing
	}
	b, ok := Heard(w)
	if !ok {
		// Whoever it was for: the byte may have been ours.
		return PNAK, !s.vending, AskedNothing
	}
	if DeviceOf(b) != VMC {
		return 0, false, AskedNothing
	}
	if s.vending {
		// The master has given up waiting, or asks again: the vend goes on.
		return 0, false, AskedNothing
	}
	if b == Vend.Byte() {
		if s.said && s.last == b {
			// Its answer was lost on the way: the goods are out already.
			return s.answer, true, AskedNothing
		}
		s.vending, s.last, s.said = true, b, false
		s.blocks.Drop()
		return 0, false, AskedToVend
	}
	answer, asked = s.obey(b)
	s.last, s.answer, s.said = b, answer, true
	return answer, true, asked
}

func (s *Slave) obey(b byte) (byte, Asked) {
	d, shown, mine, _ := s.blocks.Push(b)
	switch {
	case shown:
		s.shows = d
		return ACK, AskedToShow
	case mine:
		return ACK, AskedNothing
	}
	switch c, _ := CommandOf(b); c {
	case Status:
		return s.State.Byte(), AskedNothing
	case Credit:
		if s.wants && !s.State.Inhibited {
			s.wants = false
			return s.request, AskedRequest
		}
		return NoRequest, AskedNothing
	case NegativeAck:
		return s.answer, AskedNothing
	default:
		return s.Identity, AskedNothing
	}
}

// Vended ends a vend and gives the answer to VEND.
func (s *Slave) Vended(delivered bool) byte {
	s.vending, s.said, s.answer = false, true, VendFailed
	if delivered {
		s.answer = VendDelivered
	}
	return s.answer
}
