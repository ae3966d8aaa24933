package ffd

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"
)

// Wrapping is what stands around a document where it was found.
type Wrapping string

// Wrappings (FN reference, 9).
const (
	Bare    Wrapping = "bare"    // document alone
	Stored  Wrapping = "stored"  // FF FF, u16 BE length, 28 bytes of the container's header: how OFDs keep it
	Framed  Wrapping = "frame"   // container of 32 bytes of header: what the ФН makes for the OFD
	Session Wrapping = "session" // 30 bytes of session header, then the container
)

// Container is a document as it was found. All that is not understood is kept,
// so that AppendContainer gives the same bytes.
type Container struct {
	Wrapping Wrapping
	Session  SessionHeader   // of Session
	Header   ContainerHeader // of all but Bare
	Raw      []byte          // the document with its own head
	Offset   int             // of Raw in what was parsed
	Sign     []byte          // ФПС, the ФН's sign of the message: 8 bytes, nil when there is none
	Padding  []byte          // zero bytes after it
}

// SessionHeader begins a session of register and OFD. The FN's number is 16
// characters.
type SessionHeader struct {
	Session     uint16 // 81A2h, as on the wire
	Application uint16 // 0105h FFD 1.05, 0110h 1.1, 0120h 1.2 (the last unproven)
	FN          [16]byte
	Flags       uint16 // 0014h: answer expected, container inside, no CRC
	CRC         uint16 // as found; 0 without one
}

// ContainerHeader is what the ФН says of a document to the OFD: 28 bytes from
// A5h on. Opaque fields are kept as they are.
type ContainerHeader struct {
	Code     byte    // document code
	Version  byte    // 1
	Protocol [2]byte // 10 09
	FN       [8]byte // number in BCD, filled with Fh
	FD       uint32  // 3 bytes
	Opaque   [5]byte
	Epoch    uint32 // 3 bytes: a document number that stands still for long
	Opaque2  [2]byte
	Length   uint16 // of the document with its head
}

// FNSerial is the number of the ФН, 16 digits.
func (h ContainerHeader) FNSerial() string {
	return strings.TrimRight(hex.EncodeToString(h.FN[:]), "f")
}

const (
	sessionLen   = 30
	storedLen    = 4 + headerLen
	frameLen     = 4 + headerLen
	headerLen    = 28
	headerMark   = 0xa5
	sessionMagic = "\x2a\x08\x41\x0a"
	storedMagic  = "\xff\xff\x00\x1c"
	signMagic    = "\x81\x06"
	signLen      = 8
)

// CRC is CRC-16/CCITT-FALSE (1021h, start FFFFh), the check of containers and of
// the ФН's frames.
func CRC(chunks ...[]byte) uint16 {
	crc := uint16(0xffff)
	for _, b := range chunks {
		for _, c := range b {
			crc ^= uint16(c) << 8
			for range 8 {
				if crc&0x8000 != 0 {
					crc = crc<<1 ^ 0x1021
				} else {
					crc <<= 1
				}
			}
		}
	}
	return crc
}

// ParseContainer finds out the wrapping and splits it; n is the number of bytes
// read, so that several may follow each other. The CRC and the lengths of a
// frame must be right. The document itself is not parsed (it may be encrypted),
// only its length is taken. Slices alias b.
func ParseContainer(b []byte) (c Container, n int, err error) {
	switch {
	case strings.HasPrefix(string(b[:min(4, len(b))]), sessionMagic):
		c.Wrapping = Session
		n, err = c.session(b)
		return c, n, err
	case strings.HasPrefix(string(b[:min(4, len(b))]), storedMagic):
		c.Wrapping = Stored
		if len(b) < storedLen {
			return c, 0, &ParseError{Offset: len(b), Text: "the stored header has 32 bytes"}
		}
		if err := c.Header.parse(b[4:storedLen], 4); err != nil {
			return c, 0, err
		}
		n, err = c.document(b, storedLen)
		return c, n, err
	case isFrame(b):
		c.Wrapping = Framed
		n, err = c.frame(b, 0)
		return c, n, err
	}
	c.Wrapping = Bare
	n, err = c.document(b, 0)
	return c, n, err
}

// isFrame tells a container's header from a bare document: a document begins
// with its own code.
func isFrame(b []byte) bool {
	if len(b) < frameLen || b[4] != headerMark {
		return false
	}
	n := int(binary.LittleEndian.Uint16(b))
	if _, known := LookupDocument(Tag(n)); !known {
		return true
	}
	return n >= frameLen && n <= len(b) && CRC(b[:2], b[4:n]) == binary.LittleEndian.Uint16(b[2:])
}

func (c *Container) session(b []byte) (int, error) {
	if len(b) < sessionLen {
		return 0, &ParseError{Offset: len(b), Text: "a session header has 30 bytes"}
	}
	h := &c.Session
	h.Session, h.Application = binary.BigEndian.Uint16(b[4:]), binary.BigEndian.Uint16(b[6:])
	copy(h.FN[:], b[8:24])
	length := int(binary.LittleEndian.Uint16(b[24:]))
	h.Flags, h.CRC = binary.LittleEndian.Uint16(b[26:]), binary.LittleEndian.Uint16(b[28:])
	if length > len(b)-sessionLen {
		return 0, &ParseError{Offset: 24, Text: fmt.Sprintf("the session holds %d bytes, %d are there", length, len(b)-sessionLen)}
	}
	n, err := c.frame(b[:sessionLen+length], sessionLen)
	if err == nil && n != sessionLen+length {
		err = &ParseError{Offset: 24, Text: fmt.Sprintf("the session holds %d bytes, its container has %d", length, n-sessionLen)}
	}
	return n, err
}

func (c *Container) frame(b []byte, at int) (int, error) {
	if len(b)-at < frameLen {
		return 0, &ParseError{Offset: len(b), Text: "a container's header has 32 bytes"}
	}
	length := int(binary.LittleEndian.Uint16(b[at:]))
	if length < frameLen || length > len(b)-at {
		return 0, &ParseError{Offset: at, Text: fmt.Sprintf("a container of %d bytes, %d are there", length, len(b)-at)}
	}
	frame := b[at : at+length]
	if got, want := binary.LittleEndian.Uint16(frame[2:]), CRC(frame[:2], frame[4:]); got != want {
		return 0, &ParseError{Offset: at + 2, Text: fmt.Sprintf("CRC %04x, the container gives %04x", got, want)}
	}
	if err := c.Header.parse(frame[4:frameLen], at+4); err != nil {
		return 0, err
	}
	n, err := c.document(b[:at+length], at+frameLen)
	if err == nil && n != at+length {
		err = &ParseError{Offset: n, Text: fmt.Sprintf("%d bytes after the document's sign", at+length-n)}
	}
	return n, err
}

func (h *ContainerHeader) parse(b []byte, at int) error {
	if b[0] != headerMark {
		return &ParseError{Offset: at, Text: fmt.Sprintf("a container's header begins with a5, not %02x", b[0])}
	}
	h.Code, h.Version = b[1], b[2]
	copy(h.Protocol[:], b[3:5])
	copy(h.FN[:], b[5:13])
	h.FD = uint32(b[13])<<16 | uint32(b[14])<<8 | uint32(b[15])
	copy(h.Opaque[:], b[16:21])
	h.Epoch = uint32(b[21])<<16 | uint32(b[22])<<8 | uint32(b[23])
	copy(h.Opaque2[:], b[24:26])
	h.Length = binary.BigEndian.Uint16(b[26:])
	return nil
}

// document takes the document at an offset, the sign after it and its padding.
func (c *Container) document(b []byte, at int) (int, error) {
	left := b[at:]
	if len(left) < headLen {
		return 0, &ParseError{Offset: at, Text: fmt.Sprintf("%d bytes, a document's head has 4", len(left))}
	}
	code := Tag(binary.LittleEndian.Uint16(left))
	if _, known := LookupDocument(code); !known {
		return 0, &ParseError{Offset: at, Tag: code, Text: fmt.Sprintf("no document has the code %d", code), Unknown: true}
	}
	n := headLen + int(binary.LittleEndian.Uint16(left[2:]))
	if n > len(left) {
		return 0, &ParseError{Offset: at + 2, Tag: code, Text: fmt.Sprintf("the document has %d bytes, %d are there", n, len(left))}
	}
	if c.Wrapping != Bare && (int(c.Header.Length) != n || Tag(c.Header.Code) != code) {
		return 0, &ParseError{Offset: at, Tag: code, Text: fmt.Sprintf("the header speaks of document %d of %d bytes, this has %d", c.Header.Code, c.Header.Length, n)}
	}
	c.Raw, c.Offset = left[:n:n], at
	left = left[n:]
	if len(left) >= signLen && string(left[:2]) == signMagic {
		c.Sign = left[:signLen:signLen]
		left = left[signLen:]
		if len(left) >= 2 && left[0] == 0 && left[1] == 0 {
			c.Padding = left[:2:2]
			left = left[2:]
		}
	}
	return len(b) - len(left), nil
}

// Document parses the document. Offsets in errors count from the document's
// head.
func (c Container) Document() (Document, error) {
	d, _, err := ParseDocument(c.Raw)
	return d, err
}

// AppendContainer writes the container again; lengths and the CRC are computed.
func AppendContainer(dst []byte, c Container) []byte {
	inner := make([]byte, 0, headerLen+len(c.Raw)+signLen+2)
	if c.Wrapping != Bare {
		c.Header.Length = uint16(len(c.Raw))
		inner = c.Header.append(inner)
	}
	inner = append(append(append(inner, c.Raw...), c.Sign...), c.Padding...)
	switch c.Wrapping {
	case Stored:
		dst = append(dst, storedMagic...)
	case Session:
		dst = append(dst, sessionMagic...)
		dst = binary.BigEndian.AppendUint16(dst, c.Session.Session)
		dst = binary.BigEndian.AppendUint16(dst, c.Session.Application)
		dst = append(dst, c.Session.FN[:]...)
		dst = binary.LittleEndian.AppendUint16(dst, uint16(4+len(inner)))
		dst = binary.LittleEndian.AppendUint16(dst, c.Session.Flags)
		dst = binary.LittleEndian.AppendUint16(dst, c.Session.CRC)
		fallthrough
	case Framed:
		length := binary.LittleEndian.AppendUint16(nil, uint16(4+len(inner)))
		dst = append(dst, length...)
		dst = binary.LittleEndian.AppendUint16(dst, CRC(length, inner))
	}
	return append(dst, inner...)
}

func (h ContainerHeader) append(b []byte) []byte {
	b = append(b, headerMark, h.Code, h.Version)
	b = append(append(b, h.Protocol[:]...), h.FN[:]...)
	b = append(b, byte(h.FD>>16), byte(h.FD>>8), byte(h.FD))
	b = append(b, h.Opaque[:]...)
	b = append(b, byte(h.Epoch>>16), byte(h.Epoch>>8), byte(h.Epoch))
	b = append(b, h.Opaque2[:]...)
	return binary.BigEndian.AppendUint16(b, h.Length)
}
