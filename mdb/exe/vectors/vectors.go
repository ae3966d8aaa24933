// Package vectors checks the EXE codec and the recovery of its vends against
// conformance vectors: JSON lines of frames, bytes, data blocks and whole
// dialogues with what they mean.
package vectors

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/chekomat/chekomat/mdb/exe"
)

// Vector is one line of a vectors file: a synthetic one with Kind, or a
// published capture, which has Wire instead.
type Vector struct {
	ID     string          `json:"id"`
	Kind   string          `json:"kind"`
	Title  string          `json:"title"`
	Config *settings       `json:"config"`
	Input  json.RawMessage `json:"input"`
	Wire   json.RawMessage `json:"wire"`
	Expect json.RawMessage `json:"expect"`
}

// Report counts vectors.
type Report struct{ Passed, Total int }

// Is reports whether a line of a vectors file is of this form: MDB's have a
// name instead of an id.
func Is(line []byte) bool {
	var v struct {
		ID     string `json:"id"`
		Expect any    `json:"expect"`
	}
	return json.Unmarshal(line, &v) == nil && v.ID != "" && v.Expect != nil
}

// Run checks every vector of r, prints one line for each that fails, a line that
// is no vector among them, and last "passed N of M".
func Run(r io.Reader, out io.Writer) (Report, error) {
	var rep Report
	sc := bufio.NewScanner(r)
	sc.Buffer(nil, 8<<20)
	for n := 1; sc.Scan(); n++ {
		if len(bytes.TrimSpace(sc.Bytes())) == 0 {
			continue
		}
		id, err := CheckLine(sc.Bytes())
		if id == "" {
			id = fmt.Sprintf("line %d", n)
		}
		rep.Total++
		if err != nil {
			fmt.Fprintf(out, "%s: %v\n", id, err)
			continue
		}
		rep.Passed++
	}
	if err := sc.Err(); err != nil {
		return rep, fmt.Errorf("read vectors: %w", err)
	}
	fmt.Fprintf(out, "passed %d of %d\n", rep.Passed, rep.Total)
	return rep, nil
}

// FormError is a line that is no vector.
type FormError struct{ Err error }

func (e *FormError) Error() string { return e.Err.Error() }
func (e *FormError) Unwrap() error { return e.Err }

// CheckLine checks one line and gives the vector's id. A line that is no vector
// gives a FormError.
func CheckLine(line []byte) (id string, err error) {
	var v Vector
	if err := json.Unmarshal(line, &v); err != nil {
		return "", &FormError{err}
	}
	return v.ID, v.Check()
}

// Check decodes, and encodes where the vector is whole.
func (v *Vector) Check() error {
	switch {
	case v.Kind == "frame":
		return v.frame()
	case v.Kind == "master_byte":
		return v.masterByte()
	case v.Kind == "block_decode":
		return v.blockDecode()
	case v.Kind == "block_encode":
		return v.blockEncode()
	case v.Kind == "trace":
		return v.trace()
	case v.Wire != nil:
		return v.published()
	}
	return fmt.Errorf("unknown kind %q", v.Kind)
}

func take(raw json.RawMessage, to any) error {
	if err := json.Unmarshal(raw, to); err != nil {
		return &FormError{fmt.Errorf("vector is of no known form: %w", err)}
	}
	return nil
}

// hexByte reads "3F".
func hexByte(s string) (byte, error) {
	x, err := strconv.ParseUint(s, 16, 8)
	if err != nil {
		return 0, &FormError{fmt.Errorf("byte %q: %w", s, err)}
	}
	return byte(x), nil
}

func hexBytes(s string) ([]byte, error) {
	var out []byte
	for f := range strings.FieldsSeq(s) {
		b, err := hexByte(f)
		if err != nil {
			return nil, err
		}
		out = append(out, b)
	}
	return out, nil
}

func differ(what string, got, want any) error {
	return fmt.Errorf("%s is %v, want %v", what, got, want)
}

func (v *Vector) frame() error {
	var in struct {
		Byte string `json:"byte"`
	}
	var want struct {
		Bits   string `json:"bits"`
		Parity uint16 `json:"parity"`
	}
	if err := errors.Join(take(v.Input, &in), take(v.Expect, &want)); err != nil {
		return err
	}
	b, err := hexByte(in.Byte)
	if err != nil {
		return err
	}
	if got := string(exe.AppendBits(nil, b)); got != want.Bits {
		return differ("frame", got, want.Bits)
	}
	if got := exe.Parity(b); got != want.Parity {
		return differ("parity", got, want.Parity)
	}
	if got, ok := exe.ParseBits(want.Bits); !ok || got != b {
		return differ("byte read back", fmt.Sprintf("%02X, whole %v", got, ok), in.Byte)
	}
	return nil
}

func (v *Vector) masterByte() error {
	var in struct {
		Byte string `json:"byte"`
	}
	var want struct {
		Device  string `json:"device"`
		Command bool   `json:"command_flag"`
		Nibble  uint8  `json:"nibble"`
		Name    string `json:"name"`
	}
	if err := errors.Join(take(v.Input, &in), take(v.Expect, &want)); err != nil {
		return err
	}
	b, err := hexByte(in.Byte)
	if err != nil {
		return err
	}
	c, command := exe.CommandOf(b)
	name := ""
	if command {
		name = c.String()
	}
	got := fmt.Sprintf("%s %v %d %s", exe.DeviceOf(b), command, exe.Nibble(b), name)
	if w := fmt.Sprintf("%s %v %d %s", want.Device, want.Command, want.Nibble, want.Name); got != w {
		return differ("meaning", got, w)
	}
	again := byte(exe.DeviceOf(b)) | exe.Nibble(b)
	if command {
		again = exe.To(exe.DeviceOf(b), c)
	}
	if again != b {
		return differ("byte encoded back", fmt.Sprintf("%02X", again), in.Byte)
	}
	return nil
}

// block is the fields of a data block.
type block struct {
	Units       uint16 `json:"units"`
	Scale       uint8  `json:"scale"`
	Decimals    uint8  `json:"decimals"`
	ExactChange bool   `json:"exact_change"`
	Minor       *int64 `json:"value_minor"`
	Error       string `json:"error"`
	Value       string `json:"value"` // of published captures
}

func (b block) display() exe.Display {
	return exe.Display{Units: b.Units, Scale: b.Scale, Decimals: b.Decimals, ExactChange: b.ExactChange}
}

func (v *Vector) blockDecode() error {
	var in struct {
		Bytes string `json:"bytes"`
	}
	var want block
	if err := errors.Join(take(v.Input, &in), take(v.Expect, &want)); err != nil {
		return err
	}
	raw, err := hexBytes(in.Bytes)
	if err != nil {
		return err
	}
	return want.check(raw)
}

// check decodes the bytes and, where they are whole, encodes them back.
func (b block) check(raw []byte) error {
	d, n, err := exe.ParseBlock(raw)
	if err != nil {
		var e *exe.BlockError
		if !errors.As(err, &e) || e.Err.Error() != b.Error {
			return differ("error", err, b.Error)
		}
		return nil
	}
	minor, err := d.Minor()
	switch {
	case err != nil && err.Error() != b.Error, err == nil && b.Error != "":
		return differ("error", err, b.Error)
	case err != nil && b.display() == (exe.Display{}):
		return nil // a refused value need not be told
	case d != b.display():
		return differ("block", d, b.display())
	case n != len(raw):
		return differ("length", n, len(raw))
	case err == nil && b.Minor != nil && *b.Minor != minor:
		return differ("value", minor, *b.Minor)
	}
	if raw[8]&0xE != 0 {
		return nil // bits nobody names: the block can't be told whole
	}
	if again := exe.AppendBlock(nil, d); !bytes.Equal(again, raw) {
		return differ("block encoded back", fmt.Sprintf("% X", again), fmt.Sprintf("% X", raw))
	}
	return nil
}

func (v *Vector) blockEncode() error {
	var in block
	var want struct {
		Bytes string `json:"bytes"`
	}
	if err := errors.Join(take(v.Input, &in), take(v.Expect, &want)); err != nil {
		return err
	}
	raw, err := hexBytes(want.Bytes)
	if err != nil {
		return err
	}
	if got := exe.AppendBlock(nil, in.display()); !bytes.Equal(got, raw) {
		return differ("bytes", fmt.Sprintf("% X", got), want.Bytes)
	}
	return in.check(raw)
}
