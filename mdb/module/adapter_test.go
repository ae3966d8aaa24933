package module

import (
	"net/url"
	"strings"
	"testing"

	"github.com/chekomat/chekomat/mdb"
)

// FuzzAdapters holds that no line of an adapter panics or gives a word that is
// none.
func FuzzAdapters(f *testing.F) {
	for _, s := range []string{
		"x,00,0000010000,11,0002000000\nx,80,0000010100,ACK", "c,STATUS,INACTIVE\nc,STATUS,VEND,1.00,5\nc,VEND,SUCCESS", "c,ERR,VEND 3",
		"13 05 11 94 00 0C C9\n1010", "c,STATUS,VEND,99999999999.123,70000", "x,\nx,00\n,,,,\nc,", strings.Repeat("00", 40),
	} {
		f.Add(s)
	}
	urls := []string{"qibixx:///p", "qibixx:///p?mode=reader&vend=approve", "waferstar:///p", "waferstar:///p?sum=no&address=60"}
	f.Fuzz(func(t *testing.T, text string) {
		for _, raw := range urls {
			u, err := url.Parse(raw)
			if err != nil {
				t.Fatal(err)
			}
			a, _, err := adapterFor(u)
			if err != nil {
				t.Fatal(err)
			}
			if w, ok := a.(*waferstar); ok {
				w.playing = true
				w.replies = []Reply{{Key: []byte{byte(w.address) | 1}, Data: []byte{1, 2, 3}}}
			}
			s := &adapterSource{a: a}
			var ws []mdb.Word
			for i, l := range strings.Split(text, "\n") {
				if l == "" || len(l) > maxAdapterLine {
					continue
				}
				made, _, _ := a.line(nil, int64(i)*1000, l)
				ws = s.settle(ws, made)
			}
			ws = s.settle(ws, a.quiet(nil))
			for i, w := range ws {
				if w.V > 0x1FF || w.Line > mdb.Slave || w.Flags&mdb.Synthetic == 0 {
					t.Fatalf("%s: %+v", raw, w)
				}
				if i > 0 && w.T < ws[i-1].T-2_000_000 {
					t.Fatalf("%s: time goes back from %d to %d", raw, ws[i-1].T, w.T)
				}
			}
		}
	})
}
