// Package board is an interface module on the bench's table: the firmware that
// is flashed, run by the emulator of firmware/emulator, with the lines of a bus
// drawn on its pins and an agent at the other end of its link.
//
// Bus time is the emulator's: µs since power came, as fast as this computer
// goes. Nothing of the bus depends on the clock of the wall or on chance beside
// the seed; only when the agent's bytes arrive does.
package board

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"path/filepath"
	"sync"
)

// Links of the module.
const (
	UART = "uart"
	USB  = "usb"
)

// Boot is what the board is switched on with.
type Boot struct {
	Image     string `json:"image"` // chekomat.bin
	USB       bool   `json:"usb,omitempty"`
	Seed      uint32 `json:"seed,omitempty"` // of the chip's random bits
	ID        string `json:"id,omitempty"`   // 16 hex digits of the flash's unique id
	Interlock bool   `json:"interlock,omitempty"`
}

// Said is a word the module put on the peripherals' line.
type Said struct {
	T    float64 `json:"t"` // start bit, µs
	V    uint16  `json:"v"`
	Stop int     `json:"stop"`
}

// ToHost is what the module sent to its host.
type ToHost struct {
	T    float64 `json:"t"` // of the last byte, µs
	Link string  `json:"link"`
	Hex  string  `json:"hex"`
}

// Bytes of a ToHost.
func (h ToHost) Bytes() []byte {
	b, err := hex.DecodeString(h.Hex)
	if err != nil {
		panic(fmt.Sprintf("the emulator wrote no hexadecimal: %q", h.Hex))
	}
	return b
}

// Ran is what a stretch of bus time brought.
type Ran struct {
	T       float64  `json:"t"`
	Said    []Said   `json:"said"`
	Host    []ToHost `json:"host"`
	Resets  int      `json:"resets"`
	USBBoot bool     `json:"usb_boot"`
	Woken   string   `json:"woken"` // "answer", "host", "" when the time is over
}

// State is what the harness knows of the chip besides.
type State struct {
	T            float64 `json:"t"`
	Instructions uint64  `json:"instructions"`
	USBBoot      bool    `json:"usb_boot"`
	Outputs      []int   `json:"outputs"`
	Slots        []string
	Resets       []struct {
		T      float64 `json:"t"`
		Reason int     `json:"reason"`
	} `json:"resets"`
}

// Edge of a line: its level from T (µs) on; 1 is idle.
type Edge struct {
	T     float64
	Level int
}

// MarshalJSON writes an edge as the harness reads it.
func (e Edge) MarshalJSON() ([]byte, error) { return fmt.Appendf(nil, "[%.3f,%d]", e.T, e.Level), nil }

// Harness is a chip in the emulator. Its methods may be called from several
// goroutines; commands are carried out one after the other.
type Harness struct {
	Modelled []string // what is the harness's own work rather than the emulator's

	mu   sync.Mutex
	on   *process
	dead error
}

// Start runs the harness of the firmware folder and switches the board on.
func Start(folder string, b Boot) (*Harness, error) {
	p, err := engage(filepath.Join(folder, "emulator"))
	if err != nil {
		return nil, err
	}
	h := &Harness{on: p}
	var on struct {
		Modelled []string `json:"modelled"`
	}
	if err := h.do("boot", b, &on); err != nil {
		h.Close()
		return nil, err
	}
	h.Modelled = on.Modelled
	return h, nil
}

// do sends a command and reads its answer.
func (h *Harness) do(cmd string, args, answer any) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.dead != nil {
		return h.dead
	}
	line, err := h.on.ask(cmd, args)
	if err != nil {
		h.dead = err
		return err
	}
	var said struct {
		OK    bool   `json:"ok"`
		Error string `json:"error"`
	}
	if err := json.Unmarshal(line, &said); err != nil {
		return fmt.Errorf("firmware emulator: answer to %s: %w", cmd, err)
	}
	if !said.OK {
		return fmt.Errorf("firmware emulator: %s: %s", cmd, said.Error)
	}
	if answer == nil {
		return nil
	}
	if err := json.Unmarshal(line, answer); err != nil {
		return fmt.Errorf("firmware emulator: answer to %s: %w", cmd, err)
	}
	return nil
}

type none struct{}

// Wave draws edges of a line, in order of time and not before what was drawn.
func (h *Harness) Wave(line int, edges []Edge) error {
	return h.do("wave", struct {
		Line  int    `json:"line"`
		Edges []Edge `json:"edges"`
	}{line, edges}, nil)
}

// Send gives the module bytes of its host.
func (h *Harness) Send(link string, b []byte) error {
	return h.do("send", struct {
		Link string `json:"link"`
		Hex  string `json:"hex"`
	}{link, hex.EncodeToString(b)}, nil)
}

// Run lets time pass until t, µs, or until something of wake is there.
func (h *Harness) Run(until float64, wake ...string) (r Ran, err error) {
	err = h.do("run", struct {
		Until float64  `json:"until"`
		Wake  []string `json:"wake,omitempty"`
	}{until, wake}, &r)
	return r, err
}

// DTR raises or drops the line that says whether a program has the USB port open.
func (h *Harness) DTR(on bool) error {
	return h.do("set", struct {
		DTR bool `json:"dtr"`
	}{on}, nil)
}

// Supply is what the module measures of the bus supply, mV.
func (h *Harness) Supply(mv int) error {
	return h.do("set", struct {
		Supply int `json:"supply"`
	}{mv}, nil)
}

// Interlock sets or takes away the jumper that keeps the transmitter off.
func (h *Harness) Interlock(set bool) error {
	return h.do("set", struct {
		Interlock bool `json:"interlock"`
	}{set}, nil)
}

// Power takes the supply away and brings it back; what was flashed stays.
func (h *Harness) Power() error { return h.do("power", none{}, nil) }

// Hang has the processor run in a circle until the watchdog strikes.
func (h *Harness) Hang() error {
	return h.do("fault", struct {
		Hang bool `json:"hang"`
	}{true}, nil)
}

// State asks for what a module would not tell.
func (h *Harness) State() (s State, err error) {
	err = h.do("state", none{}, &s)
	return s, err
}

// Close switches off. A command that is being carried out ends with its process.
func (h *Harness) Close() {
	if !h.mu.TryLock() {
		h.on.kill()
		h.mu.Lock()
	}
	defer h.mu.Unlock()
	if h.dead == nil {
		h.dead = errClosed
		h.on.release()
	}
}

// FlipFlash flips bits of a byte of flash.
func (h *Harness) FlipFlash(at int, bits byte) error {
	type flash struct {
		At  int  `json:"at"`
		Xor byte `json:"xor"`
	}
	return h.do("fault", struct {
		Flash flash `json:"flash"`
	}{flash{at, bits}}, nil)
}
