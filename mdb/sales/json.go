package sales

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
)

// line is the JSON form of an event, one object a line: stable, for scripts.
// Amounts are decimal strings after scaling; an amount of unknown scale is left
// out and its raw value given instead.
type line struct {
	Kind         Kind       `json:"kind"`
	T            int64      `json:"t_us"`
	Class        Class      `json:"class,omitempty"`
	Source       string     `json:"source,omitempty"`
	Code         string     `json:"code,omitempty"`
	Reader       string     `json:"reader,omitempty"`
	Item         *uint16    `json:"item,omitempty"`
	Amount       string     `json:"amount,omitempty"`
	AmountRaw    *int64     `json:"amount_raw,omitempty"`
	Requested    string     `json:"requested,omitempty"`
	RequestedRaw *int64     `json:"requested_raw,omitempty"`
	Currency     string     `json:"currency,omitempty"`
	Scale        uint32     `json:"scale,omitempty"`
	Decimals     *uint8     `json:"decimals,omitempty"`
	Parts        []linePart `json:"parts,omitempty"`
	Tendered     string     `json:"tendered,omitempty"`
	Change       string     `json:"change,omitempty"`
	Of           int64      `json:"of_t_us,omitempty"`
	Detail       string     `json:"detail,omitempty"`
	Blocks       string     `json:"blocks,omitempty"`
}

type linePart struct {
	Source    string `json:"source"`
	Kind      string `json:"kind"`
	Amount    string `json:"amount,omitempty"`
	AmountRaw *int64 `json:"amount_raw,omitempty"`
}

// Summary is the last line of a replay.
type Summary struct {
	Kind            string `json:"kind"` // "summary"
	Words           uint64 `json:"words"`
	Blocks          uint64 `json:"blocks"`
	ChecksumErrors  uint64 `json:"checksum_errors"`
	Sales           uint64 `json:"sales"`
	Incidents       uint64 `json:"incidents"`
	Cut             uint64 `json:"cut"`
	Stray           uint64 `json:"stray"`
	FramingErrors   uint64 `json:"framing_errors"`
	Overlong        uint64 `json:"overlong"`
	WordsLost       uint64 `json:"words_lost"`
	Breaks          uint64 `json:"breaks"`
	UnknownAddress  uint64 `json:"unknown_addresses"`
	Unreadable      uint64 `json:"unreadable"`
	Complete        bool   `json:"complete"`        // the source was read to its end
	Error           string `json:"error,omitempty"` // why it was not
	StrongestClass  Class  `json:"strongest_class"` // what the source's fidelity allows
	AssumedIdleBus  bool   `json:"assumed_idle_bus"`
	LastTime        int64  `json:"last_t_us"`
	ForeignBusWords uint64 `json:"foreign_words"`
}

// Summarize fills a summary from counts.
func Summarize(s Stats) Summary {
	return Summary{
		Kind: "summary", Words: s.Words, Blocks: s.Blocks, ChecksumErrors: s.Checksums, Sales: s.Sales,
		Incidents: s.Incidents, Cut: s.Cut, Stray: s.Stray, FramingErrors: s.Framing, Overlong: s.Overlong,
		WordsLost: s.Lost, Breaks: s.Breaks, UnknownAddress: s.UnknownAddresses, Unreadable: s.Unreadable,
		ForeignBusWords: s.Foreign,
	}
}

// AppendJSON appends the event as one line of JSON with its newline.
func AppendJSON(dst []byte, e Event) []byte {
	l := line{
		Kind: e.Kind, T: e.T, Class: e.Class, Source: e.Source, Code: e.Code, Of: e.Of, Detail: e.Detail,
		Blocks: hex.EncodeToString(e.Blocks),
	}
	if e.Reader != 0 {
		l.Reader = fmt.Sprintf("%02X", e.Reader)
	}
	if e.ItemKnown {
		l.Item = &e.Item
	}
	if e.Amount != (Amount{}) {
		l.Amount, l.AmountRaw = amountText(e.Amount)
	}
	if e.Amount.Known {
		l.Currency, l.Scale, l.Decimals = e.Amount.Currency, e.Amount.Scale, &e.Amount.Decimals
	}
	if e.Requested != (Amount{}) {
		l.Requested, l.RequestedRaw = amountText(e.Requested)
	}
	if e.Tendered.Known {
		l.Tendered, l.Change = e.Tendered.Decimal(), e.Change.Decimal()
	}
	for _, p := range e.Parts {
		q := linePart{Source: p.Source, Kind: p.Kind}
		q.Amount, q.AmountRaw = amountText(p.Amount)
		l.Parts = append(l.Parts, q)
	}
	b, err := json.Marshal(l)
	if err != nil {
		// Only strings and numbers: Marshal has nothing to refuse.
		panic(fmt.Sprintf("event as JSON: %v", err))
	}
	return append(append(dst, b...), '\n')
}

func amountText(a Amount) (string, *int64) {
	if !a.Known {
		return "", &a.Raw
	}
	return a.Decimal(), nil
}
