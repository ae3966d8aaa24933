package ffd

import (
	"fmt"
	"time"
)

// ShiftReport is document 2 (opening) or 5 (closing). User (1048), Address and
// Place belong to the printed form: they are read where a register wrote them,
// never composed.
type ShiftReport struct {
	Imprint              // FN, FD, FP, At, Shift, RegNumber, INN, User, Version
	Close      bool      // document 5
	Address    string    // 1009, "" left to the registration
	Place      string    // 1187
	Cashier    string    // 1021, automats omit it
	CashierINN string    // 1203
	Resource   bool      // 1050
	Replace    bool      // 1051
	MemoryFull bool      // 1052
	OFDTimeout bool      // 1053
	Message    uint8     // 1206, not in 1.05
	KKTVersion string    // 1188, opening only
	KKTFormat  Version   // 1189, opening only
	Unsent     uint32    // 1097, closing only as all below
	UnsentAt   time.Time // 1098
	Documents  uint32    // 1111
	Receipts   uint32    // 1118
	KeyDays    uint16    // 1213
	Notices    uint32    // 2104, 1.2
	FNTotals   *Counters // 1157, not in 1.05
	Totals     *Counters // 1194, not in 1.05
}

// Counters are the ФН's totals of a shift (1194), of the ФН (1157) or of what
// is not transmitted (1158).
type Counters struct {
	Count                            uint32 // 1134
	Sell, SellReturn, Buy, BuyReturn OperationCounters
	Corrections                      CorrectionCounters
}

// OperationCounters are the totals of one признак расчета (1129..1132), in
// kopecks.
type OperationCounters struct {
	Count                                            uint32 // 1135
	Total, Cash, Ecash, Prepaid, Credit, Provision   int64  // 1201, 1136, 1138, 1218, 1219, 1220
	VAT20, VAT10, VAT20120, VAT10110, Turn0, TurnNon int64  // 1139..1143, 1183
}

// CorrectionCounters are the totals of corrections (1133).
type CorrectionCounters struct {
	Count                            uint32            // 1144
	Sell, SellReturn, Buy, BuyReturn OperationCounters // 1145, 1232, 1146, 1233; without VAT
}

type field struct {
	tag Tag
	at  func(*OperationCounters) *int64
}

var sums = []field{
	{1201, func(c *OperationCounters) *int64 { return &c.Total }},
	{1136, func(c *OperationCounters) *int64 { return &c.Cash }},
	{1138, func(c *OperationCounters) *int64 { return &c.Ecash }},
	{1218, func(c *OperationCounters) *int64 { return &c.Prepaid }},
	{1219, func(c *OperationCounters) *int64 { return &c.Credit }},
	{1220, func(c *OperationCounters) *int64 { return &c.Provision }},
}

var taxes = []field{
	{1139, func(c *OperationCounters) *int64 { return &c.VAT20 }},
	{1140, func(c *OperationCounters) *int64 { return &c.VAT10 }},
	{1141, func(c *OperationCounters) *int64 { return &c.VAT20120 }},
	{1142, func(c *OperationCounters) *int64 { return &c.VAT10110 }},
	{1143, func(c *OperationCounters) *int64 { return &c.Turn0 }},
	{1183, func(c *OperationCounters) *int64 { return &c.TurnNon }},
}

// ComposeShift makes document 2 or 5.
func ComposeShift(s ShiftReport) (Document, error) {
	var b builder
	b.head(s.Imprint, signReceipt)
	b.num(1209, uint64(s.Version))
	b.some(1021, s.Cashier)
	b.some(1203, s.CashierINN)
	b.flag(1050, s.Resource)
	b.flag(1051, s.Replace)
	b.flag(1052, s.MemoryFull)
	b.flag(1053, s.OFDTimeout)
	if s.Message != 0 && s.Version != V105 {
		b.num(1206, uint64(s.Message))
	}
	doc := Document{Code: CodeShiftOpen}
	if s.Close {
		doc.Code = CodeShiftClose
		b.closing(s)
	} else {
		b.text(1188, s.KKTVersion)
		b.num(1189, uint64(s.KKTFormat))
	}
	if b.err != nil {
		return doc, fmt.Errorf("compose shift report: %w", b.err)
	}
	doc.Body = b.es
	return doc, nil
}

func (b *builder) closing(s ShiftReport) {
	b.num(1097, uint64(s.Unsent))
	if !s.UnsentAt.IsZero() {
		b.clock(1098, s.UnsentAt)
	}
	b.num(1111, uint64(s.Documents))
	b.num(1118, uint64(s.Receipts))
	if s.Version == V12 {
		b.num(2104, uint64(s.Notices))
	}
	if s.Version != V105 || s.KeyDays != 0 {
		b.num(1213, uint64(s.KeyDays))
	}
	if s.Version != V105 {
		b.counters(1194, s.Totals)
		b.counters(1157, s.FNTotals)
	}
}

func (b *builder) counters(t Tag, c *Counters) {
	if c == nil {
		return
	}
	var n builder
	n.num(1134, uint64(c.Count))
	for _, o := range c.operations() {
		var in builder
		in.num(1135, uint64(o.c.Count))
		in.sums(o.c, sums)
		in.sums(o.c, taxes)
		n.nested(o.tag, &in)
	}
	var corr builder
	corr.num(1144, uint64(c.Corrections.Count))
	for _, o := range c.Corrections.operations() {
		var in builder
		in.num(1135, uint64(o.c.Count))
		in.sums(o.c, sums)
		corr.nested(o.tag, &in)
	}
	n.nested(1133, &corr)
	b.nested(t, &n)
}

func (b *builder) sums(c *OperationCounters, fields []field) {
	for _, f := range fields {
		b.money(f.tag, *f.at(c))
	}
}

type tagged struct {
	tag Tag
	c   *OperationCounters
}

func (c *Counters) operations() []tagged {
	return []tagged{{1129, &c.Sell}, {1130, &c.SellReturn}, {1131, &c.Buy}, {1132, &c.BuyReturn}}
}

func (c *CorrectionCounters) operations() []tagged {
	return []tagged{{1145, &c.Sell}, {1146, &c.Buy}, {1232, &c.SellReturn}, {1233, &c.BuyReturn}}
}

// DecomposeShift reads document 2 or 5.
func DecomposeShift(doc Document) (s ShiftReport, err error) {
	if doc.Code != CodeShiftOpen && doc.Code != CodeShiftClose {
		return s, fmt.Errorf("read shift report: document code %d", doc.Code)
	}
	r := &reader{es: doc.Body}
	s.Close = doc.Code == CodeShiftClose
	s.Version, s.INN, s.User = VersionOf(doc.Body), r.text(1018), r.text(1048)
	s.FN, s.FD, s.FP, s.At = r.text(1041), uint32(r.num(1040)), r.sign(), r.clock(1012)
	s.Shift, s.RegNumber = uint32(r.num(1038)), r.text(1037)
	s.Address, s.Place, s.Cashier, s.CashierINN = r.text(1009), r.text(1187), r.text(1021), r.text(1203)
	s.Resource, s.Replace = r.num(1050) == 1, r.num(1051) == 1
	s.MemoryFull, s.OFDTimeout, s.Message = r.num(1052) == 1, r.num(1053) == 1, uint8(r.num(1206))
	s.KKTVersion, s.KKTFormat = r.text(1188), Version(r.num(1189))
	s.Unsent, s.UnsentAt = uint32(r.num(1097)), r.clock(1098)
	s.Documents, s.Receipts = uint32(r.num(1111)), uint32(r.num(1118))
	s.KeyDays, s.Notices = uint16(r.num(1213)), uint32(r.num(2104))
	s.Totals, s.FNTotals = r.counters(1194), r.counters(1157)
	if r.err != nil {
		err = fmt.Errorf("read shift report: %w", r.err)
	}
	return s, err
}

func (r *reader) counters(t Tag) *Counters {
	n := r.nested(t)
	if n == nil {
		return nil
	}
	c := &Counters{Count: uint32(n.num(1134))}
	for _, o := range c.operations() {
		n.operation(o, true)
	}
	if corr := n.nested(1133); corr != nil {
		c.Corrections.Count = uint32(corr.num(1144))
		for _, o := range c.Corrections.operations() {
			corr.operation(o, false)
		}
		n.note(corr.err)
	}
	r.note(n.err)
	return c
}

func (r *reader) operation(o tagged, withTaxes bool) {
	in := r.nested(o.tag)
	if in == nil {
		return
	}
	o.c.Count = uint32(in.num(1135))
	fields := sums
	if withTaxes {
		fields = append(fields[:len(fields):len(fields)], taxes...)
	}
	for _, f := range fields {
		*f.at(o.c) = in.money(f.tag)
	}
	r.note(in.err)
}
