package kkt

import (
	"errors"
	"fmt"
	"time"

	"github.com/chekomat/chekomat/fiscal/fault"
)

// Problem is the error of Encode, Ready, Units and Probe: a fault with the
// class that says what to do about it.
type Problem struct {
	Kind  Kind // Rejected, Retry, AuthExpired, Config or Ambiguous; never Done
	Fault Fault
	After time.Duration // wait at least this
	Err   error         // cause, may be nil
}

// Error says what happened.
func (p *Problem) Error() string {
	if p.Err != nil {
		return fmt.Sprintf("%s: %v", p.Fault.Error(), p.Err)
	}
	return p.Fault.Error()
}

// Unwrap gives the fault and the cause.
func (p *Problem) Unwrap() []error {
	if p.Err != nil {
		return []error{p.Fault, p.Err}
	}
	return []error{p.Fault}
}

// Outcome is the problem as the outcome of an attempt.
func (p *Problem) Outcome() Outcome {
	f := p.Fault
	if f.Text == "" && p.Err != nil {
		f.Text = p.Err.Error()
	}
	return Outcome{Kind: p.Kind, Fault: &f, After: p.After}
}

// Classify turns any error of a driver into an outcome. Errors that say
// nothing about themselves are Retry: the functions that return errors make
// nothing.
func Classify(err error) Outcome {
	if p, ok := errors.AsType[*Problem](err); ok {
		return p.Outcome()
	}
	f, ok := fault.Of(err)
	if !ok {
		f = fault.New(fault.OutcomeUnknown, err.Error())
		return Outcome{Kind: Retry, Fault: &f, After: time.Second}
	}
	return Outcome{Kind: Rejected, Fault: &f}
}
