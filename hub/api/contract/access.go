// Package contract is openapi.yaml as Go types: what goes over the hub's HTTP
// API, for the side that answers and the sides that ask. Money is kopecks,
// instants are UTC, a list's Next is the cursor of its next page.
package contract

import "time"

// Problem is an RFC 9457 answer. Code is stable; the texts follow
// Accept-Language.
type Problem struct {
	Type   string       `json:"type"`
	Title  string       `json:"title"`
	Status int          `json:"status"`
	Code   string       `json:"code"`
	Detail string       `json:"detail,omitempty"`
	Field  string       `json:"field,omitempty"`
	Next   string       `json:"next"`
	Errors []FieldError `json:"errors,omitempty"`
}

// FieldError is one fault of a body.
type FieldError struct {
	Code  string `json:"code"`
	Field string `json:"field"`
	Title string `json:"title"`
	Next  string `json:"next,omitempty"`
}

// Text is what a stable code means.
type Text struct {
	Code  string `json:"code"`
	Title string `json:"title"`
	Next  string `json:"next"`
}

// TextList is the catalogue in one language.
type TextList struct {
	Lang  string `json:"lang"`
	Items []Text `json:"items"`
}

// List is a page; Next is "" on the last one.
type List[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next,omitempty"`
}

// Why is a person's reason, kept in the history beside the token's name.
type Why struct {
	Why string `json:"why"`
}

// Session says whose token is in use.
type Session struct {
	Kind     string `json:"kind"` // installation, operator
	Operator string `json:"operator,omitempty"`
	Name     string `json:"name"`
}

// Token without its value.
type Token struct {
	ID        string    `json:"id"`
	Operator  string    `json:"operator,omitempty"`
	Name      string    `json:"name"`
	CreatedAt time.Time `json:"created_at"`
	RevokedAt time.Time `json:"revoked_at,omitzero"`
}

// NewToken asks for one.
type NewToken struct {
	Operator string `json:"operator,omitempty"`
	Name     string `json:"name"`
}

// CreatedToken is the only answer that holds the value.
type CreatedToken struct {
	ID       string `json:"id"`
	Token    string `json:"token"`
	Operator string `json:"operator,omitempty"`
	Name     string `json:"name"`
}

// Health tells whether the hub can keep what it is told.
type Health struct {
	Status  string        `json:"status"` // ok, degraded, failed
	Version string        `json:"version"`
	At      time.Time     `json:"at"`
	Checks  []HealthCheck `json:"checks"`
}

// HealthCheck is one of store, disk, broker, lanes.
type HealthCheck struct {
	Name   string  `json:"name"`
	Status string  `json:"status"`
	Detail string  `json:"detail,omitempty"`
	TookMS float64 `json:"took_ms,omitempty"`
	Value  int64   `json:"value,omitempty"`
}
