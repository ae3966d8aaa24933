package fn

// totals are the counters the ФН keeps for the reports: 1194 of a shift, 1157
// of its life (ffd.md §4.6). Indexed by 1054.
type totals struct {
	receipts uint32
	by       [5]operationTotals
}

type operationTotals struct {
	count uint32
	sums  [12]uint64 // in the order of totalTags
}

// totalTags are the sums inside 1129..1132 beside the count 1135, and where
// each comes from in a receipt.
var totalTags = [12]struct {
	counter uint16
	source  string
}{
	{1136, "1031"}, {1138, "1081"}, {1218, "1215"}, {1219, "1216"}, {1220, "1217"}, {1201, ""},
	{1139, "1102"}, {1140, "1103"}, {1141, "1106"}, {1142, "1107"}, {1143, "1104"}, {1183, "1105"},
}

func (t *totals) add(d Document) {
	t.receipts++
	if d.Operation < 1 || d.Operation > 4 {
		return
	}
	o := &t.by[d.Operation]
	o.count++
	for i, tag := range totalTags {
		switch {
		case tag.source == "":
			o.sums[i] += uint64(d.Sum)
		case d.Paid[tag.source] != 0:
			o.sums[i] += uint64(d.Paid[tag.source])
		default:
			o.sums[i] += uint64(d.VAT[tag.source])
		}
	}
}

func (t *totals) append(b []byte, tag uint16) []byte {
	in := AppendU32(nil, 1134, t.receipts)
	for operation := 1; operation <= 4; operation++ {
		o := &t.by[operation]
		one := AppendU32(nil, 1135, o.count)
		for i, s := range totalTags {
			one = AppendVLN(one, s.counter, o.sums[i])
		}
		in = AppendTLV(in, uint16(1128+operation), one)
	}
	return AppendTLV(b, tag, in)
}
