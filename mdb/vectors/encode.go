package vectors

import (
	"bytes"
	"fmt"

	"github.com/chekomat/chekomat/mdb"
)

// encodesBack holds what a good block decodes to against the block itself: the
// messages, encoded by the side that says them, must give the same words. Bytes
// no message stands for (blocks of unknown devices, rests that were not read)
// are not whole and are left out.
func encodesBack(b *mdb.Block, dl mdb.Dialect) error {
	if b.Kind == mdb.Command && mdb.DeviceOf(b.Data[0]).Cashless() {
		// A command's width is told by its length, whatever mode is on.
		other := dl
		other.EC = !dl.EC
		if encodesAs(b, other) == nil {
			return nil
		}
	}
	return encodesAs(b, dl)
}

func encodesAs(b *mdb.Block, dl mdb.Dialect) error {
	var again []byte
	line := mdb.Slave
	switch b.Kind {
	case mdb.Command:
		dev := mdb.DeviceOf(b.Data[0])
		m, err := mdb.ParseCommand(b.Payload(), dl)
		if !dev.Known() || err != nil {
			return nil //nolint:nilerr // not whole; whether that is right the expectation says
		}
		line, again = mdb.Master, mdb.EncodeCommand(dev, m, dl)
	case mdb.Answer:
		ms, err := mdb.ParseAnswer(nil, b.To, b.Sub, b.Payload(), dl)
		if err != nil {
			return nil //nolint:nilerr // as above
		}
		again = mdb.EncodeAnswer(dl, ms...)
	default:
		return nil
	}
	if n := len(again) - 1; n < len(b.Payload()) && bytes.Equal(again[:n], b.Payload()[:n]) {
		return nil // version 4.3 makes messages longer: the rest was not read
	}
	if !bytes.Equal(again, b.Bytes()) {
		return fmt.Errorf("block %X is encoded back as %X", b.Bytes(), again)
	}
	words, _ := mdb.AppendWords(nil, line, 0, again, 0)
	for i, w := range words {
		if mode := w.V&mdb.Mode != 0; mode != (line == mdb.Master && i == 0 || line == mdb.Slave && i == len(words)-1) {
			return fmt.Errorf("block %X: word %d has mode bit %v", again, i, mode)
		}
	}
	return nil
}
