package uplink

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/chekomat/chekomat/agent/journal"
	"github.com/chekomat/chekomat/agent/wire"
	"github.com/chekomat/chekomat/fault"
)

// Names under which the journal keeps what the hub said.
const (
	keptConfig = "config"
	keptSerial = "serial" // of the machine the newest journal belongs to
)

// Kept reads the catalogue's snapshot kept in a journal; Version 0 when there
// is none.
func Kept(j *journal.Journal) (c wire.Config, err error) {
	body, err := j.Kept(keptConfig)
	if err != nil || body == nil {
		return c, err
	}
	if err := json.Unmarshal(body, &c); err != nil {
		return wire.Config{}, fmt.Errorf("uplink: read the kept configuration: %w", err)
	}
	return c, nil
}

// waitingMost sales are named in a hello.
const waitingMost = 200

func (u *Uplink) hello() error {
	h, err := u.cfg.Journal.Heads()
	if err != nil {
		return err
	}
	waiting, err := u.cfg.Journal.Waiting(waitingMost)
	if err != nil {
		return err
	}
	now := u.cfg.Clock.Now()
	fault.Point("uplink.beforeHello")
	u.helloAt = now.MonoMS
	return u.publish(wire.UpHello, wire.Hello{
		V: wire.Version, Journal: h.Journal, Head: h.Head, Oldest: h.Oldest,
		Boot: now.Boot, Session: u.session, Config: u.config.Version, Waiting: waiting,
		Software: u.cfg.Software, Wall: now.Wall, Synced: now.Synced,
	})
}

// shownMost results go with one state.
const shownMost = 50

func (u *Uplink) state() error {
	s, err := u.describe()
	if err != nil {
		return err
	}
	p := parcel{retained: true}
	if len(s.Shown) > 0 {
		p.taken = make(chan struct{})
		u.telling, u.took = s.Shown, p.taken
	}
	if err := u.post(wire.UpState, s, p); err != nil {
		return err
	}
	now := u.now()
	u.last, u.stateAt, u.stateBy = s, now, now+u.cfg.Every.Milliseconds()
	if len(s.Shown) == shownMost {
		u.want(now + stateGap.Milliseconds())
	}
	return nil
}

// unlessFull lets a connection outlive a disk that takes nothing: the hub must
// hear that the machine stands for it. What could not be noted is said again.
func (u *Uplink) unlessFull(err error) error {
	if !journal.Unwritable(err) {
		if u.full && err == nil {
			u.full, u.again = false, true
		}
		return err
	}
	if !u.full {
		u.cfg.Logger.Error("what the hub says can't be kept", "err", err)
	}
	u.full = true
	return nil
}

// told notes that the hub has the results of the last state: it takes a state
// in before its PUBACK. Without one they are told again.
func (u *Uplink) told() error {
	fault.Point("uplink.afterPuback")
	shown := u.telling
	u.telling, u.took = nil, nil
	return u.unlessFull(u.cfg.Journal.TellDone(shown))
}

func (u *Uplink) describe() (wire.State, error) {
	s := wire.State{V: wire.Version, Session: u.session, Online: true, Config: u.config.Version, Results: u.results,
		DiskFree: -1, Wall: u.cfg.Clock.Now().Wall.Truncate(time.Millisecond)}
	h, err := u.cfg.Journal.Heads()
	if err != nil {
		return s, err
	}
	s.Head, s.Unacked = h.Head, h.Unacked
	if u.took == nil { // what is on its way is not said twice
		if s.Shown, err = u.cfg.Journal.Untold(shownMost); err != nil {
			return s, err
		}
	}
	u.cfg.Machine.Fill(&s)
	return s, nil
}

// farewell tells what is left to tell and that the agent goes by its own will.
func (u *Uplink) farewell() {
	last := time.After(2 * goodbye)
	settle := func() {
		if u.took == nil {
			return
		}
		select {
		case <-u.took:
			_ = u.told() // told again at the worst
		case <-last:
		}
	}
	settle()
	s, err := u.describe()
	if err == nil && len(s.Shown) > 0 && u.state() == nil {
		settle()
	}
	if err != nil {
		return
	}
	s.Online, s.Shown = false, nil
	gone := make(chan struct{})
	if u.post(wire.UpState, s, parcel{retained: true, taken: gone}) != nil {
		return
	}
	select {
	case <-gone:
	case <-last:
	}
}

// take acts on messages of the hub. What can't be read is logged and left: an
// agent must not fall silent over one message.
func (u *Uplink) take(mail []letter) error {
	for _, l := range mail {
		_, _, name, err := wire.ParseTopic(l.topic)
		if err == nil {
			err = u.open(name, l.body)
		}
		var bad unreadable
		switch {
		case errors.As(err, &bad):
			u.cfg.Logger.Warn("a message of the hub can't be read", "topic", l.topic, "err", err)
		case err != nil:
			return err
		}
	}
	return nil
}

// unreadable is a message this agent does not understand.
type unreadable struct{ error }

func (u *Uplink) open(name string, body []byte) error {
	u.heardAt = u.now()
	u.cfg.Machine.Heard()
	switch name {
	case wire.DownAck:
		return open(body, func(a wire.Ack) int { return a.V }, u.ack)
	case wire.DownReceipt:
		return open(body, func(r wire.Receipt) int { return r.V }, u.receipt)
	case wire.DownConfig:
		return open(body, func(c wire.Config) int { return c.V }, u.configure)
	case wire.DownCommand:
		return open(body, func(c wire.Command) int { return c.V }, u.command)
	}
	return unreadable{fmt.Errorf("unknown name %s", name)}
}

func open[T any](body []byte, version func(T) int, act func(T) error) error {
	var m T
	if err := json.Unmarshal(body, &m); err != nil {
		return unreadable{err}
	}
	if v := version(m); v != wire.Version {
		return unreadable{fmt.Errorf("version %d, this agent knows %d", v, wire.Version)}
	}
	return act(m)
}

func (u *Uplink) receipt(r wire.Receipt) error {
	known, err := u.cfg.Journal.Told(r)
	unkept := journal.Unwritable(err)
	if err := u.unlessFull(err); err != nil {
		return err
	}
	if !known && !unkept { // the buyer sees it though it can't be kept; the hub tells it again at the next hello
		u.cfg.Logger.Warn("a receipt for a sale that is not here", "journal", r.Journal, "seq", r.Seq, "state", r.State)
		return nil
	}
	u.cfg.Machine.Told(r)
	return nil
}

// configure keeps the catalogue's snapshot. When it names another machine the
// agent was mounted elsewhere: a new journal begins, the old one drains under
// its old binding.
func (u *Uplink) configure(c wire.Config) error {
	body, err := json.Marshal(c)
	if err != nil {
		return fmt.Errorf("uplink: write the configuration: %w", err)
	}
	if err := u.unlessFull(u.cfg.Journal.Keep(keptConfig, body)); err != nil {
		return err
	}
	u.config = c
	u.cfg.Machine.Configured(c)
	u.want(u.now())
	if c.Serial == "" {
		return nil
	}
	serial, err := u.cfg.Journal.Kept(keptSerial)
	if err != nil || string(serial) == c.Serial {
		return err
	}
	if serial != nil {
		if err := u.begin(journal.WhyMachineChanged, fmt.Sprintf("machine %s, before %s", c.Serial, serial)); err != nil {
			return err
		}
	}
	return u.cfg.Journal.Keep(keptSerial, []byte(c.Serial))
}

// Trace sends a file of the flight recorder. It may be called from
// Machine.Command only: that is Run's goroutine. A PUBACK is all the hub says of
// it; what is lost can be asked for again.
func (u *Uplink) Trace(t wire.Trace) error { return u.publish(wire.UpTrace, t) }

// resultsMost results of commands are repeated in states.
const resultsMost = 5

func (u *Uplink) command(c wire.Command) error {
	if u.done[c.ID] {
		return nil // QoS 1 may bring it twice
	}
	u.done[c.ID] = true
	r := wire.Result{ID: c.ID, Detail: "expired"}
	if c.Expires.IsZero() || u.cfg.Clock.Now().Wall.Before(c.Expires) {
		r = u.cfg.Machine.Command(c)
		r.ID = c.ID
	}
	if u.results = append(u.results, r); len(u.results) > resultsMost {
		u.results = u.results[1:]
	}
	u.want(u.now())
	return nil
}
