package config

import (
	"fmt"

	"github.com/chekomat/chekomat/mdb"
	"github.com/chekomat/chekomat/mdb/role"
)

// Reader is how our own reader behaves; each setting is for machines that read
// the protocol in their own way.
type Reader struct {
	Level     uint8  `yaml:"level,omitempty"`       // highest MDB level offered, 1 to 3; 0 is 1
	Scale     uint8  `yaml:"scale,omitempty"`       // 0 is 1
	Decimals  uint8  `yaml:"decimals,omitempty"`    // with scale; without it 2
	ByPoll    bool   `yaml:"by_poll,omitempty"`     // answers with data only to POLL
	EndAtOnce bool   `yaml:"end_at_once,omitempty"` // SESSION COMPLETE is answered at once
	SilentID  bool   `yaml:"silent_id,omitempty"`   // REQUEST ID stays unanswered
	ShortID   bool   `yaml:"short_id,omitempty"`    // identity without option bits at level 3
	Serial    string `yaml:"serial,omitempty"`      // told to the machine
}

// Roles of bus.role.
const (
	RoleReader1 = "reader1"
	RoleReader2 = "reader2"
	RoleGateway = "gateway"
)

// Cast makes the roles the module shall play; nil when it shall only listen.
func (b Bus) Cast() (*role.Cast, error) {
	if len(b.Role) == 0 {
		return nil, nil
	}
	var roles []role.Role
	for _, name := range b.Role {
		switch name {
		case RoleReader1, RoleReader2:
			s := role.ReaderSettings{Device: mdb.Cashless2, Level: b.Reader.Level, Scale: b.Reader.Scale, Decimals: b.Reader.Decimals,
				ByPoll: b.Reader.ByPoll, EndAtOnce: b.Reader.EndAtOnce, SilentID: b.Reader.SilentID, ShortID: b.Reader.ShortID}
			if name == RoleReader1 {
				s.Device = mdb.Cashless1
			}
			if b.Reader.Serial != "" {
				s.Identity = role.Ours(b.Reader.Serial)
			}
			r, err := role.NewReader(s)
			if err != nil {
				return nil, fmt.Errorf("bus.reader: %w", err)
			}
			roles = append(roles, r)
		case RoleGateway:
			roles = append(roles, role.NewGateway(role.GatewaySettings{ByPoll: b.Reader.ByPoll}))
		default:
			return nil, fmt.Errorf("bus.role %q: known are %s, %s and %s", name, RoleReader1, RoleReader2, RoleGateway)
		}
	}
	c, err := role.NewCast(roles...)
	if err != nil {
		return nil, fmt.Errorf("bus.role: %w", err)
	}
	return c, nil
}
