package fn

import "time"

// Step is a step of a document at which the power can fail.
type Step string

// Steps of a document.
const (
	StepBegin  Step = "begin"  // at the begin command: nothing is begun
	StepData   Step = "data"   // at a part of the data: the document is dropped
	StepFinish Step = "finish" // at the finish command, before the commit: the document is dropped
	StepAnswer Step = "answer" // after the commit, before the answer: the document exists
)

// trap is a power failure that waits for its step.
type trap struct {
	step Step
	part int // of StepData
}

// FailPowerAt lets the power fail at the next step of that kind; part counts
// the parts of data from 1 and means the first when 0. From then on the ФН
// answers nothing (ErrDark) until PowerLoss brings the power back.
func (f *FN) FailPowerAt(step Step, part int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.trap = &trap{step, max(1, part)}
}

// KeepPower disarms FailPowerAt and says whether the power failed.
func (f *FN) KeepPower() (failed bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.trap = nil
	return f.dark
}

// Dark says that the ФН has no power.
func (f *FN) Dark() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.dark
}

// PowerLoss is a loss and return of power. It drops what a real ФН forgets
// without power: the open document, the checked marking codes and the running
// timer. Documents stay.
func (f *FN) PowerLoss() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.dark, f.trap = false, nil
	f.forget()
}

func (f *FN) forget() {
	f.draft = nil
	f.marks.forget()
	f.lastWall, f.lastTimer = time.Time{}, time.Time{}
}

// falls lets the power fail when the trap waits for this step.
func (f *FN) falls(step Step, part int) bool {
	if f.trap == nil || f.trap.step != step || step == StepData && f.trap.part != part {
		return false
	}
	f.dark, f.trap = true, nil
	f.forget()
	return true
}
