package link

import (
	"bytes"
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/chekomat/chekomat/mdb"
)

// dialogue plays steps against a device: a block of the VMC without checksum,
// what it must answer without checksum, and the VMC's reply.
type step struct {
	ask   []byte
	want  []byte // nil silence, {0} alone ACK unless data is set
	data  bool   // want is data
	reply mdb.Kind
}

func run(t *testing.T, d *Device, steps []step) {
	t.Helper()
	for i, s := range steps {
		got := d.Ask(int64(i)*1000, mdb.Seal(bytes.Clone(s.ask)))
		want := s.want
		if s.data {
			want = mdb.Seal(bytes.Clone(want))
		}
		if !bytes.Equal(got, want) {
			t.Fatalf("step %d, % X: answered % X, want % X", i, s.ask, got, want)
		}
		if s.reply != 0 {
			d.Hear(int64(i)*1000, s.ask[0], s.reply)
		}
	}
}

func speaking(t *testing.T, ms ...Message) *Device {
	d := device(t, DeviceConfig{Boot: 7, Capabilities: CanListenMDB | CanSpeakMDB | HasOutputs})
	for _, m := range ms {
		if s := d.Do(m); s != StatusOK {
			t.Fatalf("%+v: %s", m, StatusText(s))
		}
	}
	return d
}

var isAck = []byte{0}

func TestVoiceSaysJustResetUntilItIsAcked(t *testing.T) {
	d := speaking(t, SetMode{1, []uint8{0x60, 0x18}})
	run(t, d, []step{
		{ask: []byte{0x62}, want: []byte{0}, data: true},
		{ask: []byte{0x62}, want: []byte{0}, data: true, reply: mdb.NAK},
		{ask: []byte{0x62}, want: []byte{0}, data: true, reply: mdb.ACK},
		{ask: []byte{0x62}, want: isAck},
		{ask: []byte{0x1A}, want: []byte{0}, data: true, reply: mdb.ACK}, // each address has its own
		{ask: []byte{0x60}, want: isAck},                                 // RESET
		{ask: []byte{0x62}, want: []byte{0}, data: true, reply: mdb.ACK},
		{ask: []byte{0x12}},                             // not ours
		{ask: []byte{0x63, 5, 1, 2, 0, 3}, want: isAck}, // no static answer: ACK
	})
	if d.Ask(0, []byte{0x62, 0x63}) != nil {
		t.Error("answered a block with a bad checksum")
	}
	// The same mode again disturbs nobody; a new list silences who is not on it.
	if d.Do(SetMode{1, []uint8{0x60, 0x18}}) != StatusOK {
		t.Fatal("refused")
	}
	run(t, d, []step{{ask: []byte{0x62}, want: isAck}})
	d.Do(SetMode{1, []uint8{0x18}})
	run(t, d, []step{{ask: []byte{0x62}}, {ask: []byte{0x1A}, want: isAck}})
	d.Do(SetMode{0, []uint8{0}})
	run(t, d, []step{{ask: []byte{0x1A}}})
}

func TestVoiceAnswersByTheLongestKey(t *testing.T) {
	d := speaking(t, SetMode{1, []uint8{0x60}},
		ReplySet{[]byte{0x61, 0}, []byte{1, 1}}, ReplySet{[]byte{0x61, 0, 3}, []byte{1, 3}},
		ReplySet{[]byte{0x67, 0}, nil}, ReplySet{[]byte{0x64}, []byte{0}}, ReplySet{[]byte{0x63, 4}, []byte{7}})
	run(t, d, []step{
		{ask: []byte{0x62}, want: []byte{0}, data: true, reply: mdb.ACK},
		{ask: []byte{0x61, 0, 2, 0, 0, 0}, want: []byte{1, 1}, data: true, reply: mdb.ACK},
		{ask: []byte{0x61, 0, 3, 0, 0, 0}, want: []byte{1, 3}, data: true, reply: mdb.ACK},
		{ask: []byte{0x67, 0, 1}},
		{ask: []byte{0x64, 1}, want: isAck},
		// Not ACKed: at the next POLL again.
		{ask: []byte{0x63, 4}, want: []byte{7}, data: true, reply: mdb.NAK},
		{ask: []byte{0x62}, want: []byte{7}, data: true, reply: mdb.ACK},
		{ask: []byte{0x62}, want: isAck},
	})
	if again := d.Hear(0, 0x60, mdb.RET); !bytes.Equal(again, isAck) {
		t.Errorf("RET: % X", again)
	}
	if s := d.Do(ReplyClear{0x60}); s != StatusOK {
		t.Fatal(s)
	}
	run(t, d, []step{{ask: []byte{0x63, 4}, want: isAck}})
}

// BEGIN SESSION had to be offered about ten times before the VMC took it.
func TestVoiceKeepsOfferingUntilAcked(t *testing.T) { synctest.Test(t, voiceKeepsOfferingUntilAcked) }

func voiceKeepsOfferingUntilAcked(t *testing.T) {
	d := speaking(t, SetMode{1, []uint8{0x60, 0x18}})
	run(t, d, []step{{ask: []byte{0x62}, want: []byte{0}, data: true, reply: mdb.ACK}, {ask: []byte{0x1A}, want: []byte{0}, data: true, reply: mdb.ACK}})
	for _, q := range []PollQueue{{11, []byte{3, 0xFF, 0xFF}, 0}, {12, []byte{2}, 0x18}, {13, []byte{4}, 0x60}} {
		if s := d.Do(q); s != StatusOK {
			t.Fatal(s)
		}
	}
	var steps []step
	for range 9 {
		steps = append(steps, step{ask: []byte{0x62}, want: []byte{3, 0xFF, 0xFF}, data: true})
	}
	run(t, d, append(steps,
		step{ask: []byte{0x62}, want: []byte{3, 0xFF, 0xFF}, data: true, reply: mdb.ACK},
		step{ask: []byte{0x60}, want: isAck}))
	h := pair(t, d, 0, 0)
	want := []TxReport{{Tag: 11, Result: TxAccepted, Tries: 10}, {Tag: 13, Result: TxReset}, {Tag: 12, Result: TxCleared}}
	h.Post(ReplyClear{})
	var got []TxReport
	for len(got) < len(want) {
		b, err := h.Read(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, b.Reports...)
	}
	for i, r := range got {
		r.Time = 0
		if r != want[i] {
			t.Errorf("report %d: %+v, want %+v", i, r, want[i])
		}
	}
}

func TestVoiceRefuses(t *testing.T) {
	d := speaking(t)
	for _, c := range []struct {
		m    Message
		want uint8
	}{
		{SetMode{1, []uint8{0x61}}, StatusValue},
		{SetMode{1, []uint8{0x60, 0x60}}, StatusValue},
		{SetMode{1, []uint8{0}}, StatusValue},
		{SetMode{2, []uint8{0x60}}, StatusValue},
		{PollQueue{1, []byte{4}, 0}, StatusMode},
		{ReplySet{nil, []byte{1}}, StatusValue},
		{Reboot{0}, StatusUnknown},
	} {
		if s := d.Do(c.m); s != c.want {
			t.Errorf("%+v: %s, want %s", c.m, StatusText(s), StatusText(c.want))
		}
	}
	d.Do(SetMode{1, []uint8{0x60}})
	if s := d.Do(PollQueue{1, []byte{4}, 0x18}); s != StatusMode {
		t.Errorf("queue of an address not played: %s", StatusText(s))
	}
	for i := range maxQueue + 1 {
		if s := d.Do(PollQueue{uint8(i), []byte{4}, 0}); (s == StatusBusy) != (i == maxQueue) {
			t.Errorf("entry %d: %s", i, StatusText(s))
		}
	}
	mute := device(t, DeviceConfig{Boot: 1})
	if s := mute.Do(SetMode{1, []uint8{0x60}}); s != StatusMode {
		t.Errorf("a module without transmitter: %s", StatusText(s))
	}
	old := device(t, DeviceConfig{Boot: 1, OldMinor: true, Capabilities: CanSpeakMDB})
	if s := old.Do(SetMode{1, []uint8{0x60, 0x18}}); s != StatusLength {
		t.Errorf("a list at 1.0: %s", StatusText(s))
	}
}

func TestInterlockKeepsTheModuleSilentAndSaysSo(t *testing.T) {
	synctest.Test(t, interlockKeepsTheModuleSilentAndSaysSo)
}

func interlockKeepsTheModuleSilentAndSaysSo(t *testing.T) {
	d := device(t, DeviceConfig{Boot: 7, Capabilities: CanSpeakMDB, Interlock: true})
	h := pair(t, d, 0, 0)
	h.Post(SetMode{1, []uint8{0x60}})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var refused, told bool
	for !refused || !told {
		b, err := h.Read(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range b.Refused {
			refused = refused || r.Command == TypeSetMode && r.Status == StatusInterlock
		}
		for _, e := range b.Events {
			told = told || e.Code == EventInterlock
		}
	}
}

// FuzzVoice holds that no sequence of commands and blocks panics and that an
// answer is a whole block.
func FuzzVoice(f *testing.F) {
	f.Add([]byte{0, 1, 0x60, 2, 2, 0x61, 0, 3, 1, 2, 3})
	f.Fuzz(func(t *testing.T, p []byte) {
		d, err := NewDevice(DeviceConfig{Boot: 1, Limit: 16, Capabilities: CanSpeakMDB})
		if err != nil {
			t.Fatal(err)
		}
		for len(p) > 1 {
			n := min(int(p[1]&0x1F), len(p)-2)
			b := p[2 : 2+n]
			switch p[0] % 6 {
			case 0:
				d.Do(SetMode{1, bytes.Clone(b)})
			case 1:
				d.Do(ReplySet{bytes.Clone(b[:n/2]), bytes.Clone(b[n/2:])})
			case 2:
				d.Do(PollQueue{p[0], bytes.Clone(b), 0})
			case 3:
				if a := d.Ask(0, mdb.Seal(bytes.Clone(b))); len(a) > 1 && mdb.Checksum(a[:len(a)-1]) != a[len(a)-1] || len(a) > mdb.MaxBlock {
					t.Fatalf("answered % X", a)
				}
			case 4:
				if n > 0 {
					d.Hear(0, b[0], mdb.Kind(p[0])%10)
				}
			case 5:
				d.Do(ReplyClear{})
			}
			p = p[2+n:]
		}
	})
}
