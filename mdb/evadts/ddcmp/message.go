package ddcmp

import (
	"time"

	"github.com/chekomat/chekomat/mdb/evadts/line"
)

// Messages begin with one of these (evadts 5.1).
const (
	command byte = 0x77
	answer  byte = 0x88
	block   byte = 0x99

	whoAreYou byte = 0xE0
	read      byte = 0xE2
	finish    byte = 0xFF
)

func (r *Reader) whoAreYou() []byte {
	b := []byte{command, whoAreYou, 0}
	b = append(append(b, r.set.Security[:]...), r.set.Password[:]...)
	if c := r.set.Clock; c.IsZero() {
		b = append(b, 0, 0, 0, 0, 0, 0)
	} else {
		b = append(b, bcd(c.Day()), bcd(int(c.Month())), bcd(c.Year()%100), bcd(c.Hour()), bcd(c.Minute()), bcd(c.Second()))
	}
	level := byte(0x0C)
	if r.set.Engineer {
		level = 0x0B
	}
	return append(append(b, r.set.User[:]...), level)
}

func bcd(n int) byte { return byte(n/10<<4 | n%10) }

// message is new data from the machine, already acknowledged.
func (r *Reader) message(now time.Duration, f frame) {
	r.link.acknowledged() // an answer proves that the question came
	d := f.data
	switch {
	case r.phase == who && begins(d, answer, whoAreYou):
		if len(d) < 3 || d[2] != 1 {
			r.refused("who are you")
			return
		}
		r.phase = asking
		r.ask(now, []byte{command, read, 0, securityList, 1, 0, 0, 0xFF, 0xFF}, r.set.Timing.Read)
	case r.phase == asking && begins(d, answer, read):
		if len(d) < 3 || d[2] != 1 {
			r.refused("read list 2")
			return
		}
		r.phase, r.list = reading, securityList
		if len(d) >= 4 {
			r.list = d[3]
		}
		if len(d) >= 9 && (d[7] != 0xFF || d[8] != 0xFF) {
			r.length = int(d[7]) | int(d[8])<<8
		}
		r.answerT.Set(now + r.set.Timing.Read)
	case r.phase == reading && begins(d, block, r.blocks):
		r.blocks++
		r.data(now, f)
	default:
		r.again(now, line.ErrProtocol)
	}
}

func begins(d []byte, a, b byte) bool { return len(d) >= 2 && d[0] == a && d[1] == b }

func (r *Reader) data(now time.Duration, f frame) {
	if len(r.text)+len(f.data)-2 > r.set.MaxReport {
		r.again(now, line.ErrTooLong)
		return
	}
	r.text = append(r.text, f.data[2:]...)
	r.answerT.Set(now + r.set.Timing.Read)
	if !f.last && (r.length < 0 || len(r.text) < r.length) {
		return
	}
	r.phase = finishing
	r.answerT.Stop()
	if r.list != securityList {
		// FINISH would clear its interval counters: the link dies of silence.
		r.end(nil)
		return
	}
	r.link.say(now, []byte{command, finish}, false)
}
