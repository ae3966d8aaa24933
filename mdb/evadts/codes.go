package evadts

// Code names one odd thing of a report or of a difference. Codes are stable;
// texts for people come from Describe.
type Code string

// Of one report (evadts 2.3).
const (
	CodeSealAbsent       Code = "seal_absent"
	CodeSealMismatch     Code = "seal_mismatch"
	CodeSealVariant      Code = "seal_variant"
	CodeNoStart          Code = "no_ST"
	CodeNoEnd            Code = "no_DXE"
	CodeWrapInside       Code = "wrap_inside_report"
	CodeProductWithoutID Code = "product_without_id"
	CodeSentinel         Code = "sentinel_4294967295"
	CodeNotANumber       Code = "not_a_number"
)

// Of two reports: what forbids a difference (evadts 6.1).
const (
	CodeOldNotWhole       Code = "old_not_whole"
	CodeNewNotWhole       Code = "new_not_whole"
	CodeScaleChanged      Code = "scale_changed"
	CodeMachineChanged    Code = "machine_changed"
	CodeControllerChanged Code = "controller_changed"
	CodeSameReport        Code = "same_report"
	CodeReadsWentBack     Code = "reads_went_back"
	CodeCountersRestarted Code = "counters_restarted"
	CodeAllFell           Code = "all_counters_fell"
)

// Of two reports: what a difference carries with it.
const (
	CodeIdentityUnknown  Code = "identity_unknown"
	CodeChangerChanged   Code = "changer_changed"
	CodeIntervalReset    Code = "interval_counters_reset_between_reads"
	CodeForeignReads     Code = "reads_by_others"
	CodeWrapped          Code = "counter_wrapped"
	CodeFell             Code = "counter_fell"
	CodeKindsDiffer      Code = "kinds_differ_from_paid"
	CodeProductsExceed   Code = "products_exceed_paid"
	CodeProductAppeared  Code = "product_appeared"
	CodeProductVanished  Code = "product_vanished"
	CodeKindAppeared     Code = "total_appeared"
	CodeKindVanished     Code = "total_vanished"
	CodeMoneyWithoutVend Code = "money_without_vends"
)

var descriptions = map[Code][2]string{
	CodeSealAbsent:       {"в отчёте нет контрольной суммы G85", "the report has no G85 checksum"},
	CodeSealMismatch:     {"контрольная сумма G85 не сходится: отчёт искажён или правлен, для сверки не годится", "G85 does not hold: the report is damaged or edited, not for reconciliation"},
	CodeSealVariant:      {"контрольная сумма записана необычно, но сходится", "G85 is printed in an unusual way but holds"},
	CodeNoStart:          {"нет строки ST: контрольную сумму проверить нельзя", "no ST line: G85 cannot be checked"},
	CodeNoEnd:            {"нет строки DXE: отчёт обрезан", "no DXE line: the report is cut short"},
	CodeWrapInside:       {"накопительный и интервальный счётчики расходятся ровно на разрядность: один из них переполнился", "a cumulative and an interval counter differ by the width of a counter: one of them has wrapped"},
	CodeProductWithoutID: {"у товара пустой номер", "a product has an empty id"},
	CodeSentinel:         {"значение 4294967295 означает «нет данных»", "4294967295 stands for “not available”"},
	CodeNotANumber:       {"на месте числа стоит нечисло", "something that is no number stands for one"},

	CodeOldNotWhole:       {"прежний отчёт неполон или искажён", "the older report is incomplete or damaged"},
	CodeNewNotWhole:       {"новый отчёт неполон или искажён", "the newer report is incomplete or damaged"},
	CodeScaleChanged:      {"изменились валюта или число знаков: суммы несравнимы", "currency or decimal places changed: sums cannot be compared"},
	CodeMachineChanged:    {"отчёты разных автоматов", "the reports are of different machines"},
	CodeControllerChanged: {"заменён контроллер: начата новая цепочка", "the controller was replaced: a new chain begins"},
	CodeSameReport:        {"это один и тот же отчёт", "this is the same report twice"},
	CodeReadsWentBack:     {"счётчик считываний уменьшился: отчёты перепутаны или счётчики сброшены", "the count of reads fell: reports in the wrong order or counters cleared"},
	CodeCountersRestarted: {"все счётчики начаты заново: продажи с нуля, без уверенности", "all counters began anew: sales are counted from zero and uncertain"},
	CodeAllFell:           {"все счётчики уменьшились без объяснения: результата нет", "all counters fell without explanation: no result"},

	CodeIdentityUnknown:  {"автомат не назван ни в одном отчёте: за тождество отвечает порт", "neither report names its machine: the port stands for its identity"},
	CodeChangerChanged:   {"заменён монетоприёмник", "the coin changer was replaced"},
	CodeIntervalReset:    {"между считываниями обнулены интервальные счётчики", "interval counters were cleared between the reads"},
	CodeForeignReads:     {"между считываниями отчёт читал кто-то ещё", "somebody else read the machine in between"},
	CodeWrapped:          {"счётчик переполнился, разность исправлена", "a counter wrapped, the difference is corrected"},
	CodeFell:             {"счётчик уменьшился без объяснения: разность неизвестна", "a counter fell without explanation: its difference is unknown"},
	CodeKindsDiffer:      {"сумма по видам оплаты не равна сумме продаж", "payment kinds do not add up to paid vends"},
	CodeProductsExceed:   {"по товарам насчитано больше, чем продано", "products count more than was sold"},
	CodeProductAppeared:  {"товар появился только в новом отчёте: разность неизвестна", "a product is in the newer report alone: its difference is unknown"},
	CodeProductVanished:  {"товар пропал из нового отчёта: разность неизвестна", "a product is gone from the newer report: its difference is unknown"},
	CodeKindAppeared:     {"итог появился только в новом отчёте: разность неизвестна", "a total is in the newer report alone: its difference is unknown"},
	CodeKindVanished:     {"итог пропал из нового отчёта: разность неизвестна", "a total is gone from the newer report: its difference is unknown"},
	CodeMoneyWithoutVend: {"сумма выросла, а число продаж нет", "money grew and the count of vends did not"},
}

// Describe gives a code in Russian ("ru") or English (anything else); the code
// itself when it is not ours.
func (c Code) Describe(language string) string {
	d, ok := descriptions[c]
	if !ok {
		return string(c)
	}
	if language == "ru" {
		return d[0]
	}
	return d[1]
}
