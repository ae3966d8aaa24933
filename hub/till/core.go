package till

import (
	"time"

	"github.com/chekomat/chekomat/fiscal"
	"github.com/chekomat/chekomat/fiscal/fault"
	"github.com/chekomat/chekomat/fiscal/kkt"
)

// action is what the worker has to carry out next; it answers with an event.
type action interface{ isAction() }

type (
	takeLane struct{}            // lease                     -> leased | storeFailed
	loadOpen struct{ FN string } // read the open attempt     -> loaded | storeFailed
	settle   struct{ ID int64 }  // driver.Settle of the open attempt, or of this one set aside -> answered
	poll     struct{}            // driver.Units, store them  -> polled | storeFailed
	ready    struct{}            // driver.Ready              -> readied
	siblings struct{}            // may this lane send yet?   -> allowed
	take     struct {            // read FD, account for it   -> took | storeFailed
		FN   string
		FD   uint32
		Next bool // all before it are accounted for
	}
	skip struct { // FD can't be read and a person answers for it -> took | storeFailed
		FN   string
		FD   uint32
		Next bool
	}
	account struct { // all up to FD are accounted for -> accounted | storeFailed
		FN   string
		FD   uint32
		Back bool // and what was known beyond is none of this ФН: a person answers for it
	}
	setClock struct{} // kkt.ClockSetter               -> clockSet
	pick     struct { // choose a job and store its intent -> began | none | storeFailed
		Base  kkt.Baseline
		Peek  bool // only say whether there is one     -> work | none
		Probe bool // the lane tries whether it works again
	}
	shift struct { // store the intent of a shift report -> began | stopped | notNow | storeFailed
		Base kkt.Baseline
		Kind fiscal.DocumentKind
		Idle bool // there is time: not while a sibling does the same
	}
	submit struct{} // driver.Submit                     -> answered
	finish struct { // store the receipt, and with Next the next intent -> finished | storeFailed
		Outcome kkt.Outcome
		Next    *kkt.Baseline
	}
	resolving struct { // store that it is unknown -> marked | storeFailed
		Outcome kkt.Outcome
		Aside   bool // a cloud's: the lane goes on, the job is settled beside others
	}
	giveBack struct { // the attempt was not made -> gaveBack | storeFailed
		Outcome kkt.Outcome
		Hold    bool
	}
	park struct{ Outcome kkt.Outcome } // put aside for a person -> parked | storeFailed
	wait struct {                      // until then, or a job when Idle -> woken
		Until time.Time
		Idle  bool
	}
	halt struct{} // until a person lets the lane go on
)

func (takeLane) isAction()  {}
func (loadOpen) isAction()  {}
func (settle) isAction()    {}
func (poll) isAction()      {}
func (ready) isAction()     {}
func (siblings) isAction()  {}
func (take) isAction()      {}
func (skip) isAction()      {}
func (account) isAction()   {}
func (setClock) isAction()  {}
func (pick) isAction()      {}
func (shift) isAction()     {}
func (submit) isAction()    {}
func (finish) isAction()    {}
func (resolving) isAction() {}
func (giveBack) isAction()  {}
func (park) isAction()      {}
func (wait) isAction()      {}
func (halt) isAction()      {}

// event is what became of an action.
type event interface{ isEvent() }

type (
	started struct{}
	leased  struct{ Until time.Time } // zero: ours; else another's until then
	loaded  struct {                  // of a cloud, attempts whose outcome is waited for besides
		Open  *open // nil: nothing is open
		Aside []open
	}
	polled struct {
		Unit  *kkt.Unit // nil: no single register behind the lane (a cloud)
		Known uint32    // newest document of its ФН accounted for; 0 not looked at yet
		Stop  *kkt.Fault
		Err   error
	}
	readied struct {
		Base kkt.Baseline
		Err  error
	}
	allowed struct{ Yes bool }
	took    struct {
		Fault *kkt.Fault // stops the lane
		Ours  bool       // it carries a key of ours
		Err   error      // it could not be read
	}
	accounted struct{}
	clockSet  struct{ Err error }
	notNow    struct{}
	began     struct{ Open open }
	work      struct{}
	wanted    struct{ Kind fiscal.DocumentKind } // a person wants this shift report first
	none      struct{ NextAt time.Time }         // zero: nothing is known to come
	stopped   struct{ Fault kkt.Fault }
	answered  struct{ Outcome kkt.Outcome }
	finished  struct{ Next *open }
	marked    struct{}
	gaveBack  struct{}
	parked    struct{}
	woken     struct{}
	// storeFailed sends the worker back to the start: what the database holds is the truth.
	storeFailed struct{ Err error }
	lost        struct{} // another hub has the lane
)

func (started) isEvent()     {}
func (leased) isEvent()      {}
func (loaded) isEvent()      {}
func (polled) isEvent()      {}
func (readied) isEvent()     {}
func (allowed) isEvent()     {}
func (took) isEvent()        {}
func (accounted) isEvent()   {}
func (clockSet) isEvent()    {}
func (notNow) isEvent()      {}
func (began) isEvent()       {}
func (work) isEvent()        {}
func (wanted) isEvent()      {}
func (none) isEvent()        {}
func (stopped) isEvent()     {}
func (answered) isEvent()    {}
func (finished) isEvent()    {}
func (marked) isEvent()      {}
func (gaveBack) isEvent()    {}
func (parked) isEvent()      {}
func (woken) isEvent()       {}
func (storeFailed) isEvent() {}
func (lost) isEvent()        {}

// open is what the core knows of the attempt under way.
type open struct {
	ID       int64 // of the attempt
	Kind     fiscal.DocumentKind
	Amount   int64 // kopecks; 0 for shift reports
	Base     kkt.Baseline
	Since    time.Time // when it began
	Attempts int       // of its job, this one counted
	Aside    bool      // stored as set aside
}

// cloud says that the attempt was not made at a register's baseline.
func (o *open) cloud() bool { return o.Base.FN == "" }

// Status is how a lane does, as a person sees it.
type Status struct {
	State  State
	Fault  fault.Code
	Detail string
}
