package shtrih

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/chekomat/chekomat/fiscal/fault"
	"github.com/chekomat/chekomat/fiscal/kkt"
)

// reaction is what an error code means for a document that was not finished.
type reaction struct {
	fault fault.Code
	kind  kkt.Kind
	after time.Duration
}

const (
	soon  = 200 * time.Millisecond
	later = 5 * time.Second
)

var reactions = func() map[byte]reaction {
	m := map[byte]reaction{}
	add := func(r reaction, codes ...byte) {
		for _, c := range codes {
			m[c] = r
		}
	}
	// ФН group (kkt-shtrih 11, fn 7)
	add(reaction{fault.FNState, kkt.Retry, soon}, 0x02)
	add(reaction{fault.FNFailed, kkt.Failed, 0}, 0x03, 0x04, 0x2f, 0x30)
	add(reaction{fault.FNExpired, kkt.Failed, 0}, 0x05, 0x12)
	add(reaction{fault.FNFull, kkt.Failed, 0}, 0x06)
	add(reaction{fault.ClockWrong, kkt.Failed, 0}, 0x07, 0x17)
	add(reaction{fault.FNUnsent, kkt.Failed, 0}, 0x14, 0x15)
	add(reaction{fault.ShiftExpired, kkt.Retry, 0}, 0x16, 0x4e)
	add(reaction{fault.DocumentTooLong, kkt.Rejected, 0}, 0x10, 0x4b, 0x94)
	// wait and repeat
	add(reaction{fault.Busy, kkt.Retry, soon}, 0x50, 0x72)
	add(reaction{fault.PaperOut, kkt.Retry, later}, 0x6b, 0x58)
	add(reaction{fault.PrinterFault, kkt.Retry, later}, 0x71, 0x77, 0xc8, 0xc9)
	add(reaction{fault.BatteryOrSupply, kkt.Retry, later}, 0x5c, 0x6a, 0x75, 0xc2)
	add(reaction{fault.ShiftClosed, kkt.Retry, 0}, 0x3d)
	add(reaction{fault.ShiftOpen, kkt.Retry, 0}, 0x3c)
	add(reaction{fault.DocumentOpen, kkt.Retry, soon}, 0x4a, 0x49, 0x55, 0x73)
	add(reaction{fault.DocumentForeign, kkt.Retry, later}, 0x59)
	add(reaction{fault.DateNotConfirmed, kkt.Config, 0}, 0xc0)
	// settings
	add(reaction{fault.WrongPassword, kkt.Config, 0}, 0x4f)
	add(reaction{fault.CommandUnsupported, kkt.Config, 0}, 0x01, 0x37)
	add(reaction{fault.RegisterSettings, kkt.Config, 0}, 0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x18, 0x19,
		0x33, 0x34, 0x35, 0x36, 0x5d, 0x63, 0x7a, 0xc7, 0xa0, 0xa1, 0xa2, 0xa3, 0xa4, 0xa5)
	// sums
	add(reaction{fault.ReceiptTotalLimit, kkt.Failed, 0}, 0x3e, 0x3f, 0x40, 0x41, 0x42, 0x43, 0x44, 0x47, 0x48, 0x4c,
		0x51, 0x52, 0x53, 0x54, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a, 0x8b, 0x8c, 0x8d)
	// the register itself
	add(reaction{fault.RegisterBroken, kkt.Failed, 0}, 0x38, 0x39, 0x74, 0x78, 0x79, 0x7b, 0x90, 0x91, 0x92, 0x93, 0xc4)
	return m
}()

func react(code byte) reaction {
	if r, ok := reactions[code]; ok {
		return r
	}
	return reaction{fault.RegisterRefused, kkt.Failed, 0}
}

// leavesDoubt says whether this error answer to a finishing command (FF45h,
// E0h, 41h) says nothing about the ФН: printer, power, paper and ФН exchange
// errors. A paper error never means "not fiscalized".
func leavesDoubt(code byte) bool {
	switch react(code).fault {
	case fault.FNFailed, fault.PaperOut, fault.PrinterFault, fault.BatteryOrSupply, fault.RegisterBroken,
		fault.RegisterRefused, fault.Busy, fault.DocumentOpen:
		return true
	}
	return false
}

// problem turns an error of an exchange into a classified one. It speaks of
// commands that make nothing or were certainly not finished.
func problem(err error) *kkt.Problem {
	var p *kkt.Problem
	var dev *DeviceError
	var link *LinkError
	switch {
	case errors.As(err, &p):
		return p
	case errors.As(err, &dev):
		r := react(dev.Code)
		if dev.Command == cmdTLV && r.fault == fault.RegisterSettings {
			r.fault = fault.TagRefused
		}
		f := fault.Fault{Code: r.fault, Device: fmt.Sprintf("%02Xh", dev.Code), Text: dev.Error()}
		if dev.Extended != 0 {
			f.Device = fmt.Sprintf("%02Xh/%08Xh", dev.Code, dev.Extended)
		}
		return &kkt.Problem{Kind: r.kind, Fault: f, After: r.after}
	case errors.As(err, &link):
		code := fault.LinkBroken
		if isTimeout(err) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
			code = fault.NoAnswer
		}
		return &kkt.Problem{Kind: kkt.Retry, Fault: fault.New(code, err.Error()), After: time.Second}
	case errors.Is(err, ErrFrame):
		return &kkt.Problem{Kind: kkt.Retry, Fault: fault.New(fault.ProtocolBroken, err.Error()), After: time.Second}
	}
	return &kkt.Problem{Kind: kkt.Retry, Fault: fault.New(fault.LinkBroken, err.Error()), After: time.Second}
}

func retry(code fault.Code, after time.Duration, format string, args ...any) *kkt.Problem {
	return &kkt.Problem{Kind: kkt.Retry, Fault: fault.New(code, fmt.Sprintf(format, args...)), After: after}
}

func config(code fault.Code, format string, args ...any) *kkt.Problem {
	return &kkt.Problem{Kind: kkt.Config, Fault: fault.New(code, fmt.Sprintf(format, args...))}
}

func doubt(code fault.Code, after time.Duration, format string, args ...any) kkt.Outcome {
	f := fault.New(code, fmt.Sprintf(format, args...))
	return kkt.Outcome{Kind: kkt.Ambiguous, Fault: &f, After: after}
}

// inDoubt makes an error met while the fate of a document is open Ambiguous.
func inDoubt(err error) kkt.Outcome {
	p := problem(err)
	f := p.Fault
	return kkt.Outcome{Kind: kkt.Ambiguous, Fault: &f, After: max(p.After, soon)}
}
