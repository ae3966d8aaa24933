package line

import (
	"fmt"
	"time"

	"go.bug.st/serial"
)

// Serial is a serial port of 8 data bits, no parity, 1 stop bit, as both
// protocols want it (evadts 4.1, 5.1). It can change its speed.
type Serial struct {
	serial.Port
	path string
}

// readTick bounds a Read that nothing comes to, so that Run can leave.
const readTick = 100 * time.Millisecond

// OpenSerial opens a serial port by its path: 9600 baud for DEX, the speed the
// link starts at for DDCMP.
func OpenSerial(path string, baud int) (*Serial, error) {
	p, err := serial.Open(path, mode(baud))
	if err != nil {
		return nil, fmt.Errorf("open audit port %s at %d baud: %w", path, baud, err)
	}
	if err := p.SetReadTimeout(readTick); err != nil {
		p.Close()
		return nil, fmt.Errorf("set the read time-out of audit port %s: %w", path, err)
	}
	return &Serial{Port: p, path: path}, nil
}

func mode(baud int) *serial.Mode {
	return &serial.Mode{BaudRate: baud, DataBits: 8, Parity: serial.NoParity, StopBits: serial.OneStopBit}
}

// SetSpeed implements Speeder: what was written leaves at the old speed.
func (s *Serial) SetSpeed(baud int) error {
	if err := s.Drain(); err != nil {
		return fmt.Errorf("audit port %s: wait for the bytes to leave: %w", s.path, err)
	}
	if err := s.SetMode(mode(baud)); err != nil {
		return fmt.Errorf("audit port %s: set %d baud: %w", s.path, baud, err)
	}
	return nil
}
