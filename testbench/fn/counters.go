package fn

// Counters are the totals the ФН keeps for its reports: of the shift (1194),
// of its life (1157) and of what the ОФД has not confirmed (1158); ffd.md §4.6.
// Money is in kopecks.
type Counters struct {
	Receipts    uint32       `json:"receipts"`    // 1134: receipts and corrections of every operation
	By          [5]Operation `json:"by"`          // receipts by 1054; [0] is unused
	Corrections [5]Operation `json:"corrections"` // corrections by 1054; [0] is unused
}

// Operation are the totals of one признак расчёта.
type Operation struct {
	Count   uint32 `json:"count"`   // 1135
	Cash    uint64 `json:"cash"`    // 1136
	Ecash   uint64 `json:"ecash"`   // 1138
	Prepaid uint64 `json:"prepaid"` // 1218
	Credit  uint64 `json:"credit"`  // 1219
	Barter  uint64 `json:"barter"`  // 1220
	Sum     uint64 `json:"sum"`     // 1201
	// VAT by rate, the turnover at 0 % and without VAT: 1139 1140 1141 1142 1143 1183.
	VAT [6]uint64 `json:"vat"`
}

// vatCounters are the tags of Operation.VAT and of what feeds them.
var vatCounters = [6]struct {
	counter uint16
	source  string
}{{1139, "1102"}, {1140, "1103"}, {1141, "1106"}, {1142, "1107"}, {1143, "1104"}, {1183, "1105"}}

// Add counts a document; those without an operation change nothing.
func (c *Counters) Add(d Document) {
	if d.Operation < 1 || d.Operation > 4 {
		return
	}
	var o *Operation
	switch d.Type {
	default:
		return
	case TypeReceipt:
		o = &c.By[d.Operation]
	case TypeCorrection:
		o = &c.Corrections[d.Operation]
	}
	c.Receipts++
	o.Count++
	o.Sum += uint64(d.Sum)
	o.Cash += uint64(d.Paid["1031"])
	o.Ecash += uint64(d.Paid["1081"])
	o.Prepaid += uint64(d.Paid["1215"])
	o.Credit += uint64(d.Paid["1216"])
	o.Barter += uint64(d.Paid["1217"])
	for i, tag := range vatCounters {
		o.VAT[i] += uint64(d.VAT[tag.source])
	}
}

// correctionTags are the structures inside 1133 by 1054.
var correctionTags = [5]uint16{1: 1145, 2: 1232, 3: 1146, 4: 1233}

// append writes 1194 or 1157.
func (c *Counters) append(b []byte, tag uint16) []byte {
	in := AppendU32(nil, 1134, c.Receipts)
	for operation := 1; operation <= 4; operation++ {
		in = AppendTLV(in, uint16(1128+operation), c.By[operation].append(nil, true))
	}
	return AppendTLV(b, tag, AppendTLV(in, 1133, c.corrections()))
}

// corrections is the body of 1133: the count of all, then each operation.
func (c *Counters) corrections() []byte {
	var count uint32
	for _, o := range c.Corrections {
		count += o.Count
	}
	b := AppendU32(nil, 1144, count)
	for operation := 1; operation <= 4; operation++ {
		b = AppendTLV(b, correctionTags[operation], c.Corrections[operation].append(nil, false))
	}
	return b
}

// appendUnsent writes 1158: receipts and corrections together by operation.
func (c *Counters) appendUnsent(b []byte) []byte {
	in := AppendU32(nil, 1144, c.Receipts)
	for operation := 1; operation <= 4; operation++ {
		o := c.By[operation]
		o.add(c.Corrections[operation])
		in = AppendTLV(in, correctionTags[operation], o.append(nil, false))
	}
	return AppendTLV(b, 1158, in)
}

func (o *Operation) add(p Operation) {
	o.Count += p.Count
	o.Cash += p.Cash
	o.Ecash += p.Ecash
	o.Prepaid += p.Prepaid
	o.Credit += p.Credit
	o.Barter += p.Barter
	o.Sum += p.Sum
	for i := range o.VAT {
		o.VAT[i] += p.VAT[i]
	}
}

func (o *Operation) append(b []byte, withVAT bool) []byte {
	b = AppendU32(b, 1135, o.Count)
	for _, s := range []struct {
		tag uint16
		sum uint64
	}{{1136, o.Cash}, {1138, o.Ecash}, {1218, o.Prepaid}, {1219, o.Credit}, {1220, o.Barter}, {1201, o.Sum}} {
		b = AppendVLN(b, s.tag, s.sum)
	}
	if withVAT {
		for i, tag := range vatCounters {
			b = AppendVLN(b, tag.counter, o.VAT[i])
		}
	}
	return b
}

// Totals returns the counters of the shift (the open one or the last), of the
// ФН's life and of what waits for the ОФД.
func (f *FN) Totals() (shift, life, unsent Counters) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.totals, f.lifetime, f.unsentTotals()
}

func (f *FN) unsentTotals() (c Counters) {
	for _, d := range f.docs[f.confirmed:] {
		c.Add(d)
	}
	return c
}
