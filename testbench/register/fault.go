package register

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Kind names a fault. One vocabulary serves flags, scripts and the control API.
type Kind string

// Faults of the link and of power: they change what happens to one command.
const (
	LostRequest    Kind = "lost_request"    // the frame never arrived: silence
	DamagedRequest Kind = "damaged_request" // the frame arrived damaged: NAK
	LostAck        Kind = "lost_ack"        // executed, the ACK is lost, the answer waits for ENQ
	LostAnswer     Kind = "lost_answer"     // executed, the answer is gone for good
	LateExecution  Kind = "late_execution"  // the connection is cut, the command runs Delay later
	Cut            Kind = "cut"             // connection cut before or after execution, or after Byte bytes of the answer
	DamagedAnswer  Kind = "damaged_answer"  // the answer arrives once with a wrong checksum
	DelayedAnswer  Kind = "delayed_answer"  // the answer comes Delay later; when=before delays the execution too
	PowerLoss      Kind = "power_loss"      // power fails before or after the commit and returns after Delay
	Off            Kind = "off"             // switched off: connections are reset for Delay, or until repair
	ErrorCode      Kind = "error"           // answers Code (2Fh by default) instead of executing, or after it
)

// Faults of the device's state: they happen before or after one command, or at
// once when posted without a command.
const (
	Busy            Kind = "busy"             // prints for Delay: submode 5, 50h to printing commands
	FNFull          Kind = "fn_full"          // no room for documents: 14h
	FNLifeOver      Kind = "fn_life_over"     // the keys of the ФН have expired: 12h
	ShiftExpired    Kind = "shift_expired"    // the clock jumps past 24 h of the open shift
	FNReplaced      Kind = "fn_replaced"      // another ФН, numbering starts again
	PaperOut        Kind = "paper_out"        // paper ends, while printing with when=after
	PaperIn         Kind = "paper_in"         // paper is loaded
	ForeignDocument Kind = "foreign_document" // another host makes a receipt as soon as the register is free
	ForeignOpen     Kind = "foreign_open"     // another operator holds a receipt open for Delay: 59h
	AutoShift       Kind = "auto_shift"       // the register closes and opens the shift by itself when free
	OFDOff          Kind = "ofd_off"          // the ОФД does not answer any more
	Repair          Kind = "repair"           // undoes off, busy, fn_full, fn_life_over, paper_out, ofd_off
)

var linkFaults = []Kind{LostRequest, DamagedRequest, LostAck, LostAnswer, LateExecution, Cut, DamagedAnswer, DelayedAnswer, PowerLoss, Off, ErrorCode}

var stateFaults = []Kind{Busy, FNFull, FNLifeOver, ShiftExpired, FNReplaced, PaperOut, PaperIn, ForeignDocument, ForeignOpen, AutoShift, OFDOff, Repair}

// Kinds lists the vocabulary.
func Kinds() []Kind { return append(slices.Clone(linkFaults), stateFaults...) }

// When of a fault: on which side of the command's execution it strikes.
const (
	Before = "before"
	After  = "after"
)

// Fault is one fault to inject.
//
//	lost_answer:0.01                 every command, with probability 0.01
//	late_execution:0.005@FF45        FF45h only
//	cut@FF45#2,byte=7                the second FF45h, after 7 bytes of the answer
//	power_loss@FF45,when=before      the next FF45h, before the ФН's commit
//	error@FF01,code=2F,times=3       the next three FF01h
type Fault struct {
	Kind    Kind    `json:"kind"`
	Command string  `json:"command,omitempty"` // hexadecimal code, "" any
	Nth     int     `json:"nth,omitempty"`     // strikes the nth matching command from now
	Rate    float64 `json:"rate,omitempty"`    // strikes each matching command with this probability
	Times   int     `json:"times,omitempty"`   // strikes at most so often; by default once without a rate, always with one
	When    string  `json:"when,omitempty"`    // before or after execution; cut and power_loss strike after by default, the others before
	Delay   Delay   `json:"delay,omitempty"`   // see the kinds; 1 s by default
	Byte    int     `json:"byte,omitempty"`    // of cut: bytes of the answer that still arrive
	Code    byte    `json:"code,omitempty"`    // of error
	// Drop forgets the answer that a cut or a late execution would keep for
	// the next connection.
	Drop bool `json:"drop,omitempty"`
}

// Delay is a duration that JSON writes as "1.5s".
type Delay time.Duration

// MarshalText writes a Go duration.
func (d Delay) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText reads a Go duration.
func (d *Delay) UnmarshalText(b []byte) error {
	v, err := time.ParseDuration(string(b))
	*d = Delay(v)
	return err
}

func (f Fault) delay() time.Duration {
	if f.Delay <= 0 {
		return time.Second
	}
	return time.Duration(f.Delay)
}

func (f Fault) link() bool { return slices.Contains(linkFaults, f.Kind) }

// immediate says that the fault waits for no command.
func (f Fault) immediate() bool {
	return (!f.link() || f.Kind == Off) && f.Command == "" && f.Rate == 0 && f.Nth == 0
}

// Check refuses what makes no sense.
func (f Fault) Check() error {
	if !slices.Contains(Kinds(), f.Kind) {
		return fmt.Errorf("fault %q: unknown kind", f.Kind)
	}
	if f.Command != "" {
		code, err := strconv.ParseUint(f.Command, 16, 16)
		if _, ok := commands[uint16(code)]; err != nil || !ok {
			return fmt.Errorf("fault %s: no command %q", f.Kind, f.Command)
		}
	}
	if f.Rate < 0 || f.Rate > 1 || f.Nth < 0 || f.Times < 0 || f.Byte < 0 || f.When != "" && f.When != Before && f.When != After {
		return fmt.Errorf("fault %s: rate 0..1, nth, times and byte from 0, when before or after wanted", f.Kind)
	}
	return nil
}

// ParseFault reads the textual form shown at Fault.
func ParseFault(s string) (Fault, error) {
	bad := func(what string) (Fault, error) { return Fault{}, fmt.Errorf("fault %q: bad %s", s, what) }
	head, options, _ := strings.Cut(s, ",")
	head, command, at := strings.Cut(head, "@")
	kind, rate, rated := strings.Cut(head, ":")
	f := Fault{Kind: Kind(kind)}
	var err error
	if rated {
		if f.Rate, err = strconv.ParseFloat(rate, 64); err != nil {
			return bad("rate")
		}
	}
	if at {
		code, nth, counted := strings.Cut(command, "#")
		f.Command = code
		if counted {
			if f.Nth, err = strconv.Atoi(nth); err != nil {
				return bad("number after #")
			}
		}
	}
	for _, option := range strings.Split(options, ",") {
		if option == "" {
			continue
		}
		name, value, _ := strings.Cut(option, "=")
		switch name {
		case "when":
			f.When = value
		case "delay":
			err = f.Delay.UnmarshalText([]byte(value))
		case "byte":
			f.Byte, err = strconv.Atoi(value)
		case "times":
			f.Times, err = strconv.Atoi(value)
		case "code":
			var code uint64
			code, err = strconv.ParseUint(value, 16, 8)
			f.Code = byte(code)
		case "drop":
			f.Drop = true
		default:
			return bad("option " + option)
		}
		if err != nil {
			return bad("option " + option)
		}
	}
	return f, f.Check()
}

// String writes the JSON form.
func (f Fault) String() string {
	b, err := json.Marshal(f)
	if err != nil {
		return string(f.Kind)
	}
	return string(b)
}

// armed are the faults that wait for their command.
type armed struct {
	mu     sync.Mutex
	rnd    *rand.Rand
	list   []*waiting
	struck map[Kind]int
}

type waiting struct {
	Fault
	code uint16
	hits int
}

func (a *armed) add(f Fault) {
	a.mu.Lock()
	defer a.mu.Unlock()
	w := &waiting{Fault: f}
	if f.Command != "" {
		code, _ := strconv.ParseUint(f.Command, 16, 16)
		w.code = uint16(code)
	}
	if w.Times == 0 && f.Rate == 0 {
		w.Times = 1
	}
	a.list = append(a.list, w)
}

func (a *armed) clear() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.list = nil
}

func (a *armed) all() []Fault {
	a.mu.Lock()
	defer a.mu.Unlock()
	out := []Fault{}
	for _, w := range a.list {
		out = append(out, w.Fault)
	}
	return out
}

func (a *armed) counts() map[Kind]int {
	a.mu.Lock()
	defer a.mu.Unlock()
	out := map[Kind]int{}
	for k, n := range a.struck {
		out[k] = n
	}
	return out
}

// match counts the command for every armed fault and returns the first that
// strikes.
func (a *armed) match(code uint16) (struck Fault, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for i := 0; i < len(a.list); i++ {
		w := a.list[i]
		if w.code != 0 && w.code != code {
			continue
		}
		w.hits++
		if ok || w.Nth > 0 && w.hits < w.Nth || w.Rate > 0 && a.rnd.Float64() >= w.Rate {
			continue
		}
		struck, ok = w.Fault, true
		a.struck[w.Kind]++
		if w.Times > 0 {
			if w.Times--; w.Times == 0 {
				a.list = slices.Delete(a.list, i, i+1)
				i--
			}
		}
	}
	return struck, ok
}
