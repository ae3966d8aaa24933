package contract

import (
	"encoding/json"
	"time"
)

// Operator is a tenant.
type Operator struct {
	ID           string    `json:"id"`
	Name         string    `json:"name"`
	Zone         string    `json:"zone"`
	CPolicy      string    `json:"c_policy"`        // hold, job
	CorrectAfter int64     `json:"correct_after_m"` // minutes; an older sale gets a correction, 0 never
	CreatedAt    time.Time `json:"created_at"`
}

// NewOperator asks for one.
type NewOperator struct {
	ID           string `json:"id"`
	Name         string `json:"name"`
	Zone         string `json:"zone,omitempty"`
	CPolicy      string `json:"c_policy,omitempty"`
	CorrectAfter *int64 `json:"correct_after_m,omitempty"` // default 1440
}

// OperatorChange leaves alone what is nil.
type OperatorChange struct {
	Name         *string `json:"name,omitempty"`
	Zone         *string `json:"zone,omitempty"`
	CPolicy      *string `json:"c_policy,omitempty"`
	CorrectAfter *int64  `json:"correct_after_m,omitempty"`
}

// TaxProfile of a seller from a date on.
type TaxProfile struct {
	ValidFrom time.Time `json:"valid_from,omitzero"`
	TaxSystem string    `json:"tax_system"` // osn, usn_income, usn_income_cost, eshn, psn
	VAT       string    `json:"vat"`        // standard, 10, 5, 7, 0, none
}

// Seller is a legal entity.
type Seller struct {
	ID        string       `json:"id"`
	Operator  string       `json:"operator"`
	Name      string       `json:"name"`
	INN       string       `json:"inn"`
	Tax       []TaxProfile `json:"tax"`
	CreatedAt time.Time    `json:"created_at"`
}

// NewSeller asks for one.
type NewSeller struct {
	Operator string      `json:"operator,omitempty"`
	Name     string      `json:"name"`
	INN      string      `json:"inn"`
	Tax      *TaxProfile `json:"tax,omitempty"`
}

// SellerChange renames.
type SellerChange struct {
	Name string `json:"name"`
}

// MachinePeriod is who and where a machine is from a date on.
type MachinePeriod struct {
	ValidFrom time.Time `json:"valid_from,omitzero"`
	Seller    string    `json:"seller"`
	Serial    string    `json:"serial"`  // 1036
	Address   string    `json:"address"` // 1009
	Place     string    `json:"place"`   // 1187
	Zone      string    `json:"zone"`
}

// MachineRule is what a machine does when it cannot be fiscalized.
type MachineRule struct {
	StopAfterMin int    `json:"stop_after_min"`
	NeedDisplay  bool   `json:"need_display"`
	ShowSec      int    `json:"show_sec,omitempty"` // default 60
	Currency     string `json:"currency"`
	Lang         string `json:"lang,omitempty"` // default ru
}

// Fiscalizer says who makes receipts for a payment source.
type Fiscalizer struct {
	Source    string    `json:"source"` // cash, reader1, reader2
	Who       string    `json:"who"`    // us, terminal, not_subject
	Reason    string    `json:"reason,omitempty"`
	Advance   bool      `json:"advance,omitempty"` // the reader's keys are the operator's own: loading one is an advance
	ValidFrom time.Time `json:"valid_from,omitzero"`
}

// FiscalizersChange sets some sources from a date on.
type FiscalizersChange struct {
	ValidFrom time.Time    `json:"valid_from,omitzero"`
	Sources   []Fiscalizer `json:"sources"`
}

// Column of a machine's plan.
type Column struct {
	Column    int       `json:"column"`
	Name      string    `json:"name"`
	Price     int64     `json:"price"`
	VAT       string    `json:"vat,omitempty"`
	Subject   int       `json:"subject,omitempty"`
	GTIN      string    `json:"gtin,omitempty"`
	Flags     []string  `json:"flags,omitempty"`
	ValidFrom time.Time `json:"valid_from,omitzero"`
}

// ColumnsChange is the whole plan from a date on.
type ColumnsChange struct {
	ValidFrom time.Time `json:"valid_from,omitzero"`
	Columns   []Column  `json:"columns"`
}

// NewMachine asks for one with as much as is known.
type NewMachine struct {
	Operator    string       `json:"operator,omitempty"`
	ValidFrom   time.Time    `json:"valid_from,omitzero"`
	Seller      string       `json:"seller"`
	Serial      string       `json:"serial"`
	Address     string       `json:"address"`
	Place       string       `json:"place"`
	Zone        string       `json:"zone"`
	Rule        *MachineRule `json:"rule,omitempty"`
	Fiscalizers []Fiscalizer `json:"fiscalizers,omitempty"`
	Columns     []Column     `json:"columns,omitempty"`
}

// Takings is the money of a span: sales by when they happened, receipts by
// when they were made.
type Takings struct {
	Sales     int64 `json:"sales"`
	Amount    int64 `json:"amount"`
	Cash      int64 `json:"cash"`
	Reversals int64 `json:"reversals"`
	Reversed  int64 `json:"reversed"`
	Receipts  int64 `json:"receipts"`
	Receipted int64 `json:"receipted"`
	Refunds   int64 `json:"refunds"`
	Refunded  int64 `json:"refunded"`
}

// Add sums two spans.
func (t Takings) Add(o Takings) Takings {
	return Takings{t.Sales + o.Sales, t.Amount + o.Amount, t.Cash + o.Cash, t.Reversals + o.Reversals, t.Reversed + o.Reversed,
		t.Receipts + o.Receipts, t.Receipted + o.Receipted, t.Refunds + o.Refunds, t.Refunded + o.Refunded}
}

// TakingsSeries is takings by hour or day of a zone.
type TakingsSeries struct {
	Zone  string          `json:"zone"`
	Step  string          `json:"step"`
	Items []TakingsBucket `json:"items"`
}

// TakingsBucket begins at From.
type TakingsBucket struct {
	From    time.Time `json:"from"`
	Takings Takings   `json:"takings"`
}

// MachineAgent is how the agent in a machine does.
type MachineAgent struct {
	ID           string    `json:"id"`
	Online       bool      `json:"online"`
	SeenAt       time.Time `json:"seen_at,omitzero"`
	Screen       string    `json:"screen,omitempty"`
	Reason       string    `json:"reason,omitempty"`
	DisplayAlive bool      `json:"display_alive"`
	BusAlive     bool      `json:"bus_alive"`
	BusSource    string    `json:"bus_source,omitempty"`
	QuietMS      int64     `json:"quiet_ms,omitempty"`
	BadChecksums int64     `json:"bad_checksums,omitempty"`
	Unacked      int64     `json:"unacked"`
	Missing      int64     `json:"missing"`
	DiskFree     int64     `json:"disk_free,omitempty"`
	Software     string    `json:"software,omitempty"`
}

// States of a machine, worst last; openapi.yaml says what each means.
const (
	MachineOK          = "ok"
	MachineWaiting     = "waiting"
	MachineHeld        = "held"
	MachineDisplayDead = "display_dead"
	MachineStopped     = "stopped"
	MachineSilent      = "silent"
	MachineNoAgent     = "no_agent"
)

// Machine and how it does.
type Machine struct {
	ID         string        `json:"id"`
	Operator   string        `json:"operator"`
	Seller     string        `json:"seller"`
	SellerName string        `json:"seller_name"`
	Serial     string        `json:"serial"`
	Address    string        `json:"address"`
	Place      string        `json:"place"`
	Zone       string        `json:"zone"`
	State      string        `json:"state"`
	Reason     string        `json:"reason,omitempty"`
	Agent      *MachineAgent `json:"agent,omitempty"`
	Today      Takings       `json:"today"`
	LastSaleAt time.Time     `json:"last_sale_at,omitzero"`
	Held       int64         `json:"held"`
	Waiting    int64         `json:"waiting"`
}

// MachineDetail is a machine with all its facts.
type MachineDetail struct {
	Machine     Machine         `json:"machine"`
	Periods     []MachinePeriod `json:"periods"`
	Rule        MachineRule     `json:"rule"`
	Fiscalizers []Fiscalizer    `json:"fiscalizers"`
	Columns     []Column        `json:"columns"`
}

// NewAgent asks for one.
type NewAgent struct {
	Operator  string    `json:"operator,omitempty"`
	ID        string    `json:"id,omitempty"`
	Machine   string    `json:"machine,omitempty"`
	ValidFrom time.Time `json:"valid_from,omitzero"`
}

// AgentSecret is the only answer that holds the secret.
type AgentSecret struct {
	Operator string `json:"operator"`
	ID       string `json:"id"`
	Username string `json:"username"`
	Secret   string `json:"secret"`
	Machine  string `json:"machine,omitempty"`
}

// Agent is a device in a machine.
type Agent struct {
	Operator  string    `json:"operator"`
	ID        string    `json:"id"`
	Machine   string    `json:"machine,omitempty"`
	Online    bool      `json:"online"`
	SeenAt    time.Time `json:"seen_at,omitzero"`
	Software  string    `json:"software,omitempty"`
	Unacked   int64     `json:"unacked"`
	Missing   int64     `json:"missing"`
	CreatedAt time.Time `json:"created_at"`
	RevokedAt time.Time `json:"revoked_at,omitzero"`
}

// AgentDetail is an agent with where it sat and what it wrote.
type AgentDetail struct {
	Agent    Agent           `json:"agent"`
	Bindings []Binding       `json:"bindings"`
	Journals []Journal       `json:"journals"`
	State    json.RawMessage `json:"state,omitempty"`
	Hello    json.RawMessage `json:"hello,omitempty"`
}

// Binding of an agent from a date on; no machine: taken out.
type Binding struct {
	ValidFrom time.Time `json:"valid_from"`
	Machine   string    `json:"machine,omitempty"`
}

// Journal is one file of an agent and what the hub has of it.
type Journal struct {
	ID      string    `json:"id"`
	Machine string    `json:"machine,omitempty"`
	Upto    int64     `json:"upto"`
	Head    int64     `json:"head"`
	Missing int64     `json:"missing"`
	FirstAt time.Time `json:"first_at"`
	LastAt  time.Time `json:"last_at"`
}

// BindingChange puts an agent into a machine, or out of any.
type BindingChange struct {
	Machine   string    `json:"machine,omitempty"`
	ValidFrom time.Time `json:"valid_from,omitzero"`
}
