package mdb

import "strings"

// Identity is who a device is: manufacturer 3, serial 12, model 12 characters
// without the blanks that fill them up, software version 2 BCD bytes, and the
// option bits where the message has them. Some fill up with zeros, which stay
// in the texts so that they are encoded as they came: Text gives what to show.
type Identity struct {
	Manufacturer string
	Serial       string
	Model        string
	Software     uint16
	Options      uint32
	HasOptions   bool
}

// parseIdentity reads 29 bytes, 33 with options; n 0 means too short.
func parseIdentity(b []byte, options bool) (id Identity, n int) {
	n = 29
	if options {
		n = 33
	}
	if len(b) < n {
		return Identity{}, 0
	}
	id = Identity{
		Manufacturer: trim(b[:3]), Serial: trim(b[3:15]), Model: trim(b[15:27]),
		Software: be16(b[27:]), HasOptions: options,
	}
	if options {
		id.Options = be32(b[29:])
	}
	return id, n
}

func (id Identity) append(dst []byte, options bool) []byte {
	dst = putText(dst, id.Manufacturer, 3)
	dst = putText(dst, id.Serial, 12)
	dst = putText(dst, id.Model, 12)
	dst = put16(dst, id.Software)
	if options {
		dst = put32(dst, id.Options)
	}
	return dst
}

// trim removes what putText adds.
func trim(b []byte) string { return strings.TrimRight(string(b), " ") }

// Text gives a text of a message without the zeros that fill it up.
func Text(s string) string { return strings.TrimRight(s, " \x00") }
