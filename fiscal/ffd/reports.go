package ffd

import (
	"fmt"
	"time"

	"github.com/chekomat/chekomat/fiscal/charset"
)

// StateReport is document 21, отчет о текущем состоянии расчетов. Of the imprint
// it uses FN, FD, FP, At, Shift (0 when none is open), RegNumber, INN, Version.
type StateReport struct {
	Imprint
	Autonomous   bool      // 1002
	Unsent       uint32    // 1097
	UnsentFD     uint32    // 1116, 0 when all are sent
	UnsentAt     time.Time // 1098
	Notices      uint32    // 2104, 1.2
	KeyDays      uint16    // 1213, 1.2
	FNTotals     *Counters // 1157, obligatory in 1.1 and 1.2
	UnsentTotals *Counters // 1158
}

// ComposeState makes document 21.
func ComposeState(s StateReport) (Document, error) {
	var b builder
	b.head(s.Imprint, signRegistration) // the prefix of this document was not seen
	if s.Shift != 0 {
		b.num(1038, uint64(s.Shift))
	}
	b.num(1209, uint64(s.Version))
	b.flag(1002, s.Autonomous)
	b.num(1097, uint64(s.Unsent))
	if s.Unsent > 0 {
		b.num(1116, uint64(s.UnsentFD))
		b.clock(1098, s.UnsentAt)
	}
	if s.Version == V12 {
		b.num(2104, uint64(s.Notices))
		b.num(1213, uint64(s.KeyDays))
	}
	if s.Version != V105 {
		b.counters(1157, s.FNTotals)
		b.counters(1158, s.UnsentTotals)
	}
	return b.document(CodeState)
}

// DecomposeState reads document 21.
func DecomposeState(doc Document) (s StateReport, err error) {
	if doc.Code != CodeState {
		return s, fmt.Errorf("read state report: document code %d", doc.Code)
	}
	r := &reader{es: doc.Body}
	s.Imprint = r.imprint(doc)
	s.Autonomous = r.num(1002) == 1
	s.Unsent, s.UnsentFD, s.UnsentAt = uint32(r.num(1097)), uint32(r.num(1116)), r.clock(1098)
	s.Notices, s.KeyDays = uint32(r.num(2104)), uint16(r.num(1213))
	s.FNTotals, s.UnsentTotals = r.counters(1157), r.counters(1158)
	return s, r.failed(doc)
}

// FNCloseReport is document 6, отчет о закрытии фискального накопителя. Of the
// imprint it uses FN, FD, FP, At, Shift, RegNumber, INN, User, Version.
type FNCloseReport struct {
	Imprint
	Address    string    // 1009
	Place      string    // 1187
	Cashier    string    // 1021
	CashierINN string    // 1203
	FNTotals   *Counters // 1157, obligatory in 1.1 and 1.2
}

// ComposeFNClose makes document 6.
func ComposeFNClose(s FNCloseReport) (Document, error) {
	var b builder
	b.head(s.Imprint, signReceipt)
	b.num(1209, uint64(s.Version))
	b.text(1048, charset.Clean(s.User))
	b.some(1009, charset.Clean(s.Address))
	b.some(1187, charset.Clean(s.Place))
	b.some(1021, charset.Clean(s.Cashier))
	b.some(1203, s.CashierINN)
	if s.Version != V105 {
		b.counters(1157, s.FNTotals)
	}
	return b.document(CodeFNClose)
}

// DecomposeFNClose reads document 6.
func DecomposeFNClose(doc Document) (s FNCloseReport, err error) {
	if doc.Code != CodeFNClose {
		return s, fmt.Errorf("read report on closing the storage: document code %d", doc.Code)
	}
	r := &reader{es: doc.Body}
	s.Imprint = r.imprint(doc)
	s.Address, s.Place, s.Cashier, s.CashierINN = r.text(1009), r.text(1187), r.text(1021), r.text(1203)
	s.FNTotals = r.counters(1157)
	return s, r.failed(doc)
}

// Confirmation is document 7, what an OFD answers to a document.
type Confirmation struct {
	Version Version   // 1.05 answers with 1022, later ones with 1012 and 1206; they cannot be told apart among themselves
	OFDINN  string    // 1017
	FN      string    // 1041
	FD      uint32    // 1040
	At      time.Time // 1012, true UTC; not in 1.05
	Code    byte      // 1022 of 1.05: 0 taken, 11 not recognised, 14 format error
	Message byte      // 1206 of 1.1 and 1.2; 0 none
	Sign    []byte    // 1078 ФПО, up to 16 bytes
}

// ComposeConfirmation makes document 7.
func ComposeConfirmation(s Confirmation) (Document, error) {
	var b builder
	b.text(1017, s.OFDINN)
	b.text(1041, s.FN)
	b.num(1040, uint64(s.FD))
	if s.Version == V105 {
		b.add(Struct(1068, Num(1022, uint64(s.Code))))
	} else {
		b.clock(1012, s.At)
		if s.Message != 0 {
			b.num(1206, uint64(s.Message))
		}
	}
	b.add(Element{Tag: 1078, Value: s.Sign})
	return b.document(CodeConfirmation)
}

// DecomposeConfirmation reads document 7.
func DecomposeConfirmation(doc Document) (s Confirmation, err error) {
	if doc.Code != CodeConfirmation {
		return s, fmt.Errorf("read confirmation: document code %d", doc.Code)
	}
	r := &reader{es: doc.Body}
	s.Version = versionIn(doc)
	s.OFDINN, s.FN, s.FD, s.At = r.text(1017), r.text(1041), uint32(r.num(1040)), r.clock(1012)
	s.Code, s.Message = byte(r.num(1022)), byte(r.num(1206))
	if n := r.nested(1068); n != nil {
		s.Code = byte(n.num(1022))
		r.note(n.err)
	}
	if e := Find(doc.Body, 1078); e != nil {
		s.Sign = e.Value
	}
	return s, r.failed(doc)
}

// document gives what was collected, or the first error.
func (b *builder) document(code Tag) (Document, error) {
	if b.err != nil {
		return Document{}, fmt.Errorf("compose document %s: %w", code.Name(), b.err)
	}
	return Document{Code: code, Body: b.es}, nil
}

// failed names the document in the first error of reading.
func (r *reader) failed(doc Document) error {
	if r.err == nil {
		return nil
	}
	return fmt.Errorf("read document %s: %w", doc.Code.Name(), r.err)
}
