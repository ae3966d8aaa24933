package evadts

import "strings"

// preconditions checks what must hold before counters of two reports may be
// compared (evadts 6.1).
func (d *differ) preconditions() {
	o, n := d.old, d.new
	if !d.whole(o) {
		d.find(CodeOldNotWhole, string(o.Seal.Status))
		d.weaken(ForViewing)
	}
	if !d.whole(n) {
		d.find(CodeNewNotWhole, string(n.Seal.Status))
		d.weaken(ForViewing)
	}
	if hasSentinel(o) || hasSentinel(n) {
		d.find(CodeSentinel, "")
	}
	if !o.Money.same(n.Money) {
		d.find(CodeScaleChanged, "ID4")
		d.weaken(NoResult)
	}
	fell := d.allFell()
	d.identity(fell)
	d.chain(fell)
}

func (d *differ) whole(a *Audit) bool {
	switch a.Seal.Status {
	case SealOK, SealSwapped, SealWithoutLastCRLF:
		return true
	case SealMismatch, SealMalformed:
		return false
	case SealAbsent, SealWithoutStart:
	}
	return d.cond.TransportProved && a.Complete
}

func hasSentinel(a *Audit) bool {
	for _, n := range a.Notes {
		if n.Code == CodeSentinel {
			return true
		}
	}
	return false
}

// names reports whether a serial number names anything: not empty, not all
// zeros or Fs.
func names(serial string) bool {
	return strings.Trim(serial, "0 ") != "" && strings.Trim(serial, "F ") != ""
}

func unlike(a, b string) bool { return names(a) && names(b) && a != b }

// identity compares ID101, then its witnesses.
func (d *differ) identity(fell bool) {
	o, n := &d.old.Machine, &d.new.Machine
	switch {
	case unlike(o.Serial, n.Serial):
		d.find(CodeMachineChanged, "ID101")
		d.weaken(NoResult)
	case names(o.Serial) && names(n.Serial):
	case unlike(o.CommID, n.CommID):
		d.find(CodeMachineChanged, "DXS01")
		d.weaken(NoResult)
	case unlike(o.Asset, n.Asset):
		d.find(CodeMachineChanged, "ID106")
		d.weaken(NoResult)
	case !d.cond.PortIsIdentity && !d.witnessed():
		d.find(CodeIdentityUnknown, "ID101")
		d.weaken(ForViewing)
	}
	if unlike(o.Controller.Serial, n.Controller.Serial) {
		d.find(CodeControllerChanged, "CB101")
		if fell {
			d.restart = true
			d.weaken(NewChain)
		} else {
			d.weaken(NoResult)
		}
	}
	if unlike(o.Changer.Serial, n.Changer.Serial) {
		d.find(CodeChangerChanged, "CA101")
	}
}

// witnessed reports whether some other serial number is the same in both.
func (d *differ) witnessed() bool {
	o, n := &d.old.Machine, &d.new.Machine
	for _, p := range [...][2]string{{o.Asset, n.Asset}, {o.Controller.Serial, n.Controller.Serial},
		{o.Changer.Serial, n.Changer.Serial}, {o.Validator.Serial, n.Validator.Serial},
		{o.Reader1.Serial, n.Reader1.Serial}, {o.Reader2.Serial, n.Reader2.Serial}} {
		if names(p[0]) && p[0] == p[1] {
			return true
		}
	}
	return false
}

// allFell reports whether every cumulative total that had counted is lower now.
func (d *differ) allFell() bool {
	any := false
	all := true
	look := func(o, n Counter) {
		if o.Known() && o.N > 0 && n.Known() {
			any = true
			all = all && n.N < o.N
		}
	}
	o, n := &d.old.Totals, &d.new.Totals
	for _, p := range [...][2]*Total{{&o.Paid, &n.Paid}, {&o.Test, &n.Test}, {&o.Free, &n.Free}, {&o.Cash, &n.Cash},
		{&o.Cashless1, &n.Cashless1}, {&o.Cashless2, &n.Cashless2}, {&o.Tokens, &n.Tokens}} {
		look(p[0].Cumulative.Value, p[1].Cumulative.Value)
		look(p[0].Cumulative.Count, p[1].Cumulative.Count)
	}
	return any && all
}

// chain compares EA3: reads by others, resets, counters that began anew.
func (d *differ) chain(fell bool) {
	o, n := &d.old.Reads, &d.new.Reads
	rise := func(a, b Counter) Change {
		if !a.Known() || !b.Known() || b.N < a.N {
			return Change{}
		}
		return Change{N: b.N - a.N, Known: true}
	}
	d.out.Reads, d.out.Resets = rise(o.Count, n.Count), rise(o.Resets, n.Resets)
	back := o.Count.Known() && n.Count.Known() && n.Count.N < o.Count.N ||
		o.Resets.Known() && n.Resets.Known() && n.Resets.N < o.Resets.N
	if back {
		d.find(CodeReadsWentBack, "EA3")
	}
	if fell && !d.restart {
		if back && !d.clockWentBack() {
			d.find(CodeCountersRestarted, "")
			d.restart = true
			d.weaken(NewChain)
		} else {
			d.find(CodeAllFell, "")
			d.weaken(NoResult)
		}
	}
	if d.out.Resets.N > 0 || !d.out.Resets.Known && !d.restart && d.intervalsFell() {
		d.reset = true
		d.find(CodeIntervalReset, "EA310")
	}
	if d.cond.KnownReads > 0 && d.out.Reads.Known && d.out.Reads.N > d.cond.KnownReads {
		d.find(CodeForeignReads, "EA309")
	}
	seal := d.old.Seal
	if seal.Declared != "" && seal == d.new.Seal && o.This == n.This && o.Count == n.Count {
		d.find(CodeSameReport, "G85")
	}
}

// intervalsFell tells a reset where the machine does not count resets.
func (d *differ) intervalsFell() bool {
	o, n := &d.old.Totals, &d.new.Totals
	for _, p := range [...][2]*Total{{&o.Paid, &n.Paid}, {&o.Free, &n.Free}, {&o.Cash, &n.Cash},
		{&o.Cashless1, &n.Cashless1}, {&o.Cashless2, &n.Cashless2}} {
		a, b := p[0], p[1]
		if a.Interval.Count.Known() && b.Interval.Count.Known() && b.Interval.Count.N < a.Interval.Count.N &&
			b.Cumulative.Count.Known() && a.Cumulative.Count.Known() && b.Cumulative.Count.N >= a.Cumulative.Count.N {
			return true
		}
	}
	return false
}

// clockWentBack reports whether the newer read is dated before the older one:
// then the reports are in the wrong order, not the counters cleared. Clocks
// that were never set say nothing (evadts 8).
func (d *differ) clockWentBack() bool {
	o, n := d.old.Reads.This, d.new.Reads.This
	if len(o.Date) != len(n.Date) || len(o.Time) != len(n.Time) || strings.Trim(n.Date, "0") == "" {
		return false
	}
	return n.Date+n.Time < o.Date+o.Time
}
