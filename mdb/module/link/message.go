package link

import (
	"encoding/binary"
	"fmt"
)

// Version of the protocol this package speaks.
const (
	Major = 1
	Minor = 1
)

// Frame types. Those below 80 go to the host.
const (
	TypeHello     uint8 = 0x01
	TypeWords     uint8 = 0x02
	TypeHeartbeat uint8 = 0x03
	TypeEvent     uint8 = 0x04
	TypeResult    uint8 = 0x05
	TypeTxReport  uint8 = 0x06
	TypeLog       uint8 = 0x07
	TypePong      uint8 = 0x08
	TypeWordsAt   uint8 = 0x09 // 1.1
	TypeResumed   uint8 = 0x0A // 1.1
	TypeNow       uint8 = 0x0B // 1.1

	TypeHelloReq   uint8 = 0x80
	TypeSetMode    uint8 = 0x81
	TypeSetOutputs uint8 = 0x82
	TypePing       uint8 = 0x83
	TypeReplySet   uint8 = 0x84
	TypeReplyClear uint8 = 0x85
	TypePollQueue  uint8 = 0x86
	TypeLineConfig uint8 = 0x87
	TypeResume     uint8 = 0x88 // 1.1
	TypeKeep       uint8 = 0x89 // 1.1
	TypeSafe       uint8 = 0x8A // 1.1
	TypeReboot     uint8 = 0x8E
	TypeFwBegin    uint8 = 0x90
	TypeFwData     uint8 = 0x91
	TypeFwCommit   uint8 = 0x92
	TypeFwAbort    uint8 = 0x93
)

// Capability bits of Hello.
const (
	CanListenMDB uint32 = 1 << iota
	CanSpeakMDB
	CanListenEXE
	CanSpeakEXE
	HasOutputs
	HasSupplySense
	CanUpdate
	CanUSBBoot
	NoTimes // tty fallback without time stamps
)

// Status codes of Result.
const (
	StatusOK uint8 = iota
	StatusUnknown
	StatusLength
	StatusValue
	StatusMode
	StatusBusy
	StatusInterlock
	StatusVerify
)

// Codes of Event.
const (
	EventSupplyLost uint8 = iota + 1
	EventSupplyBack
	EventMode
	EventInterlock
	EventWatchdog
	EventStuckLine
	EventCollision
	EventConfig
)

// Messages of the module.
type (
	// Hello says what the module is. Boot, Oldest and Next exist from 1.1 on.
	Hello struct {
		Major, Minor            uint8
		Hardware, Revision      uint8
		FwMajor, FwMinor, Patch uint8
		BootReason              uint8
		Capabilities            uint32
		ID                      [8]byte
		Uptime                  uint32 // ms
		Time                    uint32 // µs
		Mode, Outputs, Lines    uint8
		MaxFrame                uint8
		Boot                    uint64 // id of this run, never 0
		Oldest, Next            uint64 // word numbers the module keeps: from, up to
	}
	// Entry is a word of WORDS: µs since the entry before, and its bits.
	Entry struct {
		DT uint16
		W  uint16
	}
	// Words is WORDS.
	Words struct {
		T0      uint32 // µs
		Entries []Entry
	}
	// WordsAt is WORDS_AT of 1.1: the number of its first word, and a time that
	// does not wrap.
	WordsAt struct {
		Seq     uint64
		T0      uint64 // µs since boot
		Entries []Entry
	}
	// Resumed is RESUMED of 1.1, the answer to RESUME and the notice of a ring
	// overrun: the next word sent is First; Lost words before it are gone.
	Resumed struct {
		Boot   uint64
		First  uint64
		Lost   uint64 // LostUnknown when it cannot be told
		Reason uint8
	}
	// Now is NOW of 1.1: nothing but the words before Next was heard up to Time.
	Now struct {
		Time uint64 // µs since boot
		Next uint64
	}
	// LineCount is the part of Heartbeat for one line.
	LineCount struct {
		Words                     uint32
		Framing, Breaks, Overruns uint16
	}
	// Heartbeat comes once a second.
	Heartbeat struct {
		Time           uint32 // µs
		Uptime         uint32 // s
		Lines          [4]LineCount
		RecordsDropped uint16
		FramesDropped  uint16
		HostCRCErrors  uint16
		Mode, Outputs  uint8
		Supply         uint16 // mV
	}
	// Event is EVENT.
	Event struct {
		Time uint32
		Code uint8
		Line uint8 // FF none
		Arg  uint16
	}
	// Result is CMD_RESULT.
	Result struct{ Command, Seq, Status uint8 }
	// TxReport is TX_REPORT.
	TxReport struct {
		Tag, Result uint8
		Time        uint32
		Tries       uint8
	}
	// Log is LOG.
	Log struct {
		Level uint8
		Text  string
	}
	// Pong is PONG.
	Pong struct{ Cookie, Time uint32 }
)

// Reasons of Resumed.
const (
	ResumedExact   uint8 = iota // nothing was lost
	ResumedBoot                 // the module was restarted meanwhile
	ResumedOverrun              // the ring did not hold what was asked for
	ResumedAhead                // the number asked for was not reached yet
	ResumedStart                // the host had no position: from the oldest word kept
)

// Results of TxReport.
const (
	TxAccepted uint8 = iota // the VMC ACKed it
	TxReset                 // the VMC reset the device before
	TxCleared               // REPLY_CLEAR or SET_MODE took it back
)

// MaxAddresses one SET_MODE of 1.1 may name.
const MaxAddresses = 4

// LostUnknown as Resumed.Lost says that nobody counted.
const LostUnknown = ^uint64(0)

// Messages of the host.
type (
	// HelloReq is HELLO_REQ: the version the host speaks.
	HelloReq struct{ Major, Minor uint8 }
	// SetMode is SET_MODE: 0 listen, 1 MDB peripheral at the addresses. 1.0 has
	// one address, also with mode 0 (where it means nothing); 1.1 up to
	// MaxAddresses.
	SetMode struct {
		Mode      uint8
		Addresses []uint8
	}
	// SetOutputs is SET_OUTPUTS.
	SetOutputs struct{ Mask, Value uint8 }
	// SafeOutputs is SAFE_OUTPUTS of 1.1: what the outputs become when no frame of
	// the host came for After tenths of a second.
	SafeOutputs struct {
		Value uint8
		After uint16
	}
	// Ping is PING.
	Ping struct{ Cookie uint32 }
	// ReplySet is REPLY_SET: a static answer to blocks that start with Key, whose
	// first byte names the address. The longest key that fits wins. An empty
	// Reply is silence, a single 00 is ACK (1.1).
	ReplySet struct{ Key, Reply []byte }
	// ReplyClear is REPLY_CLEAR: static answers and queue of one address (1.1),
	// of all where Address is 0.
	ReplyClear struct{ Address uint8 }
	// PollQueue is POLL_QUEUE: a one-shot answer to a POLL, said again until the
	// VMC has ACKed it. Address 0 is the first of SET_MODE; 1.1 names it.
	PollQueue struct {
		Tag     uint8
		Data    []byte
		Address uint8
	}
	// LineConfig is LINE_CONFIG: bit 0 of Flags inverts the input, bit 1 disables it.
	LineConfig struct {
		Line, Flags uint8
		Baud        uint32
	}
	// Resume is RESUME of 1.1: send words from Next of boot Boot on. Boot 0 asks
	// for everything kept.
	Resume struct{ Boot, Next uint64 }
	// Keep is KEEP of 1.1: words before Next are durable at the host.
	Keep struct{ Boot, Next uint64 }
	// Reboot is REBOOT: 0 application, 1 ROM USB boot.
	Reboot struct{ How uint8 }
	// FwBegin is FW_BEGIN.
	FwBegin struct {
		Size, CRC uint32
		Version   [3]byte
	}
	// FwData is FW_DATA, up to 200 bytes.
	FwData struct {
		Offset uint32
		Data   []byte
	}
	// FwCommit is FW_COMMIT.
	FwCommit struct{}
	// FwAbort is FW_ABORT.
	FwAbort struct{}
)

// Message is the body of a frame of either direction.
type Message interface {
	Type() uint8
	AppendBody(dst []byte) []byte
}

// UnknownTypeError is what Parse gives for a type it does not know; hosts
// ignore such frames, modules answer status 1.
type UnknownTypeError uint8

func (e UnknownTypeError) Error() string { return fmt.Sprintf("frame of unknown type %02X", uint8(e)) }

// LengthError is what Parse gives for a body of a length its type cannot have.
type LengthError struct {
	Type   uint8
	Length int
}

func (e LengthError) Error() string {
	return fmt.Sprintf("frame of type %02X with a body of %d bytes", e.Type, e.Length)
}

// MaxEntries of WORDS and of WORDS_AT.
const (
	MaxEntries   = (MaxBody - 4) / 4
	MaxEntriesAt = (MaxBody - 16) / 4
)

// AppendMessage appends a message as a frame. It fails only when the body is too long.
func AppendMessage(dst []byte, seq uint8, m Message) ([]byte, error) {
	var raw [MaxBody + 64]byte
	return AppendFrame(dst, m.Type(), seq, m.AppendBody(raw[:0]))
}

var le = binary.LittleEndian

func le16(dst []byte, v uint16) []byte { return le.AppendUint16(dst, v) }
func le32(dst []byte, v uint32) []byte { return le.AppendUint32(dst, v) }
func le64(dst []byte, v uint64) []byte { return le.AppendUint64(dst, v) }
