package line

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"sync"

	"golang.org/x/sys/unix"
)

// pty is the master of a pseudo-terminal. The slave is held open as well: a
// host may come and go, the line stays, and the master never sees a hang-up.
type pty struct {
	*os.File
	slave *os.File
	once  sync.Once
}

func openPty(c Config) (*Pty, error) {
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	var number uint32
	err = control(master, func(fd int) error {
		if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
			return fmt.Errorf("unlock: %w", err)
		}
		number, err = unix.IoctlGetUint32(fd, unix.TIOCGPTN)
		return err
	})
	if err != nil {
		_ = master.Close()
		return nil, err
	}
	path := "/dev/pts/" + strconv.FormatUint(uint64(number), 10)
	slave, err := os.OpenFile(path, os.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		_ = master.Close()
		return nil, err
	}
	t := &pty{File: master, slave: slave}
	if err := control(slave, raw); err != nil {
		return nil, errors.Join(fmt.Errorf("make %s raw: %w", path, err), t.Close())
	}
	if c.Link != "" {
		if err := makeLink(path, c.Link); err != nil {
			return nil, errors.Join(err, t.Close())
		}
		path = c.Link
	}
	p := newPty(t, c, Address(path))
	p.link = c.Link
	return p, nil
}

// control runs an ioctl without taking the file out of the poller.
func control(f *os.File, do func(fd int) error) error {
	rc, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var inner error
	if err := rc.Control(func(fd uintptr) { inner = do(int(fd)) }); err != nil {
		return err
	}
	return inner
}

// raw passes bytes as they are: no echo, no lines, no signals.
func raw(fd int) error {
	t, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	if err != nil {
		return err
	}
	t.Iflag &^= unix.IGNBRK | unix.BRKINT | unix.PARMRK | unix.ISTRIP | unix.INLCR | unix.IGNCR | unix.ICRNL | unix.IXON
	t.Oflag &^= unix.OPOST
	t.Lflag &^= unix.ECHO | unix.ECHONL | unix.ICANON | unix.ISIG | unix.IEXTEN
	t.Cflag = t.Cflag&^(unix.CSIZE|unix.PARENB) | unix.CS8
	t.Cc[unix.VMIN], t.Cc[unix.VTIME] = 1, 0
	return unix.IoctlSetTermios(fd, unix.TCSETS, t)
}

// Read gives the host's bytes. A host that asked for the port alone and was
// killed leaves that lock behind while the slave is held here: each byte heard
// takes it away.
func (t *pty) Read(b []byte) (int, error) {
	n, err := t.File.Read(b)
	if n > 0 {
		_ = control(t.slave, func(fd int) error { return unix.IoctlSetInt(fd, unix.TIOCNXCL, 0) })
	}
	return n, err
}

func (t *pty) fits(baud int) bool {
	same := true
	_ = control(t.slave, func(fd int) error {
		s, err := unix.IoctlGetTermios(fd, unix.TCGETS2)
		if err == nil {
			same = s.Ospeed == uint32(baud)
		}
		return err
	})
	return same
}

func (t *pty) Close() (err error) {
	t.once.Do(func() { err = errors.Join(t.slave.Close(), t.File.Close()) })
	return err
}
