package contract

import (
	"encoding/json"
	"time"
)

// Sale is a record with its fate, its job and its receipt.
type Sale struct {
	ID         int64         `json:"id"`
	Operator   string        `json:"operator"`
	Machine    string        `json:"machine,omitempty"`
	Serial     string        `json:"serial,omitempty"`
	Agent      string        `json:"agent"`
	Journal    string        `json:"journal"`
	Seq        int64         `json:"seq"`
	OfSeq      int64         `json:"of_seq,omitempty"`
	Kind       string        `json:"kind"`
	Class      string        `json:"class,omitempty"`
	Amount     int64         `json:"amount"`
	Column     *int          `json:"column,omitempty"`
	Item       string        `json:"item,omitempty"`
	Source     string        `json:"source,omitempty"`
	At         time.Time     `json:"at"`
	ReceivedAt time.Time     `json:"received_at"`
	Fate       string        `json:"fate"` // job, held, none, note
	Reason     string        `json:"reason,omitempty"`
	Job        *SaleJob      `json:"job,omitempty"`
	Receipt    *ReceiptShort `json:"receipt,omitempty"`
	Shown      *Shown        `json:"shown,omitempty"`
}

// SaleJob is a sale's job in short.
type SaleJob struct {
	ID       string `json:"id"`
	Purpose  string `json:"purpose"`
	State    string `json:"state"`
	Reason   string `json:"reason,omitempty"`
	Lane     string `json:"lane,omitempty"`
	Attempts int    `json:"attempts,omitempty"`
}

// ReceiptShort is what stands on a machine's display, and where to find more.
type ReceiptShort struct {
	FN     string    `json:"fn"`
	FD     int64     `json:"fd"`
	FP     int64     `json:"fp"`
	At     string    `json:"at"` // register's wall clock, no zone
	QR     string    `json:"qr"`
	Test   bool      `json:"test"`
	MadeAt time.Time `json:"made_at"`
}

// Shown tells when the receipt stood on the panel, or why not.
type Shown struct {
	Result  string    `json:"result"`
	AfterMS int64     `json:"after_ms"`
	ToldAt  time.Time `json:"told_at"`
}

// SaleDetail is a record with its body and all its jobs.
type SaleDetail struct {
	Sale Sale            `json:"sale"`
	Body json.RawMessage `json:"body"`
	Jobs []Job           `json:"jobs,omitempty"`
}

// RetryHeld narrows what is decided anew.
type RetryHeld struct {
	Operator string `json:"operator,omitempty"`
	Machine  string `json:"machine,omitempty"`
	Reason   string `json:"reason,omitempty"`
}

// RetryHeldResult counts what became of it.
type RetryHeldResult struct {
	Tried int64 `json:"tried"`
	Jobs  int64 `json:"jobs"`
	None  int64 `json:"none"`
	Held  int64 `json:"held"`
}

// Job is one document to be made.
type Job struct {
	ID         string        `json:"id"`
	Operator   string        `json:"operator"`
	Seller     string        `json:"seller"`
	Machine    string        `json:"machine,omitempty"`
	Serial     string        `json:"serial,omitempty"`
	Record     int64         `json:"record,omitempty"`
	OriginKind string        `json:"origin_kind"`
	OriginID   string        `json:"origin_id"`
	Purpose    string        `json:"purpose"`
	State      string        `json:"state"`
	Reason     string        `json:"reason,omitempty"`
	Lane       string        `json:"lane,omitempty"`
	Key        string        `json:"key"`
	Attempts   int           `json:"attempts"`
	Amount     int64         `json:"amount"`
	Item       string        `json:"item,omitempty"`
	SoldAt     time.Time     `json:"sold_at"`
	NextAt     time.Time     `json:"next_at,omitzero"`
	CreatedAt  time.Time     `json:"created_at"`
	UpdatedAt  time.Time     `json:"updated_at"`
	Receipt    *ReceiptShort `json:"receipt,omitempty"`
}

// JobDetail is a job with all that happened to it.
type JobDetail struct {
	Job      Job             `json:"job"`
	Document json.RawMessage `json:"document"`
	History  []JobChange     `json:"history"`
	Attempts []Attempt       `json:"attempts"`
}

// JobChange is a row of a job's history.
type JobChange struct {
	At     time.Time `json:"at"`
	State  string    `json:"state"`
	Reason string    `json:"reason,omitempty"`
	Detail string    `json:"detail,omitempty"`
	Actor  string    `json:"actor"`
}

// Attempt is one try of a job.
type Attempt struct {
	Number     int       `json:"number"`
	Lane       string    `json:"lane"`
	FN         string    `json:"fn"`
	BaselineFD int64     `json:"baseline_fd"`
	Key        string    `json:"key"`
	State      string    `json:"state"`
	Outcome    string    `json:"outcome,omitempty"`
	Summary    string    `json:"summary,omitempty"`
	StartedAt  time.Time `json:"started_at"`
	EndedAt    time.Time `json:"ended_at,omitzero"`
}

// BindJob says which document of the FN is the job's.
type BindJob struct {
	FN  string `json:"fn"`
	FD  int64  `json:"fd"`
	Why string `json:"why"`
}

// RefundOrder has a receipt's money given back.
type RefundOrder struct {
	Why  string `json:"why"`
	Form string `json:"form,omitempty"` // cash, ecash; empty: as it came
}

// CorrectOrder is an order of a correction.
type CorrectOrder struct {
	Why     string `json:"why"`
	ByOrder bool   `json:"by_order,omitempty"` // 1173
	Number  string `json:"number,omitempty"`   // 1179
}

// Ordered is what an order came to.
type Ordered struct {
	Act  string `json:"act"`
	Jobs []Job  `json:"jobs"`
}

// MadeJob is a document of the OFD's data that is the job's: no register can be
// asked for it any more.
type MadeJob struct {
	FN     string `json:"fn"`
	FD     int64  `json:"fd"`
	FP     int64  `json:"fp"`
	At     string `json:"at"` // register's wall clock, 2006-01-02T15:04
	Shift  int64  `json:"shift,omitempty"`
	Number int64  `json:"number,omitempty"`
	RNM    string `json:"rnm,omitempty"`
	Why    string `json:"why"`
}

// Receipt is a fiscal document that was made.
type Receipt struct {
	Operator  string    `json:"operator"`
	Seller    string    `json:"seller"`
	Machine   string    `json:"machine,omitempty"`
	Serial    string    `json:"serial,omitempty"`
	Lane      string    `json:"lane"`
	Job       string    `json:"job"`
	Record    int64     `json:"record,omitempty"`
	Purpose   string    `json:"purpose"`
	FN        string    `json:"fn"`
	FD        int64     `json:"fd"`
	FP        int64     `json:"fp"`
	At        string    `json:"at"`
	Shift     int64     `json:"shift"`
	Number    int64     `json:"number"`
	RNM       string    `json:"rnm"`
	Operation int       `json:"operation"`
	Amount    int64     `json:"amount"`
	Item      string    `json:"item,omitempty"`
	QR        string    `json:"qr"`
	Test      bool      `json:"test"`
	MadeAt    time.Time `json:"made_at"`
}

// Quarantine is a message that could not be taken in.
type Quarantine struct {
	ID         int64     `json:"id"`
	Operator   string    `json:"operator"`
	Agent      string    `json:"agent"`
	Topic      string    `json:"topic"`
	Journal    string    `json:"journal"`
	Seq        int64     `json:"seq"`
	Reason     string    `json:"reason"`
	Detail     string    `json:"detail"`
	Size       int64     `json:"size"`
	ReceivedAt time.Time `json:"received_at"`
	ResolvedAt time.Time `json:"resolved_at,omitzero"`
	Resolution string    `json:"resolution,omitempty"`
}

// QuarantineDetail holds the bytes.
type QuarantineDetail struct {
	Item Quarantine `json:"item"`
	Raw  []byte     `json:"raw"`
	Text string     `json:"text,omitempty"`
}
