package kkt

import (
	"context"

	"github.com/chekomat/chekomat/fiscal"
)

// CounterReader is the power to read what the register itself counted in a
// shift, for the check of the ledger against it.
type CounterReader interface {
	// ShiftCounters reads the counters of the open shift, or of the last one
	// when none is open. Retry with fault.ShiftClosed when the ФН had no shift
	// yet. The error holds a fault.Fault.
	ShiftCounters(ctx context.Context) (Counters, error)
}

// CounterSource says where counters come from, that is, how far they can be
// trusted to be independent of what the hub knows.
type CounterSource string

// Sources of counters.
const (
	FromReport  CounterSource = "report"  // 1194 of the report on closing the shift: the ФН counted
	FromState   CounterSource = "state"   // the register's or ФН's answer about the open shift
	FromArchive CounterSource = "archive" // summed from the short forms of the archive's documents
)

// Counters are what a register counted in one shift.
type Counters struct {
	FN     string        `json:"fn"`
	Shift  uint32        `json:"shift"`
	Open   bool          `json:"open"`
	Source CounterSource `json:"source"`
	LastFD uint32        `json:"last_fd"` // the last document counted; of a closed shift its closing report
	// Receipts and Corrections hold one entry for each operation that was met,
	// in the order of 1054. A register that counts both together gives them in
	// Receipts with Together set.
	Receipts    []Counter `json:"receipts,omitempty"`
	Corrections []Counter `json:"corrections,omitempty"`
	Together    bool      `json:"together,omitempty"`
}

// Counter counts the documents of one operation.
type Counter struct {
	Operation fiscal.Operation `json:"operation"`
	Count     uint32           `json:"count"` // 1135
	Sum       fiscal.Kopecks   `json:"sum"`   // 1201
	// Payments are the sums by form of payment (1136, 1138, 1218, 1219, 1220),
	// those of zero included; nil when the register does not tell them.
	Payments []fiscal.Payment `json:"payments,omitempty"`
}

// CounterOf gives the counter of an operation; a zero one when none was met.
func CounterOf(counters []Counter, op fiscal.Operation) Counter {
	for _, c := range counters {
		if c.Operation == op {
			return c
		}
	}
	return Counter{Operation: op}
}
