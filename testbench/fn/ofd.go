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
	q := Queue{Unsent: len(f.docs) - f.confirmed}
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
		f.tickets[f.confirmed] = at
		f.confirmed++
	}
	return given, nil
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

func (f *FN) oldestUnsent() time.Duration {
	if f.confirmed == len(f.docs) {
		return 0
	}
	return Wall(f.cfg.Timer()).Sub(f.docs[f.confirmed].At)
}

// warnings computes the flags of the status (fn.md §3).
func (f *FN) warnings() (w byte) {
	left := f.life.Sub(f.cfg.Timer())
	if left <= 3*24*time.Hour {
		w |= WarnReplaceNow
	}
	if left <= 30*24*time.Hour {
		w |= WarnReplaceSoon
	}
	if f.full || len(f.docs)*10 >= f.cfg.Capacity*9 {
		w |= WarnArchive
	}
	if f.oldestUnsent() > silentAfter {
		w |= WarnOFDSilent
	}
	return w
}

// settings are what a ФН keeps beside documents.
type settings struct {
	Serial string    `json:"serial"`
	Made   time.Time `json:"made"`
	Life   time.Time `json:"life"`
	Full   bool      `json:"full,omitempty"`
}

func (f *FN) saveSettings() error {
	if f.journal == nil {
		return nil
	}
	b, err := json.Marshal(settings{f.cfg.Serial, f.made, f.life, f.full})
	if err != nil {
		return fmt.Errorf("encode ФН settings: %w", err)
	}
	return f.journal.append(kindSettings, b, true)
}

// SetFull makes the archive answer as if its resource were exhausted.
func (f *FN) SetFull(full bool) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.full = full
	return f.saveSettings()
}

// SetLife moves the end of the key life.
func (f *FN) SetLife(end time.Time) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.life = end
	return f.saveSettings()
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
		f.made, f.life, f.full = s.Made, s.Life, s.Full
	case kindDocument:
		d, err := Decode(append([]byte(nil), body...))
		if err != nil {
			return err
		}
		if d.FD != uint32(len(f.docs))+1 || d.FN != f.cfg.Serial {
			return fmt.Errorf("document %d of ФН %s does not follow %d", d.FD, d.FN, len(f.docs))
		}
		if d.Type == TypeRegistration {
			f.reg = Registration{INN: d.INN, RNM: d.RNM, TaxSystems: d.TaxSet, Mode: d.Mode, FFD: d.FFD}
			f.ffd = d.FFD
		}
		f.apply(d)
	case kindTicket:
		if len(body) != 8 || binary.LittleEndian.Uint32(body) != uint32(f.confirmed)+1 || f.confirmed >= len(f.docs) {
			return fmt.Errorf("ticket out of order")
		}
		f.tickets[f.confirmed] = time.Unix(int64(binary.LittleEndian.Uint32(body[4:])), 0)
		f.confirmed++
	default:
		return fmt.Errorf("unknown kind %d", kind)
	}
	return nil
}
