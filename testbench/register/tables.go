package register

import (
	"encoding/binary"
	"fmt"
	"strings"

	"golang.org/x/text/encoding/charmap"
)

// field is one field of a settings table. Size is in bytes; numbers are
// little-endian. Low and High bound numbers.
type field struct {
	name      string
	text      bool
	size      int
	low, high uint64
	readOnly  bool
}

type table struct {
	name   string
	rows   int
	fields []field
}

// cell addresses one value; rows and fields count from 1.
type cell struct {
	Table byte
	Row   uint16
	Field byte
}

// Tables of the desktop family with the numbers of [RUK] (kkt-shtrih.md §9).
const (
	tableModel    = 1
	tableCashiers = 2
	tableTaxes    = 6
	tableRegional = 17
	tableFiscal   = 18
	tableOFD      = 19
	tableExchange = 20
	tableNet      = 21
	tableEmbedded = 24

	sysadminRow = 30
)

func number(name string, size int, high uint64) field {
	return field{name: name, size: size, high: high}
}
func text(name string, size int) field { return field{name: name, text: true, size: size} }
func fixed(f field) field              { f.readOnly = true; return f }

// fieldsOf numbers the named fields and fills the gaps with reserved bytes.
func fieldsOf(count int, named map[int]field) []field {
	fs := make([]field, count)
	for i := range fs {
		f, ok := named[i+1]
		if !ok {
			f = number("РЕЗЕРВ", 1, 255)
		}
		fs[i] = f
	}
	return fs
}

var tables = map[byte]table{
	tableModel: {"ТИП И РЕЖИМ КАССЫ", 1, fieldsOf(48, map[int]field{
		1: number("НОМЕР ККТ В МАГАЗИНЕ", 1, 99), 2: number("ОБНУЛЕНИЕ НАЛИЧНОСТИ", 1, 1), 7: number("ОТРЕЗКА ЧЕКА", 1, 2),
		14: number("НАЧИСЛЕНИЕ НАЛОГОВ", 1, 1), 41: number("ПЕЧАТЬ QR-КОДА", 1, 3),
	})},
	tableCashiers: {"ПАРОЛИ КАССИРОВ И АДМИНИСТРАТОРОВ", 30, []field{number("ПАРОЛЬ", 4, 99999999), text("ИМЯ", 64)}},
	4:             {"ТЕКСТ В ЧЕКЕ", 14, []field{text("ТЕКСТ", 48)}},
	5:             {"НАИМЕНОВАНИЕ ТИПОВ ОПЛАТЫ", 16, []field{text("НАИМЕНОВАНИЕ", 24)}},
	tableTaxes:    {"НАЛОГОВЫЕ СТАВКИ", 12, []field{fixed(number("ВЕЛИЧИНА НАЛОГА", 2, 9999)), text("НАЗВАНИЕ НАЛОГА", 57)}},
	7:             {"НАИМЕНОВАНИЕ ОТДЕЛОВ", 16, []field{text("НАИМЕНОВАНИЕ", 40)}},
	tableRegional: {"РЕГИОНАЛЬНЫЕ НАСТРОЙКИ", 1, fieldsOf(36, map[int]field{
		3: number("РЕЖИМ СКИДОК", 1, 3), 7: number("НЕ ПЕЧАТАТЬ ДОКУМЕНТ", 1, 3), 8: number("КОНТРОЛЬ ДЛИНЫ СМЕНЫ", 1, 1),
		13: text("ПОЛЬЗ. РЕКВИЗИТ", 64), 14: number("ПЕРЕДАВАТЬ ПОЛЬЗ. РЕКВИЗИТ", 1, 1), 17: number("ВЕРСИЯ ФФД", 1, 4),
		28: number("МИНИМИЗАЦИЯ ДАННЫХ", 1, 31), 31: number("РЕПЛИКА ДОКУМЕНТА", 1, 1), 35: number("СТРОГИЙ ФЛК", 1, 1),
		36: number("РАСШИРЕННЫЕ ОТВЕТЫ", 1, 1),
	})},
	tableFiscal: {"ФИСКАЛЬНЫЙ НАКОПИТЕЛЬ", 1, []field{
		fixed(text("ЗАВОДСКОЙ НОМЕР", 20)), fixed(text("ИНН", 12)), fixed(text("РНМ", 20)), fixed(text("НОМЕР ФН", 16)),
		fixed(number("СИСТЕМЫ НАЛОГООБЛОЖЕНИЯ", 1, 63)), fixed(number("РЕЖИМ РАБОТЫ", 1, 63)), text("ПОЛЬЗОВАТЕЛЬ", 128),
		text("ОПЕРАТОР", 64), text("АДРЕС", 128), text("НАИМЕНОВАНИЕ ОФД", 128), text("URL ОФД", 64), text("ИНН ОФД", 12),
		text("САЙТ ФНС", 64), text("МЕСТО РАСЧЕТОВ", 128), text("E-MAIL ОТПРАВИТЕЛЯ", 64), number("АГЕНТ", 1, 127),
		text("ПОЛЬЗОВАТЕЛЬ 2", 128), text("АДРЕС 2", 128), text("НАИМЕНОВАНИЕ ОФД 2", 128), text("МЕСТО РАСЧЕТОВ 2", 128),
		fixed(number("РАСШИРЕННЫЕ ПРИЗНАКИ", 1, 255)), number("ПРИЧИНА ПЕРЕРЕГИСТРАЦИИ", 4, 1<<32-1), text("ИНН КАССИРА", 12),
	}},
	tableOFD: {"ПАРАМЕТРЫ ОФД", 1, []field{text("СЕРВЕР", 64), number("ПОРТ", 2, 65535), number("РЕЗЕРВ", 1, 255), number("ЗАДЕРЖКА", 2, 65535)}},
	tableExchange: {"СОСТОЯНИЕ ОБМЕНА С ОФД", 1, func() []field {
		fs := fieldsOf(17, map[int]field{3: number("ДЛИНА ОЧЕРЕДИ", 2, 65535), 4: number("ПЕРВЫЙ ФД", 4, 1<<32-1)})
		for i := range fs {
			fs[i].readOnly = true
		}
		return fs
	}()},
	tableNet: {"СЕТЕВЫЕ НАСТРОЙКИ", 1, []field{
		number("PPP", 1, 2), number("ОБМЕН С ОФД СРЕДСТВАМИ ККТ", 1, 1), number("TCP-СЕРВЕР", 1, 2), number("ПОРТ", 2, 65535),
		number("РЕЗЕРВ", 1, 255), text("SSID", 32), text("КЛЮЧ", 64), number("WI-FI", 1, 255), number("RNDIS", 1, 1),
	}},
	tableEmbedded: {"ВСТРАИВАЕМАЯ ТЕХНИКА", 1, fieldsOf(14, map[int]field{
		1: text("НОМЕР АВТОМАТА", 20), 2: number("ТИП ПРИНТЕРА", 1, 255), 9: number("АВТОМАТИЧЕСКОЕ ЗАКРЫТИЕ СМЕНЫ", 1, 3),
		11: number("ЧАС", 1, 23), 12: number("МИНУТА", 1, 59), 13: number("АВТОМАТИЧЕСКОЕ ОТКРЫТИЕ СМЕНЫ", 1, 2),
	})},
}

// taxGroups are the rows of table 6: the 1199 code, the rate in hundredths of
// a percent and the name. Rows 11 and 12 are an assumption: the byte for 22 %
// is documented nowhere (kkt-shtrih.md §6.1).
var taxGroups = [12]struct {
	code byte
	rate uint64
	name string
}{
	{1, 2000, "НДС 20%"}, {2, 1000, "НДС 10%"}, {5, 0, "НДС 0%"}, {6, 0, "БЕЗ НДС"}, {3, 2000, "НДС 20/120"}, {4, 1000, "НДС 10/110"},
	{7, 500, "НДС 5%"}, {8, 700, "НДС 7%"}, {9, 500, "НДС 5/105"}, {10, 700, "НДС 7/107"}, {11, 2200, "НДС 22%"}, {12, 2200, "НДС 22/122"},
}

// vatCode turns the tax byte of FF46h into tag 1199: a bit of the group for
// groups 1..6, 81h 82h 84h 88h or 90h for 7..10, C0h plus the group number for
// any.
func vatCode(b byte) (code byte, ok bool) {
	group := 0
	switch {
	case b > 0xC0 && int(b-0xC0) <= len(taxGroups):
		group = int(b - 0xC0)
	case b == 0x81, b == 0x82, b == 0x84:
		group = map[byte]int{0x81: 7, 0x82: 8, 0x84: 9}[b]
	case b == 0x88, b == 0x90:
		group = 10
	default:
		for i := range 6 {
			if b == 1<<i {
				group = i + 1
			}
		}
	}
	if group == 0 {
		return 0, false
	}
	return taxGroups[group-1].code, true
}

// defaultCell gives a value no host has written yet.
func (d *device) defaultCell(c cell) (n uint64, s string) {
	switch c.Table {
	case tableCashiers:
		if c.Field == 1 {
			return uint64(c.Row), ""
		}
		switch c.Row {
		case 29:
			return 0, "АДМИНИСТРАТОР"
		case sysadminRow:
			return 0, "СИС. АДМИНИСТРАТОР"
		}
		return 0, fmt.Sprintf("КАССИР %d", c.Row)
	case 5:
		switch c.Row {
		case 1:
			return 0, "НАЛИЧНЫМИ"
		case 14:
			return 0, "АВАНС"
		case 15:
			return 0, "КРЕДИТ"
		case 16:
			return 0, "ИНАЯ ФОРМА"
		}
		return 0, "БЕЗНАЛИЧНЫМИ"
	case tableTaxes:
		g := taxGroups[c.Row-1]
		return g.rate, g.name
	case tableRegional:
		switch c.Field {
		case 8:
			return 1, ""
		case 17:
			return uint64(d.cfg.FFD), ""
		}
	case tableFiscal:
		return d.fiscalCell(c.Field)
	case tableExchange:
		q := d.fn.Queue()
		switch c.Field {
		case 3:
			return uint64(q.Unsent), ""
		case 4:
			return uint64(q.FirstFD), ""
		}
	case tableNet:
		switch c.Field {
		case 2, 3:
			return 1, ""
		case 4:
			return 7778, ""
		}
	case tableEmbedded:
		if c.Field == 1 {
			return 0, d.cfg.Machine
		}
	}
	return 0, ""
}

func (d *device) fiscalCell(f byte) (uint64, string) {
	reg, _ := d.fn.Registered()
	switch f {
	case 1:
		return 0, d.cfg.Serial
	case 2:
		return 0, reg.INN
	case 3:
		return 0, reg.RNM
	case 4:
		return 0, d.fn.Serial()
	case 5:
		return uint64(reg.TaxSystems), ""
	case 6:
		return uint64(reg.Mode), ""
	case 7:
		return 0, d.cfg.User
	case 9:
		return 0, d.cfg.Address
	case 10:
		return 0, "ОФД-стенд"
	case 12:
		return 0, "7700000010"
	case 13:
		return 0, "www.nalog.gov.ru"
	case 14:
		return 0, d.cfg.Place
	case 21:
		return 1 << 3, "" // 1221: the printer stands in the machine
	}
	return 0, ""
}

func lookup(c cell) (field, byte) {
	t, ok := tables[c.Table]
	if !ok {
		return field{}, errNoTable
	}
	if c.Row < 1 || int(c.Row) > t.rows || c.Field < 1 || int(c.Field) > len(t.fields) {
		return field{}, errBadParameter
	}
	return t.fields[c.Field-1], errNone
}

func (d *device) numberAt(tab byte, row uint16, f byte) uint64 {
	c := cell{tab, row, f}
	if v, ok := d.cells[c]; ok {
		var b [8]byte
		copy(b[:], v)
		return binary.LittleEndian.Uint64(b[:])
	}
	n, _ := d.defaultCell(c)
	return n
}

func (d *device) textAt(tab byte, row uint16, f byte) string {
	c := cell{tab, row, f}
	if v, ok := d.cells[c]; ok {
		return fromCP1251(v)
	}
	_, s := d.defaultCell(c)
	return s
}

// readCell answers 1Fh: numbers in full size, texts without padding.
func (d *device) readCell(c cell) ([]byte, byte) {
	f, code := lookup(c)
	if code != errNone {
		return nil, code
	}
	if f.text {
		return cp1251(d.textAt(c.Table, c.Row, c.Field)), errNone
	}
	b := binary.LittleEndian.AppendUint64(nil, d.numberAt(c.Table, c.Row, c.Field))
	return b[:f.size], errNone
}

// writeCell answers 1Eh. Short numbers are taken as if padded with zeros.
func (d *device) writeCell(c cell, v []byte) byte {
	f, code := lookup(c)
	switch {
	case code != errNone:
		return code
	case f.readOnly:
		return errReadOnly
	case len(v) == 0 && !f.text, len(v) > f.size:
		return errBadParameter
	}
	if f.text {
		v = []byte(strings.TrimRight(string(v), "\x00"))
	} else {
		var b [8]byte
		copy(b[:], v)
		if n := binary.LittleEndian.Uint64(b[:]); n < f.low || n > f.high {
			return errBadParameter
		}
	}
	d.cells[c] = append([]byte(nil), v...)
	return errNone
}

func cp1251(s string) []byte {
	out := make([]byte, 0, len(s))
	for _, r := range s {
		b, ok := charmap.Windows1251.EncodeRune(r)
		if !ok {
			b = '?'
		}
		out = append(out, b)
	}
	return out
}

func fromCP1251(b []byte) string {
	var s strings.Builder
	for _, c := range b {
		s.WriteRune(charmap.Windows1251.DecodeByte(c))
	}
	return s.String()
}
