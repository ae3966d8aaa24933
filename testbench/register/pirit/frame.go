package pirit

import (
	"fmt"
	"strconv"
	"strings"
)

// Bytes of the link (kkt-others.md §2.1).
const (
	stx = 0x02
	etx = 0x03
	enq = 0x05
	ack = 0x06
	sep = 0x1C
)

// maxFrame is the size of the port's buffer; a longer frame overflows it.
const maxFrame = 2048

// password stands before the id of each command.
const passwordLen = 4

// errors of the link.
const (
	errOverflow = 0x04
	errByteGap  = 0x05
	errPassword = 0x06
	errChecksum = 0x07
)

// frame is a command as it came.
type frame struct {
	id     byte
	code   byte
	fields []string // CP866
	bad    byte     // error of the link, 0 when the frame is whole
}

func (f frame) field(i int) string {
	if i < len(f.fields) {
		return f.fields[i]
	}
	return ""
}

type event byte

const (
	evNone event = iota
	evENQ
	evFrame
)

// receiver takes the host's bytes one by one. After evFrame the frame is in f.
type receiver struct {
	password string
	buf      []byte // from STX on; empty between frames
	end      int    // index of ETX in buf, 0 before it
	f        frame
}

func (r *receiver) midFrame() bool { return len(r.buf) > 0 }

// timeout is silence over the byte gap inside a frame.
func (r *receiver) timeout() frame {
	f := r.bad(errByteGap)
	r.buf, r.end = r.buf[:0], 0
	return f
}

func (r *receiver) bad(code byte) frame {
	f := frame{id: 0x20, bad: code}
	if n := 1 + passwordLen; len(r.buf) > n && r.buf[n] >= 0x20 && r.buf[n] <= 0xF0 {
		f.id = r.buf[n]
		if len(r.buf) > n+2 {
			f.code, _ = parseHex(string(r.buf[n+1 : n+3]))
		}
	}
	return f
}

func (r *receiver) push(b byte) event {
	switch {
	case len(r.buf) == 0 && b == enq:
		return evENQ
	case len(r.buf) == 0 && b != stx: // LF feeds paper, the rest is noise
		return evNone
	}
	r.buf = append(r.buf, b)
	if r.end == 0 && b == etx {
		r.end = len(r.buf) - 1
	}
	switch {
	case len(r.buf) > maxFrame:
		r.f = r.bad(errOverflow)
	case r.end > 0 && len(r.buf) == r.end+3:
		r.f = r.parse()
	default:
		return evNone
	}
	r.buf, r.end = r.buf[:0], 0
	return evFrame
}

func (r *receiver) parse() frame {
	inner := r.buf[1 : r.end+1] // with ETX
	crc, ok := parseHex(string(r.buf[r.end+1:]))
	if !ok || crc != xor(inner) {
		return r.bad(errChecksum)
	}
	const head = passwordLen + 3
	if len(inner) <= head || inner[passwordLen] < 0x20 || inner[passwordLen] > 0xF0 {
		return r.bad(errChecksum)
	}
	code, ok := parseHex(string(inner[passwordLen+1 : head]))
	if !ok {
		return r.bad(errFormat)
	}
	if string(inner[:passwordLen]) != r.password {
		return r.bad(errPassword)
	}
	f := frame{id: inner[passwordLen], code: code}
	if data := string(inner[head : len(inner)-1]); data != "" {
		f.fields = strings.Split(data, string(rune(sep)))
	}
	return f
}

// parseHex reads two hexadecimal characters of either case.
func parseHex(s string) (byte, bool) {
	if len(s) != 2 || strings.ContainsAny(s, "+-_") {
		return 0, false
	}
	v, err := strconv.ParseUint(s, 16, 8)
	return byte(v), err == nil
}

func xor(b []byte) (x byte) {
	for _, c := range b {
		x ^= c
	}
	return x
}

// appendAnswer writes 02 id code error fields 03 crc. Each field is followed by
// a separator, as the captured answers show.
func appendAnswer(dst []byte, id, code, err byte, fields []string) []byte {
	at := len(dst) + 1
	dst = append(dst, stx, id)
	dst = fmt.Appendf(dst, "%02X%02X", code, err)
	for _, f := range fields {
		dst = append(append(dst, f...), sep)
	}
	dst = append(dst, etx)
	return fmt.Appendf(dst, "%02X", xor(dst[at:]))
}
