package register

import (
	"bufio"
	"encoding/binary"
	"errors"
	"net"
	"testing"
	"time"

	"github.com/chekomat/chekomat/testbench/fn"
)

// client is a bare V1 host: it knows the link and nothing else.
type client struct {
	conn net.Conn
	in   *bufio.Reader
	wait time.Duration
}

func dial(t testing.TB, r *Register) *client {
	t.Helper()
	return dialAt(t, r.Addr())
}

func dialAt(t testing.TB, addr string) *client {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return &client{conn: conn, in: bufio.NewReader(conn), wait: 5 * time.Second}
}

var errLink = errors.New("link")

// raw sends bytes and reads n bytes.
func (c *client) raw(n int, b ...byte) ([]byte, error) {
	_ = c.conn.SetDeadline(time.Now().Add(c.wait))
	if _, err := c.conn.Write(b); err != nil {
		return nil, err
	}
	out := make([]byte, n)
	for i := range out {
		v, err := c.in.ReadByte()
		if err != nil {
			return out[:i], err
		}
		out[i] = v
	}
	return out, nil
}

// answer reads STX LEN DATA LRC.
func (c *client) answer() ([]byte, error) {
	_ = c.conn.SetDeadline(time.Now().Add(c.wait))
	b, err := c.in.ReadByte()
	if err != nil {
		return nil, err
	}
	if b != stx {
		return nil, errLink
	}
	n, err := c.in.ReadByte()
	if err != nil {
		return nil, err
	}
	data := make([]byte, int(n)+1)
	lrc := n
	for i := range data {
		if data[i], err = c.in.ReadByte(); err != nil {
			return nil, err
		}
		lrc ^= data[i]
	}
	if lrc != 0 {
		return nil, errLink
	}
	return data[:n], nil
}

// do runs one command in full: ENQ, frame, answer, ACK.
func (c *client) do(data ...byte) ([]byte, error) {
	b, err := c.raw(1, enq)
	if err != nil || b[0] != nak {
		return nil, errors.Join(errLink, err)
	}
	return c.send(data...)
}

func (c *client) send(data ...byte) ([]byte, error) {
	b, err := c.raw(1, appendFrameV1(nil, data)...)
	if err != nil || b[0] != ack {
		return nil, errors.Join(errLink, err)
	}
	out, err := c.answer()
	if err == nil {
		_, err = c.conn.Write([]byte{ack})
	}
	return out, err
}

// must runs a command and wants the error byte.
func (c *client) must(t testing.TB, want byte, data ...byte) []byte {
	t.Helper()
	out, err := c.do(data...)
	if err != nil {
		t.Fatalf("% X: %v", data, err)
	}
	at := 1
	if out[0] == 0xFF {
		at = 2
	}
	if out[at] != want {
		t.Fatalf("% X answered %02X (%s), want %02X", data, out[at], errorText(out[at]), want)
	}
	return out[at+1:]
}

// Commands with the system administrator's password.
func cmd(code uint16, args ...byte) []byte {
	var b []byte
	if code > 0xFF {
		b = append(b, 0xFF)
	}
	return append(append(b, byte(code), 30, 0, 0, 0), args...)
}

func number4(v uint32) []byte { return binary.LittleEndian.AppendUint32(nil, v) }

func five(v int64) []byte { return binary.LittleEndian.AppendUint64(nil, uint64(v))[:5] }

// sale is an FF46h of one piece.
func sale(op byte, price int64, tax byte, name string) []byte {
	a := []byte{op, 0x40, 0x42, 0x0F, 0, 0, 0}
	a = append(a, five(price)...)
	a = append(a, five(computed)...)
	a = append(a, five(computed)...)
	a = append(a, tax, 1, 4, 1)
	return cmd(0xFF46, append(a, cp1251(name)...)...)
}

// closeBy is an FF45h paid with cash and cashless.
func closeBy(cash, card int64, system byte) []byte {
	a := append(five(cash), five(card)...)
	a = append(a, make([]byte, 14*5+1+30)...)
	return cmd(0xFF45, append(a, system)...)
}

func tag(number uint16, v []byte) []byte { return cmd(0xFF0C, fn.AppendTLV(nil, number, v)...) }

func start(t testing.TB, cfg Config) *Register {
	t.Helper()
	r, err := Start(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return r
}

func keyTag(key string) []byte {
	return fn.AppendString(fn.AppendString(nil, 1085, "chekomat"), 1086, key)
}

// receipt makes one whole receipt and returns its ФД.
func (c *client) receipt(t testing.TB, sum int64, key string) uint32 {
	t.Helper()
	c.must(t, 0, cmd(0x8D, 0)...)
	c.must(t, 0, sale(1, sum, 0x08, "Вода 0.5")...)
	c.must(t, 0, tag(1036, fn.CP866("VM-0001234"))...)
	c.must(t, 0, tag(1009, fn.CP866("г. Москва"))...)
	c.must(t, 0, tag(1187, fn.CP866("Автомат 17"))...)
	c.must(t, 0, tag(1084, keyTag(key))...)
	out := c.must(t, 0, closeBy(0, sum, 2)...)
	return binary.LittleEndian.Uint32(out[5:])
}
