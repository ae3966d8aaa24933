package ffd

import (
	"strconv"
	"strings"

	"github.com/chekomat/chekomat/fiscal"
)

// name is a value's meaning in Russian and English.
type name struct{ ru, en string }

func (n name) in(lang string) string {
	if lang == "ru" {
		return n.ru
	}
	return n.en
}

// valueNames are the enumerations of FFD (FFD reference, 6).
var valueNames = map[Tag]map[uint64]name{
	1022: {0: {"принят", "taken"}, 11: {"документ не распознан", "not recognised"}, 14: {"ошибка форматно-логического контроля", "format error"}},
	1054: {1: {"приход", "sell"}, 2: {"возврат прихода", "sell return"}, 3: {"расход", "buy"}, 4: {"возврат расхода", "buy return"}},
	1101: {1: {"замена ФН", "change of storage"}, 2: {"замена ОФД", "change of OFD"}, 3: {"изменение реквизитов", "change of user's data"}, 4: {"изменение настроек ККТ", "change of settings"}},
	1173: {0: {"самостоятельно", "own initiative"}, 1: {"по предписанию", "by order"}},
	1189: versionNames, 1190: versionNames, 1209: versionNames,
	1212: {
		1: {"товар", "goods"}, 2: {"подакцизный товар", "excise goods"}, 3: {"работа", "work"}, 4: {"услуга", "service"},
		5: {"ставка азартной игры", "bet"}, 6: {"выигрыш азартной игры", "winnings"}, 7: {"лотерейный билет", "lottery ticket"}, 8: {"выигрыш лотереи", "lottery prize"},
		9: {"предоставление РИД", "intellectual property"}, 10: {"платеж", "payment"}, 11: {"агентское вознаграждение", "agent's fee"}, 12: {"выплата", "payout"},
		13: {"иной предмет расчета", "other subject"}, 14: {"имущественное право", "property right"}, 15: {"внереализационный доход", "non-operating income"},
		16: {"иные платежи", "other payments"}, 17: {"торговый сбор", "trade fee"}, 18: {"туристический налог", "tourist tax"}, 19: {"залог", "pledge"}, 20: {"расход", "expense"},
		21: {"взносы на ОПС ИП", "pension contributions of entrepreneurs"}, 22: {"взносы на ОПС", "pension contributions"}, 23: {"взносы на ОМС ИП", "health contributions of entrepreneurs"},
		24: {"взносы на ОМС", "health contributions"}, 25: {"взносы на ОСС", "social contributions"}, 26: {"платеж казино", "casino payment"}, 27: {"выдача денежных средств", "cash paid out"},
		30: {"АТНМ", "excise goods without code"}, 31: {"АТМ", "excise goods with code"}, 32: {"ТНМ", "marked goods without code"}, 33: {"ТМ", "marked goods with code"},
	},
	1214: {
		1: {"предоплата 100%", "full prepayment"}, 2: {"предоплата", "prepayment"}, 3: {"аванс", "advance"}, 4: {"полный расчет", "full settlement"},
		5: {"частичный расчет и кредит", "part payment and credit"}, 6: {"передача в кредит", "credit"}, 7: {"оплата кредита", "credit payment"},
	},
	2105: {0: {"обработан", "processed"}, 1: {"неверный запрос", "bad request"}, 2: {"неверный код", "bad code"}},
	2109: {1: {"статус верен", "status correct"}, 2: {"статус неверен", "status incorrect"}, 3: {"оборот приостановлен", "turnover suspended"}},
	2111: {0: {"принято", "taken"}, 1: {"ошибка", "bad"}},
}

var versionNames = map[uint64]name{2: {"1.05", "1.05"}, 3: {"1.1", "1.1"}, 4: {"1.2", "1.2"}}

// bitNames are the meanings of bits, lowest first.
var bitNames = map[Tag]map[uint64]name{
	1055: taxNames, 1062: taxNames, 1057: agentNames, 1222: agentNames,
	1205: {
		1: {"замена ФН", "change of storage"}, 2: {"замена ОФД", "change of OFD"}, 4: {"наименование пользователя", "user's name"}, 8: {"адрес или место", "address or place"},
		0x10: {"выход из автономного режима", "leaves autonomous mode"}, 0x20: {"переход в автономный режим", "enters autonomous mode"}, 0x40: {"версия ККТ", "register's version"},
		0x80: {"системы налогообложения", "tax systems"}, 0x100: {"номер автомата", "machine number"}, 0x200: {"выход из автоматического режима", "leaves automatic mode"},
		0x400: {"переход в автоматический режим", "enters automatic mode"}, 0x800: {"переход на БСО", "to strict forms"}, 0x1000: {"отказ от БСО", "from strict forms"},
		0x2000: {"отказ от расчетов только в интернете", "from internet only"}, 0x4000: {"расчеты только в интернете", "to internet only"}, 0x8000: {"больше не агент", "from agent"},
		0x10000: {"агент", "to agent"}, 0x20000: {"отказ от азартных игр", "from gambling"}, 0x40000: {"азартные игры", "to gambling"}, 0x80000: {"отказ от лотерей", "from lottery"},
		0x100000: {"лотереи", "to lottery"}, 0x200000: {"версия ФФД", "FFD version"}, 0x80000000: {"иные причины", "other"},
	},
	1206: {
		2: {"ошибка ФЛК", "structure error"}, 4: {"сообщения в кабинете", "messages in the cabinet"}, 8: {"обновить ФФД", "FFD update needed"},
		0x10: {"ожидается осмотр ФНС", "inspection expected"}, 0x40: {"настроить связь", "set up communication"}, 0x80: {"ОФД аннулирован", "OFD annulled"},
	},
	1290: {
		uint64(UsePrinter): {"принтер в автомате", "printer in machine"}, uint64(UseBSO): {"АС БСО", "strict forms"}, uint64(UseInternet): {"только интернет", "internet only"},
		uint64(UseExcise): {"подакцизные товары", "excise goods"}, uint64(UseMarked): {"маркированные товары", "marked goods"}, uint64(UseServices): {"только услуги", "services only"},
		uint64(UseGambling): {"азартные игры", "gambling"}, uint64(UseLottery): {"лотереи", "lottery"}, uint64(UsePawnshop): {"ломбард", "pawnshop"},
		uint64(UseInsurance): {"страхование", "insurance"}, uint64(UseVending): {"торговля автоматами", "vending"}, uint64(UseCatering): {"общественное питание", "catering"},
		uint64(UseWholesale): {"оптовая торговля маркированными", "wholesale of marked goods"},
	},
	2116: {1: {"чек", "receipt"}, 2: {"коррекция", "correction"}, 4: {"вендинг без запроса кода", "vending without code request"}, 8: {"общественное питание", "catering"}, 0x10: {"опт", "wholesale"}},
}

var taxNames = map[uint64]name{
	uint64(fiscal.OSN): {"ОСН", "general"}, uint64(fiscal.USNIncome): {"УСН доход", "simplified, income"}, uint64(fiscal.USNIncomeCost): {"УСН доход минус расход", "simplified, income less cost"},
	uint64(fiscal.ENVD): {"ЕНВД", "ENVD"}, uint64(fiscal.ESHN): {"ЕСХН", "agricultural"}, uint64(fiscal.PSN): {"ПСН", "patent"},
}

var agentNames = map[uint64]name{
	1: {"банковский платежный агент", "bank payment agent"}, 2: {"банковский платежный субагент", "bank payment subagent"}, 4: {"платежный агент", "payment agent"},
	8: {"платежный субагент", "payment subagent"}, 16: {"поверенный", "attorney"}, 32: {"комиссионер", "commission agent"}, 64: {"агент", "agent"},
}

// ValueName is the meaning of a coded value in "ru" or "en"; of a set of bits
// all of them, with commas. "" when the table has none.
func ValueName(t Tag, v uint64, lang string) string {
	if t == 1199 {
		if rate := fiscal.VAT(v); v < 256 && rate.Known() {
			return rate.Name(lang)
		}
		return ""
	}
	if t == 2108 {
		for _, m := range measures {
			if uint64(m.code) == v {
				return name{m.ru, m.en}.in(lang)
			}
		}
		return ""
	}
	if n, ok := valueNames[t][v]; ok {
		return n.in(lang)
	}
	bits, ok := bitNames[t]
	if !ok || v == 0 {
		return ""
	}
	var parts []string
	for bit := uint64(1); bit != 0 && bit <= v; bit <<= 1 {
		if v&bit == 0 {
			continue
		}
		if n, ok := bits[bit]; ok {
			parts = append(parts, n.in(lang))
		} else {
			parts = append(parts, "0x"+strconv.FormatUint(bit, 16))
		}
	}
	return strings.Join(parts, ", ")
}

// TagName is the requisite's name in "ru" (of the FFD order) or "en"; of
// unknown tags the number alone.
func TagName(t Tag, lang string) string {
	info, ok := Lookup(t)
	switch {
	case !ok && lang == "ru":
		return "Реквизит " + strconv.Itoa(int(t))
	case !ok:
		return "requisite " + strconv.Itoa(int(t))
	case lang == "ru":
		return info.Name
	}
	return info.EN
}
