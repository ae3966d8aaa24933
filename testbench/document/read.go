package document

import (
	"bufio"
	"errors"
	"fmt"
	"io"

	"github.com/chekomat/chekomat/fiscal/fault"
	"github.com/chekomat/chekomat/fiscal/ffd"
)

// Found is a document and what stood around it.
type Found struct {
	Container ffd.Container
	Document  ffd.Document
	Offset    int // of its first byte in the input, wrapping included
}

// maxInput is more than an archive of a day: what is longer is no dump of
// documents by mistake.
const maxInput = 64 << 20

// Read gives all documents of a text in hexadecimal. The error holds a
// fault.Fault and names the byte.
func Read(in io.Reader) ([]Found, error) {
	raw, err := unhex(in)
	if err != nil {
		return nil, err
	}
	if len(raw) == 0 {
		return nil, fault.New(fault.DocumentBroken, "no document: the input is empty")
	}
	var docs []Found
	for at := 0; at < len(raw); {
		c, n, err := ffd.ParseContainer(raw[at:])
		if err != nil {
			return nil, broken(at, err)
		}
		d, err := c.Document()
		if err != nil {
			return nil, broken(at+c.Offset, err)
		}
		docs = append(docs, Found{c, d, at})
		at += n
	}
	return docs, nil
}

// broken tells the offset in the whole input.
func broken(at int, err error) error {
	code := fault.DocumentBroken
	var p *ffd.ParseError
	if errors.As(err, &p) {
		moved := *p
		moved.Offset += at
		err = &moved
		if moved.Unknown {
			code = fault.DocumentUnknown
		}
	}
	return fault.New(code, err.Error())
}

// unhex reads hexadecimal digits; white space between bytes and comments from #
// to the end of the line are skipped.
func unhex(in io.Reader) ([]byte, error) {
	r := bufio.NewReader(io.LimitReader(in, maxInput+1))
	var out []byte
	high, line, column := -1, 1, 0
	comment := false
	for n := 0; ; n++ {
		c, err := r.ReadByte()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("read: %w", err)
		}
		if n == maxInput {
			return nil, fault.New(fault.DocumentBroken, fmt.Sprintf("more than %d bytes of text", maxInput))
		}
		column++
		if c == '\n' {
			comment, line, column = false, line+1, 0
		}
		if c == '#' {
			comment = true
		}
		if comment || c == ' ' || c == '\t' || c == '\r' || c == '\n' {
			continue
		}
		v := digit(c)
		switch {
		case v < 0:
			return nil, fault.New(fault.DocumentBroken, fmt.Sprintf("%q at byte %d (line %d, column %d) is no hexadecimal digit", c, len(out), line, column))
		case high < 0:
			high = v
		default:
			out = append(out, byte(high<<4|v))
			high = -1
		}
	}
	if high >= 0 {
		return nil, fault.New(fault.DocumentBroken, fmt.Sprintf("byte %d has one digit: the text ends in the middle of it", len(out)))
	}
	return out, nil
}

func digit(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}
