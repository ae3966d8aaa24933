package register

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/chekomat/chekomat/testbench/fn"
)

func TestReceiptFromShiftOpeningToReadBack(t *testing.T) {
	r := start(t, Config{OFD: true})
	c := dial(t, r)
	if s := c.must(t, 0, cmd(0x10)...); s[3] != 4 || s[4] != 0 {
		t.Fatalf("mode %d.%d at start, want 4.0", s[3], s[4])
	}
	c.must(t, 0, cmd(0xE0)...)
	before := c.must(t, 0, cmd(0xFF01)...)
	if len(before) != 30 || before[0] != 3 || before[3] != 1 || binary.LittleEndian.Uint32(before[26:]) != 2 {
		t.Fatalf("ФН status % X", before)
	}
	c.must(t, 0, cmd(0x8D, 0)...)
	c.must(t, 0, sale(1, 5000, 0x08, "Вода 0.5")...)
	if s := c.must(t, 0, cmd(0xFF01)...); s[1] != 4 {
		t.Fatalf("current document %02X while a receipt is open", s[1])
	}
	c.must(t, 0, cmd(0x88)...)
	fd := c.receipt(t, 5000, "key-1")
	if fd != 3 {
		t.Fatalf("ФД %d, want 3: a cancelled receipt takes no number", fd)
	}

	short := c.must(t, 0, cmd(0xFF0A, number4(fd)...)...)
	if short[0] != 3 || len(short) != 2+5+8+6 || short[15] != 1 || littleEndian(short[16:]) != 5000 {
		t.Fatalf("short data % X", short)
	}
	head := c.must(t, 0, cmd(0xFF3A, number4(fd)...)...)
	if s := c.must(t, 0, cmd(0x10)...); s[3] != 1 {
		t.Fatalf("mode %d while reading, want 1", s[3])
	}
	var body []byte
	for {
		out, err := c.do(cmd(0xFF3B)...)
		if err != nil {
			t.Fatal(err)
		}
		if out[2] == byte(fn.NoData) {
			break
		}
		body = append(body, out[3:]...)
	}
	if int(binary.LittleEndian.Uint16(head[2:])) != len(body) {
		t.Fatalf("read %d bytes, FF3Ah said % X", len(body), head)
	}
	doc := r.Archive()[2]
	if !bytes.Equal(doc.TLV[4:], body) {
		t.Fatal("read back differs from the archive")
	}
	if doc.Key != "key-1" || doc.Machine != "VM-0001234" || doc.Place != "Автомат 17" || doc.Sum != 5000 || doc.Paid["1081"] != 5000 || doc.VAT["1105"] != 5000 {
		t.Fatalf("archive: %+v", doc)
	}
	if s := c.must(t, 0, cmd(0x10)...); s[3] != 2 {
		t.Fatalf("mode %d after reading, want 2", s[3])
	}
	c.must(t, 0, cmd(0x41)...)
	if got := len(r.Archive()); got != 4 {
		t.Fatalf("%d documents, want 4", got)
	}
}
