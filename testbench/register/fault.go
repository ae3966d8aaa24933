package register

import (
	"fmt"

	"github.com/chekomat/chekomat/testbench/register/faults"
)

// Fault is one fault of the bench's vocabulary.
type Fault = faults.Fault

// ParseFault reads the textual form of a fault and checks its command against
// those of the Shtrih-M protocol.
func ParseFault(s string) (Fault, error) {
	f, err := faults.Parse(s)
	if err != nil {
		return f, err
	}
	return f, f.Check(known)
}

// known tells the codes a fault may name.
func known(command string) bool {
	for code := range commands {
		if codeName(code) == command || fmt.Sprintf("%x", code) == command {
			return true
		}
	}
	return false
}

// codeName is how faults and counts name a command.
func codeName(code uint16) string { return fmt.Sprintf("%02X", code) }

// generic are the names of the vocabulary beside the codes.
var generic = map[uint16][]string{
	0x10: {faults.CommandStatus}, 0x11: {faults.CommandStatus}, 0xFF01: {faults.CommandStatus}, 0xFF39: {faults.CommandStatus}, 0xFF40: {faults.CommandStatus},
	0x8D: {faults.CommandOpen}, 0xFF35: {faults.CommandOpen},
	0xFF36: {faults.CommandClose, faults.CommandDocument}, 0xFF4A: {faults.CommandClose, faults.CommandDocument},
	0xFF06: {faults.CommandDocument}, 0xFF34: {faults.CommandDocument}, 0xFF38: {faults.CommandDocument}, 0xFF3E: {faults.CommandDocument},
	0x80: {faults.CommandItem}, 0x81: {faults.CommandItem}, 0x82: {faults.CommandItem}, 0x83: {faults.CommandItem},
	0x85:   {faults.CommandClose, faults.CommandDocument},
	0xFF46: {faults.CommandItem}, 0xFF0C: {faults.CommandTag}, 0xFF4D: {faults.CommandTag},
	0xFF45: {faults.CommandClose, faults.CommandDocument},
	0x88:   {faults.CommandCancel}, 0xFF08: {faults.CommandCancel},
	0xE0: {faults.CommandShiftOpen, faults.CommandDocument}, 0xFF0B: {faults.CommandShiftOpen, faults.CommandDocument},
	0x41: {faults.CommandShiftClose, faults.CommandDocument}, 0xFF43: {faults.CommandShiftClose, faults.CommandDocument},
	0xFF0A: {faults.CommandFind}, 0xFF3A: {faults.CommandFind}, 0xFF3B: {faults.CommandRead},
}

// match asks the armed faults about one command.
func (r *Register) match(code uint16) (Fault, bool) {
	return r.faults.Match(append([]string{codeName(code)}, generic[code]...)...)
}

// Disarm drops the faults that still wait for their command.
func (r *Register) Disarm() { r.faults.Clear() }
