package module_test

import (
	"context"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"net"
	"sync"
	"testing"

	"github.com/chekomat/chekomat/mdb/module"
	"github.com/chekomat/chekomat/mdb/module/link"
)

// twoSlots is a module over TCP that takes images and restarts.
type twoSlots struct {
	mu      sync.Mutex
	version [3]byte
	boot    uint64
	broken  bool // the new image does not come up
	got     []byte
	next    *[3]byte
	stop    context.CancelFunc
}

func (m *twoSlots) do(msg link.Message) uint8 {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch msg := msg.(type) {
	case link.FwBegin:
		m.got = nil
	case link.FwData:
		m.got = append(m.got[:msg.Offset], msg.Data...)
	case link.FwCommit:
		im, err := link.ParseImage(m.got)
		if err != nil {
			return link.StatusVerify
		}
		m.next = &im.Version
	case link.Reboot:
		m.boot++
		if m.next != nil && !m.broken {
			m.version = *m.next
		}
		m.next = nil
		go m.stop()
	}
	return link.StatusOK
}

// serve runs the module over and over; it gives its address.
func (m *twoSlots) serve(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			run, stop := context.WithCancel(ctx)
			m.mu.Lock()
			m.stop = stop
			dev, err := link.NewDevice(link.DeviceConfig{Boot: m.boot, Version: m.version, Capabilities: link.CanListenMDB | link.CanUpdate, Command: m.do})
			m.mu.Unlock()
			if err != nil {
				t.Error(err)
				return
			}
			_ = dev.Serve(run, c)
			stop()
		}
	})
	t.Cleanup(func() { cancel(); l.Close(); wg.Wait() })
	return "chekomat+tcp://" + l.Addr().String()
}

func image(n int, version [3]byte) []byte {
	b := make([]byte, link.ImageHeader+n)
	le := binary.LittleEndian
	le.PutUint32(b, 0x4D4B4843)
	le.PutUint32(b[8:], uint32(n))
	le.PutUint32(b[12:], crc32.ChecksumIEEE(b[link.ImageHeader:]))
	copy(b[20:], version[:])
	le.PutUint32(b[28:], crc32.ChecksumIEEE(b[:28]))
	return b
}

func TestUpdate(t *testing.T) {
	m := &twoSlots{version: [3]byte{0, 4, 1}, boot: 5}
	address := m.serve(t)
	up, err := module.Update(t.Context(), address, image(900, [3]byte{0, 4, 2}), nil)
	if err != nil || up.From != [3]byte{0, 4, 1} || up.To != [3]byte{0, 4, 2} || up.Hello.Boot != 6 {
		t.Fatalf("%+v, %v", up, err)
	}
	m.mu.Lock()
	m.broken = true
	m.mu.Unlock()
	up, err = module.Update(t.Context(), address, image(900, [3]byte{0, 5, 0}), nil)
	if !errors.Is(err, module.ErrRolledBack) || up.Hello.FwMinor != 4 || up.Hello.Boot != 7 {
		t.Fatalf("%+v, %v", up, err)
	}
}

func TestUpdateBadImage(t *testing.T) {
	m := &twoSlots{version: [3]byte{0, 4, 1}, boot: 5}
	address := m.serve(t)
	good := image(900, [3]byte{0, 4, 2})
	for _, n := range []int{0, 31, 32, 500, len(good) - 1} {
		if _, err := module.Update(t.Context(), address, good[:n], nil); !errors.Is(err, link.ErrImage) {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
	good[700] ^= 1
	if _, err := module.Update(t.Context(), address, good, nil); !errors.Is(err, link.ErrImage) {
		t.Errorf("damaged: %v", err)
	}
	if m.got != nil {
		t.Error("the module was given something")
	}
}

func TestAttendOnlyOurs(t *testing.T) {
	for _, address := range []string{"file:///x.words.csv", "qibixx:///dev/ttyACM0", "x", "chekomat+tcp://%zz"} {
		if _, err := module.Attend(t.Context(), address); err == nil {
			t.Error(address)
		}
	}
}
