package shtrih

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func unhex(s string) []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		panic(err)
	}
	return b
}

// play is a scripted device: "> bytes" must come from the host, "< bytes" are
// sent, "wait" lets time pass, "close" cuts the link. Lines are as in captures.
func play(t *testing.T, script string) net.Conn {
	host, device := net.Pipe()
	go func() {
		defer device.Close()
		for line := range strings.Lines(script) {
			line = strings.TrimSpace(line)
			switch {
			case line == "":
			case line == "wait":
				time.Sleep(90 * time.Second)
			case line == "close":
				return
			case line[0] == '<':
				if _, err := device.Write(unhex(line[1:])); err != nil {
					t.Errorf("send %s: %v", line, err)
					return
				}
			default:
				want := unhex(line[1:])
				got := make([]byte, len(want))
				if _, err := io.ReadFull(device, got); err != nil || !bytes.Equal(got, want) {
					t.Errorf("host sent % X, want %s: %v", got, line, err)
					return
				}
			}
		}
		io.Copy(io.Discard, device)
	}()
	return host
}

const (
	statusRequest = "02 05 10 1E 00 00 00 0B"
	statusAnswer  = "02 10 10 00 1E 92 02 02 00 00 9F E5 18 01 00 92 08 00 75"
	oldAnswer     = "02 10 FF 45 00 00 00 00 00 00 DC 45 00 00 B5 BC 48 11 63"
)

func TestLinkV1(t *testing.T) {
	for _, c := range []struct {
		name   string
		script string
		sent   bool // of the error; "" none
		fails  bool
	}{
		{name: "plain", script: "> 05\n< 15\n> " + statusRequest + "\n< 06\n< " + statusAnswer + "\n> 06"},
		{name: "RNDIS bytes", script: "> 05\n< FF\n< 15\n> " + statusRequest + "\n< FF 06 FF 00\n< " + statusAnswer + "\n> 06"},
		{name: "ENQ is missed once", script: "> 05\n> 05\n< 15\n> " + statusRequest + "\n< 06\n< " + statusAnswer + "\n> 06"},
		{name: "two ENQs, both answered late", script: "> 05\n> 05\n< 15 15\n> " + statusRequest + "\n< 06\n< " + statusAnswer + "\n> 06"},
		{name: "NAK of an earlier ENQ after the command", script: "> 05\n> 05\n< 15\n> " + statusRequest + "\n< 15\nwait", fails: true, sent: true},
		{name: "an old answer is pending", script: "> 05\n< 06\n< " + oldAnswer + "\n> 06\n> 05\n< 15\n> " + statusRequest + "\n< 06\n< " + statusAnswer + "\n> 06"},
		{name: "an old answer comes first", script: "> 05\n< 15\n> " + statusRequest + "\n< 06\n< " + oldAnswer + "\n> 06\n< " + statusAnswer + "\n> 06"},
		{name: "command damaged", script: "> 05\n< 15\n> " + statusRequest + "\n< 15\n> 05\n< 15\n> " + statusRequest + "\n< 06\n< " + statusAnswer + "\n> 06"},
		{name: "answer damaged", script: "> 05\n< 15\n> " + statusRequest + "\n< 06\n< " + strings.Replace(statusAnswer, "92 02", "92 03", 1) + "\n> 15 05\n< 06\n< " + statusAnswer + "\n> 06"},
		{name: "no ACK", script: "> 05\n< 15\n> " + statusRequest + "\n< " + statusAnswer + "\n> 06"},
		{name: "silence", script: "> 05\n> 05\n> 05\nwait", fails: true},
		{name: "always damaged", script: strings.Repeat("> 05\n< 15\n> "+statusRequest+"\n< 15\n", 3), fails: true},
		{name: "no answer", script: "> 05\n< 15\n> " + statusRequest + "\n< 06\nwait", fails: true, sent: true},
		{name: "half an answer", script: "> 05\n< 15\n> " + statusRequest + "\n< 06\n< 02 10 10 00 1E\nwait", fails: true, sent: true},
		{name: "cut after the command", script: "> 05\n< 15\n> " + statusRequest + "\nclose", fails: true, sent: true},
		{name: "cut before the command", script: "> 05\nclose", fails: true},
		{name: "only noise", script: "> 05\n< 15\n> " + statusRequest + "\n< 06\n< " + strings.Repeat("AA ", 1100) + "\nclose", fails: true, sent: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				set := settings(t, "")
				s := newSession(play(t, c.script), &set)
				stop := s.with(context.Background())
				b, err := s.exchange(cmdShortStatus, nil)
				stop()
				s.conn.Close()
				var link *LinkError
				switch {
				case !c.fails && (err != nil || len(b) != 14):
					t.Errorf("% X %v", b, err)
				case c.fails && (!errors.As(err, &link) || link.Sent != c.sent):
					t.Errorf("%v, want a link error, sent %v", err, c.sent)
				}
				time.Sleep(2 * time.Minute)
			})
		})
	}
}

func frame2(num uint16, data string) string {
	return hex.EncodeToString(AppendFrame2(nil, num, unhex(data), true))
}

func TestLinkV2(t *testing.T) {
	const request, reply = "10 1E 00 00 00", "10 00 1E 92 02 02 00 00 9F E5 18 01 00 92 08 8F"
	sync := "> 8F 00 00 0F 1D\n< " + frame2(0x8e, "88 00 1E") + "\n"
	ask := "> " + frame2(0x8f, request) + "\n"
	for _, c := range []struct {
		name   string
		script string
		fails  bool
		syncs  bool
	}{
		{name: "plain", script: sync + ask + "< " + frame2(0x8f, reply)},
		{name: "no command was executed yet", script: "> 8F 00 00 0F 1D\n< 8F 02 00 00 00 A8 69\n> " + frame2(1, request) + "\n< " + frame2(1, reply)},
		{name: "first sync is lost", script: "> 8F 00 00 0F 1D\n> 8F 00 00 0F 1D\n< " + frame2(0x8e, "88 00 1E") + "\n" + ask + "< " + frame2(0x8f, reply)},
		{name: "reply of another number", script: sync + ask + "< " + frame2(0x8e, reply) + "\n< " + frame2(0x8f, reply)},
		{name: "reply of another command", script: sync + ask + "< " + frame2(0x8f, "1E 00") + "\n< " + frame2(0x8f, reply)},
		{name: "noise and a cut frame before", script: sync + ask + "< 00 01 8F 13 00\n< " + frame2(0x8f, reply)},
		{name: "damaged, then nothing", script: sync + ask + "< " + strings.Replace(frame2(0x8f, reply), "1e92", "1e93", 1) + "\nwait", fails: true},
		{name: "cut", script: sync + ask + "close", fails: true},
		{name: "silence", script: "wait", fails: true, syncs: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				set := settings(t, "link=v2")
				s := newSession(play(t, c.script), &set)
				stop := s.with(context.Background())
				err := s.sync2()
				if (err != nil) != c.syncs {
					t.Errorf("sync: %v", err)
				}
				if err == nil {
					b, err := s.exchange(cmdShortStatus, nil)
					var link *LinkError
					if !c.fails && (err != nil || b[len(b)-1] != 0x8f) || c.fails && (!errors.As(err, &link) || !link.Sent) {
						t.Errorf("% X %v", b, err)
					}
				}
				stop()
				s.conn.Close()
				time.Sleep(2 * time.Minute)
			})
		})
	}
}

// The whole synthetic capture of a receipt, replayed byte by byte: the driver
// asks what a host of the reference asks where their ways are the same.
func TestReplayedStatus(t *testing.T) {
	path := filepath.Join(traces(t, "kkt/shtrih"), "synthetic_v1_receipt_ok.hex")
	if _, err := os.Stat(path); err != nil {
		t.Skip("the capture is not in the folder: ", err)
	}
	messages := capture(t, path)
	var script strings.Builder
	for _, m := range messages[:12] { // 10h and FF01h
		sign := "< "
		if m.toDevice {
			sign = "> "
		}
		script.WriteString(sign + hex.EncodeToString(m.bytes) + "\n")
	}
	synctest.Test(t, func(t *testing.T) {
		set := settings(t, "")
		s := newSession(play(t, script.String()), &set)
		defer s.with(context.Background())()
		if _, err := s.exchange(cmdShortStatus, nil); err != nil {
			t.Error(err)
		}
		b, err := s.exchange(cmdFNStatus, nil)
		if err != nil {
			t.Fatal(err)
		}
		if fn, err := parseFNStatus(b); err != nil || fn.LastFD != 1000 {
			t.Errorf("%+v %v", fn, err)
		}
		s.conn.Close()
	})
}
