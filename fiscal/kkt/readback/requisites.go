package readback

import (
	"bytes"
	"fmt"
	"slices"
	"time"

	"github.com/chekomat/chekomat/fiscal"
	"github.com/chekomat/chekomat/fiscal/fault"
	"github.com/chekomat/chekomat/fiscal/ffd"
	"github.com/chekomat/chekomat/fiscal/kkt"
)

// item compares what an item is, beside its sum and rate. Requisites a register
// leaves out of the archive's answer are not held against it, save the code of
// marked goods.
func item(i int, it fiscal.Item, in []ffd.Element) *kkt.Fault {
	if v, ok := uintOf(in, 1214); ok && fiscal.Method(v) != it.Method {
		return differs(fault.WrongItem, "item %d: 1214 = %d, sent %d", i, v, it.Method)
	}
	if v, ok := uintOf(in, 1212); ok && fiscal.Subject(v) != it.Subject {
		return differs(fault.WrongItem, "item %d: 1212 = %d, sent %d", i, v, it.Subject)
	}
	if q := ffd.Find(in, 1023); q != nil {
		v, err := q.Quantity()
		if micro, ok := v.Micro(); err != nil || !ok || micro != it.Quantity {
			return differs(fault.WrongItem, "item %d: 1023 = %s, sent %d millionths", i, v, it.Quantity)
		}
	}
	if it.Marked() && ffd.Find(in, 1162) == nil && ffd.Find(in, 1163) == nil && ffd.Find(in, 2000) == nil {
		return differs(fault.WrongItem, "item %d: no code of the marked goods (1162, 1163 or 2000)", i)
	}
	return nil
}

// correction compares the ground of a correction.
func (d Document) correction(want fiscal.Document) *kkt.Fault {
	c := want.Correction
	if c == nil {
		return nil
	}
	var kind uint64
	if c.ByOrder {
		kind = 1
	}
	if v, ok := d.Uint(1173); !ok || v != kind {
		return differs(fault.WrongCorrection, "1173 = %d, sent %d", v, kind)
	}
	base := ffd.Find(d.Body, 1174)
	if base == nil {
		return differs(fault.WrongCorrection, "1174 is missing")
	}
	var day string
	if e := ffd.Find(base.Nested, 1178); e != nil {
		if at, err := e.Time(); err == nil {
			day = at.Format(time.DateOnly)
		}
	}
	if day != c.Date {
		return differs(fault.WrongCorrection, "1178 = %q, sent %q", day, c.Date)
	}
	if c.ByOrder {
		e := ffd.Find(base.Nested, 1179)
		if e == nil || e.Text() != c.Number {
			return differs(fault.WrongCorrection, "1179 is missing or another, sent %q", c.Number)
		}
	}
	return nil
}

// arrive are the requisites that must arrive as they were sent; the others are
// compared by meaning.
var arrive = []ffd.Tag{1008, 1227, 1228, 1256, 1192}

func (d Document) requisites(s Sent) *kkt.Fault {
	if fp := s.Document.Repairs(); fp != 0 {
		if want := fmt.Sprintf("%010d", fp); d.Text(1192) != want {
			return differs(fault.WrongRequisite, "1192 = %q, sent %s", d.Text(1192), want)
		}
	}
	for _, sent := range s.Elements {
		if !slices.Contains(arrive, sent.Tag) {
			continue
		}
		got := ffd.Find(d.Body, sent.Tag)
		if got == nil {
			return differs(fault.WrongRequisite, "%d is missing", sent.Tag)
		}
		if !bytes.Equal(bytes.TrimRight(got.Value, " "), bytes.TrimRight(sent.Value, " ")) {
			return differs(fault.WrongRequisite, "%d differs from what was sent", sent.Tag) // its value may be a person's
		}
	}
	return nil
}
