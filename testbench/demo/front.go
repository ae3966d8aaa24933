package demo

import (
	"fmt"
	"io"
	"net"
	"slices"
	"sync"
	"time"
)

// front is the TCP balancer before the brokers of hubs that share a database:
// each connection goes to the first of them that takes it and is not shunned.
type front struct {
	ln net.Listener

	mu      sync.Mutex
	brokers []string
	shunned map[string]bool
	open    map[net.Conn]string // towards the broker
}

func listenFront(address string, brokers []string) (*front, error) {
	ln, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("demo: listen before the brokers: %w", err)
	}
	f := &front{ln: ln, brokers: brokers, shunned: map[string]bool{}, open: map[net.Conn]string{}}
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go f.carry(c)
		}
	}()
	return f, nil
}

func (f *front) carry(agent net.Conn) {
	defer agent.Close()
	hub := f.dial()
	if hub == nil {
		return
	}
	defer func() {
		hub.Close()
		f.mu.Lock()
		delete(f.open, hub)
		f.mu.Unlock()
	}()
	done := make(chan struct{}, 2)
	copyTo := func(to, from net.Conn) {
		_, _ = io.Copy(to, from) // either end hangs up: both are hung up
		done <- struct{}{}
	}
	go copyTo(hub, agent)
	go copyTo(agent, hub)
	<-done
}

// dial reaches the first broker that answers; nil: none does.
func (f *front) dial() net.Conn {
	f.mu.Lock()
	brokers := slices.DeleteFunc(slices.Clone(f.brokers), func(b string) bool { return f.shunned[b] })
	f.mu.Unlock()
	for _, b := range brokers {
		c, err := net.DialTimeout("tcp", b, 2*time.Second)
		if err != nil {
			continue
		}
		f.mu.Lock()
		late := f.shunned[b]
		if !late {
			f.open[c] = b
		}
		f.mu.Unlock()
		if !late {
			return c
		}
		c.Close()
	}
	return nil
}

// lead lets connections to a broker, or hangs up those there are and makes no
// more.
func (f *front) lead(broker string, to bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.shunned[broker] = !to
	for c, b := range f.open {
		if b == broker && !to {
			c.Close()
		}
	}
}

func (f *front) close() {
	f.ln.Close()
	f.mu.Lock()
	defer f.mu.Unlock()
	for c := range f.open {
		c.Close()
	}
}
