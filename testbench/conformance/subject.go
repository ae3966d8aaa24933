package conformance

import (
	"fmt"
	"slices"
	"strings"

	"github.com/chekomat/chekomat/fiscal/kkt"
	"github.com/chekomat/chekomat/testbench/fn"
	"github.com/chekomat/chekomat/testbench/register/faults"
)

// Subject is a driver on one link with the emulator it is tried on.
type Subject struct {
	Name string // "shtrih-v1-tcp"
	// Start starts an emulator of its own: registered, the shift closed.
	Start func(Start) (Register, error)
	// PaperError is what the emulator answers to say that paper ended; 0 when
	// its protocol has no such answer to a document that was made.
	PaperError byte
}

// Start is what an emulator is started with.
type Start struct {
	FFD  kkt.FFD // of the registration
	Seed uint64
}

// Register is a running emulator.
type Register interface {
	// URL opens the driver, time-outs short enough for a bench.
	URL() string
	// Archive lists the documents of all ФН that were in the register.
	Archive() []fn.Document
	// Inject arms a fault or lets it happen at once. An error says that the
	// emulator does not know it.
	Inject(faults.Fault) error
	// Disarm drops the faults that still wait for their command.
	Disarm()
	// Struck counts the faults that happened since the start.
	Struck() map[faults.Kind]int
	Close() error
}

var subjects []Subject

// add makes a subject known.
func add(s ...Subject) { subjects = append(subjects, s...) }

// Subjects lists the subjects whose names are name or begin with it and a dash;
// "all" or "" gives all.
func Subjects(name string) ([]Subject, error) {
	var out []Subject
	for _, s := range subjects {
		if name == "" || name == "all" || s.Name == name || strings.HasPrefix(s.Name, name+"-") {
			out = append(out, s)
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("no driver %q, known: %s", name, strings.Join(Names(), ", "))
	}
	return out, nil
}

// Names lists the subjects in order.
func Names() []string {
	var out []string
	for _, s := range subjects {
		out = append(out, s.Name)
	}
	slices.Sort(out)
	return out
}
