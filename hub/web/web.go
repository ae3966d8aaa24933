// Package web serves the dashboard that npm builds into dist. Without it a
// placeholder page stands there, so that the hub builds with Go alone.
package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
)

//go:embed all:dist
var dist embed.FS

// policy lets the page load nothing but its own files; inline styles are the
// charts'.
const policy = "default-src 'self'; img-src 'self' data: blob:; style-src 'self' 'unsafe-inline'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'"

// page is one file, compressed once for links that are slow.
type page struct {
	kind, tag   string
	plain, gzip []byte // gzip nil where it saves nothing
}

type site map[string]page

// Handler serves the dashboard; paths that are no file get its first page.
func Handler() http.Handler {
	sub, err := fs.Sub(dist, "dist")
	if err != nil {
		panic(err) // the folder is embedded at build time
	}
	return read(sub)
}

// Built says whether the dashboard is in this program.
func Built() bool {
	_, err := fs.Stat(dist, "dist/index.html")
	return err == nil
}

func read(files fs.FS) site {
	s := site{}
	err := fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := fs.ReadFile(files, name)
		s["/"+name] = newPage(name, b)
		return err
	})
	if err != nil {
		panic(err) // embedded files can be read
	}
	if first, ok := s["/index.html"]; ok {
		s["/"] = first
	} else {
		s["/"] = s["/placeholder.html"]
	}
	return s
}

func newPage(name string, b []byte) page {
	sum := sha256.Sum256(b)
	p := page{kind: mime.TypeByExtension(path.Ext(name)), tag: `"` + hex.EncodeToString(sum[:8]) + `"`, plain: b}
	if p.kind == "" {
		p.kind = http.DetectContentType(b)
	}
	var z bytes.Buffer
	w, _ := gzip.NewWriterLevel(&z, gzip.BestCompression) // the level is a known one
	_, _ = w.Write(b)                                     // a buffer takes all
	_ = w.Close()
	if z.Len() < len(b)*9/10 {
		p.gzip = z.Bytes()
	}
	return p
}

// ServeHTTP serves one file. Names in assets hold a hash of their content, so
// they may be kept for ever; the first page is asked for each time.
func (s site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	p, ok := s[path.Clean(r.URL.Path)]
	if !ok {
		if path.Ext(r.URL.Path) != "" {
			http.NotFound(w, r)
			return
		}
		p = s["/"]
	}
	h := w.Header()
	h.Set("Content-Type", p.kind)
	h.Set("Content-Security-Policy", policy)
	h.Set("ETag", p.tag)
	h.Set("Vary", "Accept-Encoding")
	h.Set("Cache-Control", "no-cache")
	if ok && strings.HasPrefix(r.URL.Path, "/assets/") {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	if r.Header.Get("If-None-Match") == p.tag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	body := p.plain
	if p.gzip != nil && strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		h.Set("Content-Encoding", "gzip")
		body = p.gzip
	}
	if r.Method == http.MethodHead {
		return
	}
	_, _ = w.Write(body) // the client has gone: nobody to tell
}
