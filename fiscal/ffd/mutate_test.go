package ffd

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/chekomat/chekomat/fiscal"
)

// drawAny makes a valid document of any type this package composes.
func drawAny(t *rapid.T) Document {
	v := drawVersion(t)
	kind := rapid.SampledFrom([]string{"receipt", "shift", "registration", "state", "closing", "confirmation"}).Draw(t, "document")
	var doc Document
	var err error
	switch kind {
	case "receipt":
		d, im := drawDocument(t, v)
		doc, err = ComposeReceipt(d, im)
	case "shift":
		doc, err = ComposeShift(drawShift(t, v))
	case "registration":
		doc, err = ComposeRegistration(drawRegistration(t, v))
	case "state":
		doc, err = ComposeState(drawState(t, v))
	case "closing":
		doc, err = ComposeFNClose(drawClosing(t, v))
	default:
		doc, err = ComposeConfirmation(drawConfirmation(t, v))
	}
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func drawImprint(t *rapid.T, v Version) Imprint {
	return Imprint{
		Receipt: fiscal.Receipt{
			FN: "9999078902001234", FD: rapid.Uint32().Draw(t, "fd"), FP: rapid.Uint32().Draw(t, "fp"), At: wallTime.Draw(t, "at"),
			RegNumber: "0000000001036533", Test: true,
		},
		Version: v, INN: "7700999990",
	}
}

func drawShift(t *rapid.T, v Version) ShiftReport {
	s := ShiftReport{Imprint: drawImprint(t, v), Close: rapid.Bool().Draw(t, "close"), OFDTimeout: rapid.Bool().Draw(t, "timeout")}
	s.Test, s.Shift = false, rapid.Uint32().Draw(t, "shift")
	if !s.Close {
		s.KKTVersion, s.KKTFormat = "001", v
		return s
	}
	s.Unsent = rapid.Uint32().Draw(t, "unsent")
	if s.Unsent > 0 {
		s.UnsentAt = wallTime.Draw(t, "first")
	}
	s.Documents, s.Receipts = rapid.Uint32().Draw(t, "documents"), rapid.Uint32().Draw(t, "receipts")
	if v != V105 {
		s.KeyDays = rapid.Uint16().Draw(t, "days")
		s.Totals, s.FNTotals = drawCounters(t), drawCounters(t)
	}
	return s
}

func drawRegistration(t *rapid.T, v Version) RegistrationReport {
	s := RegistrationReport{
		Imprint: drawImprint(t, v), Change: rapid.Bool().Draw(t, "change"),
		KKT: "00106900000001", KKTVersion: "001", KKTFormat: v, FNFormat: v,
		Address: drawText(t, "address"), Place: drawText(t, "place"), Cashier: "Иванов", OFD: drawText(t, "ofd"), OFDINN: "7704358518",
		TaxSystems: fiscal.TaxSystem(rapid.IntRange(1, 63).Draw(t, "systems")), Auto: rapid.Bool().Draw(t, "auto"),
		Autonomous: rapid.Bool().Draw(t, "autonomous"), KeyDays: rapid.Uint16().Draw(t, "days"),
	}
	s.User, s.FNSSite = drawText(t, "user"), "www.nalog.gov.ru"
	if s.Auto {
		s.Machine.Serial = "VM-000042"
	}
	if v == V12 {
		s.Use = rapid.Uint32().Draw(t, "use")
	} else {
		s.Agent = rapid.Byte().Draw(t, "agent")
		for _, f := range useFlags {
			if rapid.Bool().Draw(t, "use") {
				s.Use |= f.bit
			}
		}
	}
	switch {
	case s.Change && v == V105:
		s.Reasons105 = rapid.SliceOfN(rapid.ByteRange(1, 4), 1, 4).Draw(t, "reasons")
	case s.Change:
		s.Reasons, s.FNTotals = rapid.Uint32().Draw(t, "reasons"), drawCounters(t)
	}
	return s
}

func drawState(t *rapid.T, v Version) StateReport {
	s := StateReport{Imprint: drawImprint(t, v), Autonomous: rapid.Bool().Draw(t, "autonomous"), Unsent: rapid.Uint32Range(0, 3).Draw(t, "unsent")}
	s.Shift = rapid.Uint32().Draw(t, "shift")
	if s.Unsent > 0 {
		s.UnsentFD, s.UnsentAt = rapid.Uint32().Draw(t, "first"), wallTime.Draw(t, "first at")
	}
	if v == V12 {
		s.Notices, s.KeyDays = rapid.Uint32().Draw(t, "notices"), rapid.Uint16().Draw(t, "days")
	}
	if v != V105 {
		s.FNTotals, s.UnsentTotals = drawCounters(t), drawCounters(t)
	}
	return s
}

func drawClosing(t *rapid.T, v Version) FNCloseReport {
	s := FNCloseReport{Imprint: drawImprint(t, v), Address: drawText(t, "address"), Place: drawText(t, "place")}
	s.User, s.Shift = drawText(t, "user"), rapid.Uint32().Draw(t, "shift")
	if v != V105 {
		s.FNTotals = drawCounters(t)
	}
	return s
}

func drawConfirmation(t *rapid.T, v Version) Confirmation {
	s := Confirmation{
		Version: v, OFDINN: "7704358518", FN: "9999078902001234", FD: rapid.Uint32().Draw(t, "fd"),
		Sign: rapid.SliceOfN(rapid.Byte(), 1, 16).Draw(t, "sign"),
	}
	if v == V105 {
		s.Code = rapid.SampledFrom([]byte{0, 11, 14}).Draw(t, "code")
		return s
	}
	s.Version = V12 // documents 7 of 1.1 and 1.2 look the same
	s.At, s.Message = wallTime.Draw(t, "at"), rapid.Byte().Draw(t, "message")
	return s
}

// Every document this package composes obeys the tables; take away any one
// requisite that must be there, repeat one, or add one that its version does not
// have, and the checker names that requisite.
func TestMutationsAreReported(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		doc := drawAny(t)
		if ps := Validate(doc); len(ps) > 0 {
			t.Fatal(ps)
		}
		v := versionIn(doc)
		info, _ := LookupDocument(doc.Code)
		for _, r := range info.Rules {
			switch o := r.In(v).Electronic(); {
			case o == Obligatory && r.Tag == 1209: // without it the document is of FFD 1.0
			case doc.Code == CodeConfirmation && (o == Absent || r.Tag == 1012 || r.Tag == 1068): // its version is told by what it has
			case o == Obligatory || o == Conditional && r.If == Always:
				reported(t, Document{doc.Code, without(doc.Body, r.Tag)}, r.Tag, Missing)
			case o == Absent && Find(doc.Body, r.Tag) == nil:
				reported(t, Document{doc.Code, append(slices.Clone(doc.Body), blank(r.Tag))}, r.Tag, NotInVersion)
			case o == OtherForm:
				reported(t, Document{doc.Code, append(slices.Clone(doc.Body), blank(r.Tag))}, r.Tag, NotInForm)
			}
		}
		for _, e := range doc.Body {
			if !repeats[e.Tag] {
				reported(t, Document{doc.Code, append(slices.Clone(doc.Body), e)}, e.Tag, Repeated)
			}
			long := Element{Tag: e.Tag, Value: make([]byte, 1100)}
			if info, ok := Lookup(e.Tag); ok && info.Max > 0 {
				body := slices.Clone(doc.Body)
				body[slices.IndexFunc(body, func(x Element) bool { return x.Tag == e.Tag })] = long
				reported(t, Document{doc.Code, body}, e.Tag, BadLength)
			}
		}
	})
}

// blank is a value of the tag's own form.
func blank(t Tag) Element {
	info, _ := Lookup(t)
	switch info.Type {
	case Text:
		return Element{Tag: t, Value: []byte("x")}
	case FixedText, FixedBytes:
		return Element{Tag: t, Value: make([]byte, info.Max)}
	case Structure:
		return Struct(t)
	case Bytes:
		return Element{Tag: t, Value: []byte{1}}
	case FVLN:
		return Amount(t, Quantity{1, 0})
	}
	return Num(t, 1)
}

func reported(t *rapid.T, doc Document, tag Tag, code any) {
	t.Helper()
	ps := Validate(doc)
	if !slices.ContainsFunc(ps, func(p Problem) bool { return p.Tag == tag && any(p.Code) == code }) {
		t.Fatalf("%s of %s in document %d: %v", code, tag.Name(), doc.Code, ps)
	}
	for _, p := range ps {
		if f := p.Fault(); f.Text == "" || f.Code == "" {
			t.Fatalf("%v has no fault", p)
		}
	}
}

// The same inside an item of a receipt and inside the structures of both.
func TestMutationsInsideAreReported(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := drawVersion(t)
		d, im := drawDocument(t, v)
		doc, err := ComposeReceipt(d, im)
		if err != nil {
			t.Fatal(err)
		}
		for i, e := range doc.Body {
			for _, r := range structures[e.Tag] {
				if o := r.In(v).Electronic(); o != Obligatory && (o != Conditional || r.If != Always) {
					continue
				}
				body := slices.Clone(doc.Body)
				body[i] = Struct(e.Tag, without(e.Nested, r.Tag)...)
				reported(t, Document{doc.Code, body}, r.Tag, Missing)
			}
		}
	})
}

// What a document on a condition that can be judged lacks is named too.
func TestConditions(t *testing.T) {
	d, im := coffee()
	d.Kind, im.Kind = fiscal.KindCorrection, fiscal.KindCorrection
	d.Correction = &fiscal.Correction{ByOrder: true, Number: "17-А", Date: "2026-01-15"}
	order, err := ComposeReceipt(d, im)
	if err != nil {
		t.Fatal(err)
	}
	d, im = coffee()
	d.Items[0].GTIN = "04601234567893"
	marked, err := ComposeReceipt(d, im)
	if err != nil {
		t.Fatal(err)
	}
	unsent, err := ComposeShift(ShiftReport{Imprint: im, Close: true, Unsent: 2, UnsentAt: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), FNTotals: &Counters{}, Totals: &Counters{}})
	if err != nil {
		t.Fatal(err)
	}
	inside := func(doc Document, in, lacks Tag) Document {
		body := slices.Clone(doc.Body)
		for i, e := range body {
			if e.Tag == in {
				body[i] = Struct(in, without(e.Nested, lacks)...)
			}
		}
		return Document{doc.Code, body}
	}
	agent := inside(marked, 1059, 0)
	for i, e := range agent.Body {
		if e.Tag == 1059 {
			agent.Body[i] = Struct(1059, append(slices.Clone(e.Nested), Num(1222, 64))...)
		}
	}
	for _, c := range []struct {
		name string
		doc  Document
		tag  Tag
	}{
		{"order without a number", inside(order, 1174, 1179), 1179},
		{"correction without a date", inside(order, 1174, 1178), 1178},
		{"code without the result of its check", inside(marked, 1059, 2106), 2106},
		{"agent without a supplier", agent, 1226},
		{"rate without a total", Document{marked.Code, without(marked.Body, 1115)}, 1115},
		{"documents unsent since when", Document{unsent.Code, without(unsent.Body, 1098)}, 1098},
	} {
		ps := Validate(c.doc)
		if !slices.ContainsFunc(ps, func(p Problem) bool { return p.Code == Missing && p.Tag == c.tag }) {
			t.Errorf("%s: %v", c.name, ps)
		}
	}
	for _, doc := range []Document{order, marked, unsent} {
		if ps := Validate(doc); len(ps) > 0 {
			t.Error(ps)
		}
	}
}
