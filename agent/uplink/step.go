package uplink

// An Uplink may be driven from outside instead of by Run: no goroutine, no
// timer, no client library. That is how the simulation has it on virtual time:
// Begin, then Turn with what came as often as something came or Pause is over,
// then End. All from one goroutine.

// Posted is a message on its way out.
type Posted struct {
	Topic    string
	Body     []byte
	Retained bool

	taken chan struct{}
}

// Taken tells that the broker has it (PUBACK).
func (p Posted) Taken() {
	if p.taken != nil {
		close(p.taken)
	}
}

// Begin opens a connection and gives its first messages.
func (u *Uplink) Begin() ([]Posted, error) {
	u.renew()
	u.out, u.lost = make(chan parcel, 4*u.cfg.Window+16), make(chan error, 1)
	err := u.introduce()
	return u.posted(), err
}

// Turn takes messages of the hub and does what is due. An error ends the connection.
func (u *Uplink) Turn(mail ...Letter) ([]Posted, error) {
	letters := make([]letter, len(mail))
	for i, m := range mail {
		letters[i] = letter{m.Topic, m.Body}
	}
	err := u.take(letters)
	select {
	case <-u.took:
		if err == nil {
			err = u.told()
		}
	default:
	}
	select {
	case <-u.change:
		if u.urgent() {
			u.want(u.stateAt + stateGap.Milliseconds())
		}
	default:
	}
	if err == nil {
		err = u.timely()
	}
	if err == nil {
		err = u.send()
	}
	return u.posted(), err
}

// Letter is a message of the hub.
type Letter struct {
	Topic string
	Body  []byte
}

// End tells that the connection is gone.
func (u *Uplink) End() { u.greet(false) }

// PauseMS is for how long nothing is due.
func (u *Uplink) PauseMS() int64 { return u.pause().Milliseconds() }

func (u *Uplink) posted() (out []Posted) {
	for {
		select {
		case p := <-u.out:
			out = append(out, Posted{Topic: p.topic, Body: p.body, Retained: p.retained, taken: p.taken})
		default:
			return out
		}
	}
}

// renew forgets the connection before.
func (u *Uplink) renew() {
	u.session = u.cfg.Chance()
	u.win = newWindow(u.cfg.Window, u.cfg.Patience.Milliseconds())
}

// introduce says the first words on a connection.
func (u *Uplink) introduce() error {
	u.heardAt, u.askedAt = 0, u.now()
	if err := u.hello(); err != nil {
		return err
	}
	u.telling, u.took = nil, nil
	return u.state()
}
