package pirit

import (
	"fmt"
	"strings"

	"github.com/chekomat/chekomat/fiscal/charset"
)

// A string of the protocol holds CP866 bytes 20h..F0h. CP866 has letters above
// that: they are replaced in texts for people; a machine's number that has one
// cannot be sent.
var above = strings.NewReplacer("ё", "е", "№", "N", "°", " ", "·", ".", "√", "V", "¤", "", "■", "",
	"є", "е", "Є", "Е", "ї", "i", "Ї", "I", "ў", "у", "Ў", "У", "∙", ".")

// plain prepares a text for people as it goes into the document.
func plain(s string) string { return charset.Clean(above.Replace(charset.Clean(s))) }

// field encodes a text that is sent as it is.
func field(s string) (string, error) {
	b, err := charset.CP866(s)
	if err != nil {
		return "", err
	}
	if unwritable(string(b)) {
		return "", fmt.Errorf("%w: %q has bytes outside 20h..F0h", charset.ErrUnwritable, s)
	}
	return string(b), nil
}

// unwritable says that encoded bytes leave the protocol's range.
func unwritable(b string) bool {
	for i := range len(b) {
		if b[i] < FirstID || b[i] > LastID {
			return true
		}
	}
	return false
}

func decode(s string) string { return charset.FromCP866([]byte(s)) }
