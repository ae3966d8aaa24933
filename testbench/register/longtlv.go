package register

import (
	"encoding/binary"

	"github.com/chekomat/chekomat/testbench/fn"
)

// The buffer for TLV longer than one command carries: FF32h starts it with its
// size 2, FF33h fills it with offset 2, length 1 and data, FF64h sends it on as
// FF0Ch would, FF30h tells how much of it is there, FF31h reads offset 2, length
// 1. Only FF30h's layout is documented where we could read it; that FF64h takes
// one byte (0 the document, 1 the position) or none is an assumption.
const (
	bufferBlock = 240
	bufferLimit = 4096
)

func (d *device) bufferStatus(c *call) byte {
	c.u16(uint16(len(d.buffer)))
	c.bytes(bufferBlock)
	return errNone
}

func (d *device) bufferStart(c *call) byte {
	size := int(binary.LittleEndian.Uint16(c.args))
	if size == 0 || size > bufferLimit {
		return errBadParameter
	}
	d.buffer, d.bufferSize = nil, size
	c.bytes(bufferBlock)
	return errNone
}

func (d *device) bufferWrite(c *call) byte {
	at, n := int(binary.LittleEndian.Uint16(c.args)), int(c.args[2])
	data := c.args[3:]
	if n != len(data) || n == 0 || n > bufferBlock || at != len(d.buffer) || at+n > d.bufferSize {
		return errBadParameter
	}
	d.buffer = append(d.buffer, data...)
	return errNone
}

func (d *device) bufferRead(c *call) byte {
	at, n := int(binary.LittleEndian.Uint16(c.args)), int(c.args[2])
	if n == 0 || n > bufferBlock || at+n > len(d.buffer) {
		return byte(fn.NoData)
	}
	c.bytes(d.buffer[at : at+n]...)
	return errNone
}

func (d *device) bufferSend(c *call) byte {
	if len(d.buffer) == 0 || len(d.buffer) != d.bufferSize {
		return byte(fn.NoData)
	}
	var code byte
	if len(c.args) == 1 && c.args[0] == 1 {
		code = d.takeItemTLV(d.buffer)
	} else {
		code = d.takeTLV(d.buffer)
	}
	if code == errNone {
		d.buffer, d.bufferSize = nil, 0
	}
	return code
}
