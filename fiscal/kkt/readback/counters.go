package readback

import (
	"github.com/chekomat/chekomat/fiscal"
	"github.com/chekomat/chekomat/fiscal/ffd"
	"github.com/chekomat/chekomat/fiscal/kkt"
)

// Counters reads 1194 of a report on closing a shift, counted by the ФН (FFD
// 1.1 and 1.2; ffd 4.6): 1129..1132 for receipts, 1133 with 1145, 1232, 1146,
// 1233 for corrections. ok is false when the document has none.
func (d Document) Counters() (receipts, corrections []kkt.Counter, ok bool) {
	totals := ffd.Find(d.Body, 1194)
	if totals == nil {
		return nil, nil, false
	}
	for i, tag := range []ffd.Tag{1129, 1130, 1131, 1132} {
		if c, ok := counter(ffd.Find(totals.Nested, tag), fiscal.Operation(i+1)); ok {
			receipts = append(receipts, c)
		}
	}
	if fixes := ffd.Find(totals.Nested, 1133); fixes != nil {
		for i, tag := range []ffd.Tag{1145, 1232, 1146, 1233} {
			if c, ok := counter(ffd.Find(fixes.Nested, tag), fiscal.Operation(i+1)); ok {
				corrections = append(corrections, c)
			}
		}
	}
	return receipts, corrections, true
}

func counter(e *ffd.Element, op fiscal.Operation) (c kkt.Counter, ok bool) {
	if e == nil {
		return c, false
	}
	count, _ := uintOf(e.Nested, 1135)
	sum, _ := uintOf(e.Nested, 1201)
	if count == 0 && sum == 0 {
		return c, false
	}
	c = kkt.Counter{Operation: op, Count: uint32(count), Sum: int64(sum)}
	for _, p := range []struct {
		tag  ffd.Tag
		kind fiscal.PaymentKind
	}{{1136, fiscal.Cash}, {1138, fiscal.Ecash}, {1218, fiscal.Prepaid}, {1219, fiscal.Credit}, {1220, fiscal.Provision}} {
		v, _ := uintOf(e.Nested, p.tag)
		c.Payments = append(c.Payments, fiscal.Payment{Kind: p.kind, Amount: int64(v)})
	}
	return c, true
}
