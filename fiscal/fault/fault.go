// Package fault names everything that can go wrong between a sale and its
// receipt: a stable snake_case code, and for people a text in Russian and
// English with the next step.
package fault

import (
	"errors"
	"strings"
)

// Code is a stable snake_case name of a fault; the catalogue explains it.
type Code string

// Fault is one thing that is wrong.
type Fault struct {
	Code   Code   `json:"code"`
	Device string `json:"device,omitempty"` // the device's or provider's own code: "33h", "1019", "type/code"
	Text   string `json:"text,omitempty"`   // detail for people as received or observed, any language
}

// New makes a fault without a device code.
func New(code Code, text string) Fault { return Fault{Code: code, Text: text} }

// Error gives "code (device): text".
func (f Fault) Error() string {
	var b strings.Builder
	b.WriteString(string(f.Code))
	if f.Device != "" {
		b.WriteString(" (" + f.Device + ")")
	}
	if f.Text != "" {
		b.WriteString(": " + f.Text)
	}
	return b.String()
}

// List is several faults found at once; never empty when used as an error.
type List []Fault

// Error joins the faults with "; ".
func (l List) Error() string {
	s := make([]string, len(l))
	for i, f := range l {
		s[i] = f.Error()
	}
	return strings.Join(s, "; ")
}

// Unwrap lets errors.As find each fault.
func (l List) Unwrap() []error {
	e := make([]error, len(l))
	for i, f := range l {
		e[i] = f
	}
	return e
}

// Of returns the first fault inside err; ok is false when there is none.
func Of(err error) (f Fault, ok bool) {
	ok = errors.As(err, &f)
	return f, ok
}
