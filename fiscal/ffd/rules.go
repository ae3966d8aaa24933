package ffd

import "slices"

// Obligation says whether a requisite stands in a form of a document.
type Obligation uint8

// Obligations (FFD composition tables).
const (
	Absent      Obligation = iota // the version does not know the requisite here
	OtherForm                     // belongs to the other form only
	Optional                      // may be present
	Conditional                   // must be present when the rule's Condition holds
	Obligatory                    // must be present
)

// Cell is a cell of a composition table: printed form, a slash, electronic
// form. 1 obligatory, 2 on a condition, 3 optional, a point not in this form;
// a dash alone: absent from the version.
type Cell string

// Printed is the obligation of the printed form.
func (c Cell) Printed() Obligation { return obligations[c[0]] }

// Electronic is the obligation of the electronic form, the one that is encoded.
func (c Cell) Electronic() Obligation { return obligations[c[len(c)-1]] }

var obligations = [256]Obligation{'1': Obligatory, '2': Conditional, '3': Optional, '.': OtherForm}

// Rule is a row of a composition table: a requisite in a document or in a
// structure, in each version.
type Rule struct {
	Tag            Tag
	V105, V11, V12 Cell
	If             Condition // of the cells with 2
}

// In is the cell of a version in force.
func (r Rule) In(v Version) Cell {
	switch v {
	case V105:
		return r.V105
	case V11:
		return r.V11
	}
	return r.V12
}

// Condition is when a requisite on a condition must be there.
type Condition uint8

// Conditions (FFD reference, 5). Only some can be judged from the document, some
// more with the registration report.
const (
	Plainly      Condition = iota // the tables read so far do not tell the condition
	Always                        // whenever its document or structure is there
	IfOwnValue                    // the value was not passed in the registration report
	IfAutomat                     // the register works in automatic mode
	IfCashier                     // a person makes the document
	IfToBuyer                     // the document goes to the buyer electronically
	IfAgent                       // an agent's settlement
	IfRate                        // there is a settlement at the rate
	IfInternet                    // a settlement in the internet
	IfMarked                      // a marked article
	IfBuyerNamed                  // the buyer is an organisation or named itself
	IfIndustry                    // an act demands it for the goods
	IfOperation                   // the tax service set it for the operation
	IfRaised                      // the sign is raised
	IfUnsent                      // documents wait for the OFD
	IfReserved                    // reserved by the tax service
	IfOnline                      // the register is not autonomous
	IfAutonomous                  // the register is autonomous
	IfExcise                      // excise is included
	IfImported                    // imported goods
	IfMethod                      // the method differs from full settlement
	IfPrinted                     // the document is printed
	IfCounters                    // the storage counts
	IfShiftOpen                   // a shift is open
	IfKeys                        // the storage tells it
	IfNamed                       // the article has a name
	IfByOrder                     // 1173 = 1
)

var conditions = [...]struct{ ru, en string }{
	Plainly:      {"условие не раскрыто", "the condition is not known"},
	Always:       {"всегда внутри своего документа или структуры", "always in its document or structure"},
	IfOwnValue:   {"если значение не передано в отчёте о регистрации", "when the value was not passed in the registration report"},
	IfAutomat:    {"если ККТ в автоматическом режиме", "when the register works in automatic mode"},
	IfCashier:    {"если документ формирует кассир", "when a cashier makes the document"},
	IfToBuyer:    {"если чек передаётся покупателю в электронной форме", "when the receipt goes to the buyer electronically"},
	IfAgent:      {"при расчёте агента", "in an agent's settlement"},
	IfRate:       {"если есть расчёт по этой ставке", "when there is a settlement at the rate"},
	IfInternet:   {"при расчёте в интернете", "in an internet settlement"},
	IfMarked:     {"для маркированного товара", "for marked goods"},
	IfBuyerNamed: {"если покупатель организация или назвал себя", "when the buyer is an organisation or named itself"},
	IfIndustry:   {"если этого требует отраслевой акт", "when an industry act demands it"},
	IfOperation:  {"если установлено ФНС для операции", "when the tax service set it for the operation"},
	IfRaised:     {"если признак поднят", "when the sign is raised"},
	IfUnsent:     {"если есть непереданные документы", "when documents wait for the OFD"},
	IfReserved:   {"зарезервировано ФНС", "reserved by the tax service"},
	IfOnline:     {"если ККТ не в автономном режиме", "when the register is not autonomous"},
	IfAutonomous: {"если ККТ в автономном режиме", "when the register is autonomous"},
	IfExcise:     {"для подакцизного товара", "for excise goods"},
	IfImported:   {"для импортного товара", "for imported goods"},
	IfMethod:     {"если способ не полный расчет", "when the method is not full settlement"},
	IfPrinted:    {"если документ печатается", "when the document is printed"},
	IfCounters:   {"если ФН ведёт счётчики", "when the storage counts"},
	IfShiftOpen:  {"если смена открыта", "when a shift is open"},
	IfKeys:       {"если ФН сообщает ресурс", "when the storage tells it"},
	IfNamed:      {"если у предмета есть наименование", "when the article has a name"},
	IfByOrder:    {"при коррекции по предписанию", "in a correction by order"},
}

// Text is the condition in "ru" or "en".
func (c Condition) Text(lang string) string {
	if int(c) >= len(conditions) {
		c = Plainly
	}
	if lang == "ru" {
		return conditions[c].ru
	}
	return conditions[c].en
}

// structures are the composition of structures by their tag.
var structures = map[Tag][]Rule{
	1059: itemRules, 1068: messageRules, 1084: propertyRules, 1115: rateListRules, 1119: rateRules,
	1129: operationCounterRules, 1130: operationCounterRules, 1131: operationCounterRules, 1132: operationCounterRules,
	1133: correctionCounterRules, 1145: correctionSumRules, 1146: correctionSumRules, 1232: correctionSumRules, 1233: correctionSumRules,
	1157: counterRules, 1194: counterRules, 1158: slices.Concat(counterRules, correctionCounterRules),
	1163: productCodeRules, 1174: correctionBaseRules, 1223: agentRules, 1224: supplierRules, 1234: ecashListRules, 1235: ecashRules,
	1256: buyerRules, 1260: industryRules, 1261: industryRules, 1270: operationRules, 1291: fractionRules,
}

// Composition is what a document (by code) or a structure (by tag) consists of;
// nil for unknown ones. Document 82 is listed together with its structures 2007.
func Composition(of Tag) []Rule {
	if info, ok := LookupDocument(of); ok {
		return info.Rules
	}
	return structures[of]
}
