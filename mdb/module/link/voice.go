package link

import (
	"bytes"
	"slices"

	"github.com/chekomat/chekomat/mdb"
)

// Room for what the host has the module say.
const (
	maxReplies = 64
	maxQueue   = 32 // entries an address
)

// voice is the part of a module that speaks on MDB by itself: acknowledgements,
// JUST RESET, static answers and a queue for POLL (docs/link.md, "Speaking").
// It decides nothing; what it says was told by the host beforehand.
type voice struct {
	played  []played
	replies []ReplySet
}

// played is one address.
type played struct {
	addr  byte
	reset bool // JUST RESET is to be said
	queue []queued
	open  []byte // static data answer the VMC has not accepted yet
	last  []byte // what was said last, for RET
	said  said
}

type queued struct {
	PollQueue
	tries uint8
}

// said is what an ACK of the VMC would accept.
type said uint8

const (
	saidNothing said = iota
	saidReset
	saidReply
	saidQueued
)

var ack = []byte{0}

func (v *voice) mode() uint8 {
	if len(v.played) > 0 {
		return 1
	}
	return 0
}

func (v *voice) at(addr byte) *played {
	for i := range v.played {
		if v.played[i].addr == addr {
			return &v.played[i]
		}
	}
	return nil
}

// setMode plays the addresses and gives reports of what was dropped.
func (v *voice) setMode(m SetMode) (status uint8, dropped []queued) {
	if m.Mode == 0 {
		m.Addresses = nil
	} else if m.Mode != 1 || len(m.Addresses) == 0 || len(m.Addresses) > MaxAddresses {
		return StatusValue, nil
	}
	for i, a := range m.Addresses {
		if a&7 != 0 || a == 0 || slices.Contains(m.Addresses[:i], a) {
			return StatusValue, nil
		}
	}
	var next []played
	for _, a := range m.Addresses {
		if p := v.at(a); p != nil {
			next = append(next, *p)
		} else {
			next = append(next, played{addr: a, reset: true})
		}
	}
	for _, p := range v.played {
		if !slices.Contains(m.Addresses, p.addr) {
			dropped = append(dropped, p.queue...)
		}
	}
	v.played = next
	return StatusOK, dropped
}

func (v *voice) setReply(m ReplySet) uint8 {
	if len(m.Key) == 0 || len(m.Key) >= mdb.MaxBlock || len(m.Reply) >= mdb.MaxBlock {
		return StatusValue
	}
	for i := range v.replies {
		if bytes.Equal(v.replies[i].Key, m.Key) {
			v.replies[i] = m
			return StatusOK
		}
	}
	if len(v.replies) == maxReplies {
		return StatusBusy
	}
	v.replies = append(v.replies, m)
	return StatusOK
}

func (v *voice) clear(m ReplyClear) (status uint8, dropped []queued) {
	v.replies = slices.DeleteFunc(v.replies, func(r ReplySet) bool { return m.Address == 0 || r.Key[0]&0xF8 == m.Address })
	for i := range v.played {
		p := &v.played[i]
		if m.Address == 0 || p.addr == m.Address {
			dropped = append(dropped, p.queue...)
			p.queue, p.open, p.said = nil, nil, saidNothing
		}
	}
	return StatusOK, dropped
}

func (v *voice) enqueue(m PollQueue) uint8 {
	if len(v.played) == 0 {
		return StatusMode
	}
	p := &v.played[0]
	if m.Address != 0 {
		if p = v.at(m.Address); p == nil {
			return StatusMode
		}
	}
	switch {
	case len(m.Data) == 0 || len(m.Data) >= mdb.MaxBlock:
		return StatusValue
	case len(p.queue) == maxQueue:
		return StatusBusy
	}
	p.queue = append(p.queue, queued{PollQueue: m})
	return StatusOK
}

// ask gives the whole answer to a block of the VMC: one byte, or data with its
// checksum; nil is silence. dropped is what a RESET took from the queue.
func (v *voice) ask(block []byte) (answer []byte, dropped []queued) {
	n := len(block) - 1
	if n < 1 || n >= mdb.MaxBlock || mdb.Checksum(block[:n]) != block[n] {
		return nil, nil
	}
	p := v.at(block[0] & 0xF8)
	if p == nil {
		return nil, nil
	}
	payload := block[:n]
	p.said = saidNothing
	switch d := mdb.DeviceOf(block[0]); {
	case block[0]&7 == 0 && n == 1:
		dropped, p.queue = p.queue, nil
		p.reset, p.open = true, nil
		return p.say(nil), dropped
	case block[0] == mdb.PollCommand(d) && n == 1:
		switch {
		case p.reset:
			p.said = saidReset
			return p.say([]byte{0}), nil
		case p.open != nil:
			p.said = saidReply
			return p.say(p.open), nil
		case len(p.queue) > 0:
			q := &p.queue[0]
			q.tries = min(q.tries+1, 255)
			p.said = saidQueued
			return p.say(q.Data), nil
		}
		return p.say(nil), nil
	}
	reply, found := v.reply(payload)
	switch {
	case !found || bytes.Equal(reply, ack):
		return p.say(nil), nil
	case len(reply) == 0:
		return nil, nil
	}
	p.open, p.said = reply, saidReply
	return p.say(reply), nil
}

// busReset is a break: every peripheral resets.
func (v *voice) busReset() (dropped []queued) {
	for i := range v.played {
		p := &v.played[i]
		dropped = append(dropped, p.queue...)
		p.reset, p.queue, p.open, p.said = true, nil, nil, saidNothing
	}
	return dropped
}

// reply finds the static answer with the longest key.
func (v *voice) reply(payload []byte) (reply []byte, found bool) {
	longest := 0
	for _, r := range v.replies {
		if len(r.Key) > longest && bytes.HasPrefix(payload, r.Key) {
			reply, longest, found = r.Reply, len(r.Key), true
		}
	}
	return reply, found
}

// say makes the block: nil is ACK.
func (p *played) say(data []byte) []byte {
	if data == nil {
		p.last = ack
	} else {
		p.last = mdb.Seal(append(make([]byte, 0, len(data)+1), data...))
	}
	return p.last
}

// hear takes the VMC's ACK, NAK or RET to what was said at addr: again is what
// is to be said once more, accepted the queue entry that went through.
func (v *voice) hear(addr byte, k mdb.Kind) (again []byte, accepted *queued) {
	p := v.at(addr & 0xF8)
	if p == nil {
		return nil, nil
	}
	switch k {
	case mdb.RET:
		return p.last, nil
	case mdb.ACK:
		switch p.said {
		case saidReset:
			p.reset = false
		case saidReply:
			p.open = nil
		case saidQueued:
			q := p.queue[0]
			p.queue = p.queue[1:]
			accepted = &q
		}
		p.said = saidNothing
	}
	return nil, accepted
}
