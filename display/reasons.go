package display

// Languages of a screen; anything else is shown in Russian.
const (
	Russian = "ru"
	English = "en"
)

// A Reason says why a machine does not sell or a receipt is late. The code is
// stable: agents send it, logs and dashboards search by it.
type Reason struct {
	Code  string
	Text  Phrase // one sentence in a buyer's words
	Brief Phrase // at most 16 letters, for a status panel
}

// A Phrase is one text in the languages of a screen.
type Phrase struct{ RU, EN string }

// In gives the text in a language.
func (p Phrase) In(lang string) string {
	if lang == English {
		return p.EN
	}
	return p.RU
}

// Reason codes.
const (
	ReasonHubSilent      = "hub_silent"
	ReasonRegisterSilent = "register_silent"
	ReasonRegisterBusy   = "register_busy"
	ReasonRegisterFault  = "register_fault"
	ReasonFNFull         = "fn_full"
	ReasonFNExpired      = "fn_expired"
	ReasonOFDSilent      = "ofd_silent"
	ReasonShift          = "shift"
	ReasonQueue          = "queue"
	ReasonHeld           = "held"
	ReasonConfig         = "config"
	ReasonClock          = "clock"
	ReasonStorage        = "storage"
	ReasonBusSilent      = "bus_silent"
	ReasonDisplayDead    = "display_dead"
	ReasonStopped        = "stopped"
	ReasonMaintenance    = "maintenance"
	ReasonStarting       = "starting"
	ReasonUnknown        = "unknown"
)

var reasons = []Reason{
	{ReasonHubSilent,
		Phrase{"Нет связи с сервером чеков.", "There is no connection to the receipt server."},
		Phrase{"нет связи", "no connection"}},
	{ReasonRegisterSilent,
		Phrase{"Касса не отвечает.", "The cash register does not answer."},
		Phrase{"касса молчит", "register silent"}},
	{ReasonRegisterBusy,
		Phrase{"Касса занята другими покупками.", "The cash register is busy with other purchases."},
		Phrase{"касса занята", "register busy"}},
	{ReasonRegisterFault,
		Phrase{"Касса неисправна.", "The cash register is out of order."},
		Phrase{"сбой кассы", "register fault"}},
	{ReasonFNFull,
		Phrase{"В кассе закончилась память для чеков.", "The cash register's fiscal memory is full."},
		Phrase{"ФН заполнен", "FN is full"}},
	{ReasonFNExpired,
		Phrase{"Истёк срок службы фискального накопителя кассы.", "The cash register's fiscal memory has expired."},
		Phrase{"срок ФН истёк", "FN has expired"}},
	{ReasonOFDSilent,
		Phrase{"Касса давно не передавала чеки оператору данных.", "The cash register has not passed receipts on for too long."},
		Phrase{"нет связи с ОФД", "OFD is silent"}},
	{ReasonShift,
		Phrase{"Касса открывает новую смену.", "The cash register is opening a new shift."},
		Phrase{"смена кассы", "shift change"}},
	{ReasonQueue,
		Phrase{"Покупок сейчас много, чек ждёт очереди.", "There are many purchases now, the receipt is in a queue."},
		Phrase{"чек в очереди", "receipt queued"}},
	{ReasonHeld,
		Phrase{"Продажу проверяет сотрудник.", "A person is checking this sale."},
		Phrase{"на проверке", "being checked"}},
	{ReasonConfig,
		Phrase{"Автомат ещё не настроен.", "The machine is not set up yet."},
		Phrase{"не настроен", "not set up"}},
	{ReasonClock,
		Phrase{"Не установлены часы автомата.", "The machine's clock is not set."},
		Phrase{"часы не верны", "clock not set"}},
	{ReasonStorage,
		Phrase{"Память автомата заполнена.", "The machine's storage is full."},
		Phrase{"память полна", "storage full"}},
	{ReasonBusSilent,
		Phrase{"Нет связи с приёмником оплаты.", "There is no connection to the payment unit."},
		Phrase{"нет шины", "bus silent"}},
	{ReasonDisplayDead,
		Phrase{"Экран для чеков неисправен.", "The receipt display is out of order."},
		Phrase{"экран неисправен", "display fault"}},
	{ReasonStopped,
		Phrase{"Продажи остановил владелец автомата.", "The owner has stopped sales."},
		Phrase{"остановлен", "stopped"}},
	{ReasonMaintenance,
		Phrase{"Автомат обслуживают.", "The machine is being serviced."},
		Phrase{"обслуживание", "being serviced"}},
	{ReasonStarting,
		Phrase{"Автомат запускается.", "The machine is starting."},
		Phrase{"запуск", "starting"}},
	{ReasonUnknown,
		Phrase{"Причина выясняется.", "The cause is being found out."},
		Phrase{"сбой", "fault"}},
}

// Reasons lists the catalogue in a fixed order; the last is "unknown".
func Reasons() []Reason { return append([]Reason(nil), reasons...) }

// ReasonFor finds a code in the catalogue; a code it does not know gets the
// texts of "unknown" and keeps its own code.
func ReasonFor(code string) Reason {
	for _, r := range reasons {
		if r.Code == code {
			return r
		}
	}
	r := reasons[len(reasons)-1]
	if code != "" {
		r.Code = code
	}
	return r
}

// words are the fixed texts of the screens.
var words = struct {
	machine, awaiting                        Phrase
	vending, vendingHint                     Phrase
	forming, formingHint                     Phrase
	receipt, receiptHint, receiptLater       Phrase
	delayed, delayedNext, paidAt             Phrase
	out, outNext                             Phrase
	test, testShort                          Phrase
	notForReceipt, code                      Phrase
	ready, briefVending, briefPaid, briefOut Phrase
	briefForming, briefDelayed, briefMachine Phrase
}{
	machine:       Phrase{"Автомат", "Machine"},
	awaiting:      Phrase{"После оплаты здесь появится QR-код чека", "After payment the QR code of your receipt appears here"},
	vending:       Phrase{"Выдаём товар", "Vending"},
	vendingHint:   Phrase{"Подождите немного. QR-код чека появится здесь", "One moment. The QR code of your receipt appears here"},
	forming:       Phrase{"Чек формируется", "Your receipt is being made"},
	formingHint:   Phrase{"Не уходите: QR-код появится на этом экране", "Please stay: the QR code appears on this screen"},
	receipt:       Phrase{"Ваш чек", "Your receipt"},
	receiptHint:   Phrase{"Наведите камеру телефона на код", "Point your phone's camera at the code"},
	receiptLater:  Phrase{"Проверка в приложении ФНС начнёт работать, когда чек дойдёт до налоговой", "The tax service's app finds the receipt once it has arrived there"},
	delayed:       Phrase{"Чек будет позже", "Your receipt will come later"},
	delayedNext:   Phrase{"Оплата сохранена, чек оформится без вас. Вопросы: назовите продавцу номер автомата и время.", "Your payment is saved and the receipt will be made. Questions: tell the seller the machine number and the time."},
	paidAt:        Phrase{"Оплачено", "Paid"},
	out:           Phrase{"Автомат не работает", "Out of service"},
	outNext:       Phrase{"Не вносите деньги и не прикладывайте карту.", "Please do not insert money or tap a card."},
	test:          Phrase{"ТЕСТ · не чек", "TEST · not a receipt"},
	testShort:     Phrase{"ТЕСТ", "TEST"},
	notForReceipt: Phrase{"не заменяет чек", "not a receipt"},
	code:          Phrase{"код", "code"},
	ready:         Phrase{"готов", "ready"},
	briefVending:  Phrase{"выдача", "vending"},
	briefPaid:     Phrase{"чек готов", "receipt made"},
	briefOut:      Phrase{"не работает", "no service"},
	briefForming:  Phrase{"чек формируется", "making receipt"},
	briefDelayed:  Phrase{"чек позже", "receipt later"},
	briefMachine:  Phrase{"автомат", "machine"},
}
