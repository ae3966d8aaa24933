// Package wire is what agent and hub say to each other over MQTT 3.1.1:
// topics and JSON messages, QoS 1, each with a version field. Delivery is
// promised by the application's Ack alone: a record is delivered when the hub
// says it is durable there; a broker's PUBACK proves nothing.
package wire

import (
	"encoding/json"
	"time"
)

// Version of the messages. A hub keeps what it can't understand in quarantine.
const Version = 1

// Hello opens a session: it lets the hub detect clones, restored disks and
// holes, and recompute what it still owes the agent.
type Hello struct {
	V        int       `json:"v"`
	Journal  string    `json:"journal"`           // random id made with the journal file
	Head     int64     `json:"head"`              // last seq written; 0 none
	Oldest   int64     `json:"oldest"`            // oldest seq still kept; 0 none
	Boot     string    `json:"boot"`              // kernel's boot id
	Session  string    `json:"session"`           // random per connection; also in State
	Config   int64     `json:"config"`            // catalogue version applied; 0 none
	Waiting  []int64   `json:"waiting,omitempty"` // sales still without a receipt, newest last, at most 200
	Software string    `json:"software"`
	Wall     time.Time `json:"wall"`
	Synced   bool      `json:"clock_synced"`
}

// RecordMessage carries one record as it stands in the journal, byte for byte,
// and its age when it was sent: the hub judges young, backlog and late by its
// own clock minus the age.
type RecordMessage struct {
	V      int             `json:"v"`
	AgeMS  int64           `json:"age_ms"`
	Record json.RawMessage `json:"record"`
}

// RecordKind of a journal entry.
type RecordKind string

// Kinds of records.
const (
	KindSale     RecordKind = "sale"
	KindReversal RecordKind = "reversal" // Of's goods were not given after all
	KindReturn   RecordKind = "return"
	KindTopUp    RecordKind = "topup"
	KindIncident RecordKind = "incident"
	KindEvidence RecordKind = "evidence" // Of's class changed
	KindGap      RecordKind = "gap"      // the agent was not listening From..To
	KindAudit    RecordKind = "audit"    // the machine's own counters were read
)

// Record is one entry of an agent's journal; its id is (agent, journal, seq).
type Record struct {
	V       int        `json:"v"`
	Journal string     `json:"journal"`
	Seq     int64      `json:"seq"` // 1, 2, 3… without gaps
	Kind    RecordKind `json:"kind"`
	Wall    time.Time  `json:"wall"`         // agent's clock, UTC
	Synced  bool       `json:"clock_synced"` // whether that clock was set by a time service
	Boot    string     `json:"boot"`
	MonoMS  int64      `json:"mono_ms"` // since that boot
	Of      int64      `json:"of,omitempty"`

	Sale     *Sale     `json:"sale,omitempty"` // sale, reversal, return, topup
	Incident *Incident `json:"incident,omitempty"`
	Gap      *Gap      `json:"gap,omitempty"`
	Audit    *Audit    `json:"audit,omitempty"`
}

// Money is an amount as the bus gave it and in minor units.
type Money struct {
	Minor    int64  `json:"minor"`           // kopecks; meaningful when Known
	Known    bool   `json:"known"`           // false: scale not heard, or not a whole number of minor units
	Currency string `json:"cur"`             // ISO 4217 numeric ("643"); "" unknown
	Raw      int64  `json:"raw"`             // bus value
	Scale    uint32 `json:"scale,omitempty"` // real = raw × scale / 10^decimals
	Decimals uint8  `json:"dec,omitempty"`
}

// Payment sources. Who fiscalizes is set per machine and source.
const (
	SourceCash    = "cash"
	SourceReader1 = "reader1" // 10H
	SourceReader2 = "reader2" // 60H
)

// Part is one payment of a sale; parts add up to the amount.
type Part struct {
	Source string `json:"source"`
	Kind   string `json:"kind"`  // "cash" or "cashless"
	Minor  int64  `json:"minor"` // kopecks
}

// Sale is a vend to be fiscalized, as recovered.
type Sale struct {
	Class     string `json:"class"`            // A..D
	Evidence  string `json:"evidence"`         // vend_success, cash_sale, ledger…
	Column    int    `json:"column,omitempty"` // raw column number; ColumnKnown says whether it was heard
	ColKnown  bool   `json:"col_known"`
	Amount    Money  `json:"amount"`
	Requested *Money `json:"requested,omitempty"`
	Parts     []Part `json:"parts,omitempty"`
	Channel   string `json:"channel"`         // "device" or "internet"
	Bus       string `json:"bus"`             // "mdb", "exe"
	BusUS     int64  `json:"bus_us"`          // µs on the module's clock of the deciding word
	Words     string `json:"words,omitempty"` // deciding blocks in hex, for audit
}

// Incident is something a person should know of.
type Incident struct {
	Code   string `json:"code"` // stable, snake_case
	Detail string `json:"detail,omitempty"`
	Sale   *Sale  `json:"sale,omitempty"` // class D: what may have been sold
}

// Gap says when the agent was not listening, or words were lost.
type Gap struct {
	From   time.Time `json:"from"`
	To     time.Time `json:"to"`
	Reason string    `json:"reason"` // "agent_down", "module_lost", "words_lost"
	Detail string    `json:"detail,omitempty"`
}

// Ack says what is durable at the hub: all up to Upto save Missing and
// Refused. It is computed from the database, never from arrival.
type Ack struct {
	V       int       `json:"v"`
	Journal string    `json:"journal"`
	Upto    int64     `json:"upto"`
	Missing []Range   `json:"missing,omitempty"` // below Upto, to be sent again; at most 100 ranges
	Refused []Refusal `json:"refused,omitempty"` // kept in quarantine: do not send again
	// Session is set in the answer to that session's hello, and in no other
	// ack: an agent tells by it what the hub had before this connection from
	// what it has of it.
	Session string `json:"session,omitempty"`
}

// Range of seqs, both ends included.
type Range [2]int64

// Refusal of one record.
type Refusal struct {
	Seq  int64  `json:"seq"`
	Code string `json:"code"` // see Refusal codes
}

// Refusal codes.
const (
	RefusedVersion  = "unknown_version"
	RefusedFormat   = "bad_format"
	RefusedForeign  = "foreign_agent" // the machine or agent named is not the sender
	RefusedAmount   = "absurd_amount"
	RefusedConflict = "seq_conflict" // same seq, other content
	RefusedUnbound  = "agent_unbound"
)

// Fiscal states of a sale, as told to its machine.
const (
	FiscalDone    = "done"
	FiscalPending = "pending" // on its way; Reason says why it lasts
	FiscalHeld    = "held"    // a person must decide; Reason says why
	FiscalNone    = "none"    // no receipt from us: not subject, other fiscalizer, void
)

// Receipt tells the machine what became of a sale.
type Receipt struct {
	V       int       `json:"v"`
	Journal string    `json:"journal"`
	Seq     int64     `json:"seq"`
	State   string    `json:"state"`
	Reason  string    `json:"reason,omitempty"`
	QR      string    `json:"qr,omitempty"` // FFD tag 1196
	FN      string    `json:"fn,omitempty"`
	FD      uint32    `json:"fd,omitempty"`
	FP      uint32    `json:"fp,omitempty"`
	At      string    `json:"at,omitempty"` // register's wall clock, "2006-01-02T15:04"
	Item    string    `json:"item,omitempty"`
	Minor   int64     `json:"minor,omitempty"`
	Test    bool      `json:"test,omitempty"` // made by a test FN
	Sent    time.Time `json:"sent"`
}

// Column of the machine's plan, for the screen and for price lines.
type Column struct {
	Column int    `json:"column"`
	Name   string `json:"name"`
	Minor  int64  `json:"minor"`
}

// Config is the read-only snapshot of what the hub owns about the machine.
type Config struct {
	V          int      `json:"v"`
	Version    int64    `json:"version"` // grows with each change; reported back in Hello and State
	Serial     string   `json:"serial"`  // заводской номер, tag 1036
	Address    string   `json:"address"`
	Place      string   `json:"place"`
	Zone       string   `json:"zone"` // IANA
	Seller     string   `json:"seller"`
	Lang       string   `json:"lang"`
	Columns    []Column `json:"columns,omitempty"`
	StopAfterM int      `json:"stop_after_min"`        // stop selling when the hub is silent that long; 0 never
	NeedPanel  bool     `json:"need_display"`          // stop selling when the display is dead
	ShowSec    int      `json:"show_sec"`              // how long a receipt stays on the screen
	Assume     string   `json:"currency,omitempty"`    // ISO numeric to assume when the bus does not say
	OffReason  string   `json:"off_reason,omitempty"`  // the machine must not sell: why, in display's codes; "" it may
	LateReason string   `json:"late_reason,omitempty"` // receipts can't be made now: why; selling goes on. "" they can
}

// Command asks the agent to do something; it answers in State.Results.
type Command struct {
	V       int             `json:"v"`
	ID      string          `json:"id"`
	Kind    string          `json:"kind"` // "identify", "restart", CommandTrace
	Args    json.RawMessage `json:"args,omitempty"`
	Expires time.Time       `json:"expires"`
}

// CommandTrace asks for what the flight recorder has; it comes by up/trace.
const CommandTrace = "trace"

// TracesMost files are sent for one command.
const TracesMost = 10

// TraceArgs of CommandTrace: one of them.
type TraceArgs struct {
	LastS int    `json:"last_s,omitempty"` // what was heard in the last seconds
	Saved int    `json:"saved,omitempty"`  // that many of the newest files
	Name  string `json:"name,omitempty"`   // a file
}

// Trace is a file of the flight recorder.
type Trace struct {
	V       int       `json:"v"`
	Command string    `json:"command,omitempty"` // what asked for it
	Name    string    `json:"name"`              // unique with its agent
	Wall    time.Time `json:"wall"`              // when it was written
	Gzip    []byte    `json:"gzip"`              // text of package mdb/trace
}

// Result of a command.
type Result struct {
	ID     string `json:"id"`
	OK     bool   `json:"ok"`
	Detail string `json:"detail,omitempty"`
}

// State is retained, with a last will that says Online false for the same
// session.
type State struct {
	V        int       `json:"v"`
	Session  string    `json:"session"`
	Online   bool      `json:"online"`
	Config   int64     `json:"config"`
	Head     int64     `json:"head"`
	Unacked  int64     `json:"unacked"`
	Screen   string    `json:"screen"` // display.State
	Reason   string    `json:"reason,omitempty"`
	Display  bool      `json:"display_alive"`
	Bus      BusState  `json:"bus"`
	DiskFree int64     `json:"disk_free"` // bytes; -1 unknown
	Shown    []Shown   `json:"shown,omitempty"`
	Results  []Result  `json:"results,omitempty"`
	Wall     time.Time `json:"wall"`
}

// BusState is how listening goes.
type BusState struct {
	Source  string `json:"source"` // URL, without secrets
	Alive   bool   `json:"alive"`  // the module answers
	QuietMS int64  `json:"quiet_ms"`
	Words   int64  `json:"words"`
	BadSums int64  `json:"bad_checksums"`
}

// Shown tells when a receipt stood on the panel.
type Shown struct {
	Journal string `json:"journal"`
	Seq     int64  `json:"seq"`
	AfterMS int64  `json:"after_ms"` // from the deciding word's arrival to the panel
	Result  string `json:"result"`   // "shown", or why not: "late", "superseded", "display_dead"
}
