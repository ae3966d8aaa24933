// Package dex reads audit reports by DEX/UCS (evadts 4), the line of the
// quarter-inch jack: 9600 baud, 8N1, half duplex. Reader is the data carrier's
// side, Machine the other one for the bench; both are pure (see line.Session).
//
// The line has to be released electrically after a read-out: a modem that
// stays connected blocks the route man's hand-held (evadts 4.1).
package dex

import (
	"errors"
	"fmt"
	"time"
)

// Timing of the line (evadts 4.3). The zero value of a field takes the default.
type Timing struct {
	Turn     time.Duration // before any answer; at least 10 ms
	Answer   time.Duration // timer A, wait for an ACK; 1 s, 4 s for CoinCo changers
	Char     time.Duration // timer B, between characters; 100 ms on the wire, 250 ms here for buffering adapters
	Idle     time.Duration // timer D, nothing inside an exchange; 2.2 s
	Exchange time.Duration // at least this between exchanges; 100 ms
	Bid      time.Duration // wait for the machine's ENQ of the next exchange; 10 s
	WACK     time.Duration // pause after WACK; 300 ms (100 to 500)
}

// Default is the timing of the specification.
var Default = Timing{
	Turn: 10 * time.Millisecond, Answer: time.Second, Char: 250 * time.Millisecond, Idle: 2200 * time.Millisecond,
	Exchange: 100 * time.Millisecond, Bid: 10 * time.Second, WACK: 300 * time.Millisecond,
}

// Patient is for CoinCo changers, which pause for seconds (evadts 4.3).
var Patient = Timing{
	Turn: 10 * time.Millisecond, Answer: 4 * time.Second, Char: time.Second, Idle: 5 * time.Second,
	Exchange: 100 * time.Millisecond, Bid: 15 * time.Second, WACK: 300 * time.Millisecond,
}

func (t Timing) filled() Timing {
	for _, f := range []struct {
		of *time.Duration
		is time.Duration
	}{{&t.Turn, Default.Turn}, {&t.Answer, Default.Answer}, {&t.Char, Default.Char}, {&t.Idle, Default.Idle},
		{&t.Exchange, Default.Exchange}, {&t.Bid, Default.Bid}, {&t.WACK, Default.WACK}} {
		if *f.of == 0 {
			*f.of = f.is
		}
	}
	return t
}

// Intervals says how a read-out keeps the machine's interval counters, which
// belong to the operator's hand-held. By default a machine is in mode AUTO:
// every successful read clears them (evadts 4.4, Spec 2.6.1).
type Intervals uint8

const (
	// Withhold never acknowledges the last block: its CRC has proved it, and
	// the machine sees no successful read, so nothing is cleared. ACKs carry
	// no check, so a line that turns one ACK into the other can still end it.
	Withhold Intervals = iota
	// Save sends SD1*****SAVE before reading, which machines need not know.
	// One that takes it is read to the end; any other as by Withhold.
	Save
	// Agreed reads to the end. A machine in mode AUTO then clears its
	// interval counters: only where the operator has agreed.
	Agreed
)

// Settings of a Reader. The zero value reads with the specification's values.
type Settings struct {
	CommID    string // ten characters: manufacturer (3) + 7, or UCC code (6) + 4; "CHK0000001" when empty
	Level     string // "R00L06", or "R01L01" for old machines; "R00L06" when empty
	Intervals Intervals
	Timing    Timing
	Tries     int           // repetitions of one block or ENQ; 5
	Attempts  int           // read-outs from the start; 10 (evadts 4.3)
	Pause     time.Duration // between attempts, longer than the machine's timer D; 3 s
	Guard     time.Duration // the whole, all attempts; 5 min
	MaxReport int           // bytes; 1 MiB
}

// ErrSettings is what NewReader and NewMachine give for values the line cannot carry.
var ErrSettings = errors.New("DEX settings")

const idLength, levelLength = 10, 6

func (s Settings) filled() (Settings, error) {
	if s.CommID == "" {
		s.CommID = "CHK0000001"
	}
	if s.Level == "" {
		s.Level = "R00L06"
	}
	if err := checkNames(s.CommID, s.Level); err != nil {
		return s, err
	}
	s.Timing = s.Timing.filled()
	for _, f := range []struct {
		of *int
		is int
	}{{&s.Tries, 5}, {&s.Attempts, 10}, {&s.MaxReport, 1 << 20}} {
		if *f.of <= 0 {
			*f.of = f.is
		}
	}
	if s.Pause <= 0 {
		s.Pause = 3 * time.Second
	}
	if s.Guard <= 0 {
		s.Guard = 5 * time.Minute
	}
	return s, nil
}

func checkNames(id, level string) error {
	if len(id) != idLength || len(level) != levelLength || !printable(id) || !printable(level) {
		return fmt.Errorf("%w: communication id %q wants %d printable characters, level %q %d",
			ErrSettings, id, idLength, level, levelLength)
	}
	return nil
}

func printable(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}
