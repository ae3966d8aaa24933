package fn

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"time"
)

// Queue is the state of the exchange with the ОФД.
type Queue struct {
	Unsent  int
	FirstFD uint32    // 0 when the queue is empty
	FirstAt time.Time // wall clock of that document
}

// Ticket is the ОФД's confirmation of one document.
type Ticket struct {
	FD uint32
	At time.Time
}

// Queue returns what waits for the ОФД.
func (f *FN) Queue() Queue {
	f.mu.Lock()
	defer f.mu.Unlock()
	q := Queue{Unsent: f.unsent()}
	if q.Unsent > 0 {
		q.FirstFD, q.FirstAt = f.docs[f.confirmed].FD, f.docs[f.confirmed].At
	}
	return q
}

// Confirm gives tickets to at most n documents, strictly in the order of ФД,
// and returns how many it gave. Tickets are not synced: a lost one is asked
// for again.
func (f *FN) Confirm(n int) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.dark {
		return 0, ErrDark
	}
	given := 0
	for ; given < n && f.confirmed < len(f.docs); given++ {
		at := f.cfg.Timer()
		if f.journal != nil {
			b := binary.LittleEndian.AppendUint32(nil, f.docs[f.confirmed].FD)
			b = binary.LittleEndian.AppendUint32(b, uint32(at.Unix()))
			if err := f.journal.append(kindTicket, b, false); err != nil {
				return given, err
			}
		}
		f.take(at)
	}
	return given, nil
}

// take lets the ticket of the head of the queue count, notifications of that
// document with it. The closing of the ФН ends with its own.
func (f *FN) take(at time.Time) {
	f.tickets[f.confirmed] = at
	if f.docs[f.confirmed].Type == TypeClose {
		f.phase = PhaseArchive
	}
	f.confirmed++
	f.marks.confirm(uint32(f.confirmed))
}

// Ticket returns the confirmation of a document; NoData before it came.
func (f *FN) Ticket(fd uint32) (Ticket, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if fd == 0 || int64(fd) > int64(f.confirmed) {
		return Ticket{}, NoData
	}
	return Ticket{FD: fd, At: f.tickets[fd-1]}, nil
}

// Confirmation is document 7 of a confirmed document (ffd.md §4.8), NoData
// before. Its sign 1078 is fake.
func (f *FN) Confirmation(fd uint32, ofdINN string) ([]byte, error) {
	t, err := f.Ticket(fd)
	if err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	b := AppendFixed(nil, 1017, ofdINN, 12)
	b = AppendFixed(b, 1041, f.cfg.Serial, 16)
	b = AppendU32(b, 1040, fd)
	b = AppendUnix(b, 1012, t.At) // the only 1012 in true UTC
	if f.ffd == 2 {
		b = AppendTLV(b, 1068, AppendByte(nil, 1022, 0))
	} else {
		b = AppendByte(b, 1206, 0)
	}
	b = AppendTLV(b, 1078, binary.BigEndian.AppendUint64(nil, uint64(f.docs[fd-1].FP)))
	return AppendTLV(nil, 7, b), nil
}

// Subscribe asks for a signal on c after each document; a signal is dropped
// while c is full.
func (f *FN) Subscribe(c chan<- struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.subscribers = append(f.subscribers, c)
}

func (f *FN) announce() {
	for _, c := range f.subscribers {
		select {
		case c <- struct{}{}:
		default:
		}
	}
}

// unsent counts what waits; nothing does in autonomous mode.
func (f *FN) unsent() int {
	if f.autonomous() {
		return 0
	}
	return len(f.docs) - f.confirmed
}

func (f *FN) oldestUnsent() time.Duration {
	if f.unsent() == 0 {
		return 0
	}
	return Wall(f.cfg.Timer()).Sub(f.docs[f.confirmed].At)
}

// settings are what a ФН keeps beside documents.
type settings struct {
	Serial string    `json:"serial"`
	Made   time.Time `json:"made"`
	Life   time.Time `json:"life"`
	Full   bool      `json:"full,omitempty"`
	Failed bool      `json:"failed,omitempty"`
}

func (f *FN) saveSettings() error {
	if f.journal == nil {
		return nil
	}
	b, err := json.Marshal(settings{f.cfg.Serial, f.made, f.life, f.full, f.failed})
	if err != nil {
		return fmt.Errorf("encode ФН settings: %w", err)
	}
	return f.journal.append(kindSettings, b, true)
}

// replay rebuilds the state from one record of the archive.
func (f *FN) replay(kind byte, body []byte) error {
	switch kind {
	case kindSettings:
		var s settings
		if err := json.Unmarshal(body, &s); err != nil {
			return fmt.Errorf("settings: %w", err)
		}
		if s.Serial != f.cfg.Serial {
			return fmt.Errorf("archive of ФН %s, not of %s", s.Serial, f.cfg.Serial)
		}
		f.made, f.life, f.full, f.failed = s.Made, s.Life, s.Full, s.Failed
	case kindDocument:
		d, err := Decode(append([]byte(nil), body...))
		if err != nil {
			return err
		}
		if d.FD != uint32(len(f.docs))+1 || d.FN != f.cfg.Serial {
			return fmt.Errorf("document %d of ФН %s does not follow %d", d.FD, d.FN, len(f.docs))
		}
		f.apply(d)
	case kindTicket:
		if len(body) != 8 || binary.LittleEndian.Uint32(body) != uint32(f.confirmed)+1 || f.confirmed >= len(f.docs) {
			return fmt.Errorf("ticket out of order")
		}
		f.take(time.Unix(int64(binary.LittleEndian.Uint32(body[4:])), 0))
	default:
		return fmt.Errorf("unknown kind %d", kind)
	}
	return nil
}
