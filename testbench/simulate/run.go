package simulate

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/chekomat/chekomat/testbench/powercut"
)

// Result is what became of one schedule.
type Result struct {
	Plan     Plan
	Wrong    []string // invariants broken, in words
	Story    []string
	Sales    int // vends that came to pass
	Receipts int // documents made for sales
	Seen     map[Kind]int
	Acted    map[ActKind]int // acts that were accepted
	Minutes  float64         // of virtual time
	Steps    int
}

// Digest tells equal stories from different ones.
func (r Result) Digest() string {
	h := sha256.Sum256([]byte(strings.Join(r.Story, "\n")))
	return hex.EncodeToString(h[:8])
}

// Play runs one schedule to its end. The error is of the bench, not of what is
// tested.
func Play(p Plan) (res Result, err error) {
	base, err := templates[p.Lanes][p.CorrectAfter]()
	if err != nil {
		return res, fmt.Errorf("simulate: make a hub's database: %w", err)
	}
	dir, err := os.MkdirTemp(scratch(), "chekomat-simulate-")
	if err != nil {
		return res, fmt.Errorf("simulate: make a folder: %w", err)
	}
	defer os.RemoveAll(dir)
	w := &world{plan: p, seen: map[Kind]int{}, acted: map[ActKind]int{}}
	w.broker = &broker{w: w, links: make([]link, p.Machines)}
	defer w.end()
	if err := w.build(dir, base); err != nil {
		return res, fmt.Errorf("simulate: build the world: %w", err)
	}
	w.live()
	res = Result{Plan: p, Wrong: w.wrong, Seen: w.seen, Acted: w.acted, Minutes: float64(w.now) / 60_000, Steps: w.steps}
	for _, l := range w.story {
		res.Story = append(res.Story, clockOf(l.at)+"  "+l.text)
	}
	for _, m := range w.machines {
		res.Sales += len(m.sold)
	}
	for _, r := range w.regs {
		for _, d := range r.all() {
			if settlement(d) && d.Key != "" {
				res.Receipts++
			}
		}
	}
	return res, nil
}

// volatile says whether power cuts come: only then need disks keep aside what
// is not synced.
func (p Plan) volatile(kinds ...Kind) bool {
	for _, f := range p.Faults {
		for _, k := range kinds {
			if f.Kind == k {
				return true
			}
		}
	}
	return false
}

func (w *world) build(dir string, base *powercut.Disk) error {
	mount := func(name string, volatile bool) (*powercut.Disk, error) {
		path := filepath.Join(dir, name)
		if err := os.Mkdir(path, 0o750); err != nil {
			return nil, err
		}
		d, err := powercut.Mount(path)
		if err == nil {
			d.Volatile(volatile)
		}
		return d, err
	}
	disk, err := mount("hub", w.plan.volatile(HubPower, HubPowerAt))
	if err != nil {
		return err
	}
	w.stock = &stock{disk: disk}
	if err := base.CopyTo(disk); err != nil {
		return err
	}
	disk.Deaf(w.plan.Break == SyncForgotten)
	if w.plan.volatile(HubRestored) {
		if disk, err = mount("backup", false); err != nil {
			return err
		}
		w.kept = &kept{disk: disk}
	}
	for n := range w.plan.Lanes {
		w.regs = append(w.regs, newRegister(w, n))
	}
	w.hubs = []*hub{{w: w}, {w: w, n: 1}}
	for n := range w.plan.Machines {
		a := &agent{w: w, n: n, boot: 1}
		if err := a.openDisk(filepath.Join(dir, fmt.Sprintf("agent%d", n+1)), w.plan.volatile(AgentPower, AgentPowerAt)); err != nil {
			return err
		}
		w.agents = append(w.agents, a)
		w.machines = append(w.machines, newMachine(w, n))
	}
	return nil
}

// live lets everything happen, ends the faults, waits for rest and checks.
func (w *world) live() {
	for _, s := range w.plan.Sales {
		if s.Machine < len(w.machines) {
			w.after(s.At, func() { w.machines[s.Machine].serve(s) })
		}
	}
	for _, a := range w.plan.Acts {
		w.after(a.At, func() { w.act(a) })
	}
	w.schedule()
	w.hubs[0].start()
	for _, a := range w.agents {
		w.after(200, a.start)
	}
	w.run(busy + 30_000)
	if len(w.wrong) > 0 {
		return
	}
	w.heal()
	if w.seen[HubRestored] > 0 { // what was ordered since the backup was made is forgotten
		for _, a := range w.plan.Acts {
			if v := w.vendOf(a.Of); v != nil && v.refunded && a.Kind == ActRefund {
				w.after(2000, func() { w.act(a) })
			}
		}
	}
	why, ok := w.rest()
	if len(w.wrong) > 0 {
		return
	}
	if !ok {
		w.violated("it never comes to rest: %s", why)
		return
	}
	w.check()
}

// end lets go of everything a schedule holds.
func (w *world) end() {
	w.calm = true
	for _, a := range w.agents {
		if a.stop != nil {
			a.stop()
		}
		if a.journal != nil {
			_ = a.journal.Close()
		}
		if a.disk != nil {
			a.disk.Unmount()
		}
	}
	for _, h := range w.hubs {
		h.close()
	}
	if w.stock != nil {
		w.stock.disk.Unmount()
	}
	if w.kept != nil {
		w.kept.disk.Unmount()
	}
}
