package web

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
)

func get(h http.Handler, path string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestDashboardFiles(t *testing.T) {
	script := strings.Repeat("let a = 1;\n", 500)
	s := read(fstest.MapFS{
		"index.html":      {Data: []byte("<!doctype html><title>first</title>")},
		"assets/app-1.js": {Data: []byte(script)},
	})
	for _, tt := range []struct {
		path, holds, cache string
		status             int
	}{
		{"/", "first", "no-cache", 200},
		{"/machines/17", "first", "no-cache", 200},
		{"/assets/app-1.js", "let a", "public, max-age=31536000, immutable", 200},
		{"/assets/app-2.js", "", "", 404},
		{"/../index.html", "first", "no-cache", 200},
	} {
		w := get(s, tt.path)
		if w.Code != tt.status || !strings.Contains(w.Body.String(), tt.holds) || tt.status == 200 && w.Header().Get("Cache-Control") != tt.cache {
			t.Errorf("%s: %d %q %q", tt.path, w.Code, w.Header().Get("Cache-Control"), w.Body.String())
		}
	}
	w := get(s, "/assets/app-1.js", "Accept-Encoding", "br, gzip")
	z, err := gzip.NewReader(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	if b, _ := io.ReadAll(z); string(b) != script {
		t.Error("compressed file differs from the plain one")
	}
	if w := get(s, "/", "If-None-Match", w.Header().Get("ETag")); w.Code != 200 {
		t.Errorf("another file's tag: %d", w.Code)
	}
	if w := get(s, "/", "If-None-Match", get(s, "/").Header().Get("ETag")); w.Code != http.StatusNotModified {
		t.Errorf("known tag: %d", w.Code)
	}
	r := httptest.NewRequest(http.MethodPost, "/", nil)
	p := httptest.NewRecorder()
	s.ServeHTTP(p, r)
	if p.Code != http.StatusMethodNotAllowed {
		t.Errorf("POST: %d", p.Code)
	}
}

func TestPlaceholderStandsInForTheDashboard(t *testing.T) {
	s := read(fstest.MapFS{"placeholder.html": {Data: []byte("make web")}})
	if w := get(s, "/"); w.Code != 200 || !strings.Contains(w.Body.String(), "make web") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w := get(Handler(), "/"); w.Code != 200 || w.Header().Get("Content-Security-Policy") == "" {
		t.Errorf("embedded: %d", w.Code)
	}
}
