package kkt

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"sort"
	"strings"
	"sync"
	"time"

	"github.com/chekomat/chekomat/fiscal/kkt/serialport"
)

// Options are what a driver needs from outside; zero values have defaults.
type Options struct {
	Now  func() time.Time                                                  // default time.Now
	Dial func(ctx context.Context, network, addr string) (net.Conn, error) // default net.Dialer
	Log  *slog.Logger                                                      // default discards
	// Serial opens a serial port, default serialport.Open.
	Serial func(ctx context.Context, path string, baud int) (net.Conn, error)
}

// Filled gives the options with their defaults.
func (o Options) Filled() Options {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Dial == nil {
		o.Dial = (&net.Dialer{}).DialContext
	}
	if o.Serial == nil {
		o.Serial = serialport.Open
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}

// Factory opens a driver; it makes no connection yet, so a lane whose register
// is off still starts.
type Factory func(u *url.URL, o Options) (Driver, error)

var (
	registryMu sync.RWMutex
	registry   = map[string]Factory{}
)

// Register makes a driver known under URL schemes. It panics on a repeat.
func Register(f Factory, schemes ...string) {
	registryMu.Lock()
	defer registryMu.Unlock()
	for _, s := range schemes {
		if _, ok := registry[s]; ok {
			panic("kkt: scheme registered twice: " + s)
		}
		registry[s] = f
	}
}

// Schemes lists the known schemes in order.
func Schemes() []string {
	registryMu.RLock()
	defer registryMu.RUnlock()
	s := make([]string, 0, len(registry))
	for k := range registry {
		s = append(s, k)
	}
	sort.Strings(s)
	return s
}

// Open makes the driver a URL names, for instance
// "shtrih+tcp://192.168.1.7:7778?password=30". Passwords in the URL are not
// repeated in errors.
func Open(rawURL string, o Options) (Driver, error) {
	u, err := url.Parse(rawURL)
	if err != nil {
		return nil, fmt.Errorf("open register: the address is not a URL")
	}
	registryMu.RLock()
	f := registry[u.Scheme]
	registryMu.RUnlock()
	if f == nil {
		return nil, fmt.Errorf("open register: unknown scheme %q, known: %s", u.Scheme, strings.Join(Schemes(), ", "))
	}
	d, err := f(u, o.Filled())
	if err != nil {
		return nil, fmt.Errorf("open register %s://%s%s: %w", u.Scheme, u.Host, u.Path, err)
	}
	return d, nil
}
