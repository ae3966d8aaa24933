package conformance

import (
	"fmt"
	"strings"

	"github.com/chekomat/chekomat/testbench/register/faults"
)

// Schedule is one story: a document and what goes wrong while it is made.
type Schedule struct {
	Subject  string         `json:"subject"`
	Document string         `json:"document"`
	Line     []Strike       `json:"line,omitempty"`
	Register []faults.Fault `json:"register,omitempty"`
	Dies     []int          `json:"dies,omitempty"` // the hub dies at these steps of its own, counted from 1
}

// String tells the schedule in one line.
func (s Schedule) String() string {
	parts := []string{s.Subject, s.Document}
	for _, f := range s.Line {
		text := fmt.Sprintf("%s@%d", f.Kind, f.At)
		if f.Byte > 0 {
			text += fmt.Sprintf(".%d", f.Byte)
		}
		if f.Dies {
			text += "+death"
		}
		parts = append(parts, text)
	}
	for _, f := range s.Register {
		parts = append(parts, f.String())
	}
	for _, n := range s.Dies {
		parts = append(parts, fmt.Sprintf("death@%d", n))
	}
	return strings.Join(parts, " ")
}
