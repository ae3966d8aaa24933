package pirit

import (
	"strconv"
	"time"

	"github.com/chekomat/chekomat/testbench/fn"
)

// start is 10h: a difference under 8 minutes sets the clock, a larger one is
// told and work is started all the same, unless it is before the last document.
func (d *device) start(c *call) error {
	at, ok := wall(c.field(0), c.field(1))
	if !ok {
		return format(whyBadDate)
	}
	if last := d.fn.Status().Last; at.Truncate(time.Minute).Before(last) {
		return code(errClockEarly)
	}
	d.started = true
	now := d.now()
	digits := time.Date(now.Year(), now.Month(), now.Day(), now.Hour(), now.Minute(), now.Second(), 0, time.UTC)
	switch diff := at.Sub(digits).Abs(); {
	case diff > 8*time.Minute:
		return code(errClockOff)
	case diff >= time.Second:
		d.setClock(at)
	}
	return nil
}

// wall reads ddmmyy and hhmmss as digits in UTC.
func wall(date, clock string) (time.Time, bool) {
	t, err := time.Parse("020106150405", date+clock)
	return t, err == nil && len(date) == 6 && len(clock) == 6
}

func (c *call) clock(t time.Time) { c.add(t.Format("020106"), t.Format("150405")) }

func (d *device) readClock(c *call) error {
	c.clock(d.now())
	return nil
}

func (d *device) writeClock(c *call) error {
	at, ok := wall(c.field(0), c.field(1))
	now := d.now()
	digits := time.Date(now.Year(), now.Month(), now.Day(), now.Hour(), now.Minute(), now.Second(), 0, time.UTC)
	switch {
	case !ok:
		return format(whyBadDate)
	case d.fn.ShiftState().Open:
		return code(errCloseShift)
	case at.Before(d.fn.Status().Last):
		return code(errClockEarly)
	case at.Sub(digits) > 24*time.Hour && !d.step14:
		d.step14 = true
		return code(errExpired)
	}
	d.step14 = false
	d.setClock(at)
	return nil
}

// Settings that can be written: flags of the printer and of receipts.
var writable = map[string]bool{settingPrinter: true, "2/0": true, "3/0": true, "5/0": true, "6/0": true, "10/0": true, "11/0": true}

func setting(c *call) string {
	index := c.field(1)
	if index == "" {
		index = "0"
	}
	return c.field(0) + "/" + index
}

func (d *device) readSetting(c *call) error {
	number, _ := c.integer(0)
	index, ok := c.integer(1)
	if !ok {
		return format(0)
	}
	tax := []string{"НДС 20%", "НДС 10%", "НДС 0%", "", "НДС 20/120", "НДС 10/110"}
	var text string
	switch key := setting(c); {
	case writable[key]:
		text = strconv.Itoa(d.nv.Settings[key])
	case number == 30 && index >= 0 && index <= 3:
		text = []string{d.cfg.User, "", d.cfg.Address, ""}[index]
	case number == 40 && index >= 0 && index < len(tax):
		text = tax[index]
	case number == 70:
		text = d.cfg.Machine
	case number == 82:
		text = d.cfg.Sender
	case number == 85:
		text = d.cfg.Place
	default:
		return format(0)
	}
	c.add(string(fn.CP866(text)))
	return nil
}

func (d *device) writeSetting(c *call) error {
	v, ok := c.integer(2)
	key := setting(c)
	switch {
	case !writable[key] || !ok || v < 0 || v > 0xFFFF:
		return format(0)
	case d.doc != nil || d.nv.Unprinted != nil:
		return state(whyOpen)
	}
	if d.nv.Settings == nil {
		d.nv.Settings = map[string]int{}
	}
	d.nv.Settings[key], d.dirty = v, true
	return nil
}
