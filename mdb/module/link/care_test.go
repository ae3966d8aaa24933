package link

import (
	"context"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"net"
	"sync"
	"testing"
)

// testImage makes an image of n bytes of program.
func testImage(n int, version [3]byte, hardware uint8) []byte {
	b := make([]byte, ImageHeader+n)
	for i := range n {
		b[ImageHeader+i] = byte(i*7 + i>>8)
	}
	le := binary.LittleEndian
	le.PutUint32(b, imageMagic)
	le.PutUint32(b[4:], 0x20000000)
	le.PutUint32(b[8:], uint32(n))
	le.PutUint32(b[12:], crc32.ChecksumIEEE(b[ImageHeader:]))
	le.PutUint32(b[16:], 0x20000101)
	copy(b[20:], version[:])
	b[23] = hardware
	le.PutUint32(b[28:], crc32.ChecksumIEEE(b[:28]))
	return b
}

func TestParseImage(t *testing.T) {
	good := testImage(1000, [3]byte{0, 4, 2}, 1)
	im, err := ParseImage(good)
	if err != nil || im.Version != [3]byte{0, 4, 2} || im.Size != 1000 || im.Hardware != 1 || im.Entry != 0x20000101 {
		t.Fatalf("%+v, %v", im, err)
	}
	for n := range len(good) {
		if _, err := ParseImage(good[:n]); !errors.Is(err, ErrImage) {
			t.Fatalf("cut at %d: %v", n, err)
		}
	}
	for i := range good {
		bad := append([]byte(nil), good...)
		bad[i] ^= 0x10
		if _, err := ParseImage(bad); !errors.Is(err, ErrImage) {
			t.Fatalf("damaged at %d: %v", i, err)
		}
	}
	if _, err := ParseImage(testImage(MaxImage, [3]byte{}, 0)); !errors.Is(err, ErrImage) {
		t.Fatal("longer than a slot:", err)
	}
}

func FuzzParseImage(f *testing.F) {
	f.Add(testImage(40, [3]byte{1, 2, 3}, 0))
	f.Fuzz(func(t *testing.T, b []byte) {
		if im, err := ParseImage(b); err == nil && int(im.Size)+ImageHeader != len(b) {
			t.Fatal(im)
		}
	})
}

// slot takes an image as the module's second slot does.
type slot struct {
	mu    sync.Mutex
	open  bool
	begin FwBegin
	got   []byte
	good  []byte // verified
	boots int
}

func (s *slot) do(m Message) uint8 {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch m := m.(type) {
	case FwBegin:
		s.open, s.begin, s.got, s.good = true, m, nil, nil
	case FwData:
		switch {
		case !s.open:
			return StatusMode
		case int(m.Offset) > len(s.got):
			return StatusValue
		}
		s.got = append(s.got[:m.Offset], m.Data...)
	case FwCommit:
		if !s.open {
			return StatusMode
		}
		s.open = false
		if len(s.got) != int(s.begin.Size) || crc32.ChecksumIEEE(s.got) != s.begin.CRC {
			return StatusVerify
		}
		s.good = append([]byte(nil), s.got...)
	case FwAbort:
		s.open = false
	case Reboot:
		s.boots++
	default:
		return StatusUnknown
	}
	return StatusOK
}

// attended serves a device to a Care over a pipe.
func attended(t *testing.T, cfg DeviceConfig) *Care {
	t.Helper()
	cfg.Boot = 7
	dev, err := NewDevice(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ours, theirs := net.Pipe()
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { _ = dev.Serve(ctx, theirs) })
	c, err := Attend(ctx, ours)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close(); cancel(); wg.Wait() })
	return c
}

func TestCareUpdates(t *testing.T) {
	var s slot
	c := attended(t, DeviceConfig{Capabilities: CanUpdate | CanUSBBoot, Command: s.do})
	image := testImage(5000, [3]byte{0, 4, 2}, 0)
	seen := 0
	if err := c.Update(t.Context(), image, func(done, whole int) {
		if done <= seen || whole != len(image) {
			t.Errorf("progress %d of %d after %d", done, whole, seen)
		}
		seen = done
	}); err != nil {
		t.Fatal(err)
	}
	if string(s.good) != string(image) || seen != len(image) || s.begin.Version != [3]byte{0, 4, 2} {
		t.Fatalf("%d bytes verified, progress %d", len(s.good), seen)
	}
	if err := c.Reboot(t.Context(), false); err != nil || s.boots != 1 {
		t.Fatal(err, s.boots)
	}
	if b, err := c.Heartbeat(t.Context()); err != nil || b.Mode != 0 {
		t.Fatalf("%+v, %v", b, err)
	}
}

func TestCareRefusals(t *testing.T) {
	image := testImage(500, [3]byte{1, 0, 0}, 0)
	for name, x := range map[string]struct {
		caps  uint32
		image []byte
		do    func(Message) uint8
		want  error
	}{
		"no update":      {CanListenMDB, image, nil, ErrNoUpdate},
		"no image":       {CanUpdate, image[:400], nil, ErrImage},
		"another board":  {CanUpdate, testImage(500, [3]byte{}, 9), nil, ErrHardware},
		"on trial":       {CanUpdate, image, func(Message) uint8 { return StatusBusy }, StatusError{TypeFwBegin, StatusBusy}},
		"not verified":   {CanUpdate, image, func(m Message) uint8 { return map[uint8]uint8{TypeFwCommit: StatusVerify}[m.Type()] }, StatusError{TypeFwCommit, StatusVerify}},
		"flash gives up": {CanUpdate, image, func(m Message) uint8 { return map[uint8]uint8{TypeFwData: StatusVerify}[m.Type()] }, StatusError{TypeFwData, StatusVerify}},
		"never began":    {CanUpdate, image, func(m Message) uint8 { return map[uint8]uint8{TypeFwCommit: StatusMode}[m.Type()] }, StatusError{TypeFwCommit, StatusMode}},
	} {
		t.Run(name, func(t *testing.T) {
			c := attended(t, DeviceConfig{Capabilities: x.caps, Command: x.do})
			if err := c.Update(t.Context(), x.image, nil); !errors.Is(err, x.want) {
				t.Errorf("%v, want %v", err, x.want)
			}
		})
	}
	c := attended(t, DeviceConfig{Capabilities: CanUpdate})
	if err := c.Reboot(t.Context(), true); !errors.Is(err, ErrNoUSB) {
		t.Error(err)
	}
}
