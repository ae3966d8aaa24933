package fn

import "time"

// appendReport adds what the ФН itself knows to each kind of report
// (ffd.md §4.5–§4.8). Totals came with FFD 1.1.
func (f *FN) appendReport(b []byte, kind Type) []byte {
	counters := f.ffd >= 3
	switch kind {
	default: // receipts bring everything themselves
	case TypeReregistration:
		if counters && f.draft.kind == CurrentChange {
			b = f.lifetime.append(b, 1157)
		}
	case TypeShiftOpen:
		b = f.appendWarnings(b)
	case TypeShiftClose:
		b = f.appendWarnings(b)
		b = AppendU32(b, 1118, uint32(f.shift.Receipts))
		b = AppendU32(b, 1111, uint32(f.shift.Documents)+1)
		b = f.appendQueue(b)
		if counters {
			b = AppendU16(b, 1213, uint16(f.daysLeft()))
			b = f.totals.append(b, 1194)
			b = f.lifetime.append(b, 1157)
		}
		if f.ffd == 4 {
			b = AppendU32(b, 2104, uint32(f.marks.unsent()))
		}
	case TypeState:
		b = f.appendQueue(b)
		if f.unsent() > 0 {
			b = AppendU32(b, 1116, f.docs[f.confirmed].FD)
		}
		if counters {
			b = f.lifetime.append(b, 1157)
			unsent := f.unsentTotals()
			b = unsent.appendUnsent(b)
		}
		if f.ffd == 4 {
			b = AppendU16(b, 1213, uint16(f.daysLeft()))
			b = AppendU32(b, 2104, uint32(f.marks.unsent()))
		}
	case TypeClose:
		if counters {
			b = f.lifetime.append(b, 1157)
		}
	}
	return b
}

// modeTags are the requisites of the work mode bits.
var modeTags = [6]uint16{1056, 1002, 1001, 1109, 1110, 1108}

// appendRegistration writes what the finish command said and the data did not.
func (f *FN) appendRegistration(b []byte) []byte {
	seen, r := f.draft.seen, f.reg
	if !seen[1209] {
		b = AppendByte(b, 1209, r.FFD)
	}
	if !seen[1062] {
		b = AppendByte(b, 1062, r.TaxSystems)
	}
	for bit, tag := range modeTags {
		if !seen[tag] && r.Mode&(1<<bit) != 0 {
			b = AppendByte(b, tag, 1)
		}
	}
	if !seen[1205] && !seen[1101] && r.Reasons != 0 {
		b = AppendU32(b, 1205, r.Reasons)
	}
	return b
}

func (f *FN) appendWarnings(b []byte) []byte {
	warn := f.warnings()
	for i, tag := range []uint16{1051, 1050, 1052, 1053} {
		if warn&(1<<i) != 0 {
			b = AppendByte(b, tag, 1)
		}
	}
	return b
}

func (f *FN) appendQueue(b []byte) []byte {
	b = AppendU32(b, 1097, uint32(f.unsent()))
	if f.unsent() > 0 {
		b = AppendUnix(b, 1098, f.docs[f.confirmed].At.Truncate(day))
	}
	return b
}

// apply lets a committed or replayed document change the state.
func (f *FN) apply(d Document) {
	f.docs = append(f.docs, d)
	f.bytes += int64(len(d.TLV))
	f.tickets = append(f.tickets, time.Time{})
	switch d.Type {
	default:
	case TypeRegistration, TypeReregistration:
		f.phase, f.regFD, f.ffd = PhaseWork, d.FD, d.FFD
		f.reg = Registration{INN: d.INN, RNM: d.RNM, TaxSystems: d.TaxSet, Mode: d.Mode, FFD: d.FFD, Reasons: d.Reasons, At: d.At}
	case TypeShiftOpen:
		f.shift = Shift{Open: true, Number: uint16(d.Shift), Documents: 1, Opened: d.At}
		f.totals = Counters{}
	case TypeShiftClose:
		f.shift.Open = false
		f.shift.Documents++
	case TypeReceipt, TypeCorrection:
		f.shift.Receipts = uint16(d.Receipt)
		f.shift.Documents++
		f.totals.Add(d)
		f.lifetime.Add(d)
		f.marks.notify(d)
	case TypeClose:
		f.phase = PhaseClosed
		if f.autonomous() {
			f.phase = PhaseArchive
		}
	}
	if d.Type == TypeState && f.shift.Open {
		f.shift.Documents++
	}
}

func (f *FN) autonomous() bool { return f.reg.Mode&modeAutonomous != 0 }
