package contract

import "time"

// Incident is something a person should know of.
type Incident struct {
	ID       int64     `json:"id"`
	Operator string    `json:"operator,omitempty"`
	Subject  string    `json:"subject"`
	Code     string    `json:"code"`
	Severity string    `json:"severity"` // info, warn, alarm
	Title    string    `json:"title"`
	Next     string    `json:"next"`
	Detail   string    `json:"detail,omitempty"`
	OpenedAt time.Time `json:"opened_at"`
	LastAt   time.Time `json:"last_at"`
	Count    int64     `json:"count"`
	ClosedAt time.Time `json:"closed_at,omitzero"`
}

// Queue counts jobs by state.
type Queue struct {
	Queued    int64     `json:"queued"`
	InFlight  int64     `json:"in_flight"`
	Resolving int64     `json:"resolving"`
	Held      int64     `json:"held"`
	Done      int64     `json:"done"`
	Void      int64     `json:"void"`
	Young     int64     `json:"young"`
	OldestAt  time.Time `json:"oldest_at,omitzero"`
}

// Quantiles of what was measured over the last minutes.
type Quantiles struct {
	Count int64   `json:"count"`
	P50   float64 `json:"p50"`
	P99   float64 `json:"p99"`
}

// OperatorSummary is how an operator does now.
type OperatorSummary struct {
	ID              string     `json:"id"`
	Name            string     `json:"name"`
	Zone            string     `json:"zone"`
	Day             string     `json:"day"`
	Today           Takings    `json:"today"`
	Machines        int64      `json:"machines"`
	Agents          int64      `json:"agents"`
	AgentsOnline    int64      `json:"agents_online"`
	Queue           Queue      `json:"queue"`
	Records         int64      `json:"records"`
	Sales           int64      `json:"sales"`
	HeldRecords     int64      `json:"held_records"`
	Receipts        int64      `json:"receipts"`
	Incidents       int64      `json:"incidents"`
	Alarms          int64      `json:"alarms"`
	Quarantine      int64      `json:"quarantine"`
	Missing         int64      `json:"missing"`
	VendToReceiptMS *Quantiles `json:"vend_to_receipt_ms,omitempty"`
}

// LaneShort is a lane in the summary.
type LaneShort struct {
	ID       string    `json:"id"`
	Operator string    `json:"operator"`
	Name     string    `json:"name"`
	State    string    `json:"state"`
	Fault    string    `json:"fault,omitempty"`
	Since    time.Time `json:"since"`
}

// Summary is the first page of the dashboard.
type Summary struct {
	At        time.Time         `json:"at"`
	Operators []OperatorSummary `json:"operators"`
	Lanes     []LaneShort       `json:"lanes"`
}

// Snapshot opens a live stream.
type Snapshot struct {
	Summary   Summary    `json:"summary"`
	Machines  []Machine  `json:"machines"`
	Lanes     []Lane     `json:"lanes"`
	Sales     []Sale     `json:"sales"`
	Incidents []Incident `json:"incidents"`
}
