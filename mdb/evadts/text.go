package evadts

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

// Text decodes an element for people: ^hh^ is the byte hh, bytes above 7Fh
// are windows-1251 unless the whole is UTF-8 already (evadts 2.1). Blanks that
// fill a field are cut. A lone ^ stays as it is.
func Text(element string) string {
	if plain(element) {
		return strings.TrimSpace(element)
	}
	b := []byte(element)
	if strings.IndexByte(element, '^') >= 0 {
		b = unescape(b[:0], element)
	}
	if !utf8.Valid(b) {
		// A single-byte page decodes every byte, so there is no error to see.
		b, _ = charmap.Windows1251.NewDecoder().Bytes(b)
	}
	return strings.TrimSpace(string(b))
}

// plain reports whether an element is ASCII without ^hh^: almost every one is.
func plain(s string) bool {
	for i := range len(s) {
		if s[i] == '^' || s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// unescape may write over the bytes it reads: what it writes is never longer.
func unescape(dst []byte, s string) []byte {
	for i := 0; i < len(s); i++ {
		if s[i] == '^' && i+3 < len(s) && s[i+3] == '^' {
			if hi, lo := hexDigit(s[i+1]), hexDigit(s[i+2]); hi >= 0 && lo >= 0 {
				dst = append(dst, byte(hi<<4|lo))
				i += 3
				continue
			}
		}
		dst = append(dst, s[i])
	}
	return dst
}

func hexDigit(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	}
	return -1
}

// Escape writes text as an element: what windows-1251 lacks becomes "?", and
// the asterisk, the caret, control and high bytes become ^hh^ (evadts 2.1).
func Escape(text string) string {
	const digits = "0123456789ABCDEF"
	var b strings.Builder
	for _, r := range text {
		c, ok := charmap.Windows1251.EncodeRune(r)
		if !ok {
			c = '?'
		}
		if c == '*' || c == '^' || c < ' ' || c >= 0x7F {
			b.Write([]byte{'^', digits[c>>4], digits[c&15], '^'})
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}
