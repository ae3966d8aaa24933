package ffd

import (
	"fmt"

	"github.com/chekomat/chekomat/fiscal"
	"github.com/chekomat/chekomat/fiscal/charset"
)

// Conditions of use of a register as 1290 of FFD 1.2 codes them; before, seven
// of them are flags of their own. The others exist in 1.2 only.
const (
	UsePrinter   uint32 = 0x0002 // printer inside the machine, 1221
	UseBSO       uint32 = 0x0004 // АС БСО, 1110
	UseInternet  uint32 = 0x0020 // settlements in the internet only, 1108
	UseExcise    uint32 = 0x0040 // 1207
	UseMarked    uint32 = 0x0100
	UseServices  uint32 = 0x0200 // 1109
	UseGambling  uint32 = 0x0400 // 1193
	UseLottery   uint32 = 0x0800 // 1126
	UsePawnshop  uint32 = 0x1000
	UseInsurance uint32 = 0x2000
	UseVending   uint32 = 0x4000 // 54-FZ art. 4.3 p. 3.2 sub 1
	UseCatering  uint32 = 0x8000
	UseWholesale uint32 = 0x10000
)

// useFlags are the conditions with a flag of their own, and since when the flag
// is obligatory.
var useFlags = [...]struct {
	bit uint32
	tag Tag
}{{UseInternet, 1108}, {UseServices, 1109}, {UseBSO, 1110}, {UseLottery, 1126}, {UseGambling, 1193}, {UseExcise, 1207}, {UsePrinter, 1221}}

// RegistrationReport is document 1 or, with Change, 11. Of the imprint it uses
// FN, FD, FP, At, RegNumber, INN, User, Version, FNSSite and Machine.Serial
// (1036, obligatory when Auto).
type RegistrationReport struct {
	Imprint
	Change      bool
	Reasons     uint32 // 1205 of FFD 1.1 and 1.2, a set of bits
	Reasons105  []byte // 1101 of FFD 1.05, each in its own element
	KKT         string // 1013, the register's serial number
	KKTVersion  string // 1188
	KKTFormat   Version
	FNFormat    Version // 1190; 0 left out in 1.05
	Address     string  // 1009
	Place       string  // 1187
	Cashier     string  // 1021
	CashierINN  string  // 1203
	OFD         string  // 1046
	OFDINN      string  // 1017
	SellerEmail string  // 1117
	TaxSystems  fiscal.TaxSystem
	Agent       byte // 1057, not in 1.2
	Auto        bool // 1001
	Autonomous  bool // 1002
	Encryption  bool // 1056
	Use         uint32
	KeyDays     uint16    // 1213
	FNTotals    *Counters // 1157, document 11 of 1.1 and 1.2
}

// ComposeRegistration makes document 1 or 11.
func ComposeRegistration(s RegistrationReport) (Document, error) {
	var b builder
	b.head(s.Imprint, signRegistration)
	for _, f := range [...]struct {
		tag Tag
		on  bool
	}{{1056, s.Encryption}, {1002, s.Autonomous}, {1001, s.Auto}} {
		b.yesNo(f.tag, f.on)
	}
	if s.Version == V12 {
		b.num(1290, uint64(s.Use))
	} else {
		for _, f := range useFlags {
			b.yesNo(f.tag, s.Use&f.bit != 0)
		}
		if s.Agent != 0 {
			b.num(1057, uint64(s.Agent))
		}
	}
	b.num(1062, uint64(s.TaxSystems))
	if s.Change {
		b.reasons(s)
	}
	b.text(1013, s.KKT)
	b.text(1048, charset.Clean(s.User))
	b.text(1009, charset.Clean(s.Address))
	b.text(1187, charset.Clean(s.Place))
	b.some(1036, s.Machine.Serial)
	b.some(1017, s.OFDINN)
	b.some(1046, charset.Clean(s.OFD))
	b.some(1060, s.FNSSite)
	b.some(1117, s.SellerEmail)
	b.text(1021, charset.Clean(s.Cashier))
	b.some(1203, s.CashierINN)
	b.num(1209, uint64(s.Version))
	b.num(1189, uint64(s.KKTFormat))
	if s.FNFormat != 0 || s.Version != V105 {
		b.num(1190, uint64(s.FNFormat))
	}
	b.text(1188, s.KKTVersion)
	if s.KeyDays != 0 || s.Version != V105 {
		b.num(1213, uint64(s.KeyDays))
	}
	doc := Document{Code: CodeRegistration}
	if s.Change {
		doc.Code = CodeReregistration
		if s.Version != V105 {
			b.counters(1157, s.FNTotals)
		}
	}
	if b.err != nil {
		return doc, fmt.Errorf("compose registration report: %w", b.err)
	}
	doc.Body = b.es
	return doc, nil
}

func (b *builder) reasons(s RegistrationReport) {
	if s.Version != V105 {
		b.num(1205, uint64(s.Reasons))
		return
	}
	for _, r := range s.Reasons105 {
		b.num(1101, uint64(r))
	}
}

// DecomposeRegistration reads document 1 or 11.
func DecomposeRegistration(doc Document) (s RegistrationReport, err error) {
	if doc.Code != CodeRegistration && doc.Code != CodeReregistration {
		return s, fmt.Errorf("read registration report: document code %d", doc.Code)
	}
	r := &reader{es: doc.Body}
	s.Imprint = r.imprint(doc)
	s.Change, s.Reasons = doc.Code == CodeReregistration, uint32(r.num(1205))
	for _, e := range doc.Body {
		if e.Tag == 1101 && len(e.Value) == 1 {
			s.Reasons105 = append(s.Reasons105, e.Value[0])
		}
	}
	s.Machine.Serial = r.text(1036)
	s.KKT, s.KKTVersion = r.text(1013), r.text(1188)
	s.KKTFormat, s.FNFormat = Version(r.num(1189)), Version(r.num(1190))
	s.Address, s.Place, s.Cashier, s.CashierINN = r.text(1009), r.text(1187), r.text(1021), r.text(1203)
	s.OFD, s.OFDINN, s.SellerEmail = r.text(1046), r.text(1017), r.text(1117)
	s.TaxSystems, s.Agent = fiscal.TaxSystem(r.num(1062)), byte(r.num(1057))
	s.Auto, s.Autonomous, s.Encryption = r.num(1001) == 1, r.num(1002) == 1, r.num(1056) == 1
	s.Use = uint32(r.num(1290))
	for _, f := range useFlags {
		if r.num(f.tag) == 1 {
			s.Use |= f.bit
		}
	}
	s.KeyDays, s.FNTotals = uint16(r.num(1213)), r.counters(1157)
	if r.err != nil {
		err = fmt.Errorf("read registration report: %w", r.err)
	}
	return s, err
}

// imprint reads what every document of a ФН begins with.
func (r *reader) imprint(doc Document) Imprint {
	im := Imprint{
		Receipt: fiscal.Receipt{
			FN: r.text(1041), FD: uint32(r.num(1040)), FP: r.sign(), At: r.clock(1012),
			Shift: uint32(r.num(1038)), RegNumber: r.text(1037),
		},
		Version: VersionOf(doc.Body), INN: r.text(1018), User: r.text(1048), FNSSite: r.text(1060),
	}
	im.Test = fiscal.TestFN(im.FN)
	return im
}
