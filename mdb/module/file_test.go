package module

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chekomat/chekomat/mdb"
)

func writeTrace(t *testing.T, name, content string) string {
	t.Helper()
	p := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(p, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return p
}

func readAll(t *testing.T, s Source) (ws []mdb.Word, last Chunk) {
	t.Helper()
	for {
		c, err := s.Read(context.Background())
		if errors.Is(err, io.EOF) {
			return ws, last
		}
		if err != nil {
			t.Fatal(err)
		}
		ws = append(ws, c.Words...)
		last = c
	}
}

func show(ws []mdb.Word) string {
	var b strings.Builder
	for _, w := range ws {
		fmt.Fprintf(&b, "%s%03X ", [...]string{"M", "S", "EM", "ES"}[w.Line], w.V)
	}
	return strings.TrimSpace(b.String())
}

func TestTraceForms(t *testing.T) {
	for name, c := range map[string]struct {
		file, content, words string
		fid                  Fidelity
	}{
		"words": {
			"a.words.csv", "# capture\nt_us,dir,word\n10,M,112\n1156,M,012\n2500,S,100\n", "M112 M012 S100",
			Fidelity{ModeBits: true, Checksums: true, Times: true, BothLines: true},
		},
		"words without times": {
			"a.words.csv", "dir,word\nM,112\nM,012\nS,100\n", "M112 M012 S100",
			Fidelity{ModeBits: true, Checksums: true, BothLines: true},
		},
		"words of EXE": {
			"a.words.csv", "t_us,dir,word\n10,EM,131\n3000,ES,000\n103000,EM,132\n106000,ES,1FE\n", "EM131 ES000 EM132 ES1FE",
			Fidelity{ModeBits: true, Checksums: true, Times: true, BothLines: true},
		},
		"words of EXE without times": {
			"a.words.csv", "dir,word\nEM,131\nES,000\n", "EM131 ES000", Fidelity{ModeBits: true, Checksums: true, BothLines: true},
		},
		"blocks": {
			"a.blocks.txt", "# bytes incl. checksum\nM 12 12\nS 00\n\nM 12 12\nS 00 00\nM 00\n", "M112 M012 S100 M112 M012 S000 S100 M000",
			Fidelity{Checksums: true, BothLines: true},
		},
		"blocks without checksums": {
			"a.blocks.txt", "# checksums are not included\nM 12\nS 07\nM 00\n", "M112 M012 S007 S107 M000",
			Fidelity{BothLines: true},
		},
		"words as a spreadsheet saves them": {
			"A.WORDS.CSV", "\ufefft_us,dir,word\r\n10.5,M,112\r\n\r\n 1156 , M , 012 # POLL\r\n2500,S,0x100", "M112 M012 S100",
			Fidelity{ModeBits: true, Checksums: true, Times: true, BothLines: true},
		},
		"words in another order": {
			"a.words.csv", "word,note,dir,t_us\n1aa,,M,10\n0aa,x,M,1156\n", "M1AA M0AA", Fidelity{ModeBits: true, Checksums: true, Times: true, BothLines: true},
		},
		"words without a head": {
			"a.words.csv", "M,112\nM,012\n", "M112 M012", Fidelity{ModeBits: true, Checksums: true, BothLines: true},
		},
		"blocks, checksums excluded": {
			"a.blocks.txt", "\ufeff# real; bytes excl. checksum, no times\r\nM 12 # POLL\r\nS 07\r\nM 00", "M112 M012 S007 S107 M000", Fidelity{BothLines: true},
		},
		"blocks with checksums and no times": {
			"a.blocks.txt", "# bytes incl. checksum; source gives no timing\nM 12 12\n# no checksum is wrong here\nS 07 07\n", "M112 M012 S007 S107", Fidelity{Checksums: true, BothLines: true},
		},
		"any log is a Qibixx's": {
			"session-2.log", "\ufeffx,00,0000000100,12,\r\nx,80,0000000150,0364\r\n", "M112 M012 S003 S064 S167", Fidelity{BothLines: true},
		},
		"qibixx out of order": {
			"qibixx-x.log", "c,STATUS,INACTIVE\nx,80,0000000124,07\nx,00,0000000100,12,\nr,ACK\nx,00,0000000150,ACK\nx,81,0000000160,FF\n",
			"M112 M012 S007 S107 M000", Fidelity{BothLines: true},
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := Open(context.Background(), writeTrace(t, c.file, c.content), Cursor{}, Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			ws, last := readAll(t, s)
			if got := show(ws); got != c.words {
				t.Errorf("%s, want %s", got, c.words)
			}
			if s.Fidelity() != c.fid {
				t.Errorf("%+v, want %+v", s.Fidelity(), c.fid)
			}
			if last.Next.Seq != uint64(len(ws)) {
				t.Errorf("cursor %+v after %d words", last.Next, len(ws))
			}
			for i := 1; i < len(ws); i++ {
				if ws[i].T <= ws[i-1].T {
					t.Errorf("time steps back at word %d", i)
				}
			}
		})
	}
}

func TestFileResumes(t *testing.T) {
	p := writeTrace(t, "a.words.csv", "dir,word\nM,112\nM,012\nS,100\nM,10B\nM,00B\n")
	for at := range uint64(6) {
		s, err := Open(context.Background(), "file://"+p+"?speed=max", Cursor{Seq: at}, Options{ChunkWords: 2})
		if err != nil {
			t.Fatal(err)
		}
		ws, _ := readAll(t, s)
		s.Close()
		if uint64(len(ws)) != 5-at {
			t.Errorf("from %d: %d words", at, len(ws))
		}
	}
}

func TestBadTraces(t *testing.T) {
	for name, c := range map[string][2]string{
		"direction":    {"a.words.csv", "dir,word\nX,112\n"},
		"word too big": {"a.words.csv", "dir,word\nM,212\n"},
		"no hex":       {"a.words.csv", "dir,word\nM,1G2\n"},
		"time":         {"a.words.csv", "t_us,dir,word\n-5,M,112\n"},
		"byte":         {"a.blocks.txt", "M 12 123\n"},
		"long block":   {"a.blocks.txt", "M" + strings.Repeat(" 00", 37) + "\n"},
		"data":         {"qibixx.log", "x,00,0000000100,1\n"},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := Open(context.Background(), writeTrace(t, c[0], c[1]), Cursor{}, Options{})
			if err == nil {
				_, err = s.Read(context.Background())
			}
			if !errors.Is(err, errForm) {
				t.Errorf("%v", err)
			}
		})
	}
	for _, u := range []string{"nosuch.pcap", "gopher://x", "file:///x.words.csv?speed=fast", "/no/such.words.csv", "chekomat:///dev/x?baud=fast"} {
		if _, err := Open(context.Background(), u, Cursor{}, Options{}); err == nil {
			t.Errorf("%s opened", u)
		}
	}
}

func FuzzTraces(f *testing.F) {
	f.Add(0, "t_us,dir,word\n10,M,112\n1156,M,012")
	f.Add(1, "# x\nM 12 12\nS 00 00")
	f.Add(2, "x,00,0000000100,12,\nx,80,0000000124,07")
	f.Fuzz(func(t *testing.T, form int, content string) {
		r := []lineReader{&wordsReader{timed: true}, &blocksReader{}, &qibixxReader{}}[uint(form)%3]
		var ws []mdb.Word
		var err error
		for l := range strings.Lines(content) {
			if ws, err = r.words(ws, strings.TrimRight(l, "\r\n")); err != nil {
				break
			}
		}
		for _, w := range r.rest(ws) {
			if w.V > 0x1FF || w.T < 0 || w.Line > mdb.EXESlave {
				t.Fatalf("%+v", w)
			}
		}
	})
}
