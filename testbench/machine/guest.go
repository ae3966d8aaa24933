package machine

import "github.com/chekomat/chekomat/mdb"

// Guest is what plays peripherals on the machine's bus from outside: an
// interface module with roles. It answers at once from what it knows; nil is
// silence.
type Guest interface {
	Ask(t int64, block []byte) []byte
	Hear(t int64, addr byte, k mdb.Kind) []byte
}

// Present is a guest that is on a bus of its own already: when it has answered,
// its words were on the wire, at times of its own, and Now says where bus time
// stands.
type Present interface {
	Guest
	Now() int64
}

// Addresses a guest may have.
const (
	reader2 = 0x60
	gateway = 0x18
)

// The gateway counts in steps of ten kopecks, so that sums up to 6553 roubles fit.
const reportScale = 10

// Times of the VMC with a guest, µs.
const (
	probeEvery = 10_000_000 // a missing peripheral is looked for at least every 10 s (mdb 2.4.3)
	answerWait = 5_000_000  // application maximum response time
	dataPause  = 50_000     // between two looks for data
	tolerated  = 5          // POLLs without an answer before a device is missing
)

// visitor is what the VMC knows of one address of the guest.
type visitor struct {
	addr     byte
	present  bool
	probeAt  int64
	silent   int
	announce bool  // reader: wants CASH SALE; gateway: verbose
	scale    int64 // reader: kopecks of one unit
}

// own puts an own block of the guest on the peripherals' line.
func (m *Machine) own(block []byte) {
	w := &m.w
	if p, ok := m.cfg.Guest.(Present); ok {
		w.pass(max(0, p.Now()-w.t))
		return
	}
	w.pass(w.between(200, 3500))
	for i, b := range block {
		v := uint16(b)
		if i == len(block)-1 {
			v |= mdb.Mode
		}
		w.emit(mdb.Word{T: w.t, V: v, Line: mdb.Slave, Flags: mdb.Own})
		w.pass(wordTime)
	}
}

// silence is the time a VMC waits for an answer that does not come.
func (m *Machine) silence(us int64) {
	if p, ok := m.cfg.Guest.(Present); ok {
		us = max(us, p.Now()-m.w.t)
	}
	m.w.pass(us)
}

// visit says a block to the guest and gives its data without checksum: nil is
// ACK; ok is false when it was silent. A rough VMC now and then loses an answer
// or has it repeated.
func (m *Machine) visit(block ...byte) (data []byte, ok bool) {
	m.w.command(block...)
	var sum byte
	for _, b := range block {
		sum += b
	}
	answer := m.cfg.Guest.Ask(m.w.t, append(block[:len(block):len(block)], sum))
	if answer == nil {
		m.silence(5000)
		return nil, false
	}
	m.own(answer)
	if len(answer) == 1 {
		return nil, answer[0] == 0
	}
	if m.cfg.Rough {
		switch m.w.rng.IntN(20) {
		case 0: // not heard: silence is NAK
			m.silence(6000)
			return nil, false
		case 1:
			m.w.pass(m.w.between(140, 460))
			m.w.word(mdb.Master, 0xAA)
			if answer = m.cfg.Guest.Hear(m.w.t, block[0], mdb.RET); answer == nil {
				return nil, false
			}
			m.own(answer)
		}
	}
	m.w.ack()
	m.cfg.Guest.Hear(m.w.t, block[0], mdb.ACK)
	return answer[:len(answer)-1], true
}

// obtain says a command until it is answered and waits for its data, at once or
// by POLL.
func (m *Machine) obtain(code byte, block ...byte) []byte {
	addr := block[0] & 0xF8
	for end := m.w.t + answerWait; m.w.t < end; {
		data, ok := m.visit(block...)
		for ok && m.w.t < end {
			if len(data) > 0 && data[0] == code {
				return data
			}
			m.w.pass(dataPause)
			data, ok = m.visit(addr | 2)
			if !ok {
				ok = true // a lost POLL answer comes again
			}
		}
		m.w.pass(dataPause)
	}
	return nil
}

// order says a command until it is ACKed.
func (m *Machine) order(block ...byte) bool {
	for range 10 {
		if _, ok := m.visit(block...); ok {
			return true
		}
		m.w.pass(dataPause)
	}
	return false
}

// receive looks for the guest's devices and sets up those that are there.
func (m *Machine) receive() {
	if m.cfg.Guest == nil {
		return
	}
	for _, v := range []*visitor{&m.second, &m.gate} {
		if v.present || m.w.t < v.probeAt {
			continue
		}
		v.probeAt = m.w.t + probeEvery
		if _, ok := m.visit(v.addr); ok && m.obtain(0x00, v.addr|2) != nil {
			v.present, v.silent = m.greet(v), 0
		}
	}
}

// greet is the start sequence after JUST RESET: of a reader mdb 7.4.1, of a
// gateway mdb 8.
func (m *Machine) greet(v *visitor) bool {
	v.announce = false
	if v.addr == gateway {
		if m.obtain(0x01, gateway|1, 3, reportScale, 2) == nil {
			return false
		}
		id := m.obtain(0x06, gateway|7, 0)
		if len(id) < 34 {
			return false
		}
		v.announce = id[33]&2 != 0 && m.order(gateway|7, 1, 0, 0, 0, 2)
		return m.order(gateway|4, 1)
	}
	c := m.obtain(0x01, v.addr|1, 0x00, 2, 16, 2, 1)
	if len(c) < 8 || c[4] == 0 {
		return false
	}
	v.announce, v.scale = c[7]&8 != 0, int64(c[4])
	most, least := m.prices()
	m.order(v.addr|1, 0x01, byte(most>>8), byte(most), byte(least>>8), byte(least))
	m.obtain(0x09, append([]byte{v.addr | 7, 0}, make([]byte, 29)...)...)
	return m.order(v.addr|4, 1)
}

// pollGuest is the guest's part of a round.
func (m *Machine) pollGuest() {
	m.receive()
	for _, v := range []*visitor{&m.second, &m.gate} {
		if !v.present {
			continue
		}
		data, ok := m.visit(v.addr | 2)
		switch {
		case !ok:
			if v.silent++; v.silent > tolerated {
				v.present = false
			}
		case len(data) > 0 && data[0] == 0: // JUST RESET: set up anew (mdb 2.5)
			v.present, v.silent = m.greet(v), 0
		case v.addr != gateway && len(data) > 0 && data[0] == 3: // a session nobody asked for
			v.silent = 0
			m.order(v.addr|3, 4)
		default:
			v.silent = 0
		}
		m.w.pass(20_000)
	}
}

// announceTo2 tells the second reader of a cash sale.
func (m *Machine) announceTo2(price int64, column int) bool {
	v := &m.second
	if !v.present || !v.announce {
		return false
	}
	p := price / v.scale
	return m.order(v.addr|3, 5, byte(p>>8), byte(p), byte(column>>8), byte(column))
}

// Kinds of REPORT (mdb 8).
const (
	reportPaid     = 1
	reportVendless = 7
)

// report tells the gateway of a transaction.
func (m *Machine) report(kind byte, v *Vend) {
	if !m.gate.present || !m.gate.announce {
		return
	}
	var tubes, bills, card int64
	for _, money := range v.Tender {
		if money >= bills0 {
			bills += money
		} else {
			tubes += money
		}
	}
	price, column := v.Price, v.Column
	if v.Pay == Card && kind == reportPaid {
		card = price
	}
	if kind == reportVendless {
		price, column = 0, 0
	}
	b := []byte{gateway | 3, 1, kind}
	for _, n := range []int64{int64(column) * reportScale, price, tubes, 0, bills, card, 0, 0, 0, v.Change, 0, 0} {
		u := uint16(n / reportScale)
		b = append(b, byte(u>>8), byte(u))
	}
	b = append(b, 0, 0, 0x99, 0x99, 0x99, 0x99, 0x99, 0x99)
	m.order(b...)
}
