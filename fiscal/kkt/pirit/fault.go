package pirit

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/chekomat/chekomat/fiscal/fault"
	"github.com/chekomat/chekomat/fiscal/kkt"
)

// reaction is what an error means for a document that was not finished.
type reaction struct {
	fault fault.Code
	kind  kkt.Kind
	after time.Duration
}

const (
	soon  = 200 * time.Millisecond
	later = 5 * time.Second
)

// Errors of commands (kkt-others 2.5).
const (
	errState      = 0x01 // 06/1 tells why
	errFormat     = 0x03 // 06/1 tells why
	errNoPaper    = 0x08
	errPrinter    = 0x09
	errClockJump  = 0x0a // shift over 24 h; 14h: the clock moves by more than 24 h, send it again
	errClockOff   = 0x0b // 10h: the clock differs by more than 8 minutes, started
	errClockEarly = 0x0c // 10h: earlier than the last fiscal document, not started
	errNoData     = 0x48 // not a failure
)

// Reasons of 06/1 the driver acts upon.
const (
	reasonNotStarted  = 1
	reasonInFN        = 15 // the document is closed in the ФН
	reasonShiftClosed = 20
)

var reactions = func() map[byte]reaction {
	m := map[byte]reaction{}
	add := func(r reaction, codes ...byte) {
		for _, c := range codes {
			m[c] = r
		}
	}
	add(reaction{fault.DocumentOpen, kkt.Retry, soon}, errState)
	add(reaction{fault.CommandUnsupported, kkt.Config, 0}, 0x02)
	add(reaction{fault.RegisterSettings, kkt.Config, 0}, errFormat, 0x41, 0x49)
	add(reaction{fault.ProtocolBroken, kkt.Retry, soon}, 0x04, 0x05, 0x07)
	add(reaction{fault.WrongPassword, kkt.Config, 0}, 0x06)
	add(reaction{fault.PaperOut, kkt.Retry, later}, errNoPaper)
	add(reaction{fault.PrinterFault, kkt.Retry, later}, errPrinter)
	add(reaction{fault.ShiftExpired, kkt.Retry, 0}, errClockJump, 0x56)
	add(reaction{fault.ClockWrong, kkt.Failed, 0}, errClockOff, errClockEarly, 0x47, 0x57)
	add(reaction{fault.ReceiptTotalLimit, kkt.Failed, 0}, 0x0e)
	add(reaction{fault.ShiftOpen, kkt.Retry, 0}, 0x0f)
	add(reaction{fault.RegisterBroken, kkt.Failed, 0}, 0x11, 0x20)
	add(reaction{fault.FNState, kkt.Retry, soon}, 0x42)
	add(reaction{fault.FNFailed, kkt.Failed, 0}, 0x43, 0x44, 0x61, 0x62)
	add(reaction{fault.FNExpired, kkt.Failed, 0}, 0x45, 0x52)
	add(reaction{fault.FNFull, kkt.Failed, 0}, 0x46)
	add(reaction{fault.FNUnsent, kkt.Failed, 0}, 0x54, 0x55)
	add(reaction{fault.DocumentUnread, kkt.Failed, 0}, errNoData)
	add(reaction{fault.DocumentTooLong, kkt.Rejected, 0}, 0x50, 0x63)
	add(reaction{fault.TagRefused, kkt.Config, 0}, 0x58, 0x59)
	add(reaction{fault.MarkingUnsupported, kkt.Config, 0}, 0x72, 0x73, 0x74, 0x75, 0x7c, 0x7e)
	return m
}()

// reasons of 06/1 refine 01 and 03.
var reasons = func() map[uint16]reaction {
	m := map[uint16]reaction{}
	add := func(r reaction, codes ...uint16) {
		for _, c := range codes {
			m[c] = r
		}
	}
	add(reaction{fault.BatteryOrSupply, kkt.Retry, soon}, reasonNotStarted) // restarted since
	add(reaction{fault.FNClosed, kkt.Config, 0}, 2, 3, 4)
	add(reaction{fault.DocumentOpen, kkt.Retry, soon}, 8, 9, 11, 12, 13, 14, reasonInFN, 16, 17, 18, 19)
	add(reaction{fault.ShiftClosed, kkt.Retry, 0}, reasonShiftClosed)
	add(reaction{fault.FNFailed, kkt.Failed, 0}, 21)
	add(reaction{fault.TotalMismatch, kkt.Rejected, 0}, 26)
	add(reaction{fault.RegisterSettings, kkt.Config, 0}, 23, 24, 25, 27, 28, 30, 33, 41, 42)
	add(reaction{fault.TaxSystemNotRegistered, kkt.Config, 0}, 43)
	add(reaction{fault.ItemNameBad, kkt.Rejected, 0}, 44, 83)
	add(reaction{fault.ItemQuantityBad, kkt.Rejected, 0}, 46)
	add(reaction{fault.ItemPriceBad, kkt.Rejected, 0}, 47)
	add(reaction{fault.VATNotMapped, kkt.Config, 0}, 48)
	add(reaction{fault.ItemMethodBad, kkt.Rejected, 0}, 53)
	add(reaction{fault.ItemSubjectBad, kkt.Rejected, 0}, 54)
	add(reaction{fault.PaymentBad, kkt.Rejected, 0}, 55, 56)
	add(reaction{fault.ContactBad, kkt.Rejected, 0}, 58, 85, 86, 93)
	add(reaction{fault.TagRefused, kkt.Config, 0}, 71, 72, 73)
	return m
}()

func react(e *DeviceError) reaction {
	if e.Code == errState || e.Code == errFormat {
		if r, ok := reasons[e.Extended]; ok {
			return r
		}
	}
	if r, ok := reactions[e.Code]; ok {
		return r
	}
	return reaction{fault.RegisterRefused, kkt.Failed, 0}
}

// leavesDoubt says whether this error answer to a finishing command (31h, 23h,
// 21h) says nothing about the ФН: printer, paper, restart, ФН exchange, or a
// document the ФН has closed. A paper error never means "not fiscalized".
func leavesDoubt(e *DeviceError) bool {
	switch react(e).fault {
	case fault.FNFailed, fault.PaperOut, fault.PrinterFault, fault.BatteryOrSupply, fault.RegisterBroken,
		fault.RegisterRefused, fault.FNState, fault.DocumentOpen:
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
		r := react(dev)
		f := fault.Fault{Code: r.fault, Device: fmt.Sprintf("%02Xh", dev.Code), Text: dev.Error()}
		if dev.Extended != 0 {
			f.Device = fmt.Sprintf("%02Xh/%d", dev.Code, dev.Extended)
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

func failed(code fault.Code, format string, args ...any) *kkt.Problem {
	return &kkt.Problem{Kind: kkt.Failed, Fault: fault.New(code, fmt.Sprintf(format, args...))}
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
