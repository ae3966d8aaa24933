// Package fn is a virtual fiscal storage (ФН): phases, shift, counters, limits
// and an archive of real TLV documents that survives SIGKILL. It is the truth
// the bench counts by: a document exists when, and only when, it is in this
// archive.
//
// A register makes each document in steps, as with a real ФН: Begin, any number
// of Data, then the finish of its kind (Register, FinishShift, FinishReceipt,
// FinishState, FinishClose). The archive is asked with Document, Documents,
// FindKey and Totals; the ОФД's side is OFD, Confirm and Ticket. What goes wrong
// on demand: SetFull, SetFailed, SetLife, FailPowerAt.
//
// Rules follow the technical description of the ФН as retold in fn.md (§2–7,
// §12); fiscal signs are fake, and serial numbers of the debug series 9999 make
// sure nobody takes a document for a real one.
package fn

import (
	"fmt"
	"sync"
	"time"
)

// Phase is the phase of life of a ФН (fn.md §2); it only grows.
type Phase byte

// Phases of life.
const (
	PhaseReady   Phase = 0x01 // waits for registration
	PhaseWork    Phase = 0x03
	PhaseClosed  Phase = 0x07 // closed, sends what is left
	PhaseArchive Phase = 0x0F
)

// Current is the document being made, as the status command codes it.
type Current byte

// Current documents.
const (
	CurrentNone         Current = 0x00
	CurrentRegistration Current = 0x01
	CurrentShiftOpen    Current = 0x02
	CurrentReceipt      Current = 0x04
	CurrentShiftClose   Current = 0x08
	CurrentClosing      Current = 0x10 // closing of the ФН
	CurrentReplacement  Current = 0x12 // re-registration, this ФН replaces another
	CurrentChange       Current = 0x13 // re-registration of the same ФН
	CurrentCorrection   Current = 0x14
	CurrentState        Current = 0x17 // state of settlements
)

// Config describes a ФН. Zero values get defaults.
type Config struct {
	Serial string // 16 digits; 9999078902001234 by default
	// Path of the archive; "" keeps it in memory only.
	Path string
	// Sync calls fsync after each document. Without it documents survive
	// SIGKILL of the process, but not a power cut of the machine below.
	Sync bool
	// Timer is the ФН's own timer and the OFD's clock, in the zone of the
	// register; time.Now by default.
	Timer func() time.Time
	// Life is the life of the keys from the first start, 36 months by default;
	// Months gives that of the models.
	Life time.Duration
	// Capacity is the number of documents the archive holds, 250000 by default.
	Capacity int
	// Memory is the number of bytes it holds, 256 MB by default.
	Memory int64
	// Overdue is the answer once the oldest document waits for the ОФД over 30
	// days: StorageOver by default; some firmware says WaitOver (fn.md §6).
	Overdue Code
}

func (c *Config) defaults() {
	if c.Serial == "" {
		c.Serial = "9999078902001234"
	}
	if c.Timer == nil {
		c.Timer = time.Now
	}
	if c.Life == 0 {
		c.Life = 1100 * day
	}
	if c.Capacity == 0 {
		c.Capacity = 250_000
	}
	if c.Memory == 0 {
		c.Memory = 256 << 20
	}
	if c.Overdue == Done {
		c.Overdue = StorageOver
	}
}

// FN is a virtual ФН. Its methods are safe for concurrent use.
type FN struct {
	mu      sync.Mutex
	cfg     Config
	journal *journal // nil in memory

	phase     Phase
	ffd       byte // 1209: 2, 3 or 4
	reg       Registration
	regFD     uint32
	made      time.Time // start of the key life, real time
	life      time.Time // end of the key life, real time
	full      bool      // told to be full
	failed    bool      // told to fail
	docs      []Document
	bytes     int64 // of docs
	confirmed int   // the first documents of docs that have a ticket
	tickets   []time.Time
	shift     Shift
	totals    Counters // of the shift
	lifetime  Counters
	marks     markStore
	trap      *trap
	dark      bool

	draft *draft
	// lastWall and lastTimer belong to the last operation of this power
	// cycle; the 5 minutes rule compares their steps.
	lastWall, lastTimer time.Time
	subscribers         []chan<- struct{}
}

// draft is the document between its begin and finish commands.
type draft struct {
	kind Current
	at   time.Time
	data []byte
	seen map[uint16]bool // tags at its top level
	part int             // parts of data taken
}

// Shift is the state of the shift.
type Shift struct {
	Open      bool      `json:"open"`
	Number    uint16    `json:"number"`
	Receipts  uint16    `json:"receipts"`  // of the open shift, or of the last one
	Documents uint16    `json:"documents"` // reports included
	Opened    time.Time `json:"opened"`    // wall clock of the opening report
}

// Registration is what a registration report fixes. ИНН and РНМ are written
// once: a re-registration of the same ФН must repeat them.
type Registration struct {
	INN        string
	RNM        string
	TaxSystems byte   // 1062
	Mode       byte   // work mode bits of the finish command (1 encryption, 2 autonomous, 4 automatic, 8 services, 16 БСО, 32 internet)
	FFD        byte   // 1209
	Reasons    uint32 // of a re-registration: 1205, or a bit by each code of 1101
	At         time.Time
}

// modeAutonomous needs no ОФД.
const modeAutonomous = 1 << 1

// Status is the answer to the status command 30h.
type Status struct {
	Phase   Phase
	Current Current
	HasData bool
	Open    bool
	Warn    byte
	Last    time.Time // wall clock of the last document, zero when none
	Serial  string
	LastFD  uint32
}

// New makes or reopens a ФН. Reopening cuts a torn record off the end of the
// archive and refuses a file of another serial.
func New(cfg Config) (*FN, error) {
	cfg.defaults()
	if !serialOK(cfg.Serial) {
		return nil, fmt.Errorf("ФН serial %q: 16 digits wanted", cfg.Serial)
	}
	f := &FN{cfg: cfg, phase: PhaseReady, made: cfg.Timer().Truncate(time.Second)}
	f.life = f.made.Add(cfg.Life)
	f.marks.checked = map[string]Mark{}
	if cfg.Path == "" {
		return f, nil
	}
	j, err := openJournal(cfg.Path, cfg.Sync, f.replay)
	if err != nil {
		return nil, fmt.Errorf("open ФН archive: %w", err)
	}
	f.journal = j
	if j.empty {
		if err := f.saveSettings(); err != nil {
			_ = j.close()
			return nil, err
		}
	}
	return f, nil
}

func serialOK(s string) bool {
	if len(s) != 16 {
		return false
	}
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

// Close releases the archive file.
func (f *FN) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.journal == nil {
		return nil
	}
	return f.journal.close()
}

// Serial returns the 16 digits.
func (f *FN) Serial() string { return f.cfg.Serial }

// Status answers the status command.
func (f *FN) Status() Status {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := Status{Phase: f.phase, Open: f.shift.Open, Warn: f.warnings(), Last: f.lastDocument(), Serial: f.cfg.Serial, LastFD: uint32(len(f.docs))}
	if f.draft != nil {
		s.Current, s.HasData = f.draft.kind, len(f.draft.data) > 0
	}
	return s
}

// ShiftState returns the shift as the shift parameters command does.
func (f *FN) ShiftState() Shift {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.shift
}

// Registered returns the registration and the number of its report; 0 before it.
func (f *FN) Registered() (Registration, uint32) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.reg, f.regFD
}

// ValidUntil returns the end of the key life.
func (f *FN) ValidUntil() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.life
}

// Wire returns the answer byte as it stands on the ФН's bus: the code, and bit
// 7 while any warning flag is up.
func (f *FN) Wire(err error) byte {
	f.mu.Lock()
	defer f.mu.Unlock()
	b := byte(CodeOf(err))
	if f.warnings() != 0 {
		b |= codeWarnsFlag
	}
	return b
}

func (f *FN) lastDocument() time.Time {
	if n := len(f.docs); n > 0 {
		return f.docs[n-1].At
	}
	return time.Time{}
}
