package simulate

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sort"
)

// Kind names a fault.
type Kind string

// Faults, by where they strike.
const (
	AgentCrash    Kind = "agent_crash"     // SIGKILL
	AgentKillAt   Kind = "agent_kill_at"   // SIGKILL at its nth write or sync from now
	AgentPoint    Kind = "agent_point"     // SIGKILL at a named kill point
	AgentPower    Kind = "agent_power"     // power cut: another boot, unsynced writes are lost
	AgentPowerAt  Kind = "agent_power_at"  // at its nth write or sync from now
	AgentDiskFull Kind = "agent_disk_full" // for a while
	AgentSlow     Kind = "agent_slow"      // its disk takes seconds
	AgentClock    Kind = "agent_clock"     // its wall clock is stepped
	PanelDead     Kind = "panel_dead"      // the display shows nothing for a while

	LinkDown      Kind = "link_down"      // an agent has no network for a while
	LinkLossy     Kind = "link_lossy"     // messages of a while are lost without a sign
	LinkRepeats   Kind = "link_repeats"   // messages of a while come twice
	LinkReorders  Kind = "link_reorders"  // messages of a while overtake each other
	LinkDelays    Kind = "link_delays"    // messages of a while take seconds
	BrokerRestart Kind = "broker_restart" // all connections end

	HubCrash    Kind = "hub_crash"
	HubKillAt   Kind = "hub_kill_at"
	HubPoint    Kind = "hub_point"
	HubPower    Kind = "hub_power"
	HubPowerAt  Kind = "hub_power_at"
	HubDiskFull Kind = "hub_disk_full"
	HubClock    Kind = "hub_clock"
	HubSuspend  Kind = "hub_suspend"  // stands still; a second hub takes its work; it wakes
	HubRestored Kind = "hub_restored" // its database is that of a while ago

	LostRequest   Kind = "lost_request"
	LostAnswer    Kind = "lost_answer"
	LateExecution Kind = "late_execution"  // the command runs after its caller has given up
	RepeatAnswer  Kind = "repeated_answer" // the answer of the document before comes again
	Refused       Kind = "refused"         // an error instead of a document
	RegisterBusy  Kind = "register_busy"
	RegisterOff   Kind = "register_off" // for a while
	PowerLoss     Kind = "power_loss"   // in the middle of a document
	Foreign       Kind = "foreign_document"
	ForeignShift  Kind = "foreign_shift" // somebody closes the shift
	ShiftOld      Kind = "shift_expired" // the register's clock is a day on
	PaperOut      Kind = "paper_out"
	FNFull        Kind = "fn_full"
	FNReplaced    Kind = "fn_replaced"
)

// kinds lists all faults with how often they are drawn.
var kinds = []struct {
	kind   Kind
	weight int
}{
	{AgentCrash, 4}, {AgentKillAt, 4}, {AgentPoint, 4}, {AgentPower, 3}, {AgentPowerAt, 4}, {AgentDiskFull, 2}, {AgentSlow, 1},
	{AgentClock, 2}, {PanelDead, 1},
	{LinkDown, 3}, {LinkLossy, 3}, {LinkRepeats, 3}, {LinkReorders, 3}, {LinkDelays, 3}, {BrokerRestart, 2},
	{HubCrash, 5}, {HubKillAt, 5}, {HubPoint, 8}, {HubPower, 3}, {HubPowerAt, 5}, {HubDiskFull, 2}, {HubClock, 2}, {HubSuspend, 3}, {HubRestored, 2},
	{LostRequest, 5}, {LostAnswer, 8}, {LateExecution, 8}, {RepeatAnswer, 2}, {Refused, 3}, {RegisterBusy, 3}, {RegisterOff, 3}, {PowerLoss, 5},
	{Foreign, 6}, {ForeignShift, 3}, {ShiftOld, 2}, {PaperOut, 2}, {FNFull, 1}, {FNReplaced, 2},
}

// Fault is one fault of a schedule.
type Fault struct {
	At     int64  `json:"at"` // ms since the start
	Kind   Kind   `json:"kind"`
	Who    int    `json:"who"` // which agent, hub or register
	N      int    `json:"n,omitempty"`
	For    int64  `json:"for,omitempty"` // ms
	Chance uint64 `json:"chance,omitempty"`
}

// Sale is one buyer.
type Sale struct {
	At      int64 `json:"at"`
	Machine int   `json:"machine"`
	Column  int   `json:"column"`
	Cash    bool  `json:"cash,omitempty"`
	Fails   bool  `json:"fails,omitempty"` // paid, not dispensed: no sale
}

// Plan is a schedule: who there is, who buys, what goes wrong.
type Plan struct {
	Seed     uint64  `json:"seed"`
	Machines int     `json:"machines"`
	Lanes    int     `json:"lanes"`
	Sales    []Sale  `json:"sales"`
	Faults   []Fault `json:"faults"`
	Acts     []Act   `json:"acts,omitempty"`
	// CorrectAfter is the operator's limit of an ordinary receipt, minutes; 0 none.
	CorrectAfter int    `json:"correct_after,omitempty"`
	Break        string `json:"break,omitempty"`
}

// busy is how long buyers come; faults may strike a little longer.
const busy = 100_000

// Draw makes the plan of a seed.
func Draw(seed uint64) Plan {
	r := stream(seed, "plan")
	p := Plan{Seed: seed, Machines: 1 + r.IntN(2), Lanes: 1 + r.IntN(2)}
	for range 2 + r.IntN(6) {
		p.Sales = append(p.Sales, Sale{At: 3000 + r.Int64N(busy), Machine: r.IntN(p.Machines), Column: 1 + r.IntN(3),
			Cash: r.IntN(4) == 0, Fails: r.IntN(10) == 0})
	}
	sort.SliceStable(p.Sales, func(i, k int) bool { return p.Sales[i].At < p.Sales[k].At })
	for range 2 + r.IntN(9) {
		p.Faults = append(p.Faults, drawFault(r, &p))
	}
	sort.SliceStable(p.Faults, func(i, k int) bool { return p.Faults[i].At < p.Faults[k].At })
	drawActs(&p)
	p.possible()
	return p
}

func drawFault(r *rand.Rand, p *Plan) Fault {
	sum := 0
	for _, k := range kinds {
		sum += k.weight
	}
	n := r.IntN(sum)
	f := Fault{At: 2000 + r.Int64N(busy+20_000), N: 1 + r.IntN(30), For: 1000 + r.Int64N(60_000), Chance: r.Uint64()}
	if r.IntN(3) > 0 { // near a sale is where it hurts
		f.At = p.Sales[r.IntN(len(p.Sales))].At + r.Int64N(8000)
	}
	for _, k := range kinds {
		if n -= k.weight; n < 0 {
			f.Kind = k.kind
			break
		}
	}
	switch f.Kind.of() {
	case "agent":
		f.Who = r.IntN(p.Machines)
	case "register":
		f.Who = r.IntN(p.Lanes)
	}
	return f
}

// possible takes away what nothing could put right once the database is a
// former one: an ФН that has left the register, for its documents are then
// nowhere to be read, and orders whose documents no key tells of but their own.
func (p *Plan) possible() {
	if !slices.ContainsFunc(p.Faults, func(f Fault) bool { return f.Kind == HubRestored }) {
		return
	}
	p.Faults = slices.DeleteFunc(p.Faults, func(f Fault) bool { return f.Kind == FNReplaced || f.Kind == FNFull })
	p.Acts = slices.DeleteFunc(p.Acts, func(a Act) bool { return a.Kind != ActRefund && a.Kind != ActReversal })
}

// words tells of a fault as a person would.
func (f Fault) words() string {
	span := fmt.Sprintf("for %.1f s", float64(f.For)/1000)
	agent, lane := fmt.Sprintf("agent %d", f.Who+1), fmt.Sprintf("register %d", f.Who+1)
	switch f.Kind {
	case AgentCrash:
		return agent + " is killed"
	case AgentKillAt:
		return fmt.Sprintf("%s is killed at write or sync %d from now", agent, f.N)
	case AgentPoint:
		return fmt.Sprintf("%s is killed at %s", agent, agentPoint(f))
	case AgentPower:
		return "the power of " + agent + " fails"
	case AgentPowerAt:
		return fmt.Sprintf("the power of %s fails at write or sync %d from now", agent, f.N)
	case AgentDiskFull:
		return "the disk of " + agent + " is full " + span
	case AgentSlow:
		return "the disk of " + agent + " is slow " + span
	case AgentClock:
		return fmt.Sprintf("the clock of %s is stepped by %d s", agent, clockStep(f)/1000)
	case PanelDead:
		return "the panel of " + agent + " is dead " + span
	case LinkDown:
		return agent + " has no network " + span
	case LinkLossy:
		return "messages of " + agent + " are lost " + span
	case LinkRepeats:
		return "messages of " + agent + " come twice " + span
	case LinkReorders:
		return "messages of " + agent + " overtake each other " + span
	case LinkDelays:
		return "messages of " + agent + " are late " + span
	case BrokerRestart:
		return "the broker restarts"
	case HubCrash:
		return "the hub is killed"
	case HubKillAt:
		return fmt.Sprintf("the hub is killed at write or sync %d from now", f.N)
	case HubPoint:
		return fmt.Sprintf("the hub is killed at its kill point %d from now", f.N)
	case HubPower:
		return "the power of the hub fails"
	case HubPowerAt:
		return fmt.Sprintf("the power of the hub fails at write or sync %d from now", f.N)
	case HubDiskFull:
		return "the hub's disk is full " + span
	case HubClock:
		return fmt.Sprintf("the hub's clock is stepped by %d s", clockStep(f)/1000)
	case HubSuspend:
		return "the hub stands still " + span + " and another takes its place"
	case HubRestored:
		return "the hub's database is put back to what it was before"
	case LostRequest:
		return "the next command to " + lane + " is lost"
	case LostAnswer:
		return "the next answer of " + lane + " is lost"
	case LateExecution:
		return "the next command runs late in " + lane
	case RepeatAnswer:
		return lane + " answers with the document before"
	case Refused:
		return lane + " refuses the next document"
	case RegisterBusy:
		return lane + " is busy at the next command"
	case RegisterOff:
		return lane + " is off " + span
	case PowerLoss:
		return "the power of " + lane + " fails in the middle of a document"
	case Foreign:
		if f.Chance%2 == 1 {
			return "somebody makes a receipt on " + lane + " while it takes the next command"
		}
		return "somebody makes a receipt on " + lane
	case ForeignShift:
		return "somebody closes the shift of " + lane
	case ShiftOld:
		return lane + " finds itself a day on"
	case PaperOut:
		return lane + " has no paper " + span
	case FNFull:
		return "the ФН of " + lane + " is full"
	case FNReplaced:
		return "the ФН of " + lane + " is replaced"
	}
	return string(f.Kind)
}

// clockStep is by how much a clock is stepped, ms, both ways.
func clockStep(f Fault) int64 {
	steps := [...]int64{-3600_000, -90_000, -5000, 5000, 90_000, 3600_000}
	return steps[f.Chance%uint64(len(steps))]
}

// of says whom a fault strikes: an agent, a register, or what there is once.
func (k Kind) of() string {
	switch k {
	case AgentCrash, AgentKillAt, AgentPoint, AgentPower, AgentPowerAt, AgentDiskFull, AgentSlow, AgentClock, PanelDead, LinkDown, LinkLossy, LinkRepeats,
		LinkReorders, LinkDelays:
		return "agent"
	case LostRequest, LostAnswer, LateExecution, RepeatAnswer, Refused, RegisterBusy, RegisterOff, PowerLoss, Foreign, ForeignShift, ShiftOld, PaperOut, FNFull, FNReplaced:
		return "register"
	default:
		return ""
	}
}

// check refuses a plan, written by hand, that names what is not there.
func (p Plan) check() error {
	if p.Machines < 1 || p.Machines > most || p.Lanes < 1 || p.Lanes > most {
		return fmt.Errorf("%d machines and %d registers: 1..%d wanted", p.Machines, p.Lanes, most)
	}
	for _, s := range p.Sales {
		if s.Machine < 0 || s.Machine >= p.Machines || s.Column < 1 || s.Column > len(prices) || s.At < 0 {
			return fmt.Errorf("sale %+v: no such machine, column or time", s)
		}
	}
	for _, f := range p.Faults {
		n := map[string]int{"agent": p.Machines, "register": p.Lanes, "": 1}[f.Kind.of()]
		known := false
		for _, k := range kinds {
			known = known || k.kind == f.Kind
		}
		if !known || f.Who < 0 || f.Who >= n || f.At < 0 || f.For < 0 || f.N < 0 {
			return fmt.Errorf("fault %+v: no such kind, target or time", f)
		}
	}
	for _, a := range p.Acts {
		known := slices.ContainsFunc(actKinds, func(k struct {
			kind   ActKind
			weight int
		}) bool {
			return k.kind == a.Kind
		})
		if !known || a.At < 0 || a.Again < 0 {
			return fmt.Errorf("act %+v: no such kind or time", a)
		}
	}
	if p.CorrectAfter < 0 || p.CorrectAfter > mostMinutes {
		return fmt.Errorf("a limit of %d minutes: 0..%d wanted", p.CorrectAfter, mostMinutes)
	}
	return checkBreak(p.Break)
}
