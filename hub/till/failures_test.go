package till

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chekomat/chekomat/fiscal"
	"github.com/chekomat/chekomat/fiscal/fault"
	"github.com/chekomat/chekomat/fiscal/kkt"
	"github.com/chekomat/chekomat/hub/api/texts"
	"github.com/chekomat/chekomat/hub/store"
)

// failure is one row of docs/failures.md: what leads in, what a person sees,
// what happens to sales meanwhile, and what leads out.
type failure struct {
	name     string
	enter    func(t *testing.T, w *world) // what happens; the job is sold after it
	state    State                        // of the lane
	fault    fault.Code                   // it stands on; "" none
	incident string                       // open while it lasts
	about    string                       // its subject; "": the lane's
	job      string                       // state of a sale meanwhile
	leave    func(t *testing.T, w *world) // what ends it
	byPerson bool                         // and not by itself
}

var failures = []failure{
	{
		name:     "register unreachable",
		enter:    func(_ *testing.T, w *world) { w.reg().down = true },
		state:    Unreachable,
		fault:    fault.Unreachable,
		incident: string(fault.Unreachable),
		job:      store.JobQueued,
		leave:    func(_ *testing.T, w *world) { w.reg().down = false },
	},
	{
		name: "ambiguous",
		enter: func(t *testing.T, w *world) { // the answer is lost, and then the link
			w.upToSubmit(addJob(t, w.s, "s", "", 50, w.clock.t, 500))
			w.reg().fates = []fate{lostAnswer}
			w.step("l")
			w.reg().down = true
		},
		state:    Ambiguous,
		fault:    fault.Unreachable,
		incident: AlarmUnknown,
		job:      store.JobQueued,
		leave:    func(_ *testing.T, w *world) { w.reg().down = false },
	},
	{
		name: "rejected by data",
		enter: func(t *testing.T, w *world) {
			addJob(t, w.s, "s", "m", 50, w.clock.t, -1)
		},
		state:    OK,
		incident: store.JobHeldCode,
		about:    store.AboutMachine("m"),
		job:      store.JobDone,
		leave: func(t *testing.T, w *world) {
			w.want(t, "s-50", store.JobHeld, string(fault.AmountTooBig))
			if err := w.till.Drop(context.Background(), "s-50", "anna", "автомат прислал ерунду"); err != nil {
				t.Fatal(err)
			}
		},
		byPerson: true,
	},
	{
		name:     "configuration wrong",
		enter:    func(_ *testing.T, w *world) { w.reg().refuse = map[kkt.Kind]fault.Code{kkt.Config: fault.TagRefused} },
		state:    Config,
		fault:    fault.TagRefused,
		incident: string(fault.TagRefused),
		job:      store.JobQueued,
		leave: func(t *testing.T, w *world) {
			w.reg().refuse = nil
			w.resume(t)
		},
		byPerson: true,
	},
	{
		name: "FN full",
		enter: func(_ *testing.T, w *world) {
			w.reg().refuse = map[kkt.Kind]fault.Code{kkt.Failed: fault.FNFull}
		},
		state:    FNFull,
		fault:    fault.FNFull,
		incident: string(fault.FNFull),
		job:      store.JobQueued,
		leave: func(_ *testing.T, w *world) { // another ФН
			w.regs["l"] = newRegister(w.clock.now, "9999000000000002", "7701237658")
			w.workers["l"].w.driver = driver{w.regs["l"]}
		},
	},
	{
		name: "FN blocked by 30 days",
		enter: func(_ *testing.T, w *world) {
			w.reg().unsent = 40
			w.reg().refuse = map[kkt.Kind]fault.Code{kkt.Failed: fault.FNUnsent}
		},
		state:    FNFull,
		fault:    fault.FNUnsent,
		incident: string(fault.FNUnsent),
		job:      store.JobQueued,
		leave: func(_ *testing.T, w *world) { // the OFD takes documents again
			w.reg().unsent = 39
			w.reg().refuse = nil
		},
	},
	{
		name: "shift over 24 h",
		enter: func(t *testing.T, w *world) { // and the register does not close it
			w.reg().refuse = map[kkt.Kind]fault.Code{kkt.Failed: fault.RegisterRefused}
			w.clock.t = w.clock.t.Add(25 * time.Hour)
			w.reboot(t)
		},
		state:    Shift,
		fault:    fault.RegisterRefused,
		incident: AlarmShiftLong,
		job:      store.JobQueued,
		leave:    func(_ *testing.T, w *world) { w.reg().refuse = nil },
	},
	{
		name:     "clock jump backwards: the hub's",
		enter:    func(_ *testing.T, w *world) { w.reg().ahead = 5 * time.Hour; w.jump(-5 * time.Hour) },
		state:    OK,
		incident: AlarmHubClock,
		job:      store.JobDone,
		leave:    func(_ *testing.T, w *world) { w.clock.t = w.clock.t.Add(6 * time.Hour) },
	},
	{
		name: "clock jump backwards: the register's",
		enter: func(_ *testing.T, w *world) { // and it lets nobody set it
			w.reg().noClock = true
			w.reg().ahead = -5 * time.Hour
		},
		state:    Busy,
		fault:    fault.ClockWrong,
		incident: AlarmClockBack,
		job:      store.JobQueued,
		leave:    func(_ *testing.T, w *world) { w.reg().ahead = 0 },
		byPerson: true,
	},
	{
		name: "archive unreadable",
		enter: func(_ *testing.T, w *world) {
			w.reg().stranger()
			w.reg().unread = map[uint32]bool{uint32(len(w.reg().docs)): true}
		},
		state:    Ambiguous,
		fault:    fault.DocumentUnread,
		incident: string(fault.DocumentUnread),
		job:      store.JobQueued,
		leave:    func(_ *testing.T, w *world) { w.reg().unread = nil },
	},
	{
		name: "archive unreadable for good",
		enter: func(_ *testing.T, w *world) {
			w.reg().stranger()
			w.reg().unread = map[uint32]bool{uint32(len(w.reg().docs)): true}
		},
		state:    Ambiguous,
		fault:    fault.DocumentUnread,
		incident: string(fault.DocumentUnread),
		job:      store.JobQueued,
		leave:    func(t *testing.T, w *world) { w.resume(t) },
		byPerson: true,
	},
	{
		name: "two hubs on one register",
		enter: func(t *testing.T, w *world) {
			other := kkt.NewKey("record", "of another hub", "receipt", "0").Attempt(1)
			w.reg().add(wireDoc{Key: other, Kind: fiscal.KindReceipt, Sum: 900, Op: fiscal.Sell}, 3)
		},
		state:    Manual,
		fault:    FaultSecondHub,
		incident: string(FaultSecondHub),
		job:      store.JobQueued,
		leave:    func(t *testing.T, w *world) { w.resume(t) },
		byPerson: true,
	},
	{
		name:     "foreign documents on the shared register",
		enter:    func(_ *testing.T, w *world) { w.reg().stranger() },
		state:    OK,
		incident: AlarmForeign,
		job:      store.JobDone,
		leave:    func(_ *testing.T, w *world) { w.clock.t = w.clock.t.Add(stayFor) },
	},
	{
		name:     "FN of another legal entity",
		enter:    func(t *testing.T, w *world) { w.reg().inn = "7700999990"; w.rest(t, time.Minute) },
		state:    Config,
		fault:    fault.SellerMismatch,
		incident: string(fault.SellerMismatch),
		job:      store.JobQueued,
		leave:    func(_ *testing.T, w *world) { w.reg().inn = "7701237658" },
	},
	{
		name: "a test FN where a real one is expected",
		enter: func(t *testing.T, w *world) {
			exec(t, w.s, `UPDATE lane SET test = 0`)
			w.reboot(t)
		},
		state:    Config,
		fault:    fault.TestMismatch,
		incident: string(fault.TestMismatch),
		job:      store.JobQueued,
		leave: func(_ *testing.T, w *world) {
			w.regs["l"] = newRegister(w.clock.now, "7380000000000001", "7701237658")
			w.workers["l"].w.driver = driver{w.regs["l"]}
		},
	},
	{
		name: "a real FN where a test one is expected",
		enter: func(_ *testing.T, w *world) {
			w.regs["l"] = newRegister(w.clock.now, "7380000000000001", "7701237658")
			w.workers["l"].w.driver = driver{w.regs["l"]}
			w.look()
		},
		state:    Config,
		fault:    fault.TestMismatch,
		incident: string(fault.TestMismatch),
		job:      store.JobQueued,
		leave: func(_ *testing.T, w *world) {
			w.regs["l"] = newRegister(w.clock.now, "9999000000000002", "7701237658")
			w.workers["l"].w.driver = driver{w.regs["l"]}
		},
	},
	{
		name: "register clock drifting",
		enter: func(_ *testing.T, w *world) { // it can't be set while it is cut off from setting
			w.reg().noClock = true
			w.reg().ahead = 10 * time.Minute
			w.look()
		},
		state:    OK,
		incident: AlarmClock,
		job:      store.JobDone,
		leave: func(_ *testing.T, w *world) { // the hub sets it when it has closed the shift
			w.reg().noClock = false
			w.clock.t = w.clock.t.Add(2 * clockRetry)
		},
	},
}

func (w *world) reg() *register { return w.regs["l"] }

// look makes lane l look at its register at the next step.
func (w *world) look() { w.workers["l"].w.core.polledAt = time.Time{} }

// jump puts the hub's clock elsewhere; who sleeps is woken in its time, since
// timers do not go by that clock.
func (w *world) jump(by time.Duration) {
	w.clock.t = w.clock.t.Add(by)
	for _, v := range w.workers {
		if !v.until.IsZero() {
			v.until = v.until.Add(by)
		}
	}
}

func (w *world) resume(t *testing.T) {
	t.Helper()
	if err := w.till.Resume(context.Background(), "l", "anna", "разобрались"); err != nil {
		t.Fatal(err)
	}
	w.reboot(t)
}

func (w *world) incident(t *testing.T, about, code string) (open bool) {
	t.Helper()
	var n int
	if err := w.s.Read().QueryRow(`SELECT COUNT(*) FROM incident WHERE subject = ? AND code = ? AND closed_at IS NULL`, about, code).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n > 0
}

// TestFailures walks each named failure in and out.
func TestFailures(t *testing.T) {
	for _, f := range failures {
		t.Run(strings.ReplaceAll(f.name, " ", "_"), func(t *testing.T) {
			w := single(t)
			addJob(t, w.s, "s", "", 1, w.clock.t, 500)
			w.rest(t, 3*time.Minute)
			w.want(t, "s-1", store.JobDone, "")
			about := f.about
			if about == "" {
				about = store.AboutLane("l")
			}

			f.enter(t, w)
			sold := w.clock.t
			addJob(t, w.s, "s", "", 2, sold, 700)
			w.rest(t, time.Minute)
			l, err := w.s.Lane(context.Background(), "l")
			if err != nil || l.State != string(f.state) || l.Fault != string(f.fault) {
				t.Errorf("the lane is %s %q (%s), want %s %q; %v", l.State, l.Fault, l.Detail, f.state, f.fault, err)
			}
			if !w.incident(t, about, f.incident) {
				t.Errorf("no incident %s of %s", f.incident, about)
			}
			w.want(t, "s-2", f.job, w.job(t, "s-2").Reason)
			if f.byPerson && f.leave != nil { // it does not pass by itself
				w.rest(t, 10*time.Minute)
				if !w.incident(t, about, f.incident) {
					t.Error("it passed without a person")
				}
			}
			for _, lang := range []string{texts.RU, texts.EN} {
				for _, code := range []string{f.incident, string(f.fault), string(f.state)} {
					if x := texts.Of(code, lang); code != "" && (x.Title == code || x.Next == "") {
						t.Errorf("%s has no text in %s", code, lang)
					}
				}
			}

			f.leave(t, w)
			w.rest(t, 5*time.Minute)
			if l, err := w.s.Lane(context.Background(), "l"); err != nil || l.State != string(OK) {
				t.Errorf("afterwards the lane is %s %q (%s), %v", l.State, l.Fault, l.Detail, err)
			}
			if w.incident(t, about, f.incident) {
				t.Errorf("the incident %s is still open", f.incident)
			}
			w.want(t, "s-2", store.JobDone, "")
			if n := w.keys("s-2"); n != 1 {
				t.Errorf("sale 2 has %d documents", n)
			}
		})
	}
}

// keys counts the documents of a job on the registers there are and were.
func (w *world) keys(job string) (n int) {
	j, err := w.s.Job(context.Background(), job)
	if err != nil {
		panic(err)
	}
	for _, r := range w.regs {
		for _, d := range r.docs {
			if d.Key.Base() == j.Key {
				n++
			}
		}
	}
	return n
}

// TestDatabaseRestoredFromABackup: the register of one lane can't be asked. What
// was sold since the hub started is made, what was sold before may stand there
// and waits; when that register is back, its documents are bound by key.
func TestDatabaseRestoredFromABackup(t *testing.T) {
	ctx := context.Background()
	w := single(t)
	mark := filepath.Join(t.TempDir(), "mark")
	addLane(t, w.s, "s", "k")
	w.lanes = append(w.lanes, "k")
	w.regs["k"] = newRegister(w.clock.now, "9999000000000003", "7701237658")
	w.mark = mark
	w.reboot(t)
	w.rest(t, time.Minute)

	// What the lost database knew: a receipt on k for sale 1.
	key := kkt.NewKey("record", "s/j/1", "receipt", "0")
	w.regs["k"].stranger()
	w.regs["k"].add(wireDoc{Key: key.Attempt(1), Kind: fiscal.KindReceipt, Sum: 500, Op: fiscal.Sell}, 3)
	if err := os.WriteFile(mark, []byte(`{"history":1000000}`), 0o600); err != nil {
		t.Fatal(err)
	}
	w.regs["k"].down = true
	addJob(t, w.s, "s", "", 1, w.clock.t, 500)
	w.clock.t = w.clock.t.Add(time.Second)
	if _, err := w.till.Begin(ctx); err != nil { // the old one finds nothing: it had no file
		t.Fatal(err)
	}
	w.reboot(t)
	w.clock.t = w.clock.t.Add(time.Second)
	addJob(t, w.s, "s", "", 2, w.clock.t, 700)
	w.rest(t, 2*time.Minute)
	w.want(t, "s-1", store.JobQueued, "")
	w.want(t, "s-2", store.JobDone, "")
	if !w.incident(t, store.AboutLane("l"), string(FaultSiblings)) {
		t.Error("no incident says what is waited for")
	}
	w.reboot(t) // a restart does not forget
	w.rest(t, time.Minute)
	w.want(t, "s-1", store.JobQueued, "")

	w.regs["k"].down = false
	w.rest(t, 3*time.Minute)
	w.want(t, "s-1", store.JobDone, "")
	if n := w.keys("s-1"); n != 1 {
		t.Errorf("sale 1 has %d documents", n)
	}
	if w.incident(t, store.AboutLane("l"), string(FaultSiblings)) {
		t.Error("the incident is still open")
	}
	w.till.leaveMark()
	if b, err := os.ReadFile(mark); err != nil || strings.Contains(string(b), "restored") {
		t.Errorf("the mark says %s, %v", b, err)
	}
}

// TestJobThatNoLaneCanMake names why, and the incident goes when a lane can.
func TestJobThatNoLaneCanMake(t *testing.T) {
	ctx := context.Background()
	for why, c := range map[Why]struct{ spoil, mend string }{
		WhyNoLane:    {`UPDATE lane SET enabled = 0`, `UPDATE lane SET enabled = 1`},
		WhyTaxSystem: {`UPDATE lane SET tax_systems = 2`, `UPDATE lane SET tax_systems = 3`},
		WhyTest:      {`UPDATE job SET document = replace(document, '{"kind"', '{"test":true,"kind"')`, `UPDATE lane SET test = 1`},
		WhyZone:      {`UPDATE lane SET settings = '{"own_zone":true}', zone = 'Asia/Vladivostok'`, `UPDATE lane SET settings = '{}'`},
		WhyFFD:       {`UPDATE lane_state SET state = 'config', fault = 'lane_ffd_mismatch'`, `UPDATE lane_state SET state = 'ok', fault = ''`},
	} {
		t.Run(string(why), func(t *testing.T) {
			w := single(t)
			w.rest(t, time.Second)
			exec(t, w.s, `INSERT INTO machine_period(machine_id,valid_from,seller_id,serial,address,place,zone) VALUES ('m',1,'s','1','a','p','Europe/Moscow')`)
			if why == WhyTest {
				exec(t, w.s, `UPDATE lane SET test = 0`)
			}
			addJob(t, w.s, "s", "m", 1, w.clock.t, 500)
			exec(t, w.s, c.spoil)
			w.clock.t = w.clock.t.Add(unmetAfter + time.Second)
			for range 2 {
				if err := w.till.noteUnmet(ctx); err != nil {
					t.Fatal(err)
				}
			}
			if !w.incident(t, store.AboutSeller("s"), string(why)) {
				t.Error("no incident")
			}
			exec(t, w.s, c.mend)
			if err := w.till.noteUnmet(ctx); err != nil {
				t.Fatal(err)
			}
			if w.incident(t, store.AboutSeller("s"), string(why)) {
				t.Error("the incident is still open")
			}
		})
	}
}
