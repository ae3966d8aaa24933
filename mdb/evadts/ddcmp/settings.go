// Package ddcmp reads audit reports by DDCMP (evadts 5): 8N1, half duplex, over
// IrDA or the same jack as DEX. Reader is the master's side, Machine the
// slave's for the bench; both are pure (see line.Session).
//
// Only list 2 is ever read, the security read, which clears nothing. List 1
// clears the interval counters after FINISH and cannot be asked for here.
package ddcmp

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// securityList is the list a read clears nothing of (evadts 5.1).
const securityList = 2

// Timing of the line (evadts 5.1). The zero value of a field takes the default.
type Timing struct {
	Start time.Duration // wait for STACK; 250 ms
	ACK   time.Duration // wait for an ACK, once the frame has left; 170 ms
	Char  time.Duration // between characters; 65 ms on the wire, 100 ms here for buffering adapters
	Turn  time.Duration // before the master's answer; 40 ms
	Slave time.Duration // before the slave's; 4 ms
	Link  time.Duration // silence of a link; 5 s
	Read  time.Duration // the same while data are read; 15 s
}

// Default is the timing of the specification.
var Default = Timing{Start: 250 * time.Millisecond, ACK: 170 * time.Millisecond, Char: 100 * time.Millisecond,
	Turn: 40 * time.Millisecond, Slave: 4 * time.Millisecond, Link: 5 * time.Second, Read: 15 * time.Second}

func (t Timing) filled() Timing {
	for _, f := range []struct {
		of *time.Duration
		is time.Duration
	}{{&t.Start, Default.Start}, {&t.ACK, Default.ACK}, {&t.Char, Default.Char}, {&t.Turn, Default.Turn},
		{&t.Slave, Default.Slave}, {&t.Link, Default.Link}, {&t.Read, Default.Read}} {
		if *f.of == 0 {
			*f.of = f.is
		}
	}
	return t
}

// Stations (sadd, evadts 5.1).
const (
	StationAny       = 1 // point to point
	StationCoins     = 2
	StationCard      = 3
	StationBills     = 4
	StationAuditUnit = 5
	StationMachine   = 7
)

// bauds by code of START and STACK; code 0 keeps the present speed.
var bauds = [...]int{0, 1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200}

// Settings of a Reader. The zero value reads at 2400 baud.
type Settings struct {
	Baud     int       // at which the link starts; 2400
	Fastest  int       // wanted after START, the port has to be able to change; 0 keeps Baud
	Station  byte      // StationAny when 0
	Security [2]byte   // code and password of "who are you", as sent
	Password [2]byte   //
	User     [2]byte   //
	Engineer bool      // 0B maintenance instead of 0C route man
	Clock    time.Time // told to the machine in "who are you"; zeros when zero
	Timing   Timing
	Starts   int           // repetitions of START; 10
	Tries    int           // of any other message; 5
	Attempts int           // read-outs from the start; 3
	Pause    time.Duration // between them; 1 s
	Guard    time.Duration // the whole; 10 min

	MaxMessage int // bytes of one message; 1024
	MaxReport  int // bytes; 1 MiB
}

// ErrSettings is what NewReader and NewMachine give for values the line cannot carry.
var ErrSettings = errors.New("DDCMP settings")

func (s Settings) filled() (Settings, error) {
	if s.Baud == 0 {
		s.Baud = 2400
	}
	for _, b := range []int{s.Baud, s.Fastest} {
		if b != 0 && slices.Index(bauds[:], b) < 0 {
			return s, fmt.Errorf("%w: %d baud has no code", ErrSettings, b)
		}
	}
	if s.Station == 0 {
		s.Station = StationAny
	}
	s.Timing = s.Timing.filled()
	for _, f := range []struct {
		of *int
		is int
	}{{&s.Starts, 10}, {&s.Tries, 5}, {&s.Attempts, 3}, {&s.MaxMessage, 1024}, {&s.MaxReport, 1 << 20}} {
		if *f.of <= 0 {
			*f.of = f.is
		}
	}
	if s.Pause <= 0 {
		s.Pause = time.Second
	}
	if s.Guard <= 0 {
		s.Guard = 10 * time.Minute
	}
	return s, nil
}

func speedCode(baud int) byte {
	return byte(max(0, slices.Index(bauds[:], baud)))
}

// baudOf is the speed of a code, 0 for "unchanged" and codes nobody knows.
func baudOf(code byte) int {
	if int(code) < len(bauds) {
		return bauds[code]
	}
	return 0
}
