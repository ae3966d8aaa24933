package dex

import (
	"fmt"
	"time"

	"github.com/chekomat/chekomat/mdb/evadts"
	"github.com/chekomat/chekomat/mdb/evadts/line"
)

// assemble joins the blocks. After any trouble on the line only a report whose
// seal holds, in exactly one reading of its repeated blocks, is taken.
func (r *Reader) assemble(now time.Duration) {
	blocks, suspects := r.recv.blocks, r.recv.suspects
	if !r.recv.trouble {
		r.end(joined(blocks, nil), nil)
		return
	}
	found, several := sealed(blocks, suspects)
	if found == nil || several {
		r.again(now, fmt.Errorf("data, no reading of it has a seal that holds: %w", line.ErrDamaged))
		return
	}
	r.end(found, nil)
}

const mostSuspects = 8

// sealed finds the reading of the blocks whose G85 holds, and whether two
// different ones do.
func sealed(blocks [][]byte, suspects []int) (found []byte, several bool) {
	if len(suspects) > mostSuspects {
		return nil, false
	}
	for choice := range 1 << len(suspects) {
		drop := map[int]bool{}
		for i, s := range suspects {
			drop[s] = choice>>i&1 == 1
		}
		text := joined(blocks, drop)
		reports, err := evadts.Parse(text)
		if err != nil || len(reports) != 1 || !proven(reports[0]) {
			continue
		}
		if found != nil && string(found) != string(text) {
			return nil, true
		}
		found = text
	}
	return found, false
}

// proven reports whether the seal holds, and nothing stands outside it but one
// DXS, SE and DXE: those lines no seal covers, and blocks may be there twice.
func proven(r evadts.Report) bool {
	if !r.Seal().Status.Holds() || len(r.Before) > 0 || r.Wrapper != "" {
		return false
	}
	for _, s := range r.After {
		if s.ID != "" {
			return false
		}
	}
	var outside string
	inside := false
	for _, s := range r.Segments {
		inside = inside || s.ID == "ST"
		if s.ID == "G85" {
			inside = false
		}
		if !inside && s.ID != "" {
			outside += s.ID + " "
		}
	}
	return outside == "DXS G85 SE DXE "
}

func joined(blocks [][]byte, drop map[int]bool) (out []byte) {
	for i, b := range blocks {
		if !drop[i] {
			out = append(out, b...)
		}
	}
	return out
}
