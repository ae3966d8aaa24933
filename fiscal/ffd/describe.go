package ffd

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"github.com/chekomat/chekomat/fiscal"
)

// Describe writes a value for people in "ru" or "en": money in roubles, times
// of the register's clock, coded values by name, the fiscal sign in ten digits,
// bytes and what breaks its type in
// hexadecimal after 0x.
func Describe(e Element, lang string) string {
	raw := "0x" + strings.ToUpper(hex.EncodeToString(e.Value))
	switch e.Type() {
	case Text, FixedText:
		return printable(strings.TrimRight(e.Text(), " "))
	case Time:
		if at, err := e.Time(); err == nil {
			switch {
			case e.Tag == 1178:
				return at.Format("02.01.2006")
			case at.Second() != 0:
				return at.Format("02.01.2006 15:04:05")
			}
			return at.Format("02.01.2006 15:04")
		}
	case FVLN:
		if q, err := e.Quantity(); err == nil {
			return q.shortest()
		}
	case VLN:
		if v, err := e.Uint(); err == nil {
			if e.Tag == 1293 || e.Tag == 1294 {
				return strconv.FormatUint(v, 10)
			}
			return roubles(v)
		}
	case FixedBytes:
		if _, fp, err := e.Sign(); err == nil && e.Tag == 1077 {
			return fmt.Sprintf("%010d", fp)
		}
	case Flag:
		if v, err := e.Uint(); err == nil && v <= 1 {
			return name{[]string{"нет", "да"}[v], []string{"no", "yes"}[v]}.in(lang)
		}
	case Bytes:
		if s := productCodeText(e.Value); e.Tag == 1162 && s != "" {
			return s
		}
	case Byte, U16, U32, Bits:
		if v, err := e.Uint(); err == nil {
			if s := ValueName(e.Tag, v, lang); s != "" {
				return s
			}
			if bitNames[e.Tag] != nil && v == 0 {
				return name{"нет", "none"}.in(lang)
			}
			return strconv.FormatUint(v, 10)
		}
	}
	return raw
}

// productCodeText is the GTIN, and the serial of a full code, in 1162; "" of
// other kinds.
func productCodeText(b []byte) string {
	var it fiscal.Item
	r := reader{es: []Element{{Tag: 1162, Value: b}}}
	r.marking(&it)
	switch {
	case it.GTIN != "":
		return "GTIN " + it.GTIN
	case it.Mark != "":
		return "GTIN " + it.Mark[2:16] + " " + printable(strings.TrimRight(it.Mark[18:], " "))
	}
	return ""
}

func roubles(kopecks uint64) string {
	if kopecks > 1<<63-1 {
		return strconv.FormatUint(kopecks, 10)
	}
	return string(fiscal.AppendRoubles(nil, int64(kopecks)))
}

// printable shows what breaks a line as dots, so that one value stays one line.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return '·'
		}
		return r
	}, s)
}
