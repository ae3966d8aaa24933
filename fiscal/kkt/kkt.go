// Package kkt is the seam between the till and anything that makes receipts:
// a register on the desk or a cloud service. A Driver encodes a document into
// bytes that are stored before they are sent, sends them once, and decides
// later what became of an attempt whose answer was lost. It never guesses:
// "unknown" is an outcome of its own.
package kkt

import (
	"context"
	"time"

	"github.com/chekomat/chekomat/fiscal"
	"github.com/chekomat/chekomat/fiscal/fault"
)

// Driver makes documents on one lane. Implementations are safe for concurrent
// use but run one exchange with the device at a time.
type Driver interface {
	// Encode validates and turns a document into the bytes that will be sent.
	// Pure and deterministic: equal arguments give equal bytes. No secrets
	// inside. The error holds a fault.Fault.
	Encode(fiscal.Document, Key, Registration) (Wire, error)
	// Ready waits until the device is idle (no command running, no document
	// open) and reads the baseline. Empty for a cloud. The till persists the
	// baseline together with the bytes before Submit. The error holds a
	// fault.Fault.
	Ready(ctx context.Context) (Baseline, error)
	// Submit makes one attempt on the network and never retries inside. It
	// refuses (Retry, nothing sent) when the device is no longer at the baseline.
	Submit(ctx context.Context, w Wire, base Baseline) Outcome
	// Settle decides an attempt whose outcome is Ambiguous, Accepted, Pending
	// or Duplicate. Done: it was made. Failed: it was certainly not made.
	// Ambiguous: still unknown, try again or call a person (Fault says which).
	Settle(ctx context.Context, w Wire, key Key, base Baseline, ref Ref) Outcome
	// Units lists the registers behind the lane with their state.
	Units(ctx context.Context) ([]Unit, error)
	// Probe checks reachability and credentials; it makes nothing.
	Probe(ctx context.Context) error
}

// Ref is a provider's own id of an attempt; "" where there is none.
type Ref string

// Wire is what leaves the process, stored before the first send and re-sent
// unchanged.
type Wire struct {
	Driver  string `json:"driver"`  // name of the driver whose format Bytes are in
	Bytes   []byte `json:"bytes"`   // versioned, self-contained
	Summary string `json:"summary"` // one line for people, no buyer's data
}

// Baseline is the state of the register read while it was idle, before an
// attempt. Zero for a cloud.
type Baseline struct {
	FN        string `json:"fn,omitempty"`
	FD        uint32 `json:"fd,omitempty"` // last document of the ФН
	Shift     uint32 `json:"shift,omitempty"`
	ShiftOpen bool   `json:"shift_open,omitempty"`
	Receipts  uint32 `json:"receipts,omitempty"` // receipts in the open shift
	Expired   bool   `json:"expired,omitempty"`  // the open shift is over 24 h: close it first
}

// Kind classifies what became of an attempt.
type Kind string

// Kinds of outcomes and what the till does next.
const (
	Done        Kind = "done"         // made, Receipt is set; a Fault beside it stops the lane
	Accepted    Kind = "accepted"     // taken, Ref is set: settle later
	Pending     Kind = "pending"      // still being made: settle later
	Duplicate   Kind = "duplicate"    // the key is known there: settle
	Rejected    Kind = "rejected"     // certainly not made, the data are at fault: a person, then a new key
	Failed      Kind = "failed"       // certainly not made, the register is at fault: new key, other unit allowed
	Retry       Kind = "retry"        // not taken: same key, same bytes, after After
	AuthExpired Kind = "auth_expired" // not taken: new token, same key, same bytes
	Config      Kind = "config"       // not taken and will not heal: stop the lane
	Ambiguous   Kind = "ambiguous"    // unknown whether made: settle; never a new key
)

// Made says whether the document exists.
func (k Kind) Made() bool { return k == Done }

// NotMade says whether the document certainly does not exist and was not taken.
func (k Kind) NotMade() bool {
	switch k {
	case Rejected, Failed, Retry, AuthExpired, Config:
		return true
	}
	return false
}

// Fault is why an outcome is what it is.
type Fault = fault.Fault

// Outcome is what became of an attempt.
type Outcome struct {
	Kind     Kind            `json:"kind"`
	Receipt  *fiscal.Receipt `json:"receipt,omitempty"`  // Done
	Document []byte          `json:"document,omitempty"` // TLV as read back from the ФН, document head included; nil when not read
	Verified bool            `json:"verified,omitempty"` // Document was compared with what was sent
	Ref      Ref             `json:"ref,omitempty"`
	Fault    *Fault          `json:"fault,omitempty"` // with Done: the document exists but the lane must stop
	After    time.Duration   `json:"after,omitempty"` // wait at least this before the next step
}

// StopsLane says that nothing more may be sent on the lane until a person has
// changed something.
func (o Outcome) StopsLane() bool {
	return o.Kind == Config || (o.Kind == Done && o.Fault != nil)
}
