package conformance

import (
	"math/rand/v2"
	"time"

	"github.com/chekomat/chekomat/fiscal"
	"github.com/chekomat/chekomat/testbench/register/faults"
)

// plan lists the schedules of a document on a subject, given the places its
// undisturbed making has: every place once with every fault of the line, the
// register's faults around every kind of command, the hub's own deaths, and
// mixed ones. The order is the seed's, so the first N are a fair sample.
func plan(sub Subject, k Kind, at places, mixed int, rnd *rand.Rand) []Schedule {
	p := &planner{sub: sub, kind: k, rnd: rnd}
	for i := 1; i <= at.Bytes; i++ {
		p.line(Strike{Kind: AnswerCut, At: i})
		if i%3 == 0 {
			p.line(Strike{Kind: AnswerCut, At: i, Dies: true})
		}
	}
	for i := 1; i <= at.Answers; i++ {
		p.line(Strike{Kind: AnswerLost, At: i})
		p.line(Strike{Kind: AnswerRepeated, At: i})
		p.line(Strike{Kind: AnswerDelayed, At: i})
		p.line(Strike{Kind: AnswerDamaged, At: i, Byte: rnd.IntN(64)})
		p.line(Strike{Kind: AnswerLost, At: i, Dies: true})
	}
	for i := 1; i <= at.Requests; i++ {
		p.line(Strike{Kind: RequestLost, At: i})
		p.line(Strike{Kind: RequestCut, At: i, Byte: rnd.IntN(12)})
		p.line(Strike{Kind: RequestCut, At: i, Byte: rnd.IntN(12), Dies: true})
	}
	for _, f := range registerFaults(sub, k.Make(0)) {
		p.add(Schedule{Register: f})
		p.add(Schedule{Register: f, Dies: []int{1 + rnd.IntN(4)}})
	}
	for i := 1; i <= 4; i++ {
		p.add(Schedule{Dies: []int{i}})
		p.add(Schedule{Dies: []int{i, i + 1, i + 2, i + 3, i + 5}})
	}
	for range mixed {
		p.mixed(at)
	}
	rnd.Shuffle(len(p.out), func(i, j int) { p.out[i], p.out[j] = p.out[j], p.out[i] })
	return p.out
}

type planner struct {
	sub  Subject
	kind Kind
	rnd  *rand.Rand
	out  []Schedule
}

func (p *planner) add(s Schedule) {
	s.Subject, s.Document = p.sub.Name, p.kind.Name
	p.out = append(p.out, s)
}

func (p *planner) line(s Strike) { p.add(Schedule{Line: []Strike{s}}) }

// mixed draws two to five faults of any sort; settling has more places than an
// undisturbed making, so they reach beyond it.
func (p *planner) mixed(at places) {
	var s Schedule
	for range 1 + p.rnd.IntN(4) {
		die := p.rnd.IntN(3) == 0
		switch p.rnd.IntN(8) {
		case 0, 1:
			s.Line = append(s.Line, Strike{Kind: AnswerCut, At: 1 + p.rnd.IntN(2*at.Bytes+100), Dies: die})
		case 2:
			s.Line = append(s.Line, Strike{Kind: RequestCut, At: 1 + p.rnd.IntN(2*at.Requests+10), Byte: p.rnd.IntN(12), Dies: die})
		case 3:
			s.Line = append(s.Line, Strike{Kind: RequestLost, At: 1 + p.rnd.IntN(2*at.Requests+10), Dies: die})
		default:
			kinds := []StrikeKind{AnswerLost, AnswerRepeated, AnswerDelayed, AnswerDamaged}
			s.Line = append(s.Line, Strike{Kind: kinds[p.rnd.IntN(len(kinds))], At: 1 + p.rnd.IntN(2*at.Answers+10), Byte: p.rnd.IntN(64), Dies: die})
		}
	}
	if all := registerFaults(p.sub, p.kind.Make(0)); p.rnd.IntN(2) == 0 {
		s.Register = append(s.Register, all[p.rnd.IntN(len(all))]...)
	}
	for range p.rnd.IntN(4) {
		s.Dies = append(s.Dies, 1+p.rnd.IntN(12))
	}
	p.add(s)
}

// registerFaults are the stories of the register around a document: which
// command, on which side of it, and what else happens with it.
func registerFaults(sub Subject, doc fiscal.Document) (out [][]faults.Fault) {
	short := faults.Delay(15 * time.Millisecond)
	begin, finish := faults.CommandOpen, faults.CommandClose // the ФН begins a receipt when it is opened, a report when it is made
	commands := []string{faults.CommandStatus, faults.CommandOpen, faults.CommandItem, faults.CommandTag, faults.CommandClose}
	switch doc.Kind {
	case fiscal.KindShiftOpen:
		begin, finish, commands = faults.CommandShiftOpen, faults.CommandShiftOpen, []string{faults.CommandStatus, faults.CommandShiftOpen}
	case fiscal.KindShiftClose:
		begin, finish, commands = faults.CommandShiftClose, faults.CommandShiftClose, []string{faults.CommandStatus, faults.CommandShiftClose}
	}
	one := func(f ...faults.Fault) { out = append(out, f) }
	for _, c := range commands {
		for _, when := range []string{faults.Before, faults.After} {
			one(faults.Fault{Kind: faults.Cut, Command: c, When: when})
			one(faults.Fault{Kind: faults.Cut, Command: c, When: when, Drop: true})
			one(faults.Fault{Kind: faults.PowerLoss, Command: c, When: when, Delay: short})
			one(faults.Fault{Kind: faults.ForeignDocument, Command: c, When: when})
			one(faults.Fault{Kind: faults.ErrorCode, Command: c, When: when})
		}
		one(faults.Fault{Kind: faults.LateExecution, Command: c, Delay: short})
		one(faults.Fault{Kind: faults.LateExecution, Command: c, Delay: short, Drop: true})
		one(faults.Fault{Kind: faults.DelayedAnswer, Command: c, Delay: faults.Delay(time.Second)})
		one(faults.Fault{Kind: faults.LostAck, Command: c})
		one(faults.Fault{Kind: faults.DamagedRequest, Command: c})
		one(faults.Fault{Kind: faults.Busy, Command: c, Delay: short})
		one(faults.Fault{Kind: faults.Off, Command: c, Delay: short})
		one(faults.Fault{Kind: faults.SecondHost, Command: c, Delay: short})
	}
	for _, f := range []faults.Fault{
		{Kind: faults.PowerLoss, Command: begin, Step: faults.StepBegin, Delay: short},
		{Kind: faults.PowerLoss, Command: finish, Step: faults.StepData, Delay: short},
		{Kind: faults.PowerLoss, Command: finish, Step: faults.StepData, Part: 2, Delay: short},
		{Kind: faults.PowerLoss, Command: finish, Step: faults.StepFinish, Delay: short},
		{Kind: faults.PowerLoss, Command: finish, Step: faults.StepAnswer, Delay: short},
		{Kind: faults.PaperOut, Command: finish, When: faults.Before},
		{Kind: faults.PaperOut, Command: finish, When: faults.After},
		{Kind: faults.FNReplaced, Command: finish, When: faults.After},
	} {
		one(f)
	}
	if sub.PaperError != 0 {
		one(faults.Fault{Kind: faults.ErrorCode, Command: finish, When: faults.After, Code: sub.PaperError})
		one(faults.Fault{Kind: faults.ErrorCode, Command: finish, When: faults.Before, Code: sub.PaperError})
	}
	// The answer is gone and other documents stand beside ours or in its place:
	// before the attempt, in it, or while it is settled.
	for _, gone := range []faults.Kind{faults.LostAnswer, faults.LostRequest} {
		for nth := 2; nth <= 6; nth++ {
			one(faults.Fault{Kind: gone, Command: finish}, faults.Fault{Kind: faults.ForeignDocument, Command: faults.CommandStatus, Nth: nth})
			one(faults.Fault{Kind: gone, Command: finish}, faults.Fault{Kind: faults.SecondHost, Command: faults.CommandStatus, Nth: nth, Delay: short})
			one(faults.Fault{Kind: gone, Command: finish}, faults.Fault{Kind: faults.FNReplaced, Command: faults.CommandStatus, Nth: nth})
			if doc.Kind != fiscal.KindShiftOpen && doc.Kind != fiscal.KindShiftClose {
				one(faults.Fault{Kind: gone, Command: finish}, faults.Fault{Kind: faults.AutoShift, Command: faults.CommandStatus, Nth: nth})
				one(faults.Fault{Kind: gone, Command: finish}, faults.Fault{Kind: faults.ShiftExpired, Command: faults.CommandStatus, Nth: nth})
			}
		}
	}
	return out
}
