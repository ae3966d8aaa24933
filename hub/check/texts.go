package check

// words are a text in Russian and in English.
type words struct{ ru, en string }

func (w words) in(lang string) string {
	if lang == "ru" {
		return w.ru
	}
	return w.en
}

// titles say what each invariant holds.
var titles = map[string]words{
	"I2":         {"записи журналов такие, какими пришли, и не потеряны", "records of journals are as they came, and none is lost"},
	"I3":         {"у продажи ровно один чек, или она в пути, отложена или без чека с причиной", "a sale has exactly one receipt, or is on its way, held or without one for a reason"},
	"I4":         {"каждый документ кассы принадлежит одной работе или записан чужим", "each document of a register is one job's or recorded as foreign"},
	"I5":         {"сумма, НДС и автомат чека — те, что у продажи", "amount, VAT and machine of a receipt are the sale's"},
	"I7":         {"суммы смены равны счётчикам кассы", "sums of a shift are the register's counters"},
	"I8":         {"показанный QR — чек той самой продажи", "the QR shown is the receipt of that very sale"},
	"I9":         {"ничто подтверждённое не пропало", "nothing acknowledged is missing"},
	"jobs":       {"состояние работы сходится с попытками и чеком", "a job's state agrees with its attempts and its receipt"},
	"histories":  {"история работ полна, переходы законны", "histories of jobs are whole, their moves legal"},
	"attempts":   {"на линии не больше одной попытки без исхода", "a lane has one attempt without an outcome at most"},
	"counts":     {"счётчики равны пересчитанному", "running counts are those of the rows"},
	"references": {"ссылки между таблицами целы", "references between tables hold"},
}

// codes say what each violation means.
var codes = map[string]words{
	"record_damaged":          {"запись повреждена", "a record is damaged"},
	"record_differs":          {"строка записи не та, что в её байтах", "a record's row is not what its bytes say"},
	"records_gone":            {"записи потеряны: агент их больше не хранит", "records are lost: the agent no longer keeps them"},
	"upto_beyond_top":         {"подтверждено больше, чем пришло", "more is acknowledged than came"},
	"record_beyond_top":       {"есть запись дальше последней пришедшей", "there is a record beyond the last that came"},
	"hole_acknowledged":       {"подтверждено недошедшее", "what has not come is acknowledged"},
	"acknowledged_missing":    {"подтверждённых записей нет", "acknowledged records are not here"},
	"sale_receipts":           {"у продажи больше одного чека", "a sale has more than one receipt"},
	"sale_jobs":               {"у продажи больше одной работы на чек", "a sale has more than one job of a receipt"},
	"sale_without_job":        {"у продажи нет работы", "a sale has no job"},
	"fate_and_job":            {"продажа отложена или без чека, а работа есть", "a sale is held or none, and has a job"},
	"fate_unknown":            {"неизвестная судьба записи", "an unknown fate of a record"},
	"no_reason":               {"нет причины", "no reason is given"},
	"done_without_receipt":    {"сделано, а чека нет", "done without its receipt"},
	"receipt_not_done":        {"чек есть, а работа не сделана", "a receipt of a job that is not done"},
	"receipt_of_open_attempt": {"чек чужой или незаконченной попытки", "a receipt of an attempt that is not done, or another job's"},
	"bound_without_receipt":   {"документ привязан, а чека нет", "a document is bound, and there is no receipt of it"},
	"bound_twice":             {"документ у двух работ", "a document is two jobs'"},
	"foreign_and_ours":        {"документ записан и чужим, и нашим", "a document is recorded both as foreign and as ours"},
	"document_missing":        {"документы кассы не учтены", "documents of the register are not accounted for"},
	"document_damaged":        {"прочитанный документ повреждён", "the document read back is damaged"},
	"document_of_another":     {"прочитан другой документ", "another document was read back"},
	"job_damaged":             {"документ работы не читается", "a job's document cannot be read"},
	"amount_differs":          {"сумма не та", "another amount"},
	"operation_differs":       {"признак расчёта не тот", "another operation"},
	"vat_differs":             {"ставка НДС не та", "another VAT rate"},
	"items_differ":            {"позиции не те", "other items"},
	"machine_differs":         {"автомат не тот", "another machine"},
	"machine_missing":         {"автомат не назван", "no machine is named"},
	"key_differs":             {"ключ не тот", "another key"},
	"shift_differs":           {"касса насчитала другое", "the register counted something else"},
	"counters_damaged":        {"счётчики не читаются", "counters cannot be read"},
	"qr_unreadable":           {"строка QR не читается", "the QR string cannot be read"},
	"qr_of_another":           {"QR другого чека", "the QR of another receipt"},
	"shown_for_another":       {"показан чек другой продажи", "the receipt of another sale was shown"},
	"shown_without_receipt":   {"показан чек, которого нет", "a receipt was shown that does not exist"},
	"open_attempt":            {"попытка без исхода не сходится с работой", "an attempt without an outcome does not fit its job"},
	"open_attempts":           {"на линии больше одной попытки без исхода", "a lane has more than one attempt without an outcome"},
	"attempts_lost":           {"попытка потеряна", "an attempt is lost"},
	"attempt_end":             {"конец попытки не сходится с исходом", "the end of an attempt does not fit its outcome"},
	"history_missing":         {"нет истории работы", "a job has no history"},
	"history_behind":          {"история кончается другим состоянием", "a history ends with another state"},
	"move_illegal":            {"незаконный переход", "an illegal move"},
	"count_differs":           {"счётчик не равен пересчитанному", "a count is not that of the rows"},
	"takings_differ":          {"выручка не равна пересчитанной", "takings are not those of the rows"},
	"reference_broken":        {"ссылка в никуда", "a reference to nothing"},
}

// Title says in ru or en what an invariant holds.
func Title(invariant, lang string) string { return titles[invariant].in(lang) }

// Say says in ru or en what a violation's code means.
func Say(code, lang string) string { return codes[code].in(lang) }

// Explain fills in the titles of the results.
func (r Report) Explain(lang string) {
	for i := range r.Results {
		r.Results[i].Title = Title(r.Results[i].Invariant, lang)
	}
}
