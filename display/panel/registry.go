package panel

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/chekomat/chekomat/display"
)

// A Driver opens a panel of its scheme. The geometry has been checked.
type Driver func(*url.URL, display.Geometry) (Panel, error)

var (
	driversMu sync.RWMutex
	drivers   = map[string]Driver{}
)

// Register makes a driver available under a URL scheme; call it from init. It
// panics on a scheme taken already.
func Register(scheme string, d Driver) {
	driversMu.Lock()
	defer driversMu.Unlock()
	if _, taken := drivers[scheme]; taken {
		panic("panel: two drivers for " + scheme + "://")
	}
	drivers[scheme] = d
}

// Schemes lists what Open understands, sorted.
func Schemes() []string {
	driversMu.RLock()
	defer driversMu.RUnlock()
	var s []string
	for scheme := range drivers {
		s = append(s, scheme)
	}
	slices.Sort(s)
	return s
}

// Open opens a panel by its address:
//
//	png:///var/lib/chekomat/screen.png   a picture in a file, replaced whole
//	png:screen.png                       the same, relative to the working folder
//	kiosk://127.0.0.1:8089/              a page for a full-screen browser
//	kiosk://127.0.0.1:0/?mirror=1        a page that others merely look at
func Open(address string, g display.Geometry) (Panel, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, fmt.Errorf("panel: reading the address %q: %w", address, err)
	}
	if _, err := display.Assess(g); err != nil {
		return nil, fmt.Errorf("panel: opening %s: %w", address, err)
	}
	driversMu.RLock()
	d, ok := drivers[u.Scheme]
	driversMu.RUnlock()
	if !ok {
		return nil, fmt.Errorf("panel: no driver for %q in %q (there are %s)", u.Scheme, address, strings.Join(Schemes(), ", "))
	}
	p, err := d(u, g)
	if err != nil {
		return nil, fmt.Errorf("panel: opening %s: %w", address, err)
	}
	return p, nil
}
