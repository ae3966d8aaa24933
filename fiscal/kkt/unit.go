package kkt

import (
	"context"
	"time"

	"github.com/chekomat/chekomat/fiscal"
	"github.com/chekomat/chekomat/fiscal/ffd"
)

// FFD is the version of fiscal document formats as tag 1209 codes it.
type FFD = ffd.Version

// Versions of FFD.
const (
	FFD105 = ffd.V105
	FFD11  = ffd.V11
	FFD12  = ffd.V12
)

// Registration is what the tax office registered: the last registration report.
type Registration struct {
	INN        string           `json:"inn,omitempty"` // 1018
	RNM        string           `json:"rnm,omitempty"` // 1037, 16 digits
	FFD        FFD              `json:"ffd,omitempty"` // 1209
	TaxSystems fiscal.TaxSystem `json:"tax_systems,omitempty"`
	User       string           `json:"user,omitempty"`     // 1048
	Address    string           `json:"address,omitempty"`  // 1009 of the register; "" left out on purpose
	Place      string           `json:"place,omitempty"`    // 1187 of the register
	Machine    string           `json:"machine,omitempty"`  // 1036 of the registration
	FNSSite    string           `json:"fns_site,omitempty"` // 1060
	OFD        string           `json:"ofd,omitempty"`      // 1046
	OFDINN     string           `json:"ofd_inn,omitempty"`  // 1017
	AutoMode   bool             `json:"auto_mode,omitempty"`
	Autonomous bool             `json:"autonomous,omitempty"` // 1002
	Internet   bool             `json:"internet,omitempty"`   // 1108
	At         time.Time        `json:"at,omitzero"`          // wall clock of the report
	FD         uint32           `json:"fd,omitempty"`
}

// Unit is a register behind a lane. Zero values mean unknown.
type Unit struct {
	Serial       string       `json:"serial"`
	Model        string       `json:"model,omitempty"`
	Firmware     string       `json:"firmware,omitempty"`
	FN           FNState      `json:"fn"`
	Mode         uint8        `json:"mode,omitempty"`
	Submode      uint8        `json:"submode,omitempty"`
	Clock        time.Time    `json:"clock,omitzero"` // the register's wall clock, digits in time.UTC
	Registration Registration `json:"registration"`
	Faults       []Fault      `json:"faults,omitempty"` // what a person should know: paper, cover, ФН warnings…
}

// FNState is the state of the fiscal storage.
type FNState struct {
	Serial     string    `json:"serial"`
	Phase      uint8     `json:"phase"` // 1 ready, 3 in work, 7 closed and sending, 15 archive
	FFD        FFD       `json:"ffd,omitempty"`
	Document   uint8     `json:"document,omitempty"` // code of an open document, 0 none
	LastFD     uint32    `json:"last_fd"`
	LastAt     time.Time `json:"last_at,omitzero"` // wall clock of the last document
	Shift      uint32    `json:"shift"`
	ShiftOpen  bool      `json:"shift_open"`
	OpenedAt   time.Time `json:"opened_at,omitzero"` // wall clock of the opening of the open shift
	Receipts   uint32    `json:"receipts,omitempty"` // receipts in the shift
	Unsent     uint32    `json:"unsent"`             // documents without the OFD's confirmation
	UnsentFD   uint32    `json:"unsent_fd,omitempty"`
	UnsentAt   time.Time `json:"unsent_at,omitzero"`
	Warnings   Warnings  `json:"warnings,omitempty"`
	ValidUntil time.Time `json:"valid_until,omitzero"` // date the keys of the ФН live until
	KeyDays    int       `json:"key_days,omitempty"`   // 1213 where the register tells days and no date
	Test       bool      `json:"test,omitempty"`       // debug ФН

	// What is left of its memory.
	DocumentsLeft     uint32 `json:"documents_left,omitempty"`     // documents of 5 years' keeping the archive still takes
	MemoryLeft        uint64 `json:"memory_left,omitempty"`        // bytes for documents of 30 days' keeping
	RegistrationsLeft uint8  `json:"registrations_left,omitempty"` // re-registrations that are left
	// Told says which of the figures above, whose zero may be true, were read.
	Told Told `json:"told,omitempty"`

	ConfirmedAt   time.Time `json:"confirmed_at,omitzero"`    // the OFD's last confirmation
	UnsentNotices uint32    `json:"unsent_notices,omitempty"` // notifications about marked goods that wait for the OFD (2104)
	MarkingKeys   time.Time `json:"marking_keys,omitzero"`    // the keys for checking marking codes were renewed
}

// Told is a set of figures that were read.
type Told uint8

// Figures of FNState.
const (
	ToldUnsent        Told = 1 << iota // Unsent, UnsentFD, UnsentAt
	ToldDocuments                      // DocumentsLeft
	ToldMemory                         // MemoryLeft
	ToldRegistrations                  // RegistrationsLeft
	ToldNotices                        // UnsentNotices
)

// ShiftAge is how long the shift has been open on the register's clock; 0 when
// it is closed or its opening is unknown.
func (s FNState) ShiftAge(clock time.Time) time.Duration {
	if !s.ShiftOpen || s.OpenedAt.IsZero() || clock.IsZero() {
		return 0
	}
	return max(clock.Sub(s.OpenedAt), 0)
}

// Silence is how long the oldest document has waited for the OFD; 0 when none
// waits or its date is unknown.
func (s FNState) Silence(clock time.Time) time.Duration {
	if s.Unsent == 0 || s.UnsentAt.IsZero() || clock.IsZero() {
		return 0
	}
	return max(clock.Sub(s.UnsentAt), 0)
}

// DaysLeft is how many days the keys of the ФН still live on the register's
// clock; ok is false when nothing tells.
func (s FNState) DaysLeft(clock time.Time) (days int, ok bool) {
	switch {
	case !s.ValidUntil.IsZero() && !clock.IsZero():
		day := time.Date(clock.Year(), clock.Month(), clock.Day(), 0, 0, 0, 0, time.UTC)
		until := time.Date(s.ValidUntil.Year(), s.ValidUntil.Month(), s.ValidUntil.Day(), 0, 0, 0, 0, time.UTC)
		return int(until.Sub(day) / (24 * time.Hour)), true
	case s.KeyDays != 0:
		return s.KeyDays, true
	}
	return 0, false
}

// Warnings are the ФН's warning flags.
type Warnings uint8

// Warning flags of the ФН.
const (
	ReplaceNow  Warnings = 1 << 0 // 3 days of key life left (1051)
	ReplaceSoon Warnings = 1 << 1 // 30 days left (1050)
	ArchiveFull Warnings = 1 << 2 // archive 90 % full (1052)
	OFDSilent   Warnings = 1 << 3 // no answer of the OFD for too long (1053)
	FNCritical  Warnings = 1 << 7
)

// Stored is a document read from the ФН's archive.
type Stored struct {
	Receipt   fiscal.Receipt `json:"receipt"`
	Type      uint16         `json:"type"`               // FFD document code
	Key       Key            `json:"key,omitempty"`      // value of 1084 named KeyName; "" foreign or none
	Document  []byte         `json:"document,omitempty"` // TLV with the document head; nil when only the short form is left
	Confirmed bool           `json:"confirmed,omitempty"`
}

// DocumentReader is the power to read a document by ФН and ФД.
type DocumentReader interface {
	ReadDocument(ctx context.Context, fn string, fd uint32) (Stored, error)
}

// ClockSetter is the power to set the register's clock to the digits of at.
type ClockSetter interface {
	SetClock(ctx context.Context, at time.Time) error
}
