package contract

import "time"

// Outlook is how long the ФН of a register can go on.
type Outlook struct {
	Unit     string           `json:"unit"` // serial number of the register
	FN       string           `json:"fn"`
	Pace     float64          `json:"documents_a_day"` // over the last week of readings; 0 none or unknown
	Stops    time.Time        `json:"stops,omitzero"`  // the soonest day that something known stops it
	By       string           `json:"by,omitempty"`    // what then: a finding's code
	Avoid    bool             `json:"avoid"`           // sales go to other registers while they can
	Findings []OutlookFinding `json:"findings"`        // the worst first
}

// OutlookFinding is one thing that can stop a register.
type OutlookFinding struct {
	Code    string    `json:"code"`
	Level   string    `json:"level"`   // fine, warn, alarm
	Left    *int64    `json:"left"`    // null: unknown
	Measure string    `json:"measure"` // of left: days, documents, bytes; minutes_old and days_old count upwards
	Stops   time.Time `json:"stops,omitzero"`
	Paced   bool      `json:"paced"`          // stops follows from the pace, not from a date
	Name    string    `json:"name"`           // what it is about
	Title   string    `json:"title"`          // what is the matter; "" while it is fine
	Next    string    `json:"next,omitempty"` // the next step
}

// FNReading is what an ФН told of itself at a time of the hub's clock.
type FNReading struct {
	FN            string    `json:"fn"`
	At            time.Time `json:"at"`
	FD            int64     `json:"fd"` // last document
	Shift         int64     `json:"shift"`
	ShiftOpen     bool      `json:"shift_open"`
	Unsent        *int64    `json:"unsent"`         // documents without the OFD's confirmation; null: not told, like the two below
	DocumentsLeft *int64    `json:"documents_left"` // that the archive still takes
	MemoryLeft    *int64    `json:"memory_left"`    // bytes for documents that wait for the OFD
}

// LedgerShift is one shift of an ФН: what the hub knows beside what the
// register counted.
type LedgerShift struct {
	ID       int64        `json:"id"`
	Operator string       `json:"operator"`
	Lane     string       `json:"lane"`
	FN       string       `json:"fn"`
	Shift    int64        `json:"shift"`
	Open     bool         `json:"open"`
	Source   string       `json:"source"` // of the counters: report, state, archive; "" not read
	LastFD   int64        `json:"last_fd"`
	Outcome  string       `json:"outcome"` // agree, differ, unknown
	Title    string       `json:"title"`
	Lines    []LedgerLine `json:"lines"`
	ReadAt   time.Time    `json:"read_at"`
}

// LedgerLine is one figure of a shift; told minus ours and foreign is the
// difference; null is unknown.
type LedgerLine struct {
	What       string `json:"what"` // documents, receipts, corrections, both
	Name       string `json:"name"`
	Operation  int    `json:"operation,omitempty"` // 1054
	Figure     string `json:"figure"`              // count, sum, or a form of payment; kopecks but for count
	Ours       int64  `json:"ours"`
	Foreign    int64  `json:"foreign"`
	Told       *int64 `json:"told"`
	Difference *int64 `json:"difference"`
	Outcome    string `json:"outcome"`
	Reason     string `json:"reason,omitempty"`
	Title      string `json:"title,omitempty"` // of the reason
}

// LedgerFigure counts sales and their kopecks.
type LedgerFigure struct {
	Count int64 `json:"count"`
	Sum   int64 `json:"sum"`
}

// LedgerReason is a figure with its reason.
type LedgerReason struct {
	Reason string `json:"reason"`
	Title  string `json:"title"`
	Count  int64  `json:"count"`
	Sum    int64  `json:"sum"`
}

// LedgerParty is what became of the sales of one fiscalizing party: sales are
// receipts, those on their way, held and void ones; what is left is the difference.
type LedgerParty struct {
	Party      string         `json:"party"` // us, terminal, not_subject, nobody_said
	Name       string         `json:"name"`
	Sales      LedgerFigure   `json:"sales"`
	Unpriced   int64          `json:"unpriced"` // sales whose amount is not known: the sums are too low by theirs
	Receipts   LedgerFigure   `json:"receipts"`
	Way        LedgerFigure   `json:"way"`
	OldestAt   time.Time      `json:"oldest_at,omitzero"` // of what is on its way
	Held       []LedgerReason `json:"held"`
	Void       []LedgerReason `json:"void"`
	Refunds    LedgerFigure   `json:"refunds"`
	Refunding  LedgerFigure   `json:"refunding"`
	Difference *LedgerFigure  `json:"difference"` // null: unknown, the party's receipts are not seen here
	Outcome    string         `json:"outcome"`
}

// LedgerDay is one machine and day of the operator's zone.
type LedgerDay struct {
	Operator string        `json:"operator"`
	Machine  string        `json:"machine"` // "" sales of agents that sat in no machine
	Day      string        `json:"day"`
	Zone     string        `json:"zone"`
	Outcome  string        `json:"outcome"` // differ when a party's does
	Parties  []LedgerParty `json:"parties"`
}
