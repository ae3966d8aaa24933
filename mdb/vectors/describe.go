package vectors

import (
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/chekomat/chekomat/mdb"
)

// dialects is what the decoder must know from earlier traffic: of every reader
// what the context says at its top, of one what it says under its name.
func dialects(context map[string]any) (t mdb.Dialects) {
	all := spoken(context, mdb.Dialect{})
	for _, d := range []mdb.Device{mdb.Cashless1, mdb.Cashless2, mdb.AgeCheck} {
		dl := all
		if c, ok := context[d.String()].(map[string]any); ok {
			dl = spoken(c, all)
		}
		t.Know(d, dl)
	}
	return t
}

func spoken(c map[string]any, dl mdb.Dialect) mdb.Dialect {
	if n, ok := number(c, "level"); ok {
		dl.Level = uint8(n) & 0x7F
	}
	if n, ok := number(c, "vmc_level"); ok {
		dl.VMCLevel = uint8(n) & 0x7F
	}
	if ec, ok := c["expanded_currency"].(bool); ok {
		dl.EC = ec
	}
	return dl
}

// blocksOf cuts words into blocks.
func blocksOf(ws []mdb.Word) (out []mdb.Block) {
	var f mdb.Framer
	for _, w := range ws {
		out = append(out, f.Push(w)...)
	}
	if len(ws) > 0 {
		out = append(out, f.Advance(ws[len(ws)-1].T+1_000_000)...)
	}
	return out
}

// describe gives what a vector expects of a block. rest is true when the last
// one is the error of bytes behind messages that were read.
func describe(b *mdb.Block, dl mdb.Dialect) (out []map[string]any, rest bool) {
	src := "vmc"
	if b.Line == mdb.Slave {
		src = "dev"
	}
	one := func(kv ...any) []map[string]any {
		m := map[string]any{"src": src}
		for i := 0; i < len(kv); i += 2 {
			m[kv[i].(string)] = kv[i+1]
		}
		return []map[string]any{m}
	}
	switch b.Kind {
	case mdb.ACK:
		return one("msg", "ACK"), false
	case mdb.NAK:
		return one("msg", "NAK"), false
	case mdb.RET:
		return one("msg", "RET"), false
	case mdb.Break:
		return one("msg", "BREAK"), false
	case mdb.Invalid:
		if b.Fault == mdb.BadChecksum {
			d := b.Bytes()
			return one("error", b.Fault.String(), "expected_chk", hex2(mdb.Checksum(d[:len(d)-1])), "got_chk", hex2(d[len(d)-1])), false
		}
		return one("error", b.Fault.String()), false
	case mdb.Command:
		dev := mdb.DeviceOf(b.Data[0])
		name, fields := "UNKNOWN", []any{"data", hexOf(b.Payload()[1:])}
		if dev.Known() {
			m, err := mdb.ParseCommand(b.Payload(), dl)
			if err != nil {
				return one("error", err.Error()), false
			}
			name, fields = command(m, dev, b.Payload())
		}
		dn := dev.String()
		if !dev.Known() {
			dn = hex2(byte(dev))
		}
		return one(append([]any{"dev", dn, "msg", name}, fields...)...), false
	}
	ms, err := mdb.ParseAnswer(nil, b.To, b.Sub, b.Payload(), dl)
	var events []any
	for _, m := range ms {
		if e, ok := event(m, mdb.DeviceOf(b.To)); ok {
			events = append(events, e)
			continue
		}
		name, fields := answer(m, b)
		out = append(out, one(append([]any{"msg", name}, fields...)...)...)
	}
	if events != nil {
		out = append(out, one("msg", "POLL RESPONSE", "events", events)...)
	}
	if err != nil {
		out = append(out, one("error", err.Error())...)
	}
	return out, err != nil && len(ms) > 0
}

func hex2(v byte) string    { return fmt.Sprintf("%02X", v) }
func hex4(v uint16) string  { return fmt.Sprintf("%04X", v) }
func hex8(v uint32) string  { return fmt.Sprintf("%08X", v) }
func hexOf(b []byte) string { return strings.ToUpper(hex.EncodeToString(b)) }

func identity(id mdb.Identity) []any {
	kv := []any{"manufacturer", mdb.Text(id.Manufacturer), "serial", mdb.Text(id.Serial), "model", mdb.Text(id.Model), "sw", hex4(id.Software)}
	if id.HasOptions {
		kv = append(kv, "options", hex8(id.Options))
	}
	return kv
}

func credits(c [16]uint8, n uint8) []any {
	out := []any{}
	for _, v := range c[:n] {
		if v == mdb.CreditToken {
			out = append(out, "token")
		} else {
			out = append(out, int(v))
		}
	}
	return out
}

func ints[T uint8 | uint16](v []T) []int {
	out := make([]int, len(v))
	for i, x := range v {
		out[i] = int(x)
	}
	return out
}

func orUnknown(v, unknown uint32) any {
	if v == unknown {
		return "unknown"
	}
	return v
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}
