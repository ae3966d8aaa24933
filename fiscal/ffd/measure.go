package ffd

// measures are the units of 2108 by code, as 1197 names them in FFD 1.05 and
// 1.1.
var measures = [...]struct {
	code   uint8
	ru, en string
}{
	{0, "шт.", "pcs"}, {10, "г", "g"}, {11, "кг", "kg"}, {12, "т", "t"}, {20, "см", "cm"}, {21, "дм", "dm"}, {22, "м", "m"},
	{30, "кв. см", "cm²"}, {31, "кв. дм", "dm²"}, {32, "кв. м", "m²"}, {40, "мл", "ml"}, {41, "л", "l"}, {42, "куб. м", "m³"},
	{50, "кВт·ч", "kWh"}, {51, "Гкал", "Gcal"}, {70, "сут.", "days"}, {71, "ч", "h"}, {72, "мин", "min"}, {73, "с", "s"},
	{80, "Кбайт", "KB"}, {81, "Мбайт", "MB"}, {82, "Гбайт", "GB"}, {83, "Тбайт", "TB"}, {255, "ед.", "units"},
}

// MeasureName is the text of 1197 for a code of 2108: "" for pieces, which need
// none, and for unknown codes.
func MeasureName(code uint8) string {
	for _, m := range measures[1:] {
		if m.code == code {
			return m.ru
		}
	}
	return ""
}

// measureOf finds the code of a unit's name; 0 when it is none of the table.
func measureOf(name string) uint8 {
	for _, m := range measures {
		if m.ru == name {
			return m.code
		}
	}
	return 0
}
