package evadts

import "strings"

// Audit is a report as its reader needs it: who speaks, in what money, and
// what was counted (evadts 3).
type Audit struct {
	Machine Identity `json:"machine"`
	Money   Money    `json:"money"`
	Clock   Moment   `json:"clock"` // the machine's own, ID5; a witness only (evadts 8)
	Reads   Reads    `json:"reads"`
	Totals  Totals   `json:"totals"`
	Cash    Cash     `json:"cash"`

	Products []Product   `json:"products,omitempty"`
	Rows     []Row       `json:"rows,omitempty"`  // PA7
	Lists    []ListCount `json:"lists,omitempty"` // LA1
	Events   []Event     `json:"events,omitempty"`

	PowerFailures Counter `json:"power_failures"` // cumulative, EA702
	Seal          Seal    `json:"seal"`
	Segments      Count   `json:"segments"`
	Complete      bool    `json:"complete"` // came to DXE
	Notes         []Note  `json:"notes,omitempty"`
}

// Identity is who made the report. ID1 is empty or shared by many machines in
// the field, so controller and changer stand beside it as witnesses (evadts 6.1).
type Identity struct {
	CommID     string `json:"comm_id"` // DXS01
	Version    string `json:"version"` // DXS03
	Serial     string `json:"serial"`  // ID101
	Model      string `json:"model,omitempty"`
	Build      string `json:"build,omitempty"`
	Location   string `json:"location,omitempty"`
	User       string `json:"user,omitempty"`
	Asset      string `json:"asset,omitempty"` // ID106, set by the operator
	Controller Device `json:"controller"`      // CB1
	Changer    Device `json:"changer"`         // CA1
	Validator  Device `json:"validator"`       // BA1
	Reader1    Device `json:"reader1"`         // DA1
	Reader2    Device `json:"reader2"`         // DB1
}

// Device is serial number, model and software of a part of the machine.
type Device struct {
	Present  bool   `json:"-"`
	Serial   string `json:"serial,omitempty"`
	Model    string `json:"model,omitempty"`
	Software string `json:"software,omitempty"`
}

// Moment is a date and time as printed: YYMMDD or YYYYMMDD, HHMM or HHMMSS.
// Machines without a clock print zeros or a year long gone.
type Moment struct {
	Date string `json:"date,omitempty"`
	Time string `json:"time,omitempty"`
}

// Reads is EA3.
type Reads struct {
	Present  bool    `json:"-"`
	Old      Counter `json:"reads_with_reset"` // EA301
	This     Moment  `json:"this"`             // EA302, EA303
	Reader   string  `json:"reader,omitempty"` // EA304
	Previous Moment  `json:"previous"`         // EA305, EA306
	Count    Counter `json:"reads"`            // EA309, since initialisation
	Resets   Counter `json:"resets"`           // EA310, since initialisation
}

// Totals are the sums over all products, cumulative and interval.
type Totals struct {
	Paid      Total `json:"paid"`      // VA1
	Test      Total `json:"test"`      // VA2
	Free      Total `json:"free"`      // VA3
	Cash      Total `json:"cash"`      // CA2
	Cashless1 Total `json:"cashless1"` // DA2
	Cashless2 Total `json:"cashless2"` // DB2
	Tokens    Total `json:"tokens"`    // TA2: vend tokens and value tokens together
}

// kind is one payment kind by its device letters.
type kind struct {
	name string
	of   func(*Totals) *Total
}

var kinds = [...]kind{
	{"CA", func(t *Totals) *Total { return &t.Cash }},
	{"DA", func(t *Totals) *Total { return &t.Cashless1 }},
	{"DB", func(t *Totals) *Total { return &t.Cashless2 }},
	{"TA", func(t *Totals) *Total { return &t.Tokens }},
}

// Cash is what went in and out of the machine, cumulative.
type Cash struct {
	In        Counter `json:"in"`         // CA305
	ToBox     Counter `json:"to_box"`     // CA306
	ToTubes   Counter `json:"to_tubes"`   // CA307
	Bills     Counter `json:"bills"`      // CA310, or CA308 where that is all there is: may be in whole units
	OutChange Counter `json:"out_change"` // CA403
	OutManual Counter `json:"out_manual"` // CA404
	Overpaid  Counter `json:"overpaid"`   // CA802
	Filled    Counter `json:"filled"`     // CA1002
	InTubes   Counter `json:"in_tubes"`   // CA1501, the moment's contents
}

// Product is PA1 and the segments behind it.
type Product struct {
	ID     string  `json:"product"` // PA101; may be empty, may stand twice
	Price  Counter `json:"price"`   // PA102; 65535 (price not set) is NotAvailable
	Name   string  `json:"name,omitempty"`
	Absent bool    `json:"absent,omitempty"` // PA107: the selection is not there
	Paid   Total   `json:"paid"`             // PA2
	Test   Total   `json:"test"`             // PA3
	Free   Total   `json:"free"`             // PA4
	Mixed  Total   `json:"mixed"`            // PA8: value is the cash part
	LastOr Moment  `json:"sold_out_or_last_sale"`
}

// Row is PA7: one product, payment device and price list.
type Row struct {
	Product string  `json:"product"`
	Device  string  `json:"device"` // CA, DA, DB, TA
	List    string  `json:"list"`
	Price   Counter `json:"price"`
	Total
}

// ListCount is LA1: vends of a product by price list. Interval stands before
// cumulative here.
type ListCount struct {
	List       string  `json:"list"`
	Product    string  `json:"product"`
	Price      Counter `json:"price"`
	Interval   Counter `json:"interval"`
	Cumulative Counter `json:"cumulative"`
}

// Event is EA1 (one occurrence) or EA2 (a counter).
type Event struct {
	Code       string  `json:"code"`
	At         Moment  `json:"at"` // EA1
	Text       string  `json:"text,omitempty"`
	Interval   Counter `json:"interval"`   // EA202
	Cumulative Counter `json:"cumulative"` // EA203
}

// Note is something odd in one report.
type Note struct {
	Code   Code   `json:"code"`
	Key    string `json:"key,omitempty"` // the element, as "CA202"
	Offset int    `json:"offset"`        // in the file
}

// Read makes the typed view of a report. What it cannot understand stays
// unknown and is noted; it never fails.
func Read(r Report) Audit {
	a := Audit{Money: Money{Decimals: 2}, Seal: r.Seal(), Segments: r.Count()}
	v := viewer{audit: &a}
	for _, s := range r.Segments {
		v.segment(s)
	}
	v.seal(r)
	v.wraps()
	return a
}

type viewer struct {
	audit      *Audit
	sentinel   bool
	unreadable bool
}

func (v *viewer) note(c Code, key string, offset int) {
	v.audit.Notes = append(v.audit.Notes, Note{Code: c, Key: key, Offset: offset})
}

// seal notes what is wrong with the envelope.
func (v *viewer) seal(r Report) {
	switch v.audit.Seal.Status {
	case SealAbsent:
		v.note(CodeSealAbsent, "G85", r.Offset)
	case SealMismatch, SealMalformed:
		v.note(CodeSealMismatch, "G85", r.Offset)
	case SealWithoutStart:
		v.note(CodeNoStart, "ST", r.Offset)
	case SealSwapped, SealWithoutLastCRLF:
		v.note(CodeSealVariant, "G85", r.Offset)
	case SealOK:
	}
	if !v.audit.Complete {
		v.note(CodeNoEnd, "DXE", r.Offset)
	}
}

// wraps notes a total one of whose counters wrapped inside one report: the
// cumulative one is below that of the interval, or, with one of value and
// count the same in both, the other differs by exactly a binary limit (evadts
// 2.3, last row: Necta's CA2, where CA202 − CA204 = 65 536).
func (v *viewer) wraps() {
	t := &v.audit.Totals
	for _, one := range []struct {
		id string
		t  *Total
	}{{"VA1", &t.Paid}, {"VA2", &t.Test}, {"VA3", &t.Free}, {"CA2", &t.Cash}, {"DA2", &t.Cashless1}, {"DB2", &t.Cashless2}} {
		value := [2]Counter{one.t.Cumulative.Value, one.t.Interval.Value}
		count := [2]Counter{one.t.Cumulative.Count, one.t.Interval.Count}
		if wrappedInside(value, count) {
			v.note(CodeWrapInside, one.id+"01", 0)
		}
		if wrappedInside(count, value) {
			v.note(CodeWrapInside, one.id+"02", 0)
		}
	}
}

// wrappedInside looks at a counter, cumulative and interval, beside its twin.
func wrappedInside(c, twin [2]Counter) bool {
	if !c[0].Known() || !c[1].Known() {
		return false
	}
	apart := c[0].N - c[1].N
	if apart < 0 {
		return true
	}
	same := twin[0].Known() && twin[0] == twin[1] && twin[0].N > 0
	return same && (apart == 1<<16 || apart == 1<<24 || apart == 1<<32)
}

func deviceOf(s Segment) Device {
	return Device{Present: true, Serial: Text(s.Element(1)), Model: Text(s.Element(2)), Software: Text(s.Element(3))}
}

func momentOf(s Segment, n int) Moment {
	return Moment{Date: strings.TrimSpace(s.Element(n)), Time: strings.TrimSpace(s.Element(n + 1))}
}
