package faults

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Fault is one fault to inject.
type Fault struct {
	Kind    Kind    `json:"kind"`
	Command string  `json:"command,omitempty"` // the protocol's code or a generic name, "" any
	Nth     int     `json:"nth,omitempty"`     // strikes the nth matching command from now
	Rate    float64 `json:"rate,omitempty"`    // strikes each matching command with this probability
	Times   int     `json:"times,omitempty"`   // strikes at most so often; by default once without a rate, always with one and for slow
	When    string  `json:"when,omitempty"`    // before or after execution; cut and power_loss strike after by default, the others before
	Step    string  `json:"step,omitempty"`    // of power_loss: step of the document inside the ФН
	Part    int     `json:"part,omitempty"`    // of step data: which part, from 1; 0 is the first
	Delay   Delay   `json:"delay,omitempty"`   // see the kinds; 1 s by default
	Byte    int     `json:"byte,omitempty"`    // of cut: bytes of the answer that still arrive
	Code    byte    `json:"code,omitempty"`    // of error
	// Drop forgets the answer that a cut or a late execution would keep for
	// the next connection.
	Drop bool `json:"drop,omitempty"`
}

// Delay is a duration that JSON writes as "1.5s".
type Delay time.Duration

// MarshalText writes a Go duration.
func (d Delay) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText reads a Go duration.
func (d *Delay) UnmarshalText(b []byte) error {
	v, err := time.ParseDuration(string(b))
	*d = Delay(v)
	return err
}

// Wait is the delay, 1 s when none was given.
func (f Fault) Wait() time.Duration {
	if f.Delay <= 0 {
		return time.Second
	}
	return time.Duration(f.Delay)
}

// Link says that the fault belongs to the link and to power, not to the state
// of the device.
func (f Fault) Link() bool { return slices.Contains(linkFaults, f.Kind) }

// Immediate says that the fault waits for no command: the emulator lets it
// happen when it is injected.
func (f Fault) Immediate() bool {
	return (!f.Link() || f.Kind == Off) && f.Command == "" && f.Rate == 0 && f.Nth == 0
}

// Check refuses what makes no sense. known tells the commands of the emulator
// beside the generic ones; nil takes any.
func (f Fault) Check(known func(command string) bool) error {
	bad := func(format string, a ...any) error {
		return fmt.Errorf("fault %s: %s", f.Kind, fmt.Sprintf(format, a...))
	}
	switch {
	case !slices.Contains(Kinds(), f.Kind):
		return fmt.Errorf("fault %q: unknown kind", string(f.Kind))
	case f.Command != "" && known != nil && !slices.Contains(Commands(), strings.ToLower(f.Command)) && !known(f.Command):
		return bad("no command %q", f.Command)
	case !(f.Rate >= 0 && f.Rate <= 1): // NaN too
		return bad("rate %v: 0..1 wanted", f.Rate)
	case f.Nth < 0 || f.Times < 0 || f.Byte < 0 || f.Part < 0 || f.Delay < 0:
		return bad("number, times, byte, part and delay from 0 wanted")
	case f.When != "" && f.When != Before && f.When != After:
		return bad("when %q: before or after wanted", f.When)
	case f.Step != "" && f.Kind != PowerLoss:
		return bad("only power_loss has steps")
	case f.Step != "" && f.Step != StepBegin && f.Step != StepData && f.Step != StepFinish && f.Step != StepAnswer:
		return bad("step %q: begin, data, finish or answer wanted", f.Step)
	case f.Part != 0 && f.Step != StepData:
		return bad("only step data has parts")
	}
	return nil
}

// Parse reads the textual form of the package's comment.
func Parse(s string) (Fault, error) {
	head, options, _ := strings.Cut(s, ",")
	f, err := parseHead(head)
	for _, option := range strings.Split(options, ",") {
		if err == nil && option != "" {
			err = f.option(option)
		}
	}
	if err != nil {
		return Fault{}, fmt.Errorf("fault %q: %w", s, err)
	}
	return f, f.Check(nil)
}

// parseHead reads kind:rate@command#nth.
func parseHead(s string) (f Fault, err error) {
	head, command, at := strings.Cut(s, "@")
	kind, rate, rated := strings.Cut(head, ":")
	f.Kind = Kind(kind)
	if rated {
		if f.Rate, err = strconv.ParseFloat(rate, 64); err != nil {
			return f, fmt.Errorf("bad rate %q", rate)
		}
	}
	if at {
		code, nth, counted := strings.Cut(command, "#")
		f.Command = code
		if counted {
			if f.Nth, err = strconv.Atoi(nth); err != nil {
				return f, fmt.Errorf("bad number %q after #", nth)
			}
		}
	}
	return f, nil
}

func (f *Fault) option(option string) (err error) {
	name, value, _ := strings.Cut(option, "=")
	switch name {
	case "when":
		f.When = value
	case "step":
		f.Step = strings.TrimRight(value, "0123456789")
		if part := value[len(f.Step):]; part != "" {
			f.Part, err = strconv.Atoi(part)
		}
	case "delay":
		err = f.Delay.UnmarshalText([]byte(value))
	case "byte":
		f.Byte, err = strconv.Atoi(value)
	case "times":
		f.Times, err = strconv.Atoi(value)
	case "nth":
		f.Nth, err = strconv.Atoi(value)
	case "code":
		var code uint64
		code, err = strconv.ParseUint(value, 16, 8)
		f.Code = byte(code)
	case "drop":
		f.Drop = true
	default:
		return fmt.Errorf("unknown option %q", option)
	}
	if err != nil {
		return fmt.Errorf("bad option %q", option)
	}
	return nil
}

// String writes the JSON form.
func (f Fault) String() string {
	b, err := json.Marshal(f)
	if err != nil {
		return string(f.Kind)
	}
	return string(b)
}

// UnmarshalAny reads JSON of a fault, or a JSON string of its textual form.
func UnmarshalAny(b []byte) (f Fault, err error) {
	var short string
	if json.Unmarshal(b, &short) == nil {
		return Parse(short)
	}
	if err := json.Unmarshal(b, &f); err != nil {
		return Fault{}, fmt.Errorf("JSON of a fault, or a string as of --fault, wanted: %w", err)
	}
	return f, nil
}
