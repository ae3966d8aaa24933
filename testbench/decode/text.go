package decode

import (
	"encoding/json"
	"fmt"
	"strings"
)

// Colours of a terminal.
const (
	plain  = "\x1b[0m"
	bold   = "\x1b[1m"
	dim    = "\x1b[2m"
	red    = "\x1b[31m"
	green  = "\x1b[32m"
	yellow = "\x1b[33m"
	cyan   = "\x1b[36m"
)

// Style of the text.
type Style struct {
	Colour bool
	Raw    bool // with the bytes
}

// AppendText appends an entry as a line for people.
func (s Style) AppendText(dst []byte, e Entry) []byte {
	paint := func(colour, text string) string {
		if !s.Colour || text == "" {
			return text
		}
		return colour + text + plain
	}
	dst = fmt.Appendf(dst, "%s  ", paint(dim, fmt.Sprintf("%13.6f", float64(e.T)/1e6)))
	switch e.Kind {
	case "silence":
		return fmt.Appendf(dst, "%s\n", paint(dim, "— silent for "+e.Text))
	case "polls":
		return fmt.Appendf(dst, "%s\n", paint(dim, fmt.Sprintf("  … %d polls in %s", e.Count, e.Text)))
	case "lost":
		return fmt.Appendf(dst, "%s\n", paint(red, strings.TrimSpace("=== words are lost: "+e.Text)))
	case "note":
		return fmt.Appendf(dst, "%s\n", paint(yellow, "note: "+strings.TrimPrefix(e.Device+": ", ": ")+e.Text))
	case "break":
		return fmt.Appendf(dst, "%s\n", paint(bold, "VMC resets the bus: break of "+e.Text))
	case "event":
		return fmt.Appendf(dst, "%s\n", paint(bold+green, ">>> "+e.Text))
	}
	from := e.From
	if from == "" {
		from = "VMC"
	}
	arrow, colour := from+" → ", cyan
	if e.Kind == "answer" {
		arrow, colour = "VMC ← ", green
	} else if e.Kind == "error" {
		arrow, colour = from+" ? ", red
		if e.Text != "" {
			arrow, e.Text = e.Text+" ? ", ""
		}
	}
	dst = fmt.Appendf(dst, "%s%s  ", paint(dim, arrow), paint(colour, fmt.Sprintf("%-9s", e.Device)))
	text := e.Message
	if e.Message != "" {
		text = paint(bold, e.Message)
	}
	for i, f := range e.Fields {
		sep := ", "
		if i == 0 {
			sep = "  "
		}
		if f.Name == e.Message { // an event that is its own field
			text += sep + value(f.Value)
			continue
		}
		text += fmt.Sprintf("%s%s %s", sep, paint(dim, f.Name), value(f.Value))
	}
	dst = append(dst, text...)
	if e.Text != "" {
		dst = fmt.Appendf(dst, "  (%s)", e.Text)
	}
	if e.Error != "" {
		dst = fmt.Appendf(dst, "  %s", paint(red, e.Error))
	}
	if e.Late {
		dst = fmt.Appendf(dst, "  %s", paint(yellow, "late"))
	}
	switch e.Reply {
	case "":
	case "ACK":
		dst = fmt.Appendf(dst, "  %s", paint(dim, "ACK"))
	case "none":
		dst = fmt.Appendf(dst, "  %s", paint(yellow, "no reply"))
	default:
		dst = fmt.Appendf(dst, "  %s", paint(red, e.Reply))
	}
	if s.Raw && e.Raw != "" {
		dst = fmt.Appendf(dst, "  %s", paint(dim, "["+e.Raw+"]"))
	}
	return append(dst, '\n')
}

func value(v any) string {
	switch v := v.(type) {
	case string:
		if v == "" {
			return `""`
		}
		return v
	case bool:
		if v {
			return "yes"
		}
		return "no"
	case []any:
		s := make([]string, len(v))
		for i, x := range v {
			s[i] = fmt.Sprint(x)
		}
		return strings.Join(s, " ")
	case []string:
		return strings.Join(v, " ")
	}
	return strings.Trim(fmt.Sprint(v), "[]")
}

// AppendJSON appends an entry as a line of JSON.
func (s Style) AppendJSON(dst []byte, e Entry) []byte {
	if len(e.Fields) > 0 {
		e.Values = map[string]any{}
		for _, f := range e.Fields {
			e.Values[f.Name] = f.Value
		}
	}
	if !s.Raw && e.Kind != "error" {
		e.Raw = ""
	}
	b, err := json.Marshal(e)
	if err != nil {
		// Numbers, strings and lists of them: Marshal has nothing to refuse.
		panic(fmt.Sprintf("entry as JSON: %v", err))
	}
	return append(append(dst, b...), '\n')
}
