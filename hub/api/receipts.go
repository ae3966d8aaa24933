package api

import (
	"net/http"
	"strconv"
	"time"

	"github.com/skip2/go-qrcode"

	"github.com/chekomat/chekomat/hub/api/contract"
	"github.com/chekomat/chekomat/hub/store"
)

func (s *Server) listReceipts(c *call) (any, error) {
	f := store.ReceiptFilter{Machine: c.query("machine"), FN: c.query("fn")}
	var err error
	if f.Operator, err = c.scope(); err != nil {
		return nil, err
	}
	if f.Day, err = c.moment("day", time.DateOnly); err != nil {
		return nil, err
	}
	if v := c.query("fd"); v != "" {
		if f.FD, err = strconv.ParseInt(v, 10, 64); err != nil || f.FD < 1 || f.FN == "" {
			return nil, refuse(http.StatusUnprocessableEntity, "wrong_type", "fd", "fn and fd > 0")
		}
	}
	if v := c.query("sum"); v != "" {
		n, err := strconv.ParseInt(v, 10, 64)
		if err != nil || n < 0 || f.Day.IsZero() {
			return nil, refuse(http.StatusUnprocessableEntity, "wrong_type", "sum", "kopecks, with day")
		}
		f.Sum = &n
	}
	p, err := c.page(false)
	if err != nil {
		return nil, err
	}
	return s.o.Store.ReceiptsBy(c.ctx, f, p)
}

func (s *Server) receipt(c *call) (contract.Receipt, error) {
	fd, err := c.number("fd")
	if err != nil {
		return contract.Receipt{}, err
	}
	return s.o.Store.ReceiptView(c.ctx, c.caller.Operator, c.path("fn"), fd)
}

func (s *Server) getReceipt(c *call) (any, error) { return s.receipt(c) }

// qrPixels is the side of a receipt's QR picture with its quiet zone.
const qrPixels = 512

func (s *Server) getReceiptQR(c *call) (any, error) {
	v, err := s.receipt(c)
	if err != nil {
		return nil, err
	}
	if v.QR == "" {
		return nil, refuse(http.StatusNotFound, "no_qr", "", "")
	}
	png, err := qrcode.Encode(v.QR, qrcode.Medium, qrPixels)
	if err != nil {
		return nil, err
	}
	c.w.Header().Set("Content-Type", "image/png")
	c.w.Header().Set("Cache-Control", "private, max-age=86400") // receipts never change
	_, _ = c.w.Write(png)
	return answered{}, nil
}

func (s *Server) listQuarantine(c *call) (any, error) {
	scope, err := c.scope()
	if err != nil {
		return nil, err
	}
	open, err := c.flag("open", true)
	if err != nil {
		return nil, err
	}
	p, err := c.page(false)
	if err != nil {
		return nil, err
	}
	return s.o.Store.QuarantineBy(c.ctx, scope, open, p)
}

func (s *Server) getQuarantine(c *call) (any, error) {
	id, err := c.number("item")
	if err != nil {
		return nil, err
	}
	return s.o.Store.QuarantineView(c.ctx, c.caller.Operator, id)
}

func (s *Server) onQuarantine(c *call, do func(operator string, item int64) error) (any, error) {
	id, err := c.number("item")
	if err != nil {
		return nil, err
	}
	d, err := s.o.Store.QuarantineView(c.ctx, c.caller.Operator, id)
	if err != nil {
		return nil, err
	}
	if s.o.Records == nil {
		return nil, refuse(http.StatusServiceUnavailable, "not_running", "", "ingest")
	}
	if err := do(d.Item.Operator, id); err != nil {
		return nil, err
	}
	return s.getQuarantine(c)
}

func (s *Server) retakeQuarantine(c *call) (any, error) {
	return s.onQuarantine(c, func(_ string, item int64) error { return s.o.Records.Retake(c.ctx, item, c.caller.Name) })
}

func (s *Server) asideQuarantine(c *call) (any, error) {
	why, err := c.why()
	if err != nil {
		return nil, err
	}
	return s.onQuarantine(c, func(operator string, item int64) error {
		return s.o.Records.PutAside(c.ctx, operator, item, why, c.caller.Name)
	})
}
