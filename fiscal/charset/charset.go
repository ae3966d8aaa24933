// Package charset brings texts into the two code pages of cash registers:
// CP866 inside fiscal documents and CP1251 in register commands.
package charset

import (
	"errors"
	"fmt"
	"strings"
	"unicode"

	"golang.org/x/text/encoding/charmap"
)

// ErrUnwritable says that a text has characters a code page lacks.
var ErrUnwritable = errors.New("text has characters the register's code page lacks")

// CP866 encodes s for fiscal documents.
func CP866(s string) ([]byte, error) { return encode(charmap.CodePage866, "CP866", s) }

// CP1251 encodes s for register commands.
func CP1251(s string) ([]byte, error) { return encode(charmap.Windows1251, "CP1251", s) }

func encode(page *charmap.Charmap, name, s string) ([]byte, error) {
	b := make([]byte, 0, len(s))
	for _, r := range s {
		c, ok := page.EncodeRune(r)
		if !ok {
			return nil, fmt.Errorf("%w: %q is not in %s", ErrUnwritable, r, name)
		}
		b = append(b, c)
	}
	return b, nil
}

// FromCP866 decodes; every byte has a character.
func FromCP866(b []byte) string { return decode(charmap.CodePage866, b) }

// FromCP1251 decodes; a byte without a character becomes U+FFFD.
func FromCP1251(b []byte) string { return decode(charmap.Windows1251, b) }

func decode(page *charmap.Charmap, b []byte) string {
	var s strings.Builder
	s.Grow(2 * len(b))
	for _, c := range b {
		s.WriteRune(page.DecodeByte(c))
	}
	return s.String()
}

// replacements of typographic characters that CP866 or CP1251 lack.
var replacements = strings.NewReplacer(
	"«", `"`, "»", `"`, "“", `"`, "”", `"`, "„", `"`, "‟", `"`,
	"‘", "'", "’", "'", "‚", "'", "′", "'", "″", `"`,
	"–", "-", "—", "-", "―", "-", "‐", "-", "‑", "-", "−", "-",
	"…", "...", "•", "*", "×", "x", "÷", ":", "±", "+-",
	"₽", "руб.", "€", "EUR", "™", "", "®", "", "©", "(c)",
	"\u00a0", " ", "\u202f", " ", "\u2009", " ", "\u200b", "", "\ufeff", "", "\u00ad", "",
	"½", "1/2", "¼", "1/4", "¾", "3/4", "²", "2", "³", "3", "‰", "o/oo",
)

// Clean prepares a text for people (name, address, place) for a register:
// typographic characters become plain ones, Latin letters lose their accents,
// line feeds and other controls become spaces, runs of spaces collapse. What
// has no replacement stays and makes the encoders fail. It never touches
// numbers of machines: those go byte for byte.
func Clean(s string) string {
	s = replacements.Replace(s)
	var b strings.Builder
	b.Grow(len(s))
	space := false
	for _, r := range s {
		if unicode.IsSpace(r) || unicode.IsControl(r) {
			space = b.Len() > 0
			continue
		}
		if space {
			b.WriteByte(' ')
			space = false
		}
		b.WriteString(fold(r))
	}
	return b.String()
}

// fold removes the accent of a Latin letter that neither code page has.
func fold(r rune) string {
	if r < 0xc0 || r > 0x17f {
		return string(r)
	}
	const plain = "AAAAAAACEEEEIIIIDNOOOOOxOUUUUYTsaaaaaaaceeeeiiiidnooooo:ouuuuyty" + // C0..FF
		"AaAaAaCcCcCcCcDdDdEeEeEeEeEeGgGgGgGgHhHhIiIiIiIiIiIiJjKkkLlLlLlLlLlNnNnNnnNnOoOoOoOoRrRrRrSsSsSsSsTtTtTtUuUuUuUuUuUuWwYyYZzZzZzs" // 100..17F
	return string(plain[r-0xc0])
}
