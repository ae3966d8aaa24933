package pirit

import (
	"errors"
	"fmt"

	"github.com/chekomat/chekomat/testbench/fn"
)

// Errors of commands (kkt-others.md §2.5).
const (
	errState      = 0x01
	errUnknown    = 0x02
	errFormat     = 0x03
	errNoPaper    = 0x08
	errExpired    = 0x0A // and: the clock moves by more than 24 h
	errClockOff   = 0x0B
	errClockEarly = 0x0C
	errCloseShift = 0x0F
	errFatal      = 0x20
	errNoData     = 0x48
	errFNTag      = 0x58
	errNoFN       = 0x61
)

// Reasons that 06/1 tells of 01 and 03.
const (
	whyNotStarted   = 1
	whyFNClosed     = 3
	whyNoDocument   = 8
	whyOpen         = 9
	whyNotItems     = 11
	whyNotSubtotal  = 12
	whyNotPayment   = 13
	whyNotPaid      = 14
	whyInFN         = 15
	whyNotReceipt   = 16
	whyNotCash      = 17
	whyShiftClosed  = 20
	whyZero         = 26
	whyNoPlace      = 27
	whyNoMachine    = 28
	whyNoSender     = 30
	whyNoCashier    = 33
	whyBadDate      = 39
	whyBadType      = 40
	whyBadDept      = 41
	whyBadSystem    = 43
	whyBadName      = 44
	whyBadArticle   = 45
	whyBadQuantity  = 46
	whyBadPrice     = 47
	whyBadTax       = 48
	whyBadPosition  = 49
	whyBadSection   = 50
	whyBadDiscount  = 52
	whyBadMethod    = 53
	whyBadSubject   = 54
	whyBadPayment   = 55
	whyBadSum       = 56
	whyBadBuyer     = 58
	whyBadAgent     = 64
	whyBadQuestion  = 66
	whyBadExtra     = 71
	whyBadExtraName = 72
	whyBadValue     = 73
	whyBadBuyerINN  = 85
	whyBadBuyerName = 86
)

// refusal is an answer with an error; reason is what 06/1 tells of 01 and 03.
type refusal struct {
	code   byte
	reason int
}

func (r refusal) Error() string { return fmt.Sprintf("error %02Xh, reason %d", r.code, r.reason) }

func state(reason int) error  { return refusal{errState, reason} }
func format(reason int) error { return refusal{errFormat, reason} }
func code(c byte) error       { return refusal{code: c} }

// errUnanswered is what becomes of a command whose power failed inside the ФН.
var errUnanswered = errors.New("no power")

// ofFN turns an error of the ФН into the register's: 40h is added to its code.
func ofFN(err error) error {
	switch c := fn.CodeOf(err); {
	case err == nil:
		return nil
	case errors.Is(err, fn.ErrDark):
		return errUnanswered
	case c >= 0x0A && c <= 0x0F: // not in the register's table
		return code(errFNTag)
	default:
		return code(byte(c) + 0x40)
	}
}
