package role

import (
	"context"
	"fmt"

	"github.com/chekomat/chekomat/mdb"
	"github.com/chekomat/chekomat/mdb/module"
)

// Cast is the roles one module plays. It outlives connections: Play attaches it
// to each source opened.
type Cast struct {
	roles []Role
	boot  uint64 // of the module attached last
	fr    mdb.Framer
}

// NewCast makes a cast; each role has its own address.
func NewCast(roles ...Role) (*Cast, error) {
	seen := map[mdb.Device]bool{}
	for _, r := range roles {
		if seen[r.Device()] {
			return nil, fmt.Errorf("two roles at address %02XH", uint8(r.Device()))
		}
		seen[r.Device()] = true
	}
	if len(roles) == 0 || len(roles) > 4 {
		return nil, fmt.Errorf("%d roles: a module plays one to four", len(roles))
	}
	return &Cast{roles: roles}, nil
}

// Play has the source's module play the cast and gives the source to read from
// instead: same words, with the roles listening in. The answers are told before
// the module begins to speak. A source that can't speak gives an error and is
// left open.
func (c *Cast) Play(src module.Source) (module.Source, error) {
	sp, ok := src.(module.Speaker)
	if !ok {
		return nil, fmt.Errorf("play on the bus: %w", module.ErrMute)
	}
	p := &playing{Source: src, sp: sp, cast: c, live: sp.Live()}
	first := c.boot == 0
	if !first && c.boot != p.live.Boot {
		c.lost()
	}
	c.boot = p.live.Boot
	if c.boot == 0 {
		c.boot = 1
	}
	var devices []mdb.Device
	for _, r := range c.roles {
		d := r.Device()
		devices = append(devices, d)
		if first {
			// What an agent of before left there.
			if err := sp.ClearReplies(d); err != nil {
				return nil, err
			}
		}
		if err := sp.SetReplies(r.Start()...); err != nil {
			return nil, err
		}
	}
	if err := sp.SetMode(devices...); err != nil {
		return nil, err
	}
	if k, ok := src.(module.Keeper); ok {
		return keeping{p, k}, nil
	}
	return p, nil
}

func (c *Cast) lost() {
	c.fr.Reset()
	for _, r := range c.roles {
		r.Lost()
	}
}

// playing is a source whose words the roles hear first.
type playing struct {
	module.Source
	sp   module.Speaker
	cast *Cast
	live module.Cursor
}

type keeping struct {
	*playing
	module.Keeper
}

// Read implements module.Source.
func (p *playing) Read(ctx context.Context) (module.Chunk, error) {
	ch, err := p.Source.Read(ctx)
	if err != nil {
		return ch, err
	}
	c := p.cast
	if ch.Lost {
		c.lost()
	}
	first := ch.Next.Seq - uint64(len(ch.Words))
	for i, w := range ch.Words {
		// Nobody waits for an answer to what was said before this connection.
		past := ch.Next.Boot == p.live.Boot && first+uint64(i) < p.live.Seq
		if err := p.blocks(c.fr.Push(w), past); err != nil {
			return ch, err
		}
	}
	if err := p.blocks(c.fr.Advance(ch.Now), false); err != nil {
		return ch, err
	}
	for _, s := range ch.Said {
		if i := int(s.Tag >> 6); i < len(c.roles) {
			if err := p.do(i, c.roles[i].Said(ch.Now, s.Tag&0x3F, s.OK), false); err != nil {
				return ch, err
			}
		}
	}
	for i, r := range c.roles {
		if err := p.do(i, r.Advance(ch.Now), false); err != nil {
			return ch, err
		}
	}
	return ch, nil
}

func (p *playing) blocks(bs []mdb.Block, past bool) error {
	for i := range bs {
		b := &bs[i]
		switch b.Kind {
		case mdb.Break:
			for j, r := range p.cast.roles {
				if err := p.do(j, r.Command(b.End, []byte{byte(r.Device())}), past); err != nil {
					return err
				}
			}
		case mdb.Command:
			for j, r := range p.cast.roles {
				if mdb.DeviceOf(b.Data[0]) != r.Device() {
					continue
				}
				if err := p.do(j, r.Command(b.End, b.Payload()), past); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// do carries out an act of role i; lines of the past are left unsaid.
func (p *playing) do(i int, a Act, past bool) error {
	if len(a.Replies) > 0 {
		if err := p.sp.SetReplies(a.Replies...); err != nil {
			return err
		}
	}
	if past {
		return nil
	}
	for _, l := range a.Lines {
		l.Tag = uint8(i)<<6 | l.Tag&0x3F
		if err := p.sp.QueuePoll(l); err != nil {
			return err
		}
	}
	return nil
}
