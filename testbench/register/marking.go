package register

import (
	"github.com/chekomat/chekomat/testbench/fn"
)

// Marking commands of FFD 1.2. Nothing here has keys: no code is ever found
// good or bad, as in a device whose ФН could not check it (kkt-shtrih.md §6,
// §11 for the error codes).

// checkMark is FF61h: planned status 1, mode 1, length of the code 1, length of
// a TLV list 1, code, list. The reply: local check 1 (0 not made), why not 1,
// kind of the code 1 (2100), length of the server's part 1 (none here).
func (d *device) checkMark(c *call) byte {
	a := c.args
	size, list := int(a[2]), int(a[3])
	if size == 0 || len(a) != 4+size+list || a[1] != 0 {
		return errBadParameter
	}
	if !fn.Elements(a[4+size:], func(uint16, []byte) bool { return true }) {
		return errBadParameter
	}
	mark, err := d.fn.CheckMark(string(a[4 : 4+size]))
	if err != nil {
		return markCode(err)
	}
	c.bytes(0, 0, mark.Type, 0)
	return errNone
}

// acceptMark is FF69h: 0 drops the code checked last, 1 keeps it.
func (d *device) acceptMark(c *call) byte {
	if c.args[0] > 1 {
		return errBadParameter
	}
	if err := d.fn.AcceptMark(c.args[0] == 1); err != nil {
		return errMarkOrder
	}
	return errNone
}

// bindMark is FF67h: length 1 and the code, which must have been checked. The
// position gets it as 2000.
func (d *device) bindMark(c *call) byte {
	if len(c.args) != 1+int(c.args[0]) || len(c.args) == 1 {
		return errBadParameter
	}
	code := c.args[1:]
	mark, err := d.fn.CheckedMark(string(code))
	if err != nil {
		return errMarkUnchecked
	}
	if result := d.takeItemTLV(fn.AppendTLV(nil, 2000, code)); result != errNone {
		return result
	}
	c.bytes(0, 0, 0, 0, 0, 0, mark.Type)
	return errNone
}

func markCode(err error) byte {
	switch fn.CodeOf(err) {
	case fn.NotAllowed:
		return errMarkForbidden
	case fn.StorageOver:
		return errMarkTableFull
	default:
		return fnCode(err)
	}
}
