package role

import (
	"errors"
	"fmt"

	"github.com/chekomat/chekomat/mdb"
	"github.com/chekomat/chekomat/mdb/module"
)

// State of a reader, mdb 7.3.
type State uint8

// States; the numbers from Inactive on are those of COMMAND OUT OF SEQUENCE.
const (
	Unknown  State = iota // the VMC was not heard yet, or words were lost
	Inactive              // RESET
	Disabled              // set up
	Enabled
	Idle // in a session
	Vend
)

// String names the state.
func (s State) String() string {
	return [...]string{"unknown", "inactive", "disabled", "enabled", "session_idle", "vend"}[min(s, Vend)]
}

// Reader is a cashless reader, mdb 7. As it is, it only listens in the first
// row: the VMC tells it of cash sales. With Sells it can begin sessions and
// decide vends as any reader does.
type Reader struct {
	set   ReaderSettings
	state State
	dl    mdb.Dialect
	max   uint32 // highest price of the VMC; 0 not told
	idle  bool   // always idle was enabled: VEND REQUEST without a session
	inOne bool   // a session was begun
	want  mdb.VendRequest
	given bool // VEND APPROVED was said for want

	tags      tags
	begin     uint8 // tag of BEGIN SESSION waiting to be accepted
	beginning bool
	end       uint8 // tag of END SESSION waiting to be accepted
	ending    bool
	cancel    uint8 // tag of SESSION CANCEL REQUEST waiting
	asked     int   // times it was said and the session still goes on
	again     int64 // when to say it again; 0 never
	act       Act
}

// NewReader makes a reader.
func NewReader(s ReaderSettings) (*Reader, error) {
	if err := s.Check(); err != nil {
		return nil, fmt.Errorf("reader: %w", err)
	}
	return &Reader{set: s.defaults()}, nil
}

// Device implements Role.
func (r *Reader) Device() mdb.Device { return r.set.Device }

// State gives where the reader stands, as the VMC made it.
func (r *Reader) State() State { return r.state }

// Asked gives the vend to be decided; ok is false when there is none.
func (r *Reader) Asked() (v mdb.VendRequest, ok bool) { return r.want, r.state == Vend && !r.given }

// Start implements Role. What can be known beforehand is answered by the
// module: the set-up by the VMC's level, the identity, denials.
func (r *Reader) Start() []module.Reply {
	d := byte(r.set.Device)
	var rs []module.Reply
	data := func(m mdb.AnswerMessage, key ...byte) {
		key[0] |= d
		rs = append(rs, module.Reply{Key: key, Data: encode(m, r.dl)})
	}
	if r.set.SilentID {
		rs = append(rs, module.Reply{Key: []byte{d | 7, 0}})
	}
	if r.set.EndAtOnce {
		data(mdb.EndSession{}, 3, 4)
	}
	if r.set.ByPoll {
		return rs
	}
	data(r.config(1), 1, 0)
	for vmc := uint8(1); vmc <= 3; vmc++ {
		data(r.config(vmc), 1, 0, vmc)
		data(r.config(vmc), 1, 0, vmc|0x80) // a VMC that announces stand-by
	}
	if !r.set.SilentID {
		rs = append(rs, r.identity())
	}
	if !r.set.Sells {
		data(mdb.VendDenied{}, 3, 0)
	}
	data(mdb.VendDenied{}, 3, 1)
	data(mdb.VendDenied{}, 3, 6)
	data(mdb.Cancelled{}, 4, 2)
	data(mdb.RevalueDenied{}, 5)
	return rs
}

// config is READER CONFIG for a VMC of a level: never above it.
func (r *Reader) config(vmc uint8) mdb.ReaderConfig {
	s := &r.set
	return mdb.ReaderConfig{Level: min(s.Level, vmc), Currency: s.Currency, Scale: s.Scale, Decimals: s.Decimals,
		MaxResponse: s.Response, Options: s.Options}
}

// identity is the static answer to REQUEST ID at the level agreed on.
func (r *Reader) identity() module.Reply {
	return module.Reply{Key: []byte{byte(r.set.Device) | 7, 0}, Data: encode(r.id(), mdb.Dialect{})}
}

func (r *Reader) id() mdb.PeripheralID {
	id := r.set.Identity
	id.HasOptions = r.dl.Level >= 3 && !r.set.ShortID
	id.Options = 0
	if id.HasOptions {
		id.Options = r.set.Features
	}
	return mdb.PeripheralID{Identity: id}
}

// say queues a message and gives its tag.
func (r *Reader) say(m mdb.AnswerMessage) uint8 {
	tag := r.tags.take()
	r.act.Lines = append(r.act.Lines, module.Line{Address: r.set.Device, Tag: tag, Data: encode(m, r.dl)})
	return tag
}

// byPoll queues what the module did not answer by itself.
func (r *Reader) byPoll(m mdb.AnswerMessage) {
	if r.set.ByPoll {
		r.say(m)
	}
}

func (r *Reader) done() Act {
	a := r.act
	r.act = Act{}
	return a
}

// Command implements Role.
func (r *Reader) Command(_ int64, payload []byte) Act {
	m, err := mdb.ParseCommand(payload, r.dl)
	if err != nil {
		return Act{}
	}
	switch m := m.(type) {
	case mdb.Reset:
		r.reset(Inactive)
	case mdb.SetupConfig:
		r.dl = mdb.Dialect{Level: min(r.set.Level, max(m.Level&0x7F, 1)), VMCLevel: m.Level & 0x7F}
		r.byPoll(r.config(r.dl.Level))
		if !r.set.ByPoll && !r.set.SilentID {
			r.act.Replies = append(r.act.Replies, r.identity())
		}
	case mdb.MaxMinPrices:
		r.max = m.Max
		if r.state <= Inactive {
			r.state = Disabled
		}
	case mdb.RequestID:
		if !r.set.SilentID {
			r.byPoll(r.id())
		}
	case mdb.FeatureEnable:
		on := m.Options & r.set.Features
		r.dl.EC = on&(mdb.Option32Bit|mdb.OptionMultiCurrency) != 0
		r.idle = on&mdb.OptionAlwaysIdle != 0
	case mdb.ReaderControl:
		r.control(m.Action)
	case mdb.VendRequest:
		r.request(m)
	case mdb.VendCancel:
		r.byPoll(mdb.VendDenied{})
		r.back()
	case mdb.NegativeVendRequest:
		r.byPoll(mdb.VendDenied{})
	case mdb.RevalueRequest, mdb.RevalueLimitRequest:
		r.byPoll(mdb.RevalueDenied{})
	case mdb.VendSuccess, mdb.VendFailure:
		r.back()
	case mdb.SessionComplete:
		r.complete()
	}
	return r.done()
}

func (r *Reader) reset(s State) {
	r.dl, r.idle, r.inOne, r.given, r.beginning = mdb.Dialect{}, false, false, false, false
	r.asked, r.again, r.ending = 0, 0, false
	r.state = s
}

// control is READER DISABLE, ENABLE and CANCEL. Disabling leaves a session be.
func (r *Reader) control(action uint8) {
	switch {
	case action == mdb.ReaderCancel:
		r.byPoll(mdb.Cancelled{})
	case r.state >= Idle:
	case action == mdb.ReaderEnable:
		r.state = Enabled
	case action == mdb.ReaderDisable:
		r.state = Disabled
	}
}

func (r *Reader) request(m mdb.VendRequest) {
	if !r.set.Sells || !r.inOne && !r.idle {
		if r.set.Sells || r.set.ByPoll {
			r.say(mdb.VendDenied{}) // the module had no static answer
		}
		return
	}
	if r.state == Vend && r.want == m {
		return // said again: the VMC missed our ACK
	}
	r.state, r.want, r.given = Vend, m, false
}

// back ends a vend: to the session, or to waiting where there is none.
func (r *Reader) back() {
	r.given = false
	switch {
	case r.state != Vend:
	case r.inOne:
		r.state = Idle
	default:
		r.state = Enabled
	}
}

// complete is SESSION COMPLETE. Repeated ones need no second END SESSION
// (appendix 3).
func (r *Reader) complete() {
	if !r.set.EndAtOnce && !r.ending {
		r.end, r.ending = r.say(mdb.EndSession{}), true
	}
	r.leave()
}

func (r *Reader) leave() {
	if r.state >= Idle {
		r.state = Enabled
	}
	r.inOne, r.given, r.beginning, r.again, r.asked = false, false, false, 0, 0
}

// Errors of what the owner wants at the wrong time.
var (
	ErrNotEnabled = errors.New("the machine has not set up and enabled the reader, or a session goes on")
	ErrNoVend     = errors.New("the machine asks for no vend")
	ErrNoSession  = errors.New("there is no session")
)

// Begin offers a session with funds in scaled units; FFFF (FFFFFFFF at 32 bits)
// is unknown. It is offered at each POLL until the VMC has taken it. Payment
// type and data are 0: echoing funds there breaks credit displays.
func (r *Reader) Begin(funds uint32) (Act, error) {
	if r.state != Enabled || r.beginning || r.dl.Level == 0 {
		return Act{}, fmt.Errorf("begin a session: %w", ErrNotEnabled)
	}
	m := mdb.BeginSession{Funds: funds, Media: 0xFFFFFFFF, Currency: r.set.Currency, Language: [2]byte{'r', 'u'}}
	r.begin, r.beginning = r.say(m), true
	return r.done(), nil
}

// Approve lets the vend happen for an amount in scaled units.
func (r *Reader) Approve(amount uint32) (Act, error) {
	if _, ok := r.Asked(); !ok {
		return Act{}, fmt.Errorf("approve a vend: %w", ErrNoVend)
	}
	r.given = true
	r.say(mdb.VendApproved{Amount: amount})
	return r.done(), nil
}

// Deny refuses the vend.
func (r *Reader) Deny() (Act, error) {
	if _, ok := r.Asked(); !ok {
		return Act{}, fmt.Errorf("deny a vend: %w", ErrNoVend)
	}
	r.say(mdb.VendDenied{})
	r.back()
	return r.done(), nil
}

// Cancel asks the VMC to end the session: the buyer went away.
func (r *Reader) Cancel() (Act, error) {
	if r.state != Idle {
		return Act{}, fmt.Errorf("cancel the session: %w", ErrNoSession)
	}
	r.askEnd()
	return r.done(), nil
}

func (r *Reader) askEnd() {
	r.asked++
	r.again = 0
	r.cancel = r.say(mdb.SessionCancelRequest{})
}

// Said implements Role.
func (r *Reader) Said(t int64, tag uint8, ok bool) Act {
	switch {
	case r.ending && tag == r.end:
		r.ending = false
	case r.beginning && tag == r.begin:
		r.beginning = false
		if ok && r.state == Enabled {
			r.state, r.inOne = Idle, true
		}
	case ok && r.asked > 0 && tag == r.cancel && r.inOne:
		r.again = t + r.set.CancelEvery.Microseconds()
	}
	return r.done()
}

// Advance implements Role. A VMC that took SESSION CANCEL REQUEST and goes on
// as if it had not is asked again, and after some tries told that the session
// is over.
func (r *Reader) Advance(t int64) Act {
	if r.again == 0 || t < r.again || !r.inOne {
		return Act{}
	}
	switch {
	case r.state == Vend:
		r.again = t + r.set.CancelEvery.Microseconds()
	case r.asked >= r.set.CancelTries:
		r.say(mdb.EndSession{})
		r.leave()
	default:
		r.askEnd()
	}
	return r.done()
}

// Lost implements Role.
func (r *Reader) Lost() { r.reset(Unknown) }
