package module

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/chekomat/chekomat/mdb/module/link"
)

// ErrNotOurs says that only a Chekomat module can be looked after.
var ErrNotOurs = errors.New("only a Chekomat module (chekomat:// or chekomat+tcp://) can be asked that")

// Attend opens a Chekomat module to look after it: chekomat:///dev/ttyACM0 or
// chekomat+tcp://host:port. A host that takes its words must let go first: a
// serial port serves one program.
func Attend(ctx context.Context, address string) (*link.Care, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, fmt.Errorf("open module %q: %w", address, err)
	}
	if u.Scheme != "chekomat" && u.Scheme != "chekomat+tcp" {
		return nil, fmt.Errorf("open module %q: %w", address, ErrNotOurs)
	}
	rw, err := dial(ctx, u)
	if err != nil {
		return nil, err
	}
	c, err := link.Attend(ctx, rw)
	if err != nil {
		return nil, fmt.Errorf("open module %s: %w", u, err)
	}
	return c, nil
}

// ErrRolledBack says that the new image did not come up and the module went
// back to the old one.
var ErrRolledBack = errors.New("the new firmware did not come up, the module went back to the old one")

// Times of a module that restarts.
const (
	comesBack  = 90 * time.Second // an image on trial that nobody hears is given up after a while
	attendWait = 200 * time.Millisecond
)

// Updated tells what an update came to.
type Updated struct {
	From, To [3]byte
	Hello    link.Hello // of the module as it runs now
}

// Update gives a module an image, restarts it and waits until it greets as the
// new version, which also confirms the image to the module. ErrRolledBack when
// it greets as the old one. progress may be nil.
func Update(ctx context.Context, address string, image []byte, progress func(done, whole int)) (Updated, error) {
	im, err := link.ParseImage(image)
	if err != nil {
		return Updated{}, fmt.Errorf("update %s: %w", address, err)
	}
	c, err := Attend(ctx, address)
	if err != nil {
		return Updated{}, err
	}
	was := c.Hello()
	up := Updated{From: [3]byte{was.FwMajor, was.FwMinor, was.Patch}, To: im.Version, Hello: was}
	err = c.Update(ctx, image, progress)
	if err == nil {
		err = c.Reboot(ctx, false)
	}
	c.Close()
	if err != nil {
		return up, fmt.Errorf("update %s: %w", address, err)
	}
	up.Hello, err = Greeted(ctx, address, was.Boot)
	if err != nil {
		return up, fmt.Errorf("update %s: after the restart: %w", address, err)
	}
	if now := up.Hello; [3]byte{now.FwMajor, now.FwMinor, now.Patch} != im.Version {
		return up, fmt.Errorf("update %s: it runs %s: %w", address, link.VersionText([3]byte{now.FwMajor, now.FwMinor, now.Patch}), ErrRolledBack)
	}
	return up, nil
}

// Greeted waits a minute and a half for a module that is another run than boot.
func Greeted(ctx context.Context, address string, boot uint64) (link.Hello, error) {
	ctx, cancel := context.WithTimeout(ctx, comesBack)
	defer cancel()
	for {
		c, err := Attend(ctx, address)
		if err == nil {
			h := c.Hello()
			c.Close()
			if h.Minor == 0 || h.Boot != boot {
				return h, nil
			}
			err = errors.New("it has not restarted")
		}
		select {
		case <-ctx.Done():
			return link.Hello{}, err
		case <-time.After(attendWait):
		}
	}
}
