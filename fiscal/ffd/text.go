package ffd

import (
	"strings"

	"github.com/chekomat/chekomat/fiscal"
)

// AppendText writes a document as an OFD shows it, TextWidth characters wide but
// for the QR string, in "ru" or "en" (labels only; what the document says stays
// as it is). Every requisite is shown but sums of zero; unknown ones in
// hexadecimal. It never fails: what breaks its type is shown as bytes.
func AppendText(dst []byte, d Document, lang string) []byte {
	p := &page{out: dst, lang: lang, body: d.Body, taken: make([]bool, len(d.Body))}
	if e := Find(d.Body, 1041); e != nil && fiscal.TestFN(e.Text()) {
		p.centre(p.say("ОТЛАДОЧНЫЙ ФН, НЕ ЯВЛЯЕТСЯ ФИСКАЛЬНЫМ ДОКУМЕНТОМ", "DEBUG STORAGE, NOT A FISCAL DOCUMENT"))
	}
	p.seller()
	if isReceipt(d.Code) {
		p.receipt(d)
	} else {
		p.report(d)
	}
	p.rest()
	p.register()
	if isReceipt(d.Code) {
		p.qr(d)
	}
	return p.out
}

func (p *page) seller() {
	if e := p.take(1048); e != nil {
		p.centre(Describe(*e, p.lang))
	}
	if e := p.take(1018); e != nil {
		p.centre(p.say("ИНН ", "INN ") + Describe(*e, p.lang))
	}
	for _, t := range []Tag{1009, 1187} {
		if e := p.take(t); e != nil && len(e.Value) > 0 {
			p.centre(Describe(*e, p.lang))
		}
	}
	if len(p.out) > 0 {
		p.rule()
	}
}

func (p *page) title(code Tag) string {
	if info, ok := LookupDocument(code); ok {
		return strings.ToUpper(p.say(info.Name, info.EN))
	}
	return p.say("ДОКУМЕНТ ", "DOCUMENT ") + code.Name()
}

func (p *page) value(t Tag) string {
	if e := p.take(t); e != nil {
		return Describe(*e, p.lang)
	}
	return ""
}

// pair writes two labelled numbers in one row, those that are there.
func (p *page) pair(label1 string, t1 Tag, label2 string, t2 Tag) {
	left, right := p.value(t1), p.value(t2)
	if left != "" {
		left = label1 + " " + left
	}
	if right != "" {
		right = label2 + " " + right
	}
	if left+right != "" {
		p.row(0, left, right)
	}
}

func (p *page) receipt(d Document) {
	p.row(0, p.title(d.Code), strings.ToUpper(p.value(1054)))
	p.pair(p.say("СМЕНА", "SHIFT"), 1038, p.say("ЧЕК", "RECEIPT"), 1042)
	if at := p.value(1012); at != "" {
		p.line(at)
	}
	p.correction()
	p.rule()
	for n := 1; ; n++ {
		e := p.take(1059)
		if e == nil {
			break
		}
		p.item(n, e.Nested)
	}
	p.rule()
	p.labelled(1020, p.say("ИТОГ", "TOTAL"))
	for _, l := range [...]struct {
		tag    Tag
		ru, en string
	}{
		{1031, "НАЛИЧНЫМИ", "CASH"}, {1081, "БЕЗНАЛИЧНЫМИ", "ELECTRONIC"}, {1215, "ПРЕДОПЛАТА (АВАНС)", "PREPAYMENT"}, {1216, "ПОСТОПЛАТА (КРЕДИТ)", "CREDIT"}, {1217, "ВСТРЕЧНОЕ ПРЕДОСТАВЛЕНИЕ", "IN KIND"},
		{1102, "СУММА НДС 20%", "VAT 20%"}, {1103, "СУММА НДС 10%", "VAT 10%"}, {1106, "СУММА НДС 20/120", "VAT 20/120"}, {1107, "СУММА НДС 10/110", "VAT 10/110"},
		{1104, "СУММА С НДС 0%", "TURNOVER AT 0%"}, {1105, "СУММА БЕЗ НДС", "TURNOVER WITHOUT VAT"},
	} {
		if e := p.take(l.tag); e != nil {
			if v, err := e.Uint(); err != nil || v != 0 {
				p.row(0, p.rated(d, l.tag, p.say(l.ru, l.en)), Describe(*e, p.lang))
			}
		}
	}
	p.rates()
	p.rule()
}

// rated corrects the label of 1102 and 1106: 18 % before 2019.
func (p *page) rated(d Document, t Tag, label string) string {
	c := checker{doc: d}
	if at := c.settled(); (t == 1102 || t == 1106) && !at.IsZero() && at.Year() < 2019 {
		return strings.NewReplacer("20/120", "18/118", "20%", "18%").Replace(label)
	}
	return label
}

// rates shows 1115, the totals of the rates of 2025 and 2026.
func (p *page) rates() {
	e := p.take(1115)
	if e == nil {
		return
	}
	if e.Nested == nil { // the text it was before 2025
		p.generic(0, *e)
		return
	}
	for _, one := range e.Nested {
		rate, sum := Find(one.Nested, 1199), Find(one.Nested, 1120)
		if one.Tag != 1119 || rate == nil || sum == nil || len(one.Nested) != 2 {
			p.generic(0, one)
			continue
		}
		label := strings.ToUpper(strings.TrimPrefix(Describe(*rate, p.lang), "НДС "))
		p.row(0, p.say("СУММА НДС ", "")+label, Describe(*sum, p.lang))
	}
	if e.Nested == nil { // before 2025 the number was a text
		p.generic(0, *e)
	}
}

func (p *page) correction() {
	p.labelled(1173, p.say("ТИП КОРРЕКЦИИ", "CORRECTION"))
	base := p.take(1174)
	if base == nil {
		return
	}
	for _, e := range base.Nested {
		switch e.Tag {
		case 1178:
			p.row(0, p.say("ДАТА РАСЧЕТА", "SETTLED ON"), Describe(e, p.lang))
		case 1179:
			p.row(0, p.say("ДОКУМЕНТ №", "DOCUMENT No."), Describe(e, p.lang))
		case 1177:
			p.row(0, p.say("ОСНОВАНИЕ", "GROUND"), Describe(e, p.lang))
		default:
			p.generic(0, e)
		}
	}
}

// item writes one предмет расчета: name, quantity by price, sum, VAT, then what
// else it has.
func (p *page) item(n int, es []Element) {
	in := page{lang: p.lang, body: es, taken: make([]bool, len(es))}
	for i, l := range wrap(in.value(1030), TextWidth-4) {
		if i == 0 {
			p.line(strings.TrimRight(padLeft(n)+l, " "))
		} else {
			p.line("    " + l)
		}
	}
	unit := in.value(1197)
	if e := in.take(2108); e != nil && unit == "" {
		unit = Describe(*e, p.lang)
	}
	if unit != "" {
		unit = " " + unit
	}
	p.row(4, in.value(1023)+unit+" x "+in.value(1079), "= "+in.value(1043))
	if s := strings.Trim(in.value(1212)+", "+in.value(1214), ", "); s != "" {
		for _, l := range wrap(strings.ToUpper(s), TextWidth-4) {
			p.line("    " + l)
		}
	}
	rate, sum := in.value(1199), in.value(1200)
	if rate != "" || sum != "" {
		p.row(4, rate, sum)
	}
	for i, e := range es {
		if !in.taken[i] {
			p.generic(4, e)
		}
	}
}

func padLeft(n int) string {
	s := string(fiscal.AppendRoubles(nil, int64(n)*100))
	s = strings.TrimSuffix(s, ".00") + "."
	return s + strings.Repeat(" ", max(1, 4-len(s)))
}

// report writes everything but receipts: title, shift, time; the requisites
// follow by their full names.
func (p *page) report(d Document) {
	for _, l := range wrap(p.title(d.Code), TextWidth) {
		p.line(l)
	}
	p.pair(p.say("СМЕНА", "SHIFT"), 1038, "", 0)
	if at := p.value(1012); at != "" {
		p.line(at)
	}
	p.rule()
}

// last are shown at the end of every document, under the labels of the FFD
// order.
var last = [...]struct {
	tag    Tag
	ru, en string
}{
	{1055, "СНО", "TAX SYSTEM"}, {1036, "АВТОМАТ", "MACHINE"}, {1021, "КАССИР", "CASHIER"}, {1203, "ИНН КАССИРА", "CASHIER'S INN"},
	{1008, "ЭЛ.АДР.ПОКУПАТЕЛЯ", "BUYER"}, {1117, "ЭЛ.АДР.ОТПРАВИТЕЛЯ", "SENDER"}, {1060, "САЙТ ФНС", "TAX SERVICE"}, {1208, "САЙТ ЧЕКОВ", "RECEIPTS AT"},
	{1037, "РН ККТ", "REGISTER"}, {1041, "ФН", "FN"}, {1040, "ФД", "FD"}, {1077, "ФПД", "FPD"}, {1209, "ФФД", "FFD"},
}

// rest shows by full name whatever has no place of its own.
func (p *page) rest() {
	for i, e := range p.body {
		if p.taken[i] || isLast(e.Tag) {
			continue
		}
		p.taken[i] = true
		if n, v := Find(e.Nested, 1085), Find(e.Nested, 1086); e.Tag == 1084 && n != nil && v != nil && len(e.Nested) == 2 {
			p.row(0, Describe(*n, p.lang)+":", Describe(*v, p.lang))
			continue
		}
		p.generic(0, e)
	}
	p.rule()
}

func isLast(t Tag) bool {
	for _, l := range last {
		if l.tag == t {
			return true
		}
	}
	return false
}

func (p *page) register() {
	for _, l := range last {
		p.labelled(l.tag, p.say(l.ru, l.en))
	}
	for i, e := range p.body { // one of them twice is a broken document: show it
		if !p.taken[i] {
			p.generic(0, e)
		}
	}
}

// qr writes the string of the code, when the document has what it needs.
func (p *page) qr(d Document) {
	_, im, err := DecomposeReceipt(d)
	if err != nil || im.FN == "" || im.At.IsZero() {
		return
	}
	if s := im.QR(); s != "" {
		p.rule()
		p.line(s)
	}
}
