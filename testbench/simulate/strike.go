package simulate

import (
	"encoding/json"
	"fmt"

	"github.com/chekomat/chekomat/fiscal/fault"
)

// points at which an agent can be killed, by the names of docs/simulation.md.
var points = []string{"journal.beforeAppend", "journal.afterAppend", "uplink.beforeHello", "uplink.beforePublish", "uplink.afterPublish",
	"uplink.afterAck", "uplink.afterSettle", "screen.beforeShown", "screen.beforeDraw", "screen.afterDraw"}

func agentPoint(f Fault) string { return points[f.N%len(points)] }

func mustJSON(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("simulate: %v", err))
	}
	return b
}

// youngest is how old a backup is at least when it is put back, ms: the mark by
// which a hub tells a former database from its own is left every five seconds.
const youngest = 12_000

// schedule lets the faults of the plan come.
func (w *world) schedule() {
	for _, f := range w.plan.Faults {
		if f.Kind == HubRestored {
			w.after(max(f.At-youngest-f.For, 500), w.backUp)
		}
		w.after(f.At, func() {
			w.tell("⚡ %s", f.words())
			w.strike(f)
		})
	}
}

// strike lets a fault happen. What waits for a command or a write counts as
// seen when it comes to that.
func (w *world) strike(f Fault) {
	switch {
	case w.strikeAgent(f), w.strikeLink(f), w.strikeHub(f), w.strikeRegister(f):
	default:
		panic("simulate: nobody knows " + string(f.Kind))
	}
}

func (w *world) strikeAgent(f Fault) bool {
	var a *agent
	if f.Who < len(w.agents) {
		a = w.agents[f.Who]
	}
	until := w.now + f.For
	switch f.Kind {
	case AgentCrash:
		if a.up {
			w.seen[f.Kind]++
		}
		a.die("by SIGKILL", false)
	case AgentKillAt:
		a.disk.KillAt(f.N)
		w.seen[f.Kind]++
	case AgentPoint:
		a.armed = agentPoint(f)
	case AgentPower:
		w.seen[f.Kind]++
		a.disk.Cut(f.Chance)
		if a.up {
			a.die("with its power", true)
		} else {
			a.reboot()
		}
	case AgentPowerAt:
		a.disk.CutAt(f.N, f.Chance)
		w.seen[f.Kind]++
	case AgentDiskFull:
		a.fullTill = until
		a.disk.Limit(1)
		w.after(f.For, func() { a.disk.Limit(0); a.wake(1) })
	case AgentSlow:
		a.slowTill = until
	case AgentClock:
		a.step += clockStep(f)
		w.seen[f.Kind]++
	case PanelDead:
		a.panelDead = until
	default:
		return false
	}
	return true
}

func (w *world) strikeLink(f Fault) bool {
	until := w.now + f.For
	var l *link
	if f.Who < len(w.broker.links) {
		l = &w.broker.links[f.Who]
	}
	switch f.Kind {
	case LinkDown:
		l.down = until
		w.seen[f.Kind]++
		w.broker.drop(w.agents[f.Who].conn)
	case LinkLossy:
		l.lossy = until
	case LinkRepeats:
		l.repeats = until
	case LinkReorders:
		l.reorders = until
	case LinkDelays:
		l.delays = until
	case BrokerRestart:
		w.broker.backs = w.now + 1500
		w.seen[f.Kind]++
		w.broker.dropAll(nil)
	default:
		return false
	}
	return true
}

func (w *world) strikeHub(f Fault) bool {
	h, disk := w.hubs[0], w.stock.disk
	if !h.up && w.hubs[1].up {
		h = w.hubs[1]
	}
	switch f.Kind {
	case HubCrash:
		if h.up {
			w.seen[f.Kind]++
		}
		h.die("by SIGKILL")
	case HubKillAt:
		disk.KillAt(f.N)
		w.seen[f.Kind]++
	case HubPoint:
		h.killAt = h.points + f.N
	case HubPower:
		w.seen[f.Kind]++
		disk.Cut(f.Chance)
		w.allHubs(func(h *hub) { h.die("with its power") })
	case HubPowerAt:
		disk.CutAt(f.N, f.Chance)
		w.seen[f.Kind]++
	case HubDiskFull:
		disk.Limit(1)
		w.seen[f.Kind]++
		w.after(f.For, func() { disk.Limit(0) })
	case HubClock:
		h.step += clockStep(f)
		w.seen[f.Kind]++
	case HubSuspend:
		w.suspend(f)
	case HubRestored:
		w.restore()
	default:
		return false
	}
	return true
}

func (w *world) allHubs(do func(*hub)) {
	for _, h := range w.hubs {
		if h.up {
			do(h)
		}
	}
}

// suspend lets the first hub stand still and a second take its place; it wakes
// in the middle of what it was doing.
func (w *world) suspend(f Fault) {
	h, other := w.hubs[0], w.hubs[1]
	if !h.up || h.suspended() || other.up {
		return
	}
	w.seen[HubSuspend]++
	h.sleeps = w.now + 45_000 + f.For
	w.after(4000, func() { w.broker.dropAll(h) })
	w.after(3000, func() {
		if h.suspended() {
			other.start()
		}
	})
	w.after(45_000+f.For, w.wakeHub)
}

// wakeHub lets the first hub go on where it stood.
func (w *world) wakeHub() {
	h := w.hubs[0]
	if !h.up || h.missed == nil && h.sleeps == 0 {
		return
	}
	w.tell("%s wakes", h.name())
	missed := h.missed
	h.sleeps, h.missed = 0, nil
	for _, do := range missed {
		if h.up {
			do()
		}
	}
}

// backUp keeps what the hub's disk holds.
func (w *world) backUp() {
	if w.kept == nil || w.calm {
		return
	}
	w.tell("the hub's database is copied")
	if err := w.stock.disk.CopyTo(w.kept.disk); err != nil {
		panic(err)
	}
	w.kept.made = true
}

// restore puts the copy back.
func (w *world) restore() {
	if w.kept == nil || !w.kept.made {
		return
	}
	w.seen[HubRestored]++
	w.allHubs(func(h *hub) { h.die("for its database to be put back") })
	if err := w.kept.disk.CopyTo(w.stock.disk); err != nil {
		panic(err)
	}
}

func (w *world) strikeRegister(f Fault) bool {
	var r *register
	if f.Who < len(w.regs) {
		r = w.regs[f.Who]
	}
	switch f.Kind {
	case LostRequest, LostAnswer, LateExecution, RepeatAnswer, Refused, RegisterBusy, PowerLoss:
		r.next = append(r.next, f.Kind)
	case RegisterOff:
		r.offTill = w.now + f.For
		w.seen[f.Kind]++
	case Foreign:
		if f.Chance%2 == 1 {
			r.intruder = true
			break
		}
		r.stranger()
		w.seen[f.Kind]++
	case ForeignShift:
		r.closeShift()
		w.seen[f.Kind]++
	case ShiftOld:
		r.jump += 25 * 60 * 60 * 1e9
		w.seen[f.Kind]++
	case PaperOut:
		r.paperOut = w.now + f.For
		w.seen[f.Kind]++
	case FNFull:
		if err := r.fn.SetFull(true); err != nil {
			panic(err)
		}
		w.seen[f.Kind]++
	case FNReplaced:
		r.replace()
		w.seen[f.Kind]++
	default:
		return false
	}
	return true
}

// fullFaults are those a person puts right by another ФН.
func needsFN(code fault.Code) bool {
	return code == fault.FNFull || code == fault.FNUnsent || code == fault.FNExpired
}
