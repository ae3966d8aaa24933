package module

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/chekomat/chekomat/mdb"
)

// waferstar is a Waferstar MDB-USB or RS232-MDB, the boxes for the reader's
// side (reference 18.2): the box answers POLL by itself, passes every other
// command of the VMC on as a line of hex, and says what the host gives it at
// the next POLL. It has one reader address and hears nobody else.
type waferstar struct {
	address mdb.Device
	sum     bool // lines and what is sent carry the checksum
	replies []Reply
	playing bool
}

func (w *waferstar) fidelity() Fidelity              { return Fidelity{Checksums: w.sum} }
func (w *waferstar) greet() []byte                   { return nil }
func (w *waferstar) bye() []byte                     { return nil }
func (w *waferstar) quiet(dst []mdb.Word) []mdb.Word { return dst }

func (w *waferstar) line(dst []mdb.Word, at int64, line string) ([]mdb.Word, []byte, error) {
	text := strings.NewReplacer(" ", "", "\t", "", ",", "").Replace(line)
	block, err := hex.DecodeString(text)
	if err != nil || len(block) == 0 || len(block) > mdb.MaxBlock {
		return dst, nil, errForm
	}
	if w.sum {
		n := len(block) - 1
		if n == 0 || mdb.Checksum(block[:n]) != block[n] {
			return dst, nil, fmt.Errorf("checksum: %w", errForm)
		}
	} else {
		if len(block) == mdb.MaxBlock {
			return dst, nil, errForm
		}
		block = mdb.Seal(block)
	}
	payload := block[:len(block)-1]
	d := retold{words: dst, t: at, to: mdb.DeviceOf(block[0]), own: mdb.Own}
	d.block(block)
	say, data := w.reply(payload)
	if data == nil {
		d.answer(nil)
	} else {
		d.answer(mdb.Seal(bytes.Clone(data)))
	}
	return d.words, say, nil
}

// reply gives what is sent for a command: JUST RESET, or the static answer
// with the longest key. data is the answer without checksum, nil for ACK.
func (w *waferstar) reply(payload []byte) (say, data []byte) {
	if !w.playing || mdb.DeviceOf(payload[0]) != w.address {
		return nil, nil
	}
	if len(payload) == 1 && payload[0] == byte(w.address) {
		return w.form([]byte{0}), nil // the box has ACKed; JUST RESET is for the next POLL
	}
	longest := 0
	for _, r := range w.replies {
		if len(r.Key) > longest && bytes.HasPrefix(payload, r.Key) {
			longest, data = len(r.Key), r.Data
		}
	}
	if len(data) == 0 || len(data) == 1 && data[0] == 0 {
		return nil, nil
	}
	return w.form(data), data
}

// form is data as the box wants it.
func (w *waferstar) form(data []byte) []byte {
	data = bytes.Clone(data)
	if w.sum {
		return mdb.Seal(data)
	}
	return data
}

// waferstarSource is also a Speaker, with the host answering what a real
// module would: the box has the VMC wait until the next POLL.
type waferstarSource struct {
	*adapterSource
	w *waferstar
}

var _ Speaker = (*waferstarSource)(nil)

// SetMode implements Speaker. The box's address is set in the box.
func (s *waferstarSource) SetMode(addresses ...mdb.Device) error {
	switch {
	case len(addresses) > 1:
		return fmt.Errorf("play %v on the bus: %w", addresses, ErrTooMany)
	case len(addresses) == 1 && addresses[0] != s.w.address:
		return fmt.Errorf("play %v on the bus: the box is at %v: %w", addresses[0], s.w.address, ErrMute)
	}
	s.w.playing = len(addresses) == 1
	return nil
}

// SetReplies implements Speaker.
func (s *waferstarSource) SetReplies(rs ...Reply) error {
	for _, r := range rs {
		s.w.replies = slices.DeleteFunc(s.w.replies, func(o Reply) bool { return bytes.Equal(o.Key, r.Key) })
		s.w.replies = append(s.w.replies, r)
	}
	return nil
}

// ClearReplies implements Speaker.
func (s *waferstarSource) ClearReplies(mdb.Device) error {
	s.w.replies = nil
	return nil
}

// QueuePoll implements Speaker. The box does not tell whether the VMC took it:
// it counts as said once it is handed over.
func (s *waferstarSource) QueuePoll(l Line) error {
	if _, err := s.rw.Write(s.w.form(l.Data)); err != nil {
		return fmt.Errorf("write to the adapter: %w", err)
	}
	d := retold{t: time.Since(s.started).Microseconds(), to: s.w.address, own: mdb.Own}
	d.block(mdb.EncodeCommand(s.w.address, mdb.Poll{}, mdb.Dialect{}))
	d.answer(mdb.Seal(bytes.Clone(l.Data)))
	s.made = s.settle(s.made, d.words)
	s.said = append(s.said, Said{Tag: l.Tag, OK: true, Tries: 1})
	return nil
}

// Live implements Speaker: an adapter has no past.
func (s *waferstarSource) Live() Cursor { return s.next }
