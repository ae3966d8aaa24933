// Package client asks the hub over its public HTTP API, in the shapes of
// package contract. The demo and the command line use it; customers may.
package client

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/chekomat/chekomat/hub/api/contract"
)

// Client asks one hub with one token. Safe for concurrent use.
type Client struct {
	base, token string
	http        *http.Client

	Lang string // of texts: "ru" or "en" (default)
}

// New makes a client of the hub at base ("http://127.0.0.1:8080").
func New(base, token string) *Client {
	return &Client{base: strings.TrimRight(base, "/"), token: token, http: &http.Client{}}
}

// callTime bounds one question; streams have none.
const callTime = 30 * time.Second

// Error is a problem the hub answered.
type Error struct {
	Method, Path string
	Problem      contract.Problem
}

// Error says what was asked, what is wrong and what to do.
func (e *Error) Error() string {
	p := e.Problem
	s := fmt.Sprintf("%s %s: %d %s: %s", e.Method, e.Path, p.Status, p.Code, p.Title)
	if p.Field != "" {
		s += " (" + p.Field + ")"
	}
	if p.Detail != "" {
		s += ": " + p.Detail
	}
	for _, f := range p.Errors {
		s += "; " + f.Field + ": " + f.Title
	}
	if p.Next != "" {
		s += ". " + p.Next
	}
	return s
}

// Get asks for path (with its query) into out.
func (c *Client) Get(ctx context.Context, path string, out any) error {
	return c.Do(ctx, http.MethodGet, path, nil, out)
}

// Post sends in and reads the answer into out; either may be nil.
func (c *Client) Post(ctx context.Context, path string, in, out any) error {
	return c.Do(ctx, http.MethodPost, path, in, out)
}

// Put as Post.
func (c *Client) Put(ctx context.Context, path string, in, out any) error {
	return c.Do(ctx, http.MethodPut, path, in, out)
}

// Patch as Post.
func (c *Client) Patch(ctx context.Context, path string, in, out any) error {
	return c.Do(ctx, http.MethodPatch, path, in, out)
}

// Delete asks to take something away.
func (c *Client) Delete(ctx context.Context, path string) error {
	return c.Do(ctx, http.MethodDelete, path, nil, nil)
}

// Do makes one call. The error is an *Error when the hub refused.
func (c *Client) Do(ctx context.Context, method, path string, in, out any) error {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	r, err := c.send(ctx, method, path, in)
	if err != nil {
		return err
	}
	defer r.Body.Close()
	if out == nil || r.StatusCode == http.StatusNoContent {
		_, err = io.Copy(io.Discard, r.Body) // so that the connection is used again
	} else {
		err = json.NewDecoder(r.Body).Decode(out)
	}
	if err != nil {
		return fmt.Errorf("%s %s: read the answer: %w", method, path, err)
	}
	return nil
}

func (c *Client) send(ctx context.Context, method, path string, in any) (*http.Response, error) {
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return nil, fmt.Errorf("%s %s: %w", method, path, err)
		}
		body = bytes.NewReader(b)
	}
	r, err := http.NewRequestWithContext(ctx, method, c.base+path, body)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", method, path, err)
	}
	if in != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if c.token != "" {
		r.Header.Set("Authorization", "Bearer "+c.token)
	}
	if c.Lang != "" {
		r.Header.Set("Accept-Language", c.Lang)
	}
	a, err := c.http.Do(r)
	if err != nil {
		return nil, fmt.Errorf("ask the hub: %w", err)
	}
	if a.StatusCode < 300 {
		return a, nil
	}
	defer a.Body.Close()
	e := &Error{Method: method, Path: path}
	if err := json.NewDecoder(io.LimitReader(a.Body, 1<<20)).Decode(&e.Problem); err != nil || e.Problem.Code == "" {
		e.Problem = contract.Problem{Status: a.StatusCode, Code: "no_problem_given", Title: a.Status}
	}
	return nil, e
}

// Pages reads a list to its end, or until each returns false. path may have a
// query of its own.
func Pages[T any](ctx context.Context, c *Client, path string, each func(T) bool) error {
	sep := "?"
	if strings.Contains(path, "?") {
		sep = "&"
	}
	for cursor := ""; ; {
		at := path
		if cursor != "" {
			at += sep + "cursor=" + url.QueryEscape(cursor)
		}
		var l contract.List[T]
		if err := c.Get(ctx, at, &l); err != nil {
			return err
		}
		for _, v := range l.Items {
			if !each(v) {
				return nil
			}
		}
		if cursor = l.Next; cursor == "" {
			return nil
		}
	}
}

// Event is one message of the live stream.
type Event struct {
	Name string
	Data json.RawMessage
}

// maxEvent is the longest line of the live stream: a snapshot of a big fleet.
const maxEvent = 16 << 20

// Live reads the live stream until ctx ends, the link breaks or each returns
// false. operator may be "".
func (c *Client) Live(ctx context.Context, operator string, each func(Event) bool) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	r, err := c.send(ctx, http.MethodGet, "/api/v1/live?operator="+url.QueryEscape(operator), nil)
	if err != nil {
		return err
	}
	defer r.Body.Close()
	lines := bufio.NewScanner(r.Body)
	lines.Buffer(nil, maxEvent)
	var e Event
	for lines.Scan() {
		switch line := lines.Text(); {
		case line == "" && e.Name != "":
			if !each(e) {
				return nil
			}
			e = Event{}
		case strings.HasPrefix(line, "event: "):
			e.Name = line[len("event: "):]
		case strings.HasPrefix(line, "data: "):
			e.Data = json.RawMessage(line[len("data: "):])
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("read the live stream: %w", err)
	}
	return io.ErrUnexpectedEOF
}
