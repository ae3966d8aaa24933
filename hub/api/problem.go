package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"golang.org/x/text/language"

	"github.com/chekomat/chekomat/hub/api/contract"
	"github.com/chekomat/chekomat/hub/api/texts"
	"github.com/chekomat/chekomat/hub/store"
)

// problem is a refusal: a stable code of the catalogue, the field at fault.
type problem struct {
	status int
	code   string
	field  string
	detail string
	faults []fieldFault
}

// fieldFault is one fault of a body.
type fieldFault struct{ code, field string }

func (p *problem) Error() string { return p.code + " " + p.field + " " + p.detail }

func refuse(status int, code, field, detail string) error {
	return &problem{status: status, code: code, field: field, detail: detail}
}

// known are the facts of the store a caller can do something about.
var known = []struct {
	err    error
	status int
	code   string
}{
	{store.ErrNotFound, http.StatusNotFound, "not_found"},
	{store.ErrExists, http.StatusConflict, "exists"},
	{store.ErrNoAgent, http.StatusConflict, "nobody_to_ask"},
	{store.ErrCursor, http.StatusUnprocessableEntity, "bad_cursor"},
	{store.ErrMoved, http.StatusConflict, "moved_on"},
	{store.ErrMayExist, http.StatusConflict, "may_exist"},
	{store.ErrNoReceipt, http.StatusConflict, "no_receipt_of_sale"},
	{store.ErrRefunded, http.StatusConflict, "refunded_already"},
	{store.ErrHasReceipt, http.StatusConflict, "has_receipt"},
	{store.ErrNothingWrong, http.StatusConflict, "nothing_wrong"},
	{store.ErrNoSale, http.StatusConflict, "no_sale"},
	{store.ErrMismatch, http.StatusConflict, "document_differs"},
	{store.ErrNotHeld, http.StatusConflict, "not_held"},
	{store.ErrStillRefused, http.StatusConflict, "still_refused"},
	{store.ErrAway, http.StatusServiceUnavailable, "store_away"},
	{store.ErrFull, http.StatusServiceUnavailable, "store_full"},
	{store.ErrReadOnly, http.StatusServiceUnavailable, "store_read_only"},
	{store.ErrBusy, http.StatusServiceUnavailable, "store_busy"},
	{store.ErrInDoubt, http.StatusServiceUnavailable, "store_in_doubt"},
	{context.DeadlineExceeded, http.StatusServiceUnavailable, "too_slow"},
}

// asProblem names an error for the caller; internal says that it is our fault
// and belongs into the log.
func asProblem(err error) (p *problem, internal bool) {
	if errors.As(err, &p) {
		return p, false
	}
	var f *store.FieldError
	if errors.As(err, &f) && errors.Is(err, store.ErrNotFound) {
		return &problem{status: http.StatusUnprocessableEntity, code: "unknown_reference", field: f.Field}, false
	}
	if c, ok := errors.AsType[store.CannotMakeError](err); ok {
		return &problem{status: http.StatusConflict, code: c.Reason, detail: c.Detail}, false
	}
	cause := store.Cause(err)
	for _, k := range known {
		if errors.Is(err, k.err) || errors.Is(cause, k.err) {
			p := &problem{status: k.status, code: k.code}
			if k.status == http.StatusConflict {
				p.detail = err.Error()
			}
			return p, false
		}
	}
	return &problem{status: http.StatusInternalServerError, code: "internal"}, true
}

func (p *problem) write(w http.ResponseWriter, lang string) {
	t := texts.Of(p.code, lang)
	v := contract.Problem{Type: "urn:chekomat:problem:" + p.code, Title: t.Title, Next: t.Next,
		Status: p.status, Code: p.code, Detail: p.detail, Field: p.field}
	for _, f := range p.faults {
		t := texts.Of(f.code, lang)
		v.Errors = append(v.Errors, contract.FieldError{Code: f.code, Field: f.field, Title: t.Title, Next: t.Next})
	}
	h := w.Header()
	h.Set("Content-Type", "application/problem+json")
	h.Set("Content-Language", lang)
	h.Set("Cache-Control", "no-store")
	if p.status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", `Bearer realm="chekomat"`)
	}
	w.WriteHeader(p.status)
	_ = json.NewEncoder(w).Encode(v) // the client has gone: nobody to tell
}

var languages = language.NewMatcher([]language.Tag{language.English, language.Russian})

// langOf is "ru" or "en": ?lang=, else Accept-Language; English unless Russian
// is preferred.
func langOf(r *http.Request) string {
	switch v := r.URL.Query().Get("lang"); v {
	case texts.RU, texts.EN:
		return v
	}
	if accept := r.Header.Get("Accept-Language"); accept != "" {
		tag, _ := language.MatchStrings(languages, accept)
		if base, _ := tag.Base(); strings.EqualFold(base.String(), texts.RU) {
			return texts.RU
		}
	}
	return texts.EN
}
