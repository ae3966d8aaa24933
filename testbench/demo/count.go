package demo

import (
	"fmt"
	"sort"

	"github.com/chekomat/chekomat/agent/wire"
	"github.com/chekomat/chekomat/fiscal/kkt"
	"github.com/chekomat/chekomat/hub/api/contract"
	"github.com/chekomat/chekomat/hub/store"
	"github.com/chekomat/chekomat/testbench/fn"
)

// Result is what a demo found when it compared every stage with the one
// before: machines' own counters, agents' journals, hub, FN archive, displays.
type Result struct {
	Vends      int            `json:"vends"`               // the machines' own counters
	Journaled  int            `json:"journaled"`           // sales in the agents' journals
	InHub      int            `json:"in_hub"`              // sales durable at the hub
	Receipts   int            `json:"receipts"`            // receipts in the FN archive
	Shown      int            `json:"shown"`               // receipts that stood on a panel
	NotShown   map[string]int `json:"not_shown"`           // by reason
	Held       map[string]int `json:"held"`                // sales that wait for a person, by reason
	Foreign    int            `json:"foreign,omitempty"`   // receipts of the archive that another program made
	Corrected  int            `json:"corrected,omitempty"` // sales a person or the operator's limit gave a correction instead of a receipt
	Unheard    int            `json:"unheard"`             // vends made while a tap was dead, and not recovered
	Lost       int            `json:"lost"`                // missing at some stage without a reason
	Duplicated int            `json:"duplicated"`          // made twice at some stage
	VendToQR   Quantiles      `json:"vend_to_qr_ms"`
	Register   Quantiles      `json:"register_ms"`
	Restarts   map[string]int `json:"restarts,omitempty"` // of programs that died on the way
	Problems   []string       `json:"problems"`
}

// Quantiles of milliseconds.
type Quantiles struct {
	P50 float64 `json:"p50"`
	P99 float64 `json:"p99"`
}

func quantiles(ms []int64) Quantiles {
	if len(ms) == 0 {
		return Quantiles{}
	}
	sort.Slice(ms, func(i, j int) bool { return ms[i] < ms[j] })
	at := func(percent int) float64 { return float64(ms[(len(ms)-1)*percent/100]) }
	return Quantiles{P50: at(50), P99: at(99)}
}

// Vend is a vend by a machine's own counter.
type Vend struct {
	Serial string
	Amount int64 // kopecks
	Heard  bool  // false: the tap was dead
}

// Entry is a sale in an agent's journal.
type Entry struct {
	Serial, Agent, Journal string
	Seq                    int64
	Amount                 int64
	Receipt                *wire.Receipt
	Shown                  *wire.Shown
}

// Stages is everything a demo counts.
type Stages struct {
	Vends   []Vend
	Journal []Entry
	Hub     []contract.Sale
	Archive []fn.Document
}

// what tells sales of one machine apart as far as every stage can see.
type what struct {
	serial string
	amount int64
}

// compare counts what the second stage misses of the first, and what it has
// beyond it.
func compare(first, second map[what]int) (missing, extra map[what]int) {
	missing, extra = map[what]int{}, map[what]int{}
	for k, n := range first {
		if d := n - second[k]; d > 0 {
			missing[k] = d
		}
	}
	for k, n := range second {
		if d := n - first[k]; d > 0 {
			extra[k] = d
		}
	}
	return missing, extra
}

// Count compares the stages.
func (s Stages) Count() Result {
	r := Result{NotShown: map[string]int{}, Held: map[string]int{}, Problems: []string{}}
	sold, unheard := map[what]int{}, map[what]int{}
	for _, v := range s.Vends {
		r.Vends++
		if v.Heard {
			sold[what{v.Serial, v.Amount}]++
		} else {
			unheard[what{v.Serial, v.Amount}]++
		}
	}
	s.countJournal(&r, sold, unheard)
	receipts, corrections := s.countHub(&r)
	s.countArchive(&r, receipts, corrections)
	return r
}

func (r *Result) tell(missing, extra map[what]int, from, to string) {
	for k, n := range missing {
		r.Lost += n
		r.Problems = append(r.Problems, fmt.Sprintf("%s: %d of %d kopecks in %s, not in %s", k.serial, n, k.amount, from, to))
	}
	for k, n := range extra {
		if n == 0 {
			continue
		}
		r.Duplicated += n
		r.Problems = append(r.Problems, fmt.Sprintf("%s: %d of %d kopecks in %s, not in %s", k.serial, n, k.amount, to, from))
	}
	sort.Strings(r.Problems)
}

// countJournal holds the journals against the machines' counters. A vend whose
// words were lost in part may have been recovered all the same.
func (s Stages) countJournal(r *Result, sold, unheard map[what]int) {
	journaled := map[what]int{}
	var ms []int64
	for _, e := range s.Journal {
		r.Journaled++
		journaled[what{e.Serial, e.Amount}]++
		switch {
		case e.Shown != nil && e.Shown.Result == "shown":
			r.Shown++
			ms = append(ms, e.Shown.AfterMS)
		case e.Shown != nil:
			r.NotShown[e.Shown.Result]++
		case e.Receipt == nil:
			r.NotShown["no_receipt"]++
		case e.Receipt.State != wire.FiscalDone:
			r.NotShown[e.Receipt.State+": "+e.Receipt.Reason]++
		default:
			r.NotShown["not_told"]++
		}
	}
	r.VendToQR = quantiles(ms)
	missing, extra := compare(sold, journaled)
	for k, n := range unheard {
		heard := min(n, extra[k])
		extra[k] -= heard
		r.Unheard += n - heard
	}
	r.tell(missing, extra, "the machine's counter", "the journal")
}

// countHub returns what the archive must hold: receipts, and corrections of
// sales that have none.
func (s Stages) countHub(r *Result) (receipts, corrections map[what]int) {
	type id struct {
		agent, journal string
		seq            int64
	}
	in := map[id]bool{}
	receipts, corrections = map[what]int{}, map[what]int{}
	for _, h := range s.Hub {
		if h.Kind != string(wire.KindSale) {
			continue
		}
		r.InHub++
		in[id{h.Agent, h.Journal, h.Seq}] = true
		switch {
		case h.Fate == "held":
			r.Held[h.Reason]++
		case h.Fate != "job" || h.Job == nil:
		case h.Job.State == "held":
			r.Held[h.Job.Reason]++
		case h.Job.State == "void":
		default:
			want := receipts
			if h.Job.Purpose == store.PurposeCorrection {
				want = corrections
				r.Corrected++
			}
			want[what{h.Serial, h.Amount}]++
			if h.Job.State != "done" {
				r.Problems = append(r.Problems, fmt.Sprintf("%s: job %s is still %s (%s)", h.Serial, h.Job.ID, h.Job.State, h.Job.Reason))
			}
		}
	}
	for _, e := range s.Journal {
		if !in[id{e.Agent, e.Journal, e.Seq}] {
			r.Lost++
			r.Problems = append(r.Problems, fmt.Sprintf("%s: record %d of journal %s is not in the hub", e.Serial, e.Seq, e.Journal))
		}
	}
	return receipts, corrections
}

func (s Stages) countArchive(r *Result, receipts, corrections map[what]int) {
	made, corrected := map[what]int{}, map[what]int{}
	keys := map[string]uint32{}
	for _, d := range s.Archive {
		if d.Type == fn.TypeCorrection && d.Operation == 1 && d.KeyName == kkt.KeyName {
			corrected[what{d.Machine, d.Sum}]++
		}
		if d.Type != fn.TypeReceipt || d.Operation != 1 {
			continue
		}
		if d.KeyName != kkt.KeyName {
			r.Foreign++
			continue
		}
		r.Receipts++
		made[what{d.Machine, d.Sum}]++
		if fd, again := keys[d.Key]; again {
			r.Problems = append(r.Problems, fmt.Sprintf("key %s stands in ФД %d and ФД %d", d.Key, fd, d.FD))
		}
		keys[d.Key] = d.FD
	}
	missing, extra := compare(receipts, made)
	r.tell(missing, extra, "the hub", "the FN archive")
	missing, _ = compare(corrections, corrected) // repairs of receipts are corrections too
	r.tell(missing, nil, "the hub", "the FN archive's corrections")
}
