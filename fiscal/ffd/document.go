package ffd

import "slices"

// Codes of documents (FFD, table of documents).
const (
	CodeRegistration   Tag = 1
	CodeShiftOpen      Tag = 2
	CodeReceipt        Tag = 3
	CodeBSO            Tag = 4
	CodeShiftClose     Tag = 5
	CodeFNClose        Tag = 6
	CodeConfirmation   Tag = 7
	CodeReregistration Tag = 11
	CodeState          Tag = 21
	CodeCorrection     Tag = 31
	CodeBSOCorrection  Tag = 41
	CodeMarkRequest    Tag = 81
	CodeMarkNotice     Tag = 82
	CodeMarkAnswer     Tag = 83
	CodeMarkReceipt    Tag = 84
)

// DocumentInfo describes a type of document.
type DocumentInfo struct {
	Code  Tag
	Name  string // in the FFD order
	EN    string
	Title string // as printed; "" never printed
	JSON  string // key of the document in exports of the tax service and of OFDs; "" unknown
	Max   int    // longest body in bytes
	Rules []Rule
}

// Documents is the table of all types of documents; the marking ones exist in
// FFD 1.2 only.
var Documents = [...]DocumentInfo{
	{CodeRegistration, "Отчет о регистрации", "registration report", "Отчет о рег.", "fiscalReport", 6144, registrationRules},
	{CodeReregistration, "Отчет об изменении параметров регистрации", "report on a change of registration", "Отчет о перерег.", "fiscalReportCorrection", 6144, slices.Concat(registrationRules, changeRules)},
	{CodeShiftOpen, "Отчет об открытии смены", "shift opening report", "Отчет об откр. см.", "openShift", 4096, shiftOpenRules},
	{CodeState, "Отчет о текущем состоянии расчетов", "report on the state of settlements", "Отчет о расч.", "currentStateReport", 32768, stateRules},
	{CodeReceipt, "Кассовый чек", "receipt", "Кассовый чек", "receipt", 32768, receiptRules},
	{CodeCorrection, "Кассовый чек коррекции", "correction receipt", "Чек коррекции", "receiptCorrection", 32768, correctionRules},
	{CodeBSO, "Бланк строгой отчетности", "strict reporting form", "БСО", "bso", 32768, receiptRules},
	{CodeBSOCorrection, "Бланк строгой отчетности коррекции", "correction strict reporting form", "БСО коррекции", "bsoCorrection", 32768, correctionRules},
	{CodeShiftClose, "Отчет о закрытии смены", "shift closing report", "Отч. о закр. см.", "closeShift", 4096, shiftCloseRules},
	{CodeFNClose, "Отчет о закрытии фискального накопителя", "report on closing the fiscal storage", "Отч. о закр. ФН", "closeArchive", 4096, fnCloseRules},
	{CodeConfirmation, "Подтверждение оператора", "operator's confirmation", "Подтверждение", "", 512, confirmationRules},
	{CodeMarkRequest, "Запрос о коде маркировки", "request about a marking code", "", "", 4096, markRequestRules},
	{CodeMarkNotice, "Уведомление о реализации маркированного товара", "notice of a marked article sold", "", "", 32768, markNoticeRules},
	{CodeMarkAnswer, "Ответ на запрос", "answer to a marking request", "", "", 512, markAnswerRules},
	{CodeMarkReceipt, "Квитанция на уведомление", "receipt for a marking notice", "", "", 512, markReceiptRules},
}

// LookupDocument finds a type of document; ok is false for unknown codes.
func LookupDocument(code Tag) (info *DocumentInfo, ok bool) {
	for i := range Documents {
		if Documents[i].Code == code {
			return &Documents[i], true
		}
	}
	return nil, false
}

// DocumentName is the Russian name of a document code; "" for unknown ones.
func DocumentName(code Tag) string {
	if info, ok := LookupDocument(code); ok {
		return info.Name
	}
	return ""
}

// isReceipt says whether the code is a receipt, a БСО or a correction of either.
func isReceipt(code Tag) bool {
	return code == CodeReceipt || code == CodeBSO || isCorrection(code)
}

func isCorrection(code Tag) bool { return code == CodeCorrection || code == CodeBSOCorrection }
