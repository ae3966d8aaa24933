package postgres

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// listenTick is how often a quiet connection is tried, and other hubs' commits
// are looked for without being told of them.
const listenTick = 5 * time.Second

// ErrNameTaken says that another hub works under this hub's name.
var ErrNameTaken = errors.New("another hub works with this database under the same name: give each its own --name")

// Listener hears of other hubs' commits, and holds this hub's name.
type Listener struct {
	cfg     *Config
	id      string
	changed func()

	mu     sync.Mutex
	name   string     // claimed; "" none
	answer chan error // for who claims
	err    error      // why it does not hear now
	wake   chan struct{}
}

// Listener makes one that calls changed after commits of writers with another
// id, after each reconnection and at a tick; Run works.
func (c *Config) Listener(id string, changed func()) *Listener {
	return &Listener{cfg: c, id: id, changed: changed, wake: make(chan struct{}, 1)}
}

// Err is why other hubs are not heard now; nil: they are.
func (l *Listener) Err() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}

// Claim takes a hub's name: ErrNameTaken when a living hub has it. The name is
// held until Run ends, and taken anew after the server was away. Run must be
// running.
func (l *Listener) Claim(ctx context.Context, name string) error {
	answer := make(chan error, 1)
	l.mu.Lock()
	l.name, l.answer = name, answer
	l.mu.Unlock()
	select { // the listening connection does it
	case l.wake <- struct{}{}:
	default:
	}
	select {
	case err := <-answer:
		return err
	case <-ctx.Done():
		return fmt.Errorf("postgres: claim the name %q: %w", name, errors.Join(ctx.Err(), l.Err()))
	}
}

func claim(ctx context.Context, c *pgx.Conn, name string) (ok bool, err error) {
	err = c.QueryRow(ctx, `SELECT pg_try_advisory_lock($1, hashtext($2))`, lockClass, "hub "+name).Scan(&ok)
	return ok, err
}

// Run listens until ctx ends; it reconnects by itself.
func (l *Listener) Run(ctx context.Context) {
	for pause := time.Duration(0); ctx.Err() == nil; pause = min(2*pause+100*time.Millisecond, 2*time.Second) {
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
		heard, err := l.listen(ctx)
		if heard {
			pause = 0
		}
		l.mu.Lock()
		l.err = err
		l.mu.Unlock()
	}
}

// listen works over one connection; heard says that it could be used.
func (l *Listener) listen(ctx context.Context) (heard bool, err error) {
	c, err := pgx.ConnectConfig(ctx, l.cfg.conn)
	if err != nil {
		return false, err
	}
	defer c.Close(context.WithoutCancel(ctx)) // nothing was written
	if _, err := c.Exec(ctx, "listen "+Channel); err != nil {
		return false, err
	}
	holds := ""
	for {
		l.mu.Lock()
		name, answer := l.name, l.answer
		l.mu.Unlock()
		var taken error
		if name != "" && holds != name {
			ok, err := claim(ctx, c, name)
			if err != nil {
				return heard, err
			}
			if ok {
				holds = name
			} else {
				taken = fmt.Errorf("hub %q: %w", name, ErrNameTaken)
			}
		}
		l.mu.Lock()
		l.err = taken
		if answer != nil {
			answer <- taken
			l.answer = nil
			if taken != nil {
				l.name, l.err = "", nil // the claimer is told, and has no claim
			}
		}
		l.mu.Unlock()
		heard = true
		l.changed()
		if err := l.wait(ctx, c); err != nil {
			return heard, err
		}
	}
}

// wait returns at a commit of another hub, at a tick, or when a name was
// claimed.
func (l *Listener) wait(ctx context.Context, c *pgx.Conn) error {
	tick, cancel := context.WithTimeout(ctx, listenTick)
	defer cancel()
	stop := make(chan struct{})
	defer close(stop)
	go func() {
		select {
		case <-l.wake:
			cancel()
		case <-stop:
		}
	}()
	for {
		n, err := c.WaitForNotification(tick)
		switch {
		case err == nil && n.Payload == l.id:
			continue
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case tick.Err() != nil || pgconn.Timeout(err):
			_, err := c.Exec(ctx, "select 1")
			return err
		default:
			return err
		}
	}
}
