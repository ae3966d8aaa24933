package link

import "github.com/chekomat/chekomat/mdb"

// Ask is the bus's side of a Device that plays peripherals: it gives the answer
// to a whole block of the VMC, data with its checksum or the single byte ACK.
// nil is silence: no address of ours, or told to say nothing. It needs no host:
// everything was told beforehand. t is µs since boot. The words themselves,
// flagged mdb.Own, are for the caller to put on the bus and to Feed.
func (d *Device) Ask(t int64, block []byte) []byte {
	d.mu.Lock()
	answer, dropped := d.voice.ask(block)
	for _, q := range dropped {
		d.report(q, TxReset, t)
	}
	d.mu.Unlock()
	if dropped != nil {
		d.signal()
	}
	return answer
}

// Hear tells what the VMC replied to the answer of an address: ACK, NAK or RET.
// After RET the answer given is to be said again.
func (d *Device) Hear(t int64, addr byte, k mdb.Kind) []byte {
	d.mu.Lock()
	again, accepted := d.voice.hear(addr, k)
	if accepted != nil {
		d.report(*accepted, TxAccepted, t)
	}
	d.mu.Unlock()
	if accepted != nil {
		d.signal()
	}
	return again
}

// minBreak is how long the master line is held for a bus reset, µs, less 5 %
// for clocks.
const minBreak = 95_000

// maxNotes bounds what waits for a host that is away.
const maxNotes = 256

func (d *Device) report(q queued, result uint8, t int64) {
	d.note(TxReport{Tag: q.Tag, Result: result, Time: uint32(t), Tries: q.tries})
}

func (d *Device) note(m Message) {
	if len(d.notes) == maxNotes {
		d.notes = d.notes[1:]
	}
	d.notes = append(d.notes, m)
}

// Happened tells the host of an event of the module.
func (d *Device) Happened(e Event) {
	d.mu.Lock()
	d.note(e)
	d.mu.Unlock()
	d.signal()
}

// Do carries out a command as if the host had sent it and gives the status.
func (d *Device) Do(m Message) uint8 {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch m := m.(type) {
	case SetMode:
		if status, ok := d.mayTalk(m); !ok {
			return status
		}
		status, dropped := d.voice.setMode(m)
		d.cleared(dropped)
		return status
	case ReplySet:
		return d.voice.setReply(m)
	case ReplyClear:
		status, dropped := d.voice.clear(m)
		d.cleared(dropped)
		return status
	case PollQueue:
		return d.voice.enqueue(m)
	case SetOutputs:
		if d.cfg.Capabilities&HasOutputs != 0 {
			return d.outputs.set(m)
		}
	case SafeOutputs:
		if d.cfg.Capabilities&HasOutputs != 0 && !d.cfg.OldMinor {
			return d.outputs.setSafe(m)
		}
	}
	if d.cfg.Command != nil {
		return d.cfg.Command(m)
	}
	return StatusUnknown
}

func (d *Device) mayTalk(m SetMode) (status uint8, ok bool) {
	switch {
	case m.Mode == 0:
		return 0, true
	case d.cfg.OldMinor && len(m.Addresses) != 1:
		return StatusLength, false
	case d.cfg.Capabilities&CanSpeakMDB == 0:
		return StatusMode, false
	case d.cfg.Interlock:
		d.note(Event{Time: uint32(d.now), Code: EventInterlock, Line: uint8(mdb.Slave)})
		return StatusInterlock, false
	}
	return 0, true
}

func (d *Device) cleared(qs []queued) {
	for _, q := range qs {
		d.report(q, TxCleared, d.now)
	}
}

// tell sends what is to be told besides words.
func (s *session) tell() error {
	for {
		s.d.mu.Lock()
		if len(s.d.notes) == 0 {
			s.d.mu.Unlock()
			return nil
		}
		m := s.d.notes[0]
		s.d.notes = s.d.notes[1:]
		s.d.mu.Unlock()
		if err := s.put(m); err != nil {
			return err
		}
	}
}
