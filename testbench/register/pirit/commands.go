package pirit

import (
	"errors"
	"strconv"
	"strings"

	"github.com/chekomat/chekomat/testbench/fn"
	"github.com/chekomat/chekomat/testbench/register/faults"
)

// call is a command in execution.
type call struct {
	frame
	out []string // fields of the answer, CP866
}

func (c *call) add(fields ...string) { c.out = append(c.out, fields...) }

func (c *call) number(v ...int64) {
	for _, n := range v {
		c.add(strconv.FormatInt(n, 10))
	}
}

// text is a field as a host's text in CP866, kept as bytes.
func (c *call) text(i int) string { return c.field(i) }

// integer reads a whole number; an empty field is zero.
func (c *call) integer(i int) (int, bool) {
	s := c.field(i)
	if s == "" {
		return 0, true
	}
	n, err := strconv.Atoi(s)
	return n, err == nil && len(s) < 10
}

// command describes what a code does, by what names faults know it, when it is
// allowed, and its share of a receipt's time.
type command struct {
	run    func(*device, *call) error
	names  []string
	early  bool // before the start of work
	quiet  bool // not answered in batch mode
	weight int
}

var commands map[byte]command

func init() {
	status := []string{faults.CommandStatus}
	commands = map[byte]command{
		0x00: {run: (*device).status, names: status, early: true, weight: 10},
		0x01: {run: (*device).registers, names: status, early: true, weight: 10},
		0x02: {run: (*device).info, names: status, early: true, weight: 10},
		0x03: {run: (*device).receiptInfo, names: status, early: true, weight: 10},
		0x04: {run: (*device).printer, names: status, early: true, weight: 10},
		0x06: {run: (*device).errors, names: status, early: true, weight: 10},
		0x10: {run: (*device).start, early: true, weight: 20},
		0x11: {run: (*device).readSetting, early: true, weight: 10},
		0x12: {run: (*device).writeSetting, weight: 20},
		0x13: {run: (*device).readClock, early: true, weight: 10},
		0x14: {run: (*device).writeClock, weight: 20},
		0x20: {run: (*device).xReport, weight: 200},
		0x21: {run: (*device).closeShift, names: []string{faults.CommandShiftClose, faults.CommandDocument}, weight: 400},
		0x23: {run: (*device).openShift, names: []string{faults.CommandShiftOpen, faults.CommandDocument}, weight: 400},
		0x24: {run: (*device).itemAttributes, names: []string{faults.CommandTag}, quiet: true, weight: 40},
		0x30: {run: (*device).open, names: []string{faults.CommandOpen}, weight: 200},
		0x31: {run: (*device).close31, names: []string{faults.CommandClose, faults.CommandDocument}, weight: 373},
		0x32: {run: (*device).annul, names: []string{faults.CommandCancel}, weight: 400},
		0x40: {run: (*device).printText, quiet: true, weight: 20},
		0x42: {run: (*device).item, names: []string{faults.CommandItem}, quiet: true, weight: 196},
		0x44: {run: (*device).subtotal, quiet: true, weight: 50},
		0x47: {run: (*device).payment, quiet: true, weight: 100},
		0x48: {run: (*device).cash, quiet: true, weight: 50},
		0x52: {run: (*device).compare, quiet: true, weight: 10},
		0x57: {run: (*device).attribute, names: []string{faults.CommandTag}, weight: 50},
		0x78: {run: (*device).exchange, names: status, early: true, weight: 20},
	}
}

// receiptWeight is the sum of the weights of 30h, 42h, 44h, 47h and 31h.
const receiptWeight = 200 + 196 + 50 + 100 + 373

// names are what faults may call a command.
func names(f frame) []string {
	out := append([]string{hex2(f.code)}, commands[f.code].names...)
	if f.code == 0x78 {
		switch f.field(0) {
		case "15":
			out = append(out, faults.CommandFind)
		case "16":
			out = append(out, faults.CommandRead)
		}
	}
	return out
}

func hex2(b byte) string {
	const digits = "0123456789ABCDEF"
	return string([]byte{digits[b>>4], digits[b&15]})
}

// known says whether the emulator has a command of that code.
func known(s string) bool {
	b, ok := parseHex(s)
	_, has := commands[b]
	return ok && has
}

// execute runs one command. answered is false in batch mode and when the power
// failed inside the ФН. mu is held.
func (d *device) execute(f frame) (err byte, fields []string, answered bool) {
	if f.bad != 0 {
		return f.bad, nil, true
	}
	cmd, ok := commands[f.code]
	if !ok {
		return errUnknown, nil, true
	}
	c := &call{frame: f}
	e := d.allowed(cmd, f.code)
	if e == nil {
		e = cmd.run(d, c)
	}
	batch := d.doc != nil && d.doc.batch && cmd.quiet
	if e == nil {
		return 0, c.out, !batch
	}
	if batch {
		d.doc.spoiled = true
	}
	var r refusal
	if !errors.As(e, &r) {
		return 0, nil, false
	}
	if r.code == errState || r.code == errFormat {
		d.reason = r.reason
	}
	return r.code, nil, true
}

func (d *device) allowed(cmd command, code byte) error {
	switch {
	case !d.started && !cmd.early:
		return state(whyNotStarted)
	case d.doc != nil && d.doc.spoiled && cmd.quiet:
		return state(0)
	case !cmd.early && d.fn.Status().Phase != fn.PhaseWork && code != 0x12 && code != 0x14:
		return state(whyFNClosed)
	}
	return nil
}

func (d *device) status(c *call) error {
	flags := int64(0)
	s := d.fn.Status()
	for bit, on := range map[int]bool{
		0: !d.started, 2: s.Open, 3: d.expired(), 4: s.Phase == fn.PhaseClosed || s.Phase == fn.PhaseArchive,
		5: s.Phase == fn.PhaseReady, 8: d.nv.Unclosed,
	} {
		if on {
			flags |= 1 << bit
		}
	}
	c.number(0, flags, int64(d.documentStatus()))
	return nil
}

// Bits of 04h.
const printerNoPaper = 1 << 1

func (d *device) printer(c *call) error {
	if d.nv.PaperOut {
		c.number(printerNoPaper)
	} else {
		c.number(0)
	}
	return nil
}

func (d *device) errors(c *call) error {
	switch c.field(0) {
	case "1":
		c.add("1")
		c.number(int64(d.reason))
		if d.cfg.Model != Pirit2F {
			c.add(string(fn.CP866("причина " + strconv.Itoa(d.reason))))
		}
	case "2":
		c.add("2", "0")
	default:
		return format(whyBadQuestion)
	}
	return nil
}

// xReport prints; it makes no fiscal document.
func (d *device) xReport(*call) error {
	switch {
	case d.documentStatus() != 0:
		return state(whyOpen)
	case d.nv.PaperOut && !d.silent(0):
		return code(errNoPaper)
	}
	return nil
}

// money reads roubles with at most two places after the point, in kopecks.
func money(s string) (int64, bool) {
	v, ok := decimal(s, 2)
	return v, ok && v <= 99_999_999_99
}

// decimal reads a number with a point in units of 10^-places; more places are
// refused unless they are zeros.
func decimal(s string, places int) (int64, bool) {
	whole, part, _ := strings.Cut(s, ".")
	for len(part) > places && part[len(part)-1] == '0' {
		part = part[:len(part)-1]
	}
	if len(part) > places || len(whole)+places > 18 || whole == "" && part == "" {
		return 0, s == "" // an empty field is zero
	}
	part += strings.Repeat("0", places-len(part))
	v, err := strconv.ParseUint(whole+part, 10, 63)
	return int64(v), err == nil
}

func roubles(k int64) string {
	s := strconv.FormatInt(k, 10)
	for len(s) < 3 {
		s = "0" + s
	}
	return s[:len(s)-2] + "." + s[len(s)-2:]
}
