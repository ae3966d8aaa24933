package vends

import "github.com/chekomat/chekomat/mdb/exe"

// Kind of an outcome.
type Kind string

// Outcomes of VEND (exe 7.5).
const (
	Sale    Kind = "sale"
	Free    Kind = "free" // price 0, or the machine vends free
	Fail    Kind = "fail"
	Unknown Kind = "unknown" // nobody heard whether it was delivered
)

// PriceSource says where a price comes from.
type PriceSource string

// Sources of a price (exe 7.6).
const (
	FromTable PriceSource = "table"
	FromBus   PriceSource = "bus"
	NoPrice   PriceSource = "none"
	Inferred  PriceSource = "inferred" // of the blocks around the vend; never enough for a receipt by itself
)

// Hint of the kind of payment: a hint, not a fact (exe 7.7).
type Hint string

// Hints.
const (
	HintCash     Hint = "cash"
	HintCashless Hint = "cashless"
	HintUnknown  Hint = "unknown"
)

// Evidence for an unknown outcome (exe 7.8).
type Evidence string

// What the first block after an unknown outcome says.
const (
	CreditRestored Evidence = "credit_restored"
	PriceDeducted  Evidence = "price_deducted"
	NoEvidence     Evidence = "none"
)

// Flags of an outcome.
type Flags uint16

// Flags, in the order they are named.
const (
	ZeroPrice Flags = 1 << iota
	FreeVendStatus
	OddVendReply
	PNAKed
	NoReply
	Parity
	Restart
	LostWords // the listener lost words while the VEND was open
	NoSelection
	StaleSelection
	PriceMismatch
	LineNotInTable
)

var flagNames = [...]string{
	"zero_price", "free_vend_status", "odd_vend_reply", "pnak", "no_reply", "parity", "restart", "words_lost",
	"no_selection", "stale_selection", "price_mismatch", "line_not_in_table",
}

// Names gives the flags' stable names.
func (f Flags) Names() []string {
	var out []string
	for i, n := range flagNames {
		if f&(1<<i) != 0 {
			out = append(out, n)
		}
	}
	return out
}

// Doubts say what the listener may have missed: an outcome with doubts may be
// of another line or price than the bus says.
type Doubts uint8

// Doubts.
const (
	LineDoubt     Doubts = 1 << iota // an answer to CREDIT may have been missed since the selection
	StateDoubt                       // the latest answer to STATUS may have been missed
	BlockDoubt                       // a block may have been missed: scale and credit may be old
	StateUnheard                     // no STATUS was heard since listening began
	ScaleAssumed                     // no block was heard: the scale is that of the settings
	ParityUnheard                    // the source does not hear parity bits
)

// None stands for an amount that is not known, in kopecks.
const None int64 = -1

// Outcome of a VEND.
type Outcome struct {
	N         uint64 // counts outcomes of this listener
	Kind      Kind
	T         int64 // µs: the answer, or what decided that there is none
	VendT     int64 // µs: the VEND it answers
	Line      uint8 // line number, or price in base units in standard mode
	LineKnown bool
	Price     int64 // kopecks; None
	Listed    int64 // kopecks the line costs by table or bus, also when it was free; None
	Source    PriceSource
	Units     uint8 // with Source FromBus: Price = Units × Scale / 10^Decimals
	Scale     uint8 // of the latest block, or the settings'
	Decimals  uint8
	Hint      Hint     // of a sale
	Evidence  Evidence // of an unknown outcome
	Flags     Flags
	Doubts    Doubts
	Answer    byte
	Answered  bool
	Before    int64 // kopecks shown before the selection; None
	Mid       int64 // kopecks shown between selection and VEND; None
}

// NoteKind says which fields of a Note count.
type NoteKind uint8

// Notes.
const (
	Decided  NoteKind = iota // Outcome
	Amended                  // Outcome as it was, with evidence or an inferred price filled in
	Closed                   // nothing will be filled in any more into the last outcome
	Shown                    // Display, Value
	Anomaly                  // Name
	Selected                 // Line
	Vending                  // Line
	Missed                   // Line: a damaged byte may have been a VEND
	Crossed                  // the two lines seem to be connected the wrong way round
)

// Note is one thing a Listener found.
type Note struct {
	Kind      NoteKind
	T         int64
	Outcome   Outcome
	Display   exe.Display
	Value     int64 // kopecks
	Name      string
	Line      uint8
	LineKnown bool
}

// State of the dialogue (exe 7.3).
type State string

// States.
const (
	Down      State = "down"
	Inhibited State = "inhibited"
	Ready     State = "ready"
	Chosen    State = "selected"
	Busy      State = "vending"
)
