package fn

import (
	"errors"
	"fmt"
)

// Code is an answer code of the ФН, the low 7 bits of its answer byte
// (fn.md §7). Methods return it as their error; Done is never returned.
type Code byte

// Answer codes.
const (
	Done          Code = 0x00
	BadCommand    Code = 0x01
	WrongState    Code = 0x02
	Failure       Code = 0x03
	CryptoFailure Code = 0x04
	LifeOver      Code = 0x05
	ArchiveOver   Code = 0x06
	BadTime       Code = 0x07
	NoData        Code = 0x08
	BadValue      Code = 0x09
	NotAllowed    Code = 0x0A // by the registration: marking in a register of 1.05 or 1.1
	Forbidden     Code = 0x0B // a requisite the ФН writes itself
	Duplicate     Code = 0x0C
	NoRequisite   Code = 0x0D
	TooManyItems  Code = 0x0E
	TLVTooBig     Code = 0x10
	NoTransport   Code = 0x11
	ResourceOver  Code = 0x12
	StorageOver   Code = 0x14
	WaitOver      Code = 0x15 // the oldest document waits over 30 days
	ShiftTooLong  Code = 0x16
	TimeSkew      Code = 0x17
	BadRequisite  Code = 0x18
	Disagrees     Code = 0x19 // with the registration: a tax system it has not
	Refused       Code = 0x20 // message of the ОФД
	codeWarnsFlag byte = 0x80
)

func (c Code) Error() string { return fmt.Sprintf("ФН answered %02Xh", byte(c)) }

// ErrDark is no answer at all: the power failed at a step of the document and
// has not come back (FN.PowerLoss brings it back).
var ErrDark = errors.New("ФН without power")

// CodeOf returns the answer code inside err; Failure when there is none.
func CodeOf(err error) Code {
	if err == nil {
		return Done
	}
	var c Code
	if errors.As(err, &c) {
		return c
	}
	return Failure
}
