package api

import (
	"context"

	"github.com/chekomat/chekomat/fiscal/kkt"
	"github.com/chekomat/chekomat/hub/api/contract"
	"github.com/chekomat/chekomat/hub/api/texts"
	"github.com/chekomat/chekomat/hub/outlook"
	"github.com/chekomat/chekomat/hub/store"
)

func (s *Server) listLedgerShifts(c *call) (any, error) {
	f, p, err := c.ledger()
	if err != nil {
		return nil, err
	}
	f.Lane = c.query("lane")
	if f.Outcome, err = c.choice("outcome", "", "", "agree", "differ", "unknown"); err != nil {
		return nil, err
	}
	l, err := s.o.Store.LedgerShifts(c.ctx, f, p)
	for i := range l.Items {
		v := &l.Items[i]
		v.Title = texts.Of("shift_"+v.Outcome, c.lang).Title
		for k := range v.Lines {
			line := &v.Lines[k]
			line.Name = texts.Of(line.What, c.lang).Title
			if line.Reason != "" {
				line.Title = texts.Of(line.Reason, c.lang).Title
			}
		}
	}
	return l, err
}

func (s *Server) listLedgerDays(c *call) (any, error) {
	f, p, err := c.ledger()
	if err != nil {
		return nil, err
	}
	f.Machine = c.query("machine")
	l, err := s.o.Store.LedgerDays(c.ctx, f, p)
	for i := range l.Items {
		for k := range l.Items[i].Parties {
			v := &l.Items[i].Parties[k]
			v.Name = texts.Of(v.Party, c.lang).Title
			for _, list := range [][]contract.LedgerReason{v.Held, v.Void} {
				for n := range list {
					list[n].Title = texts.Of(list[n].Reason, c.lang).Title
				}
			}
		}
	}
	return l, err
}

// readingDays are given without a from: a month.
const readingDays = 31

func (s *Server) listReadings(c *call) (any, error) {
	l, err := s.o.Store.LaneView(c.ctx, c.caller.Operator, c.path("lane"))
	if err != nil {
		return nil, err
	}
	step, from, to, err := c.span(l.Zone, s.o.Now(), readingDays)
	if err != nil {
		return nil, err
	}
	return items(s.o.Store.LaneReadings(c.ctx, l.ID, l.Zone, step, from, to))
}

// ledger reads what narrows both lists.
func (c *call) ledger() (f store.LedgerFilter, p store.Page, err error) {
	if f.Operator, err = c.scope(); err != nil {
		return f, p, err
	}
	p, err = c.page(false)
	return f, p, err
}

// outlooks fills in how long the registers of a lane can go on.
func (s *Server) outlooks(ctx context.Context, l *contract.Lane, lang string) error {
	all, err := s.o.Store.Outlooks(ctx, l.ID)
	for _, v := range all {
		o := store.OutlookView(v)
		for i := range o.Findings {
			f := &o.Findings[i]
			f.Name = texts.Of("watch_"+f.Code, lang).Title
			if f.Level != "fine" {
				t := texts.Of(f.Code, lang)
				f.Title, f.Next = t.Title, t.Next
			}
		}
		l.Outlook = append(l.Outlook, o)
	}
	return err
}

// writeOutlooks gives what is left of registers, for alarms made elsewhere. A
// figure that is not known has no sample.
func (s *Server) writeOutlooks(ctx context.Context, e exposition) {
	all, err := s.o.Store.Outlooks(ctx, "")
	if err != nil {
		s.o.Log.Error("outlooks of registers cannot be read", "error", err)
		return
	}
	left := func(w outlook.What, scale float64) func(store.RegisterOutlook) (float64, bool) {
		return func(v store.RegisterOutlook) (float64, bool) {
			for _, f := range v.Findings {
				if f.What == w && f.Left >= 0 {
					return float64(f.Left) * scale, true
				}
			}
			return 0, false
		}
	}
	for _, m := range []struct {
		name, help string
		of         func(store.RegisterOutlook) (float64, bool)
	}{
		{"chekomat_fn_key_days_left", "Days that the keys of the FN still live", left(outlook.Keys, 1)},
		{"chekomat_fn_documents_left", "Documents that the FN's archive still takes", left(outlook.Documents, 1)},
		{"chekomat_fn_documents_a_day", "Pace of documents over the last week", func(v store.RegisterOutlook) (float64, bool) { return v.Pace, v.Pace > 0 }},
		{"chekomat_fn_full_seconds", "Forecast: seconds until the archive is full at today's pace", func(v store.RegisterOutlook) (float64, bool) {
			for _, f := range v.Findings {
				if f.What == outlook.Documents && f.Paced {
					return f.Stops.Sub(s.o.Now()).Seconds(), true
				}
			}
			return 0, false
		}},
		{"chekomat_fn_unsent_documents", "Documents without the OFD's confirmation", func(v store.RegisterOutlook) (float64, bool) {
			return float64(v.Unit.FN.Unsent), v.Unit.FN.Unsent > 0 || v.Unit.FN.Told&kkt.ToldUnsent != 0
		}},
		{"chekomat_fn_unsent_age_seconds", "Age of the oldest document without the OFD's confirmation", left(outlook.Unsent, 60)},
		{"chekomat_shift_age_seconds", "Age of the open shift", left(outlook.Shift, 60)},
	} {
		e.family(m.name, "gauge", m.help)
		for _, v := range all {
			if n, ok := m.of(v); ok {
				e.value(m.name, n, "operator", v.Operator, "lane", v.Lane, "name", v.Name, "fn", v.Unit.FN.Serial)
			}
		}
	}
}
