package contract

import "time"

// NewLane asks for one.
type NewLane struct {
	Operator   string       `json:"operator,omitempty"`
	Seller     string       `json:"seller"`
	Name       string       `json:"name"`
	URL        string       `json:"url"`
	FFD        string       `json:"ffd"`
	TaxSystems []string     `json:"tax_systems"`
	Zone       string       `json:"zone"`
	Test       bool         `json:"test"`
	Enabled    *bool        `json:"enabled,omitempty"` // default true
	Settings   LaneSettings `json:"settings,omitzero"`
}

// LaneChange leaves alone what is nil.
type LaneChange struct {
	Name    *string `json:"name,omitempty"`
	URL     *string `json:"url,omitempty"`
	Zone    *string `json:"zone,omitempty"`
	Enabled *bool   `json:"enabled,omitempty"`

	Settings *LaneSettings `json:"settings,omitempty"` // all of them anew
}

// LaneSettings are what an operator may set on a lane. Zero values are the
// till's defaults.
type LaneSettings struct {
	CloseAt    string `json:"close_at,omitempty"`    // "15:04" in the lane's zone: the shift is closed daily then; "never": by age alone; "": as the hub says
	PerMinute  int    `json:"per_minute,omitempty"`  // documents a minute; 0 no limit
	Burst      int    `json:"burst,omitempty"`       // documents at once before PerMinute counts; 0: 1
	SpillMS    int    `json:"spill_ms,omitempty"`    // how long a job whose buyer has gone waits for the busy lane its machine stays with before this one takes it; 0: 250
	BreakAfter int    `json:"break_after,omitempty"` // attempts that fail in a row before the lane takes a rest; 0: 3
	BreakMS    int    `json:"break_ms,omitempty"`    // the first rest, each further one twice as long; 0: 2000
	LeaveClock bool   `json:"leave_clock,omitempty"` // the register's clock is never set
	OwnZone    bool   `json:"own_zone,omitempty"`    // only sales of machines whose clocks show the same time
	InFlight   int    `json:"in_flight,omitempty"`   // of a cloud: attempts that may wait for their outcome at once; 0: 8
}

// Fault with its texts.
type Fault struct {
	Code   string `json:"code"`
	Device string `json:"device,omitempty"`
	Detail string `json:"detail,omitempty"`
	Title  string `json:"title"`
	Next   string `json:"next"`
}

// Unit is a register behind a lane as last polled.
type Unit struct {
	Serial     string    `json:"serial"`
	Model      string    `json:"model,omitempty"`
	Firmware   string    `json:"firmware,omitempty"`
	PolledAt   time.Time `json:"polled_at"`
	Clock      string    `json:"clock,omitempty"`
	FN         string    `json:"fn,omitempty"`
	RNM        string    `json:"rnm,omitempty"`
	INN        string    `json:"inn,omitempty"`
	FFD        string    `json:"ffd,omitempty"`
	Phase      int       `json:"phase,omitempty"`
	LastFD     int64     `json:"last_fd,omitempty"`
	Shift      int64     `json:"shift,omitempty"`
	ShiftOpen  bool      `json:"shift_open"`
	OpenedAt   string    `json:"opened_at,omitempty"`
	Receipts   int64     `json:"receipts,omitempty"`
	Unsent     int64     `json:"unsent"`
	ValidUntil string    `json:"valid_until,omitempty"`
	Test       bool      `json:"test,omitempty"`
	Warnings   []string  `json:"warnings,omitempty"`
	Faults     []Fault   `json:"faults,omitempty"`
}

// FNPeriod is an FN in a register.
type FNPeriod struct {
	Unit     string    `json:"unit"`
	FN       string    `json:"fn"`
	RNM      string    `json:"rnm"`
	INN      string    `json:"inn"`
	FFD      string    `json:"ffd"`
	SeenFrom time.Time `json:"seen_from"`
	SeenTo   time.Time `json:"seen_to"`
	LastFD   int64     `json:"last_fd"`
}

// Lane and how it does.
type Lane struct {
	ID         string       `json:"id"`
	Operator   string       `json:"operator"`
	Seller     string       `json:"seller"`
	Name       string       `json:"name"`
	URL        string       `json:"url"`
	FFD        string       `json:"ffd"`
	TaxSystems []string     `json:"tax_systems"`
	Zone       string       `json:"zone"`
	Test       bool         `json:"test"`
	Enabled    bool         `json:"enabled"`
	State      string       `json:"state"`
	Since      time.Time    `json:"since"`
	Fault      *Fault       `json:"fault,omitempty"`
	Queue      int64        `json:"queue"`
	Units      []Unit       `json:"units"`
	FNPeriods  []FNPeriod   `json:"fn_periods,omitempty"`
	Outlook    []Outlook    `json:"outlook,omitempty"` // of one lane that was asked for
	Foreign    int64        `json:"foreign,omitempty"`
	Settings   LaneSettings `json:"settings,omitzero"`
}

// FoundDocument is a document read from a register's ФН.
type FoundDocument struct {
	FN        string `json:"fn"`
	FD        int64  `json:"fd"`
	FP        int64  `json:"fp,omitempty"`
	Type      int    `json:"type"`
	At        string `json:"at,omitempty"`
	Amount    int64  `json:"amount"`
	Confirmed bool   `json:"confirmed"`
	Key       string `json:"key,omitempty"`
	Job       string `json:"job,omitempty"`
	Text      string `json:"text"`
	Document  []byte `json:"document,omitempty"`
}

// LaneTest is what was found at the register's address.
type LaneTest struct {
	OK     bool   `json:"ok"`
	TookMS int64  `json:"took_ms"`
	Units  []Unit `json:"units"`
	Fault  *Fault `json:"fault,omitempty"`
}
