package sales

import (
	"fmt"

	"github.com/chekomat/chekomat/mdb"
)

// readerAnswer handles a reader's data block. Its messages are applied at a
// good checksum without waiting for the VMC's ACK: all of them are idempotent
// here, and a VMC that goes on has accepted them.
func (r *Recovery) readerAnswer(d *reader, b *mdb.Block) {
	ms, err := mdb.ParseAnswer(r.messages[:0], b.To, b.Sub, b.Payload(), d.dialect())
	r.messages = ms[:0]
	if err != nil {
		r.stats.Unreadable++
	}
	for _, m := range ms {
		switch m := m.(type) {
		case mdb.JustReset:
			r.readerJustReset(d, b)
		case mdb.ReaderConfig:
			if b.Marks&mdb.Sparse == 0 || len(ms) == 1 && err == nil {
				r.readerConfig(d, m)
			}
		case mdb.BeginSession:
			d.session, d.sold = true, false
		case mdb.VendApproved:
			r.vendApproved(d, b, m, err != nil)
		case mdb.VendDenied:
			if d.state != vendIdle {
				r.endVend(d, b.End)
			}
		case mdb.EndSession:
			r.endSession(d, b)
		case mdb.RevalueApproved:
			r.revalued(d, b)
		case mdb.RevalueDenied:
			d.revaluing = false
		case mdb.Malfunction:
			r.malfunction(d, b, m.Code)
		}
	}
	// What was kept would keep the block's bytes alive and means nothing later.
	clear(ms)
}

func (r *Recovery) readerConfig(d *reader, m mdb.ReaderConfig) {
	d.money.set(uint32(m.Scale), m.Decimals, m.Currency)
	d.level, d.options, d.response, d.fresh = m.Level, m.Options, m.MaxResponse, true
	if d.vmcLevel != 0 {
		d.level = min(m.Level&0x7F, d.vmcLevel&0x7F)
	}
	if d.level < 3 {
		d.ec = no
	}
	r.assume(&d.money)
}

// assume fills an unknown scale from the configuration.
func (r *Recovery) assume(s *scaling) {
	if !s.known && r.cfg.Scale != 0 {
		s.set(r.cfg.Scale, r.cfg.Decimals, r.cfg.Currency)
		s.assumed = true
	}
}

func (r *Recovery) readerJustReset(d *reader, b *mdb.Block) {
	if d.state == vendApproved && !d.reset {
		// The VMC may still send VEND SUCCESS (16.4).
		d.reset = true
		d.until = min(d.until, b.End+r.cfg.ResetHold.Microseconds())
	}
	ec := d.ec
	d.notReady()
	if d.state != vendIdle {
		d.ec = ec
	}
}

func (r *Recovery) vendApproved(d *reader, b *mdb.Block, m mdb.VendApproved, trailing bool) {
	if d.state == vendIdle {
		return
	}
	if d.state == vendRequested {
		d.note(b)
	}
	d.state, d.amount, d.token = vendApproved, m.Amount, m.Token
	d.doubts &^= doubtHeard | doubtSparse
	if trailing || b.Marks&mdb.Late != 0 {
		d.doubts |= doubtHeard
	}
	if b.Marks&mdb.Sparse != 0 {
		d.doubts |= doubtSparse
	}
}

func (r *Recovery) endSession(d *reader, b *mdb.Block) {
	switch d.state {
	case vendApproved:
		r.incident(b.End, "vend_outcome_unknown", "session ended after VEND APPROVED without success or failure", d, d.money.amount(int64(d.amount)))
		r.endVend(d, b.End)
	case vendRequested:
		r.endVend(d, b.End)
	}
	d.session, d.sold = false, false
}

// revalued handles REVALUE APPROVED: cash went to the card. It is no sale.
func (r *Recovery) revalued(d *reader, b *mdb.Block) {
	if !d.revaluing {
		return
	}
	d.revaluing = false
	d.note(b)
	a := d.money.amount(int64(d.revalue))
	r.explain(a, false)
	r.emit(Event{
		Kind: KindTopUp, T: b.End, Class: weaker(ClassA, r.cfg.Cap), Source: "revalue", Reader: uint8(d.dev), Amount: a,
		Parts: []Part{{Source: "cash", Kind: "cash", Amount: a}}, Blocks: clone(d.trail),
	})
}

// malfunction reports an error once: readers repeat lasting ones at every POLL.
func (r *Recovery) malfunction(d *reader, b *mdb.Block, code uint8) {
	if d.faulty && d.fault == code {
		return
	}
	d.faulty, d.fault = true, code
	if code&0xF0 == mdb.RefundError && d.refunding {
		r.incident(b.End, "refund_failed", fmt.Sprintf("the reader could not refund after VEND FAILURE (error %02X)", code), d, d.money.amount(int64(d.amount)))
		return
	}
	r.incident(b.End, "reader_fault", fmt.Sprintf("reader reports error %02X", code), d, Amount{})
}

// readerAck handles the ACK of a reader.
func (r *Recovery) readerAck(d *reader, b *mdb.Block) bool {
	switch {
	case b.To == byte(d.dev)|3 && b.Sub == 5:
		d.sale.acked = true
	case b.To == byte(d.dev)|2:
		d.faulty = false
	}
	return false
}
