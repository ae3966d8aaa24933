package contract

import "time"

// AuditFigure is vends and their kopecks; null is unknown, never 0.
type AuditFigure struct {
	Vends *int64 `json:"vends"`
	Minor *int64 `json:"minor"`
}

// AuditTotal is a figure of one kind of payment: all, cash, cashless1,
// cashless2, tokens.
type AuditTotal struct {
	Kind string `json:"kind"`
	AuditFigure
}

// Audit is one reading of a machine's own counters. The report as read stands
// in the record's body.
type Audit struct {
	Record     int64        `json:"record"`
	Operator   string       `json:"operator"`
	Machine    string       `json:"machine"`
	Agent      string       `json:"agent"`
	Journal    string       `json:"journal"`
	Seq        int64        `json:"seq"`
	At         time.Time    `json:"at"`
	Protocol   string       `json:"protocol"`
	TookMS     int64        `json:"took_ms"`
	Serial     string       `json:"serial,omitempty"` // as the machine names itself
	Model      string       `json:"model,omitempty"`
	Asset      string       `json:"asset,omitempty"`
	Controller string       `json:"controller,omitempty"`
	Currency   string       `json:"currency,omitempty"`
	Seal       string       `json:"seal"`
	Bytes      int          `json:"bytes"` // of the report
	Totals     []AuditTotal `json:"totals"`
	Flags      []string     `json:"flags"`
	Since      *AuditChange `json:"since,omitempty"`
}

// AuditChange is what the counters gained since an earlier reading.
type AuditChange struct {
	Journal string       `json:"journal"`
	Seq     int64        `json:"seq"`
	Outcome string       `json:"outcome"` // counted, new_chain, for_viewing, none
	Flags   []string     `json:"flags"`
	Totals  []AuditTotal `json:"totals"`
}

// Reconciliation is one kind of payment between two readings.
type Reconciliation struct {
	ID         int64       `json:"id"`
	Operator   string      `json:"operator"`
	Machine    string      `json:"machine"`
	Audit      int64       `json:"audit"` // record of the reading that ends the period
	Kind       string      `json:"kind"`
	From       time.Time   `json:"from,omitzero"`
	To         time.Time   `json:"to"`
	Bus        AuditFigure `json:"bus"`
	Counted    AuditFigure `json:"counted"`
	Difference AuditFigure `json:"difference"` // counted minus bus; null where either is unknown
	Outcome    string      `json:"outcome"`    // agree, differ, unknown
	Reason     string      `json:"reason,omitempty"`
	Title      string      `json:"title,omitempty"` // of the reason
	MadeAt     time.Time   `json:"made_at"`
}
