package pirit

import (
	"fmt"
	"strconv"
	"time"
)

// status is the answer of 00h.
type status struct {
	Fatal, Flags uint64
	Document     byte // low nibble: type, high nibble: state
}

func (s status) state() byte { return s.Document >> 4 }

func short(c Code, f []string) error {
	return fmt.Errorf("%w: answer of %d fields to %s", ErrFrame, len(f), c)
}

func number(c Code, s string, bits int) (uint64, error) {
	if s == "" {
		return 0, nil // an empty field stands for zero
	}
	v, err := strconv.ParseUint(s, 10, bits)
	if err != nil {
		return 0, fmt.Errorf("%w: %q in the answer to %s is no number", ErrFrame, clip(s), c)
	}
	return v, nil
}

func clip(s string) string { return s[:min(len(s), 40)] }

// numbers reads the fields from the first on as numbers of at most 32 bits.
func numbers(c Code, f []string, n int) ([]uint64, error) {
	if len(f) < n {
		return nil, short(c, f)
	}
	out := make([]uint64, n)
	for i := range out {
		v, err := number(c, f[i], 32)
		if err != nil {
			return nil, err
		}
		out[i] = v
	}
	return out, nil
}

func parseStatus(f []string) (s status, err error) {
	n, err := numbers(cmdStatus, f, 3)
	if err != nil {
		return s, err
	}
	if n[2] > 0xff {
		return s, fmt.Errorf("%w: document status %d", ErrFrame, n[2])
	}
	return status{Fatal: n[0], Flags: n[1], Document: byte(n[2])}, nil
}

// shiftState is the answer of 78/6 without the request's number.
type shiftState struct {
	Number, Receipts uint32
	Open             bool
}

func parseShift(f []string) (s shiftState, err error) {
	n, err := numbers(cmdFN, f, 3)
	if err != nil {
		return s, err
	}
	return shiftState{uint32(n[0]), uint32(n[2]), n[1] == 1}, nil
}

// fnStatus is the answer of 78/2.
type fnStatus struct {
	Phase    byte
	Document byte
	Warnings byte
}

func parseFNStatus(f []string) (s fnStatus, err error) {
	n, err := numbers(cmdFN, f, 3)
	if err != nil {
		return s, err
	}
	return fnStatus{byte(n[0] & 0x0f), byte(n[1]), byte(n[2])}, nil
}

func parseUint32(f []string) (uint32, error) {
	n, err := numbers(cmdFN, f, 1)
	if err != nil {
		return 0, err
	}
	return uint32(n[0]), nil
}

// closed is the full answer of 31h. The form of its date and time is not
// stated; where it is not understood At is zero. The ФН keeps minutes.
type closed struct {
	FD, FP, Shift, Number uint32
	At                    time.Time
}

func parseClosed(f []string) (c closed, err error) {
	if len(f) < 9 {
		return c, short(cmdClose, f)
	}
	n, err := numbers(cmdClose, f[3:7], 4)
	if err != nil {
		return c, err
	}
	c = closed{FD: uint32(n[0]), FP: uint32(n[1]), Shift: uint32(n[2]), Number: uint32(n[3])}
	if c.FD == 0 {
		return c, fmt.Errorf("%w: 31 answers no ФД", ErrFrame)
	}
	if at, err := parseClock(f[7], f[8]); err == nil {
		c.At = at.Truncate(time.Minute)
	}
	return c, nil
}

// parseClock reads ddmmyy and hhmmss or hhmm: the digits in time.UTC.
func parseClock(date, clock string) (time.Time, error) {
	layout := "020106150405"
	if len(clock) == 4 {
		layout = "0201061504"
	}
	if len(date)+len(clock) != len(layout) {
		return time.Time{}, fmt.Errorf("%w: date %q, time %q", ErrFrame, clip(date), clip(clock))
	}
	t, err := time.Parse(layout, date+clock)
	if err != nil {
		return time.Time{}, fmt.Errorf("%w: date %q, time %q", ErrFrame, clip(date), clip(clock))
	}
	return t, nil
}

func clockFields(t time.Time) []string { return []string{t.Format("020106"), t.Format("150405")} }

// selected is the answer of 78/15.
type selected struct {
	Type uint16
	Size int
}

func parseSelected(f []string) (s selected, err error) {
	n, err := numbers(cmdFN, f, 2)
	if err != nil {
		return s, err
	}
	if n[0] == 0 || n[0] > 0xffff || n[1] == 0 || n[1] > maxDocument {
		return s, fmt.Errorf("%w: document of type %d and %d bytes", ErrFrame, n[0], n[1])
	}
	return selected{uint16(n[0]), int(n[1])}, nil
}

// exchange is the answer of 78/7.
type exchange struct {
	Unsent, FirstFD uint32
	FirstAt         time.Time
}

func parseExchange(f []string) (x exchange, err error) {
	n, err := numbers(cmdFN, f, 3)
	if err != nil {
		return x, err
	}
	x = exchange{Unsent: uint32(n[1]), FirstFD: uint32(n[2])}
	if x.Unsent > 0 && len(f) >= 5 {
		x.FirstAt, err = parseClock(f[3], f[4])
	}
	return x, err
}
