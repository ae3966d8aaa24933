package role

import (
	"github.com/chekomat/chekomat/mdb"
	"github.com/chekomat/chekomat/mdb/module"
)

// Gateway is a communications gateway, mdb 8: the VMC reports each transaction
// to it. It sends nothing of its own; the reports are read from the words.
type Gateway struct {
	set     GatewaySettings
	tags    tags
	enabled bool
	verbose bool   // the VMC switched REPORTs after each activity on
	serial  string // the machine's own, where it told it (REPORT type 03 kind 07)
	act     Act
}

// NewGateway makes a gateway.
func NewGateway(s GatewaySettings) *Gateway { return &Gateway{set: s.defaults()} }

// Device implements Role.
func (g *Gateway) Device() mdb.Device { return mdb.Gateway }

// Enabled reports whether the VMC uses the gateway, and whether it will report
// transactions.
func (g *Gateway) Enabled() (on, verbose bool) { return g.enabled, g.verbose }

// Machine gives the machine's serial number as the VMC told it, "" if not. Only
// as good as what the maker filled in.
func (g *Gateway) Machine() string { return g.serial }

func (g *Gateway) answers() (config, id, event mdb.AnswerMessage) {
	return mdb.GatewayConfig{Level: g.set.Level, MaxResponse: g.set.Response}, mdb.GatewayID{Identity: g.set.Identity},
		mdb.GatewayNotice{Code: 5}
}

// Start implements Role.
func (g *Gateway) Start() []module.Reply {
	if g.set.ByPoll {
		return nil
	}
	const d = byte(mdb.Gateway)
	config, id, event := g.answers()
	return []module.Reply{
		{Key: []byte{d | 1}, Data: encode(config, mdb.Dialect{})},
		{Key: []byte{d | 7, 0}, Data: encode(id, mdb.Dialect{})},
		{Key: []byte{d | 3, 2}, Data: encode(event, mdb.Dialect{})}, // DTS EVENT: repeated until acknowledged with 05
	}
}

// Command implements Role.
func (g *Gateway) Command(_ int64, payload []byte) Act {
	m, err := mdb.ParseCommand(payload, mdb.Dialect{})
	if err != nil {
		return Act{}
	}
	config, id, event := g.answers()
	switch m := m.(type) {
	case mdb.Reset:
		g.enabled, g.verbose = false, false
	case mdb.GatewaySetup:
		g.byPoll(config)
	case mdb.IdentificationRequest:
		g.byPoll(id)
	case mdb.ReportEvent:
		g.byPoll(event)
	case mdb.FeatureEnable:
		g.verbose = m.Options&VerboseMode != 0
	case mdb.GatewayControl:
		g.enabled = m.Action != 0
	case mdb.ReportAsset:
		if m.Kind == 7 {
			g.serial = mdb.Text(m.Number)
			if m.HasID {
				g.serial = mdb.Text(m.Identity.Serial)
			}
		}
	}
	a := g.act
	g.act = Act{}
	return a
}

func (g *Gateway) byPoll(m mdb.AnswerMessage) {
	if g.set.ByPoll {
		g.act.Lines = append(g.act.Lines, module.Line{Address: mdb.Gateway, Tag: g.tags.take(), Data: encode(m, mdb.Dialect{})})
	}
}

// Said implements Role.
func (g *Gateway) Said(int64, uint8, bool) Act { return Act{} }

// Advance implements Role.
func (g *Gateway) Advance(int64) Act { return Act{} }

// Lost implements Role.
func (g *Gateway) Lost() {}
