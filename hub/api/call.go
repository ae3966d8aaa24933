package api

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/chekomat/chekomat/hub/api/contract"
	"github.com/chekomat/chekomat/hub/store"
)

// maxBody is enough for a plan of 2000 columns.
const maxBody = 4 << 20

// body reads a JSON body; a field it does not know is refused, so that a
// misspelt one is not silently ignored.
func (c *call) body(v any) error {
	if t, _, err := mime.ParseMediaType(c.r.Header.Get("Content-Type")); err != nil || t != "application/json" {
		return refuse(http.StatusUnsupportedMediaType, "not_json", "", "")
	}
	d := json.NewDecoder(http.MaxBytesReader(c.w, c.r.Body, maxBody))
	d.DisallowUnknownFields()
	err := d.Decode(v)
	if err == nil {
		if _, err := d.Token(); !errors.Is(err, io.EOF) {
			return refuse(http.StatusBadRequest, "bad_json", "", "more than one value")
		}
		return nil
	}
	var big *http.MaxBytesError
	var typ *json.UnmarshalTypeError
	switch {
	case errors.As(err, &big):
		return refuse(http.StatusRequestEntityTooLarge, "too_large", "", "")
	case errors.As(err, &typ):
		return refuse(http.StatusUnprocessableEntity, "wrong_type", typ.Field, "expected "+typ.Type.String())
	}
	if name, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		return refuse(http.StatusUnprocessableEntity, "unknown_field", strings.Trim(name, `"`), "")
	}
	return refuse(http.StatusBadRequest, "bad_json", "", err.Error())
}

// scope is the operator a list is narrowed to: the caller's own, or for the
// installation the one asked for, "" all.
func (c *call) scope() (string, error) {
	asked := c.r.URL.Query().Get("operator")
	if c.caller.Operator == "" || asked == "" {
		return c.caller.Operator + asked, nil
	}
	if asked != c.caller.Operator {
		return "", refuse(http.StatusNotFound, "not_found", "operator", "")
	}
	return asked, nil
}

// owner is the operator something new belongs to.
func (c *call) owner(asked string) (string, error) {
	switch own := c.caller.Operator; {
	case own == "" && asked == "":
		return "", refuse(http.StatusUnprocessableEntity, "operator_needed", "operator", "")
	case own == "":
		return asked, nil
	case asked != "" && asked != own:
		return "", refuse(http.StatusNotFound, "not_found", "operator", "")
	default:
		return own, nil
	}
}

// pathOperator is the operator in the path, if the caller may see it.
func (c *call) pathOperator() (string, error) { return c.owner(c.r.PathValue("operator")) }

func (c *call) path(name string) string { return c.r.PathValue(name) }

// number is a positive number in the path; what is none names nothing.
func (c *call) number(name string) (int64, error) {
	n, err := strconv.ParseInt(c.r.PathValue(name), 10, 64)
	if err != nil || n <= 0 {
		return 0, refuse(http.StatusNotFound, "not_found", name, "")
	}
	return n, nil
}

func (c *call) query(name string) string { return c.r.URL.Query().Get(name) }

// page reads limit, cursor and order.
func (c *call) page(asc bool) (store.Page, error) {
	p := store.Page{Limit: 100, Cursor: c.query("cursor"), Asc: asc}
	if v := c.query("limit"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil || n < 1 || n > 500 {
			return p, refuse(http.StatusUnprocessableEntity, "out_of_range", "limit", "1..500")
		}
		p.Limit = n
	}
	switch v := c.query("order"); v {
	case "":
	case "asc", "desc":
		p.Asc = v == "asc"
	default:
		return p, refuse(http.StatusUnprocessableEntity, "not_a_choice", "order", "asc, desc")
	}
	return p, nil
}

// flag reads a boolean of the query.
func (c *call) flag(name string, byDefault bool) (bool, error) {
	v := c.query(name)
	if v == "" {
		return byDefault, nil
	}
	b, err := strconv.ParseBool(v)
	if err != nil {
		return false, refuse(http.StatusUnprocessableEntity, "wrong_type", name, "true, false")
	}
	return b, nil
}

// moment reads a time of the query in the layout; zero when absent.
func (c *call) moment(name, layout string) (time.Time, error) {
	v := c.query(name)
	if v == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(layout, v)
	if err != nil {
		return time.Time{}, refuse(http.StatusUnprocessableEntity, "wrong_type", name, layout)
	}
	return t, nil
}

// choice reads a word of the query out of a few.
func (c *call) choice(name, byDefault string, words ...string) (string, error) {
	v := c.query(name)
	if v == "" {
		v = byDefault
	}
	for _, w := range words {
		if v == w {
			return v, nil
		}
	}
	return "", refuse(http.StatusUnprocessableEntity, "not_a_choice", name, strings.Join(words, ", "))
}

// items makes a list that has no further pages.
func items[T any](all []T, err error) (any, error) {
	return contract.List[T]{Items: all}, err
}
