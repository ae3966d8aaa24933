package fn

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"time"
)

// Wall turns an instant into what a ФН knows of it: the digits of the wall
// clock to the minute (DATE_TIME is YY MM DD HH MM), kept in UTC.
func Wall(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), 0, 0, time.UTC)
}

// Begin starts a document at the register's wall clock.
func (f *FN) Begin(kind Current, at time.Time) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	at = Wall(at)
	if f.dark || f.falls(StepBegin, 0) {
		return ErrDark
	}
	if f.draft != nil {
		return WrongState
	}
	if err := f.mayMake(kind, at); err != nil {
		return err
	}
	f.draft = &draft{kind: kind, at: at, seen: map[uint16]bool{}}
	return nil
}

// Data adds whole TLV elements to the open document (command 07h: 1024 bytes
// at most). The ФН checks lengths, not meaning, but refuses what it writes
// itself and what stands twice; a refused part changes nothing.
func (f *FN) Data(tlv []byte) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.dark:
		return ErrDark
	case f.draft == nil:
		return WrongState
	case f.falls(StepData, f.draft.part+1):
		return ErrDark
	}
	f.draft.part++
	if len(tlv) > maxElement || len(f.draft.data)+len(tlv) > f.draft.limit() {
		return TLVTooBig
	}
	if err := f.draft.admit(tlv, f.ffd); err != nil {
		return err
	}
	f.draft.data = append(f.draft.data, tlv...)
	return nil
}

// own are the requisites the ФН writes itself; 1209 comes with registrations
// from the register.
var own = map[uint16]bool{
	1041: true, 1037: true, 1018: true, 1040: true, 1012: true, 1077: true, 1038: true, 1042: true, 1054: true, 1020: true,
	1157: true, 1158: true, 1194: true, 1118: true, 1111: true, 1097: true, 1098: true, 1116: true, 1213: true,
}

// repeats are the requisites that may stand more than once.
var repeats = map[uint16]bool{1059: true, 1073: true, 1074: true, 1075: true, 1101: true, 1171: true, 1261: true}

func (d *draft) admit(tlv []byte, ffd byte) (err error) {
	registers := d.kind == CurrentRegistration || d.kind == CurrentReplacement || d.kind == CurrentChange
	var tags []uint16
	whole := Elements(tlv, func(tag uint16, v []byte) bool {
		switch {
		case own[tag] && !(registers && tag == 1213), tag == 1209 && !registers:
			err = Forbidden
		case tag == 1059 && ffd != 4 && hasTag(v, 2000):
			err = NotAllowed
		case !repeats[tag] && d.seen[tag]:
			err = Duplicate
		}
		for _, before := range tags {
			if before == tag && !repeats[tag] {
				err = Duplicate
			}
		}
		tags = append(tags, tag)
		return err == nil
	})
	if err != nil {
		return err
	}
	if !whole {
		return BadCommand
	}
	for _, tag := range tags {
		d.seen[tag] = true
	}
	return nil
}

func hasTag(chain []byte, want uint16) (found bool) {
	Elements(chain, func(tag uint16, _ []byte) bool {
		found = tag == want
		return !found
	})
	return found
}

func (d *draft) limit() int {
	switch d.kind {
	case CurrentReceipt, CurrentCorrection:
		return maxReceipt
	case CurrentRegistration, CurrentReplacement, CurrentChange, CurrentClosing:
		return maxRegReport
	default:
		return maxShiftDoc
	}
}

// Cancel drops the open document (06h). Without one it answers WrongState.
func (f *FN) Cancel() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.dark {
		return ErrDark
	}
	if f.draft == nil {
		return WrongState
	}
	f.draft = nil
	return nil
}

// Rewind drops the data of the open document and leaves it begun. A real ФН has
// no such command: it is for registers of the bench that give their data at the
// end, when the finish was refused and may be tried again.
func (f *FN) Rewind() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.dark {
		return ErrDark
	}
	if f.draft == nil {
		return WrongState
	}
	f.draft.data, f.draft.seen, f.draft.part = nil, map[uint16]bool{}, 0
	return nil
}

// drafts says that one of these documents is open.
func (f *FN) drafts(kinds ...Current) error {
	if f.dark {
		return ErrDark
	}
	if f.draft != nil {
		for _, k := range kinds {
			if f.draft.kind == k {
				return nil
			}
		}
	}
	return WrongState
}

// Register finishes a registration report: of a new ФН (document 1), of one
// that replaces another, or a change of parameters (document 11). What the
// register's data does not say of r the ФН adds; the document counts.
func (f *FN) Register(r Registration) (Document, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.drafts(CurrentRegistration, CurrentReplacement, CurrentChange); err != nil {
		return Document{}, err
	}
	if len(r.INN) == 0 || len(r.INN) > 12 || len(r.RNM) == 0 || len(r.RNM) > 20 || r.FFD < 2 || r.FFD > 4 {
		return Document{}, BadValue
	}
	before, ffd := f.reg, f.ffd
	kind := TypeRegistration
	if f.draft.kind != CurrentRegistration {
		kind = TypeReregistration
	}
	if f.draft.kind == CurrentChange && (r.INN != before.INN || r.RNM != before.RNM) {
		return Document{}, BadValue
	}
	f.reg, f.ffd = r, r.FFD
	made := len(f.docs)
	d, err := f.commit(kind, f.draft.at, 0, 0)
	if len(f.docs) == made {
		f.reg, f.ffd = before, ffd
	}
	return d, err
}

// FinishShift finishes an opening or a closing report, whichever is open.
func (f *FN) FinishShift() (Document, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.drafts(CurrentShiftOpen, CurrentShiftClose); err != nil {
		return Document{}, err
	}
	if f.draft.kind == CurrentShiftOpen {
		return f.commit(TypeShiftOpen, f.draft.at, 0, 0)
	}
	return f.commit(TypeShiftClose, f.draft.at, 0, 0)
}

// FinishReceipt finishes a receipt or a correction, whichever is open:
// operation is 1054 (1..4), sum is 1020 in kopecks, at the wall clock of the
// finish command. A correction of 1.05 knows приход and расход alone and may
// have a sum only; of 1.1 and 1.2 it must have items (ffd.md §10).
func (f *FN) FinishReceipt(at time.Time, operation byte, sum int64) (Document, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.drafts(CurrentReceipt, CurrentCorrection); err != nil {
		return Document{}, err
	}
	if operation < 1 || operation > 4 || sum < 0 || sum >= 1<<40 {
		return Document{}, BadValue
	}
	kind := TypeReceipt
	if f.draft.kind == CurrentCorrection {
		kind = TypeCorrection
		if err := f.correctable(operation); err != nil {
			return Document{}, err
		}
	}
	if err := f.taxAgrees(); err != nil {
		return Document{}, err
	}
	at = Wall(at)
	if err := f.mayMake(f.draft.kind, at); err != nil {
		return Document{}, err
	}
	return f.commit(kind, at, operation, sum)
}

func (f *FN) correctable(operation byte) error {
	switch {
	case !f.draft.seen[1174], f.ffd >= 3 && !f.draft.seen[1059]:
		return NoRequisite
	case f.ffd == 2 && operation != 1 && operation != 3:
		return BadValue
	}
	return nil
}

// taxAgrees holds 1055 against 1062 of the registration.
func (f *FN) taxAgrees() (err error) {
	Elements(f.draft.data, func(tag uint16, v []byte) bool {
		if tag != 1055 {
			return true
		}
		switch n := number(v); {
		case n == 0 || n&(n-1) != 0:
			err = BadValue
		case f.reg.TaxSystems != 0 && byte(n)&f.reg.TaxSystems == 0:
			err = Disagrees
		}
		return false
	})
	return err
}

// FinishState finishes a report of the state of settlements.
func (f *FN) FinishState() (Document, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.drafts(CurrentState); err != nil {
		return Document{}, err
	}
	return f.commit(TypeState, f.draft.at, 0, 0)
}

// FinishClose finishes the closing of the ФН, for good. It wants the РНМ of the
// registration. Until the ОФД confirmed the report the ФН still sends; then,
// or at once in autonomous mode, only the archive can be read.
func (f *FN) FinishClose(rnm string) (Document, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.drafts(CurrentClosing); err != nil {
		return Document{}, err
	}
	if rnm != f.reg.RNM {
		return Document{}, BadValue
	}
	return f.commit(TypeClose, f.draft.at, 0, 0)
}

// commit composes the document, writes it to the archive and only then lets it
// exist.
func (f *FN) commit(kind Type, at time.Time, operation byte, sum int64) (Document, error) {
	b := f.compose(kind, at, operation, sum)
	d, err := Decode(b)
	if err != nil {
		return Document{}, BadCommand
	}
	if f.falls(StepFinish, 0) {
		return Document{}, ErrDark
	}
	if f.journal != nil {
		if err := f.journal.append(kindDocument, b, true); err != nil {
			return Document{}, errors.Join(Failure, err)
		}
	}
	f.apply(d)
	f.draft = nil
	f.lastWall, f.lastTimer = at, f.cfg.Timer()
	f.announce()
	if f.falls(StepAnswer, 0) {
		return Document{}, ErrDark
	}
	return d, nil
}

// compose writes the ФН's own requisites first, in the order every real dump
// shows (ffd.md §2): 1041 1037 1018 1040 1012 1077 1038 1042 1054 1020, then
// the register's, then the ФН's reports.
func (f *FN) compose(kind Type, at time.Time, operation byte, sum int64) []byte {
	b := make([]byte, 4, 256+len(f.draft.data))
	b = AppendFixed(b, 1041, f.cfg.Serial, 16)
	b = AppendFixed(b, 1037, f.reg.RNM, 20)
	b = AppendFixed(b, 1018, f.reg.INN, 12)
	b = AppendU32(b, 1040, uint32(len(f.docs))+1)
	b = AppendUnix(b, 1012, at)
	sign := len(b) + 4 + 2
	b = AppendTLV(b, 1077, append(signPrefix(kind), 0, 0, 0, 0))
	data := f.draft.data
	switch kind {
	default: // a registration has neither shift nor sum
	case TypeShiftOpen:
		b = AppendU32(b, 1038, uint32(f.shift.Number)+1)
	case TypeShiftClose, TypeClose, TypeState:
		b = AppendU32(b, 1038, uint32(f.shift.Number))
	case TypeReceipt, TypeCorrection:
		b = AppendU32(b, 1038, uint32(f.shift.Number))
		b = AppendU32(b, 1042, uint32(f.shift.Receipts)+1)
		b = AppendByte(b, 1054, operation)
		b = AppendVLN(b, 1020, uint64(sum))
		if f.ffd == 4 {
			data = f.marks.settle(data)
		}
	}
	if kind != TypeRegistration && kind != TypeReregistration {
		b = AppendByte(b, 1209, f.ffd)
	}
	b = append(b, data...)
	if kind == TypeRegistration || kind == TypeReregistration {
		b = f.appendRegistration(b)
	}
	b = f.appendReport(b, kind)
	binary.LittleEndian.PutUint16(b, uint16(kind))
	binary.LittleEndian.PutUint16(b[2:], uint16(len(b)-4))
	binary.BigEndian.PutUint32(b[sign:], crc32.ChecksumIEEE(b))
	return b
}

// signPrefix is the two bytes before the sign in 1077 (ffd.md §13).
func signPrefix(kind Type) []byte {
	if kind == TypeRegistration || kind == TypeReregistration {
		return []byte{0x21, 0x04}
	}
	return []byte{0x31, 0x04}
}
