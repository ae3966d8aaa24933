package ffd

// Version is the version of formats as tag 1209 codes it.
type Version uint8

// Versions in force; 0 and 1 were 1.0 and are dead.
const (
	V105 Version = 2
	V11  Version = 3
	V12  Version = 4
)

func (v Version) String() string {
	switch v {
	case V105:
		return "1.05"
	case V11:
		return "1.1"
	case V12:
		return "1.2"
	}
	return "?"
}

// VersionOf reads 1209 of a document; 0 when it is absent (FFD 1.0).
func VersionOf(body []Element) Version {
	if e := Find(body, 1209); e != nil && len(e.Value) == 1 {
		return Version(e.Value[0])
	}
	return 0
}

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

// documentNames are the names of documents in the FFD order, with the longest body in bytes.
var documentNames = map[Tag]struct {
	name string
	max  int
}{
	CodeRegistration: {"Отчет о регистрации", 6144}, CodeReregistration: {"Отчет об изменении параметров регистрации", 6144},
	CodeShiftOpen: {"Отчет об открытии смены", 4096}, CodeShiftClose: {"Отчет о закрытии смены", 4096},
	CodeState: {"Отчет о текущем состоянии расчетов", 32768}, CodeReceipt: {"Кассовый чек", 32768},
	CodeCorrection: {"Кассовый чек коррекции", 32768}, CodeBSO: {"Бланк строгой отчетности", 32768},
	CodeBSOCorrection: {"Бланк строгой отчетности коррекции", 32768}, CodeFNClose: {"Отчет о закрытии фискального накопителя", 4096},
	CodeConfirmation: {"Подтверждение оператора", 512}, CodeMarkRequest: {"Запрос о коде маркировки", 4096},
	CodeMarkNotice: {"Уведомление о реализации маркированного товара", 32768}, CodeMarkAnswer: {"Ответ на запрос", 512},
	CodeMarkReceipt: {"Квитанция на уведомление", 512},
}

// DocumentName is the Russian name of a document code; "" for unknown ones.
func DocumentName(code Tag) string { return documentNames[code].name }
