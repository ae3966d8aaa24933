package fn

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"time"
)

// CodeOf returns the answer code inside err; Failure when there is none.
func CodeOf(err error) Code {
	if err == nil {
		return Done
	}
	var c Code
	if errors.As(err, &c) {
		return c
	}
	return Failure
}

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
	if f.draft != nil {
		return WrongState
	}
	if err := f.mayMake(kind, at); err != nil {
		return err
	}
	f.draft = &draft{kind: kind, at: at}
	return nil
}

// mayMake applies the rules of phase, shift, time and resource (fn.md §4–6).
func (f *FN) mayMake(kind Current, at time.Time) error {
	switch {
	case kind == CurrentRegistration && f.phase != PhaseReady,
		kind != CurrentRegistration && f.phase != PhaseWork,
		kind == CurrentShiftOpen && f.shift.Open,
		kind == CurrentShiftClose && !f.shift.Open,
		kind == CurrentReceipt && !f.shift.Open:
		return WrongState
	}
	if err := f.timeOK(kind, at); err != nil {
		return err
	}
	if kind == CurrentRegistration || kind == CurrentShiftClose {
		if len(f.docs) >= f.cfg.Capacity+archiveReserve {
			return StorageOver
		}
		return nil
	}
	now := f.cfg.Timer()
	switch {
	case !now.Before(f.life):
		return ResourceOver
	case f.full, len(f.docs) >= f.cfg.Capacity:
		return StorageOver
	case f.oldestUnsent() > QueueLimit:
		return StorageOver
	}
	return nil
}

func (f *FN) timeOK(kind Current, at time.Time) error {
	last := f.lastDocument()
	if kind == CurrentShiftOpen {
		last = last.Add(-openEarlier)
	}
	if at.Year() < 2000 || at.Before(last) {
		return BadTime
	}
	if kind == CurrentReceipt && at.Sub(f.shift.Opened) > ShiftLimit {
		return ShiftTooLong
	}
	if !f.lastWall.IsZero() {
		// Wall clocks are cut to the minute, hence one minute of slack.
		skew := at.Sub(f.lastWall) - f.cfg.Timer().Sub(f.lastTimer)
		if skew.Abs() > timerLimit+time.Minute {
			return TimeSkew
		}
	}
	return nil
}

// Data adds whole TLV elements to the open document (command 07h: 1024 bytes
// at most, lengths are checked, meaning is not).
func (f *FN) Data(tlv []byte) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.draft == nil {
		return WrongState
	}
	if len(tlv) > maxElement || len(f.draft.data)+len(tlv) > f.draft.limit() {
		return TLVTooBig
	}
	if !Elements(tlv, func(uint16, []byte) bool { return true }) {
		return BadCommand
	}
	f.draft.data = append(f.draft.data, tlv...)
	return nil
}

func (d *draft) limit() int {
	switch d.kind {
	case CurrentReceipt:
		return maxReceipt
	case CurrentRegistration:
		return maxRegReport
	default:
		return maxShiftDoc
	}
}

// Cancel drops the open document (06h). Without one it answers WrongState.
func (f *FN) Cancel() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.draft == nil {
		return WrongState
	}
	f.draft = nil
	return nil
}

// Register finishes a registration report.
func (f *FN) Register(r Registration) (Document, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.draft == nil || f.draft.kind != CurrentRegistration {
		return Document{}, WrongState
	}
	if len(r.INN) == 0 || len(r.INN) > 12 || len(r.RNM) == 0 || len(r.RNM) > 20 || r.FFD < 2 || r.FFD > 4 {
		return Document{}, BadValue
	}
	f.reg = r
	f.ffd = r.FFD
	d, err := f.commit(TypeRegistration, f.draft.at, 0, 0)
	if err != nil {
		f.reg, f.ffd = Registration{}, 0
	}
	return d, err
}

// FinishShift finishes an opening or a closing report, whichever is open.
func (f *FN) FinishShift() (Document, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.draft != nil && f.draft.kind == CurrentShiftOpen:
		return f.commit(TypeShiftOpen, f.draft.at, 0, 0)
	case f.draft != nil && f.draft.kind == CurrentShiftClose:
		return f.commit(TypeShiftClose, f.draft.at, 0, 0)
	}
	return Document{}, WrongState
}

// FinishReceipt finishes a receipt: operation is 1054 (1..4), sum is 1020 in
// kopecks, at the wall clock of the finish command.
func (f *FN) FinishReceipt(at time.Time, operation byte, sum int64) (Document, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.draft == nil || f.draft.kind != CurrentReceipt {
		return Document{}, WrongState
	}
	if operation < 1 || operation > 4 || sum < 0 || sum >= 1<<40 {
		return Document{}, BadValue
	}
	at = Wall(at)
	if err := f.mayMake(CurrentReceipt, at); err != nil {
		return Document{}, err
	}
	return f.commit(TypeReceipt, at, operation, sum)
}

// commit composes the document, writes it to the archive and only then lets it
// exist. The ФН writes its own requisites first, in the order every real dump
// shows (ffd.md §2): 1041 1037 1018 1040 1012 1077 1038 1042 1054 1020.
func (f *FN) commit(kind Type, at time.Time, operation byte, sum int64) (Document, error) {
	fd := uint32(len(f.docs)) + 1
	b := make([]byte, 4, 256+len(f.draft.data))
	b = AppendFixed(b, 1041, f.cfg.Serial, 16)
	b = AppendFixed(b, 1037, f.reg.RNM, 20)
	b = AppendFixed(b, 1018, f.reg.INN, 12)
	b = AppendU32(b, 1040, fd)
	b = AppendUnix(b, 1012, at)
	sign := len(b) + 4 + 2
	b = AppendTLV(b, 1077, append(signPrefix(kind), 0, 0, 0, 0))
	switch kind {
	default: // a registration has neither shift nor sum
	case TypeShiftOpen:
		b = AppendU32(b, 1038, uint32(f.shift.Number)+1)
	case TypeShiftClose:
		b = AppendU32(b, 1038, uint32(f.shift.Number))
	case TypeReceipt:
		b = AppendU32(b, 1038, uint32(f.shift.Number))
		b = AppendU32(b, 1042, uint32(f.shift.Receipts)+1)
		b = AppendByte(b, 1054, operation)
		b = AppendVLN(b, 1020, uint64(sum))
	}
	if kind != TypeRegistration {
		b = AppendByte(b, 1209, f.ffd)
	}
	b = append(b, f.draft.data...)
	if kind == TypeShiftOpen || kind == TypeShiftClose {
		b = f.appendShiftReport(b, kind)
	}
	binary.LittleEndian.PutUint16(b, uint16(kind))
	binary.LittleEndian.PutUint16(b[2:], uint16(len(b)-4))
	binary.BigEndian.PutUint32(b[sign:], crc32.ChecksumIEEE(b))

	d, err := Decode(b)
	if err != nil {
		return Document{}, BadCommand
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
	return d, nil
}

// signPrefix is the two bytes before the sign in 1077 (ffd.md §13).
func signPrefix(kind Type) []byte {
	if kind == TypeRegistration {
		return []byte{0x21, 0x04}
	}
	return []byte{0x31, 0x04}
}

// appendShiftReport adds what the ФН itself knows at a shift's ends
// (ffd.md §4.5, §4.6).
func (f *FN) appendShiftReport(b []byte, kind Type) []byte {
	warn := f.warnings()
	for i, tag := range []uint16{1051, 1050, 1052, 1053} {
		if warn&(1<<i) != 0 {
			b = AppendByte(b, tag, 1)
		}
	}
	if kind == TypeShiftOpen {
		return b
	}
	b = AppendU32(b, 1118, uint32(f.shift.Receipts))
	b = AppendU32(b, 1111, uint32(f.shift.Documents)+1)
	b = AppendU32(b, 1097, uint32(len(f.docs)-f.confirmed))
	if f.confirmed < len(f.docs) {
		b = AppendUnix(b, 1098, f.docs[f.confirmed].At.Truncate(24*time.Hour))
	}
	days := max(0, int(f.life.Sub(f.cfg.Timer())/(24*time.Hour)))
	if f.ffd >= 3 {
		b = AppendU16(b, 1213, uint16(min(days, 0xffff)))
		b = f.totals.append(b, 1194)
		b = f.lifetime.append(b, 1157)
	}
	return b
}

// apply lets a committed or replayed document change the state.
func (f *FN) apply(d Document) {
	f.docs = append(f.docs, d)
	f.tickets = append(f.tickets, time.Time{})
	switch d.Type {
	default:
	case TypeRegistration:
		f.phase, f.regFD = PhaseWork, d.FD
		f.reg.At = d.At
	case TypeShiftOpen:
		f.shift = Shift{Open: true, Number: uint16(d.Shift), Documents: 1, Opened: d.At}
		f.totals = totals{}
	case TypeShiftClose:
		f.shift.Open = false
		f.shift.Documents++
	case TypeReceipt:
		f.shift.Receipts = uint16(d.Receipt)
		f.shift.Documents++
		f.totals.add(d)
		f.lifetime.add(d)
	}
}
