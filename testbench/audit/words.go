package audit

import (
	"os"
	"strings"
)

// words are what the command says to people.
type words struct {
	lang, comma                                  string
	serial, model, asset, clock, read, reads     string
	sealed, segments, incomplete                 string
	cumulative, interval, value, count           string
	totals                                       [7]string // paid, cash, cashless 1, cashless 2, tokens, free, test
	cash                                         string
	cashParts                                    [9]string // as in evadts.Cash
	products, product, price, name, device, list string
	events, notes                                string
	outcome                                      map[string]string
	difference, unattributed, mixed              string
	unknown, none                                string
	agrees, disagrees, pairs                     string
}

var russian = words{
	lang: "ru", comma: ",",
	serial: "заводской номер", model: "модель", asset: "номер у оператора", clock: "часы автомата", read: "считан", reads: "считываний, из них со сбросом",
	sealed: "контрольная сумма", segments: "строк", incomplete: "обрезан",
	cumulative: "с начала", interval: "с последнего сброса", value: "сумма", count: "шт.",
	totals:    [7]string{"оплачено", "наличные", "картридер 1", "картридер 2", "жетоны", "бесплатно", "пробные"},
	cash:      "Наличные с начала",
	cashParts: [9]string{"принято", "в кассету", "в тубы", "купюрами", "сдача", "выдано вручную", "переплата", "загружено", "сейчас в тубах"},
	products:  "Товары", product: "товар", price: "цена", name: "название", device: "оплата", list: "прайс",
	events: "События", notes: "Замечания",
	outcome: map[string]string{"counted": "годится для сверки", "new_chain": "счётчики начаты заново, без уверенности",
		"for_viewing": "только для просмотра: отчёты не доказаны", "none": "отчёты несравнимы"},
	difference: "Между считываниями", unattributed: "не отнесено к товарам", mixed: "смешанная оплата",
	unknown: "неизвестно", none: "ничего не продано",
	agrees: "сошлось", disagrees: "НЕ СОШЛОСЬ", pairs: "пар %d, сошлось %d",
}

var english = words{
	lang: "en", comma: ".",
	serial: "serial", model: "model", asset: "asset", clock: "machine's clock", read: "read", reads: "reads, of them with reset",
	sealed: "seal", segments: "segments", incomplete: "cut short",
	cumulative: "since initialisation", interval: "since last reset", value: "value", count: "count",
	totals:    [7]string{"paid", "cash", "cashless 1", "cashless 2", "tokens", "free", "test"},
	cash:      "Cash since initialisation",
	cashParts: [9]string{"in", "to box", "to tubes", "bills", "change", "paid out by hand", "overpaid", "filled", "in tubes now"},
	products:  "Products", product: "product", price: "price", name: "name", device: "paid by", list: "list",
	events: "Events", notes: "Notes",
	outcome: map[string]string{"counted": "fit for reconciliation", "new_chain": "counters began anew, uncertain",
		"for_viewing": "for viewing alone: the reports are not proven", "none": "the reports cannot be compared"},
	difference: "Between the reads", unattributed: "of no product", mixed: "mixed payment",
	unknown: "unknown", none: "nothing sold",
	agrees: "agrees", disagrees: "DISAGREES", pairs: "%d pairs, %d agree",
}

// wordsOf gives the language asked for, or the environment's.
func wordsOf(lang string) *words {
	for _, v := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		if lang == "" {
			lang = os.Getenv(v)
		}
	}
	if strings.HasPrefix(lang, "ru") {
		return &russian
	}
	return &english
}
