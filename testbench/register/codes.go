package register

import "fmt"

// Error codes of the register (kkt-shtrih.md §11). Codes of the ФН pass
// through as they are.
const (
	errNone          byte = 0x00
	errFNTimeout     byte = 0x2F
	errBadParameter  byte = 0x33
	errUnsupported   byte = 0x37
	errShiftOpen     byte = 0x3C
	errShiftClosed   byte = 0x3D
	errPaidLess      byte = 0x45
	errNotEnoughCash byte = 0x46
	errOtherType     byte = 0x49
	errReceiptOpen   byte = 0x4A
	errBufferFull    byte = 0x4B
	errCashlessMore  byte = 0x4D
	errShiftTooLong  byte = 0x4E
	errPassword      byte = 0x4F
	errPrinting      byte = 0x50
	errReceiptClosed byte = 0x55
	errWaitsContinue byte = 0x58
	errOtherOperator byte = 0x59
	errNoTable       byte = 0x5D
	errMultiply      byte = 0x60
	errTaxSystem     byte = 0x63
	errNoPaper       byte = 0x6B
	errSubmode       byte = 0x72
	errMode          byte = 0x73
	errReadOnly      byte = 0x7A
	errDate          byte = 0x7C
	errTotalRange    byte = 0x7F
	errZeroTotal     byte = 0x8E
	errMarkForbidden byte = 0xA0
	errMarkOrder     byte = 0xA1
	errMarkTableFull byte = 0xA3
	errMarkUnchecked byte = 0xA5
)

// errorTexts answer 6Bh.
var errorTexts = map[byte]string{
	0x00: "Ошибок нет", 0x02: "ФН: Неверное состояние ФН", 0x03: "ФН: Отказ ФН", 0x05: "ФН: Закончен срок эксплуатации ФН",
	0x07: "ФН: Неверная дата и/или время", 0x08: "ФН: Нет запрошенных данных", 0x09: "ФН: Некорректное значение параметров команды",
	0x10: "ФН: Превышение размеров TLV данных", 0x12: "ФН: Исчерпан ресурс ФН", 0x14: "ФН: Исчерпан ресурс хранения документов для ОФД",
	0x16: "ФН: Продолжительность смены более 24 часов", 0x17: "ФН: Неверная разница во времени между 2 операциями",
	errFNTimeout: "ККТ: Таймаут обмена с ФН", 0x30: "ККТ: ФН не отвечает", errBadParameter: "ККТ: Некорректные параметры в команде",
	errUnsupported: "ККТ: Команда не поддерживается в данной реализации ККТ", errShiftOpen: "ККТ: Смена открыта - операция невозможна",
	errShiftClosed: "ККТ: Смена не открыта - операция невозможна", errPaidLess: "ККТ: Cумма всех типов оплаты меньше итога чека",
	errOtherType: "ККТ: Операция невозможна в открытом чеке данного типа", errReceiptOpen: "ККТ: Открыт чек - операция невозможна",
	errBufferFull: "ККТ: Буфер чека переполнен", errCashlessMore: "ККТ: Сумма безналичных типов оплаты больше итога чека",
	errShiftTooLong: "ККТ: Смена превысила 24 часа", errPassword: "ККТ: Неверный пароль", errPrinting: "ККТ: Идет печать предыдущей команды",
	errReceiptClosed: "ККТ: Чек закрыт - операция невозможна", errWaitsContinue: "ККТ: Ожидание команды продолжения печати",
	errOtherOperator: "ККТ: Документ открыт другим оператором", errNoTable: "ККТ: Таблица не определена", errTaxSystem: "ККТ: Система налогообложения вне диапазона", errNoPaper: "ККТ: Нет чековой ленты",
	errSubmode: "ККТ: Команда не поддерживается в данном подрежиме", errMode: "ККТ: Команда не поддерживается в данном режиме",
	errReadOnly: "ККТ: Данное поле не редактируется", errDate: "ККТ: Не совпадает дата", errTotalRange: "ККТ: Переполнение диапазона итога чека",
	errNotEnoughCash: "ККТ: Не хватает наличности в кассе", errMarkForbidden: "ККТ: Запрещена работа с маркированными товарами",
	errMarkOrder: "ККТ: Неверная последовательность команд по маркировке", errMarkTableFull: "ККТ: Переполнена таблица хранения КМ",
	errMarkUnchecked: "ККТ: КМ не был проверен",
	errZeroTotal:     "ККТ: Обнуленный итог чека",
}

func errorText(code byte) string {
	if s, ok := errorTexts[code]; ok {
		return s
	}
	return fmt.Sprintf("Неизвестная ошибка %02Xh", code)
}
