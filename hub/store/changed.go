package store

import "sync"

// signal tells any number of listeners that something was committed; a
// listener that is slow misses repetitions, never the last one.
type signal struct {
	mu        sync.Mutex
	listeners map[chan struct{}]struct{}
}

func (s *signal) broadcast() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for ch := range s.listeners {
		select {
		case ch <- struct{}{}:
		default:
		}
	}
}

// Changed gives a channel that receives after commits, coalesced. cancel must
// be called when the listener goes away.
func (s *Store) Changed() (ch <-chan struct{}, cancel func()) {
	c := make(chan struct{}, 1)
	s.changed.mu.Lock()
	defer s.changed.mu.Unlock()
	if s.changed.listeners == nil {
		s.changed.listeners = map[chan struct{}]struct{}{}
	}
	s.changed.listeners[c] = struct{}{}
	return c, func() {
		s.changed.mu.Lock()
		defer s.changed.mu.Unlock()
		delete(s.changed.listeners, c)
	}
}
