package api

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/chekomat/chekomat/fiscal"
	"github.com/chekomat/chekomat/fiscal/fault"
	"github.com/chekomat/chekomat/fiscal/ffd"
	"github.com/chekomat/chekomat/hub/api/contract"
	"github.com/chekomat/chekomat/hub/store"
)

// findDocument reads a document of a lane's ФН now and says whose it is.
func (s *Server) findDocument(c *call) (any, error) {
	l, err := s.o.Store.LaneView(c.ctx, c.caller.Operator, c.path("lane"))
	if err != nil {
		return nil, err
	}
	_, fd, err := c.document()
	if err != nil {
		return nil, err
	}
	if s.o.Till == nil {
		return nil, refuse(http.StatusServiceUnavailable, "not_running", "", "till")
	}
	d, err := s.o.Till.Document(c.ctx, l.ID, c.query("fn"), fd)
	if errors.Is(err, store.ErrNotFound) {
		return nil, refuse(http.StatusNotFound, "not_found", "fd", err.Error())
	}
	if err != nil {
		if f, ok := fault.Of(err); ok {
			return nil, refuse(http.StatusConflict, string(f.Code), "", f.Text)
		}
		return nil, refuse(http.StatusConflict, "document_unread", "", err.Error())
	}
	r := d.Receipt
	v := contract.FoundDocument{FN: r.FN, FD: int64(r.FD), FP: int64(r.FP), Type: int(d.Type), Amount: r.Total, Confirmed: d.Confirmed, Key: string(d.Key), Document: d.Document}
	if !r.At.IsZero() {
		v.At = r.At.Format(fiscal.WallLayout)
	}
	if v.Job, err = s.o.Store.JobOfDocument(c.ctx, c.caller.Operator, r.FN, r.FD); err != nil && !errors.Is(err, store.ErrNotFound) {
		return nil, err
	}
	doc, _, err := ffd.ParseDocument(d.Document)
	if err != nil || d.Document == nil {
		v.Text = fmt.Sprintf("ФН %s ФД %d ФП %d %s %d.%02d\n", r.FN, r.FD, r.FP, v.At, r.Total/100, r.Total%100)
	} else {
		v.Text = string(ffd.AppendText(nil, doc, c.lang))
	}
	return v, nil
}
