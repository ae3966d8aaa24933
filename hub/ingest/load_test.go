package ingest_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"testing"

	"github.com/mochi-mqtt/server/v2/packets"

	"github.com/chekomat/chekomat/agent/wire"
)

// pump is the cheapest possible MQTT client: it sends ready-made packets with
// at most window of them without PUBACK, so that a benchmark measures the hub
// and not its load.
type pump struct {
	conn   net.Conn
	r      *bufio.Reader
	window chan struct{}
	single bool // each packet is a write of its own, as by an agent's client; else as few as can be
	topic  string
	acked  chan int64 // Ack.Upto as it comes
	puback sync.WaitGroup
}

func dialPump(tb testing.TB, addr, operator, agent, secret string, window int) *pump {
	tb.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { conn.Close() })
	id := wire.Username(operator, agent)
	p := &pump{conn: conn, r: bufio.NewReaderSize(conn, 64<<10), window: make(chan struct{}, window),
		topic: wire.Topic(operator, agent, wire.UpRecord), acked: make(chan int64, 1<<16)}
	var b bytes.Buffer
	connect := packets.Packet{ProtocolVersion: 4, FixedHeader: packets.FixedHeader{Type: packets.Connect},
		Connect: packets.ConnectParams{ProtocolName: []byte("MQTT"), Clean: true, Keepalive: 60, ClientIdentifier: id,
			UsernameFlag: true, PasswordFlag: true, Username: []byte(id), Password: []byte(secret)}}
	subscribe := packets.Packet{ProtocolVersion: 4, FixedHeader: packets.FixedHeader{Type: packets.Subscribe, Qos: 1}, PacketID: 1,
		Filters: packets.Subscriptions{{Filter: wire.Topic(operator, agent, wire.DownAck), Qos: 0}}}
	if err := errors.Join(connect.ConnectEncode(&b), subscribe.SubscribeEncode(&b)); err != nil {
		tb.Fatal(err)
	}
	if _, err := conn.Write(b.Bytes()); err != nil {
		tb.Fatal(err)
	}
	for _, want := range []byte{packets.Connack, packets.Suback} {
		if typ, body, err := p.next(); err != nil || typ != want || want == packets.Connack && body[1] != 0 {
			tb.Fatalf("packet %d %v, %v; want %d", typ, body, err, want)
		}
	}
	go p.read()
	return p
}

func (p *pump) next() (typ byte, body []byte, err error) {
	h, err := p.r.ReadByte()
	if err != nil {
		return 0, nil, err
	}
	n, _, err := packets.DecodeLength(p.r)
	if err != nil {
		return 0, nil, err
	}
	body = make([]byte, n)
	_, err = io.ReadFull(p.r, body)
	return h >> 4, body, err
}

func (p *pump) read() {
	defer close(p.acked)
	for {
		typ, body, err := p.next()
		if err != nil {
			return
		}
		switch typ {
		case packets.Puback:
			<-p.window
			p.puback.Done()
		case packets.Publish:
			n := int(body[0])<<8 | int(body[1])
			var a wire.Ack
			if json.Unmarshal(body[2+n:], &a) == nil {
				p.acked <- a.Upto
			}
		}
	}
}

// send writes the payloads, in as few writes as there are.
func (p *pump) send(payloads [][]byte) error {
	w := bufio.NewWriterSize(p.conn, 32<<10)
	var id uint16
	for _, body := range payloads {
		select {
		case p.window <- struct{}{}:
		default:
			if err := w.Flush(); err != nil {
				return err
			}
			p.window <- struct{}{}
		}
		p.puback.Add(1)
		if id++; id == 0 {
			id = 1
		}
		head := []byte{packets.Publish<<4 | 1<<1}
		n := 2 + len(p.topic) + 2 + len(body)
		for n >= 128 {
			head, n = append(head, byte(n)|128), n>>7
		}
		head = append(head, byte(n), byte(len(p.topic)>>8), byte(len(p.topic)))
		_, _ = w.Write(head)
		_, _ = w.WriteString(p.topic)
		_, _ = w.Write([]byte{byte(id >> 8), byte(id)})
		_, err := w.Write(body)
		if err == nil && p.single {
			err = w.Flush()
		}
		if err != nil {
			return err
		}
	}
	return w.Flush()
}

// arrived waits for every PUBACK.
func (p *pump) arrived() { p.puback.Wait() }

// until waits for an ack of everything up to seq.
func (p *pump) until(seq int64) error {
	for upto := range p.acked {
		if upto >= seq {
			return nil
		}
	}
	return fmt.Errorf("connection ended before an ack of %d", seq)
}
