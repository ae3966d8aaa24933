package api

import (
	"errors"
	"net/http"
	"strings"

	"github.com/chekomat/chekomat/hub/api/contract"
	"github.com/chekomat/chekomat/hub/store"
)

// cookie carries a dashboard's token: HttpOnly, so no script reads it, and
// SameSite=Strict, so no other site makes the browser send it. Revoking the
// token ends the session.
const cookie = "chekomat_session"

// cookieAge is 30 days.
const cookieAge = 30 * 24 * 3600

func (s *Server) caller(r *http.Request) (store.Caller, error) {
	token := ""
	if h := r.Header.Get("Authorization"); h != "" {
		scheme, value, _ := strings.Cut(h, " ")
		if !strings.EqualFold(scheme, "Bearer") {
			return store.Caller{}, refuse(http.StatusUnauthorized, "unauthorized", "", "")
		}
		token = strings.TrimSpace(value)
	} else if c, err := r.Cookie(cookie); err == nil {
		token = c.Value
	}
	return s.tokenCaller(r, token)
}

func (s *Server) tokenCaller(r *http.Request, token string) (store.Caller, error) {
	if token == "" {
		return store.Caller{}, refuse(http.StatusUnauthorized, "unauthorized", "", "")
	}
	c, err := s.o.Store.TokenCaller(r.Context(), token)
	if errors.Is(err, store.ErrNotFound) {
		return c, refuse(http.StatusUnauthorized, "unauthorized", "", "")
	}
	return c, err
}

func session(c store.Caller) contract.Session {
	if c.Operator == "" {
		return contract.Session{Kind: "installation", Name: c.Name}
	}
	return contract.Session{Kind: "operator", Operator: c.Operator, Name: c.Name}
}

func (s *Server) getSession(c *call) (any, error) { return session(c.caller), nil }

func (s *Server) createSession(c *call) (any, error) {
	var b struct {
		Token string `json:"token"`
	}
	if err := c.body(&b); err != nil {
		return nil, err
	}
	caller, err := s.tokenCaller(c.r, strings.TrimSpace(b.Token))
	if err != nil {
		return nil, err
	}
	http.SetCookie(c.w, &http.Cookie{Name: cookie, Value: strings.TrimSpace(b.Token), Path: "/", MaxAge: cookieAge,
		HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: c.r.TLS != nil || c.r.Header.Get("X-Forwarded-Proto") == "https"})
	return session(caller), nil
}

func (s *Server) deleteSession(c *call) (any, error) {
	http.SetCookie(c.w, &http.Cookie{Name: cookie, Path: "/", MaxAge: -1, HttpOnly: true, SameSite: http.SameSiteStrictMode})
	return nil, nil
}

func (s *Server) listTokens(c *call) (any, error) {
	scope, err := c.scope()
	if err != nil {
		return nil, err
	}
	return items(s.o.Store.Tokens(c.ctx, scope))
}

func (s *Server) createToken(c *call) (any, error) {
	var b contract.NewToken
	if err := c.body(&b); err != nil {
		return nil, err
	}
	var v checks
	v.text("name", b.Name, 1, 100)
	if err := v.err(); err != nil {
		return nil, err
	}
	owner := b.Operator
	if c.caller.Operator != "" {
		var err error
		if owner, err = c.owner(b.Operator); err != nil {
			return nil, err
		}
	} else if owner != "" {
		if _, err := s.o.Store.Operator(c.ctx, owner); err != nil {
			return nil, unknownReference(err, "operator")
		}
	}
	return s.o.Store.CreateToken(c.ctx, owner, b.Name)
}

func (s *Server) revokeToken(c *call) (any, error) {
	return nil, s.o.Store.RevokeToken(c.ctx, c.caller.Operator, c.path("token"))
}

// unknownReference says that a field of the body names nothing.
func unknownReference(err error, field string) error {
	if f := (*store.FieldError)(nil); !errors.As(err, &f) && errors.Is(err, store.ErrNotFound) {
		return refuse(http.StatusUnprocessableEntity, "unknown_reference", field, "")
	}
	return err
}
