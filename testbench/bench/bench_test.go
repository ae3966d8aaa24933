package bench

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files anew")

func TestParseBench(t *testing.T) {
	out := `goos: linux
goarch: amd64
pkg: github.com/chekomat/chekomat/hub/ingest
cpu: Some(R) Processor
BenchmarkIngest/bare-broker-2         	   20000	      3252 ns/op	    307523 records/s
BenchmarkIngest/durable-2             	   20000	    288224 ns/op	         0.01128 of-broker	      3470 records/s
BenchmarkFramerPolls-16   	12637598	        18.39 ns/op	       0 B/op	       0 allocs/op
BenchmarkFramerPolls-16   	12637598	        20.39 ns/op	       0 B/op	       1 allocs/op
BenchmarkFramerPolls-16   	12637598	        90 ns/op	       0 B/op	       0 allocs/op
BenchmarkOne 	       1	1e+09 ns/op
BenchmarkLog says 2 things
--- BENCH: BenchmarkLog-2
PASS
ok  	github.com/chekomat/chekomat/hub/ingest	7.555s
`
	got, err := parseBench(strings.NewReader(out))
	if err != nil {
		t.Fatal(err)
	}
	want := results{
		"Ingest/bare-broker": {"ns/op": 3252, "records/s": 307523},
		"Ingest/durable":     {"ns/op": 288224, "of-broker": 0.01128, "records/s": 3470},
		"FramerPolls":        {"ns/op": 20.39, "B/op": 0, "allocs/op": 0},
		"One":                {"ns/op": 1e9},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if rate, err := got.perSecond("One"); err != nil || rate != 1 {
		t.Errorf("%g a second, %v", rate, err)
	}
	if _, err := got.get("One", "words/s"); err == nil {
		t.Error("a metric that is not there was found")
	}
	for _, bad := range []string{"BenchmarkA-2 1 5", "BenchmarkA-2 1 x ns/op"} {
		if r, err := parseBench(strings.NewReader(bad)); err == nil {
			t.Errorf("%q read as %v", bad, r)
		}
	}
}

func FuzzParseBench(f *testing.F) {
	f.Add("BenchmarkA-2 1 5 ns/op\n")
	f.Fuzz(func(t *testing.T, s string) {
		r, err := parseBench(strings.NewReader(s))
		if (r == nil) == (err == nil) {
			t.Fatalf("%v, %v", r, err)
		}
	})
}

func TestMedian(t *testing.T) {
	for want, of := range map[float64][]float64{0: nil, 1: {1}, 1.5: {2, 1}, 2: {9, 1, 2}} {
		if got := median(of); got != want {
			t.Errorf("median of %v is %g, want %g", of, got, want)
		}
	}
}

// The benchmarks the table is made of must be there: a package may rename one.
func TestBenchmarksExist(t *testing.T) {
	var b bench
	root, err := b.sources()
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range allBenches {
		files, err := filepath.Glob(filepath.Join(root, g.pkg, "*_test.go"))
		if err != nil {
			t.Fatal(err)
		}
		first, _, _ := strings.Cut(g.pattern, "/")
		name, err := regexp.Compile(first)
		if err != nil {
			t.Fatal(err)
		}
		found := 0
		for _, file := range files {
			parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range parsed.Decls {
				if f, ok := d.(*ast.FuncDecl); ok && name.MatchString(f.Name.Name) {
					found++
				}
			}
		}
		if want := 1 + strings.Count(first, "|"); found != want {
			t.Errorf("%s: %d benchmarks match %s, want %d", g.pkg, found, first, want)
		}
	}
}

func TestParseStatus(t *testing.T) {
	status := "Name:\tagent\nVmPeak:\t 1249300 kB\nVmRSS:\t   19284 kB\nRssAnon:\t    9112 kB\nRssFile:\t   10172 kB\nThreads:\t9\n"
	got, err := parseStatus([]byte(status))
	if want := (memory{19284 << 10, 9112 << 10}); err != nil || got != want {
		t.Errorf("%+v, %v; want %+v", got, err, want)
	}
	for _, bad := range []string{"", "VmRSS:\t1 kB\n", "VmRSS:\t1 MB\nRssAnon:\t1 kB\n", "VmRSS:\tx kB\nRssAnon:\t1 kB\n", "VmRSS:\nRssAnon:\n", "VmRSS:\t-1 kB\nRssAnon:\t1 kB\n"} {
		if m, err := parseStatus([]byte(bad)); err == nil {
			t.Errorf("%q read as %+v", bad, m)
		}
	}
}

func TestParseStat(t *testing.T) {
	got, err := parseStat([]byte("4711 (a (odd) name) S 1 4711 4711 0 -1 4194560 2000 0 12 0 153 47 0 0 20 0 9 0 812345 1279283200 4821 18446744073709551615\n"))
	if want := 2 * time.Second; err != nil || got != want {
		t.Errorf("%s, %v; want %s", got, err, want)
	}
	for _, bad := range []string{"", "1 agent S 1", "1 (a) S 1 2 3", "1 (a) S 1 1 1 1 1 1 1 1 1 1 x 1 1", "1 (a) S 1 1 1 1 1 1 1 1 1 1 1 -1 1"} {
		if d, err := parseStat([]byte(bad)); err == nil {
			t.Errorf("%q read as %s", bad, d)
		}
	}
}

func FuzzParseProc(f *testing.F) {
	f.Add([]byte("1 (a) S 1 1 1 1 1 1 1 1 1 1 1 1 1"))
	f.Add([]byte("VmRSS:\t1 kB\nRssAnon:\t1 kB\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if d, err := parseStat(raw); err == nil && d < 0 {
			t.Fatal(d)
		}
		if m, err := parseStatus(raw); err == nil && (m.Resident < 0 || m.Own < 0) {
			t.Fatalf("%+v", m)
		}
	})
}

func TestOurOwnProcess(t *testing.T) {
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		t.Skip("no /proc here")
	}
	m, err := memoryOf(os.Getpid())
	if err != nil || m.Resident <= 0 || m.Own <= 0 || m.Own > m.Resident {
		t.Errorf("%+v, %v", m, err)
	}
	if d, err := processorTime(os.Getpid()); err != nil || d < 0 {
		t.Errorf("%s, %v", d, err)
	}
}

func TestJudge(t *testing.T) {
	for _, c := range []struct {
		row   Row
		ratio float64
		mark  string
	}{
		{Row{Figure: 5}, 0, ""},
		{Row{Figure: 5, Budget: atLeast(10)}, 0.5, MarkOver},
		{Row{Figure: 10, Budget: atLeast(10)}, 1, MarkOK},
		{Row{Figure: 10, Budget: atMost(20)}, 0.5, MarkOK},
		{Row{Figure: 21, Budget: atMost(20)}, 1.05, MarkOver},
		{Row{Figure: 0, Budget: atMost(0)}, 0, MarkOK},
		{Row{Figure: 1, Budget: atMost(0)}, 0, MarkOver},
		{Row{Figure: 5, Peer: &Peer{"p", 10}}, 0.5, ""},
		{Row{Figure: 5, Peer: &Peer{"p", 10}, Budget: atLeastRatio(0.6)}, 0.5, MarkOver},
		{Row{Figure: 7, Peer: &Peer{"p", 10}, Budget: atLeastRatio(0.6)}, 0.7, MarkOK},
		{Row{Figure: 11, Peer: &Peer{"p", 2}, Budget: atLeast(10)}, 5.5, MarkOK},
		{Row{Figure: 5, Peer: &Peer{"p", 0}, Budget: atLeastRatio(0.6)}, 0, MarkOver},
		{Row{Figure: 99, Mark: MarkFailed, Budget: atLeast(1)}, 0, MarkFailed},
	} {
		got := c.row
		got.judge()
		if got.Ratio != c.ratio || got.Mark != c.mark {
			t.Errorf("%+v: ratio %g, mark %q; want %g, %q", c.row, got.Ratio, got.Mark, c.ratio, c.mark)
		}
	}
}

func TestNumber(t *testing.T) {
	for _, c := range []struct {
		v    float64
		want string
	}{
		{0, "0"}, {1, "1"}, {0.6, "0,6"}, {2.857142, "2,86"}, {19.96, "20"}, {999.6, "1 000"}, {1234, "1 230"}, {12637598, "12 600 000"},
		{0.01128, "0,0113"}, {-1234567, "-1 230 000"}, {100, "100"}, {1e-12, "0"},
	} {
		if got := number(c.v, ","); got != c.want {
			t.Errorf("%g is written %q, want %q", c.v, got, c.want)
		}
	}
}

func TestQuantile(t *testing.T) {
	if got := quantile(nil, 50); got != 0 {
		t.Error(got)
	}
	if p50, p99 := quantile([]float64{3, 1, 2}, 50), quantile([]float64{3, 1, 2}, 99); p50 != 2 || p99 != 2 {
		t.Errorf("p50 %g, p99 %g", p50, p99)
	}
}

// Both languages have the same words, none empty.
func TestLanguagesSayTheSame(t *testing.T) {
	ru, en := reflect.ValueOf(russian), reflect.ValueOf(english)
	verbs := regexp.MustCompile(`%[a-z%]`)
	same := func(what, a, b string) {
		if a == "" || b == "" || !reflect.DeepEqual(verbs.FindAllString(a, -1), verbs.FindAllString(b, -1)) {
			t.Errorf("%s: %q, %q", what, a, b)
		}
	}
	for i := range ru.NumField() {
		name := ru.Type().Field(i).Name
		switch f := ru.Field(i); f.Kind() {
		case reflect.String:
			same(name, f.String(), en.Field(i).String())
		case reflect.Map:
			if f.Len() != en.Field(i).Len() {
				t.Errorf("%s: %d words, %d words", name, f.Len(), en.Field(i).Len())
			}
			for it := f.MapRange(); it.Next(); {
				other := en.Field(i).MapIndex(it.Key())
				if !other.IsValid() {
					t.Errorf("%s: no English %s", name, it.Key())
					continue
				}
				same(name+" "+it.Key().String(), it.Value().String(), other.String())
			}
		}
	}
	for _, g := range groups {
		if russian.groups[g.name] == "" {
			t.Errorf("no heading of group %s", g.name)
		}
	}
}

func TestTable(t *testing.T) {
	for lang, w := range map[string]*words{"ru": &russian, "en": &english} {
		b := bench{words: w}
		framer := b.row("framer", "words/s", 54_374_522)
		framer.Group, framer.Budget, framer.Peer = groupWords, atLeast(budgetWords), b.peer("line", lineWords)
		allocs := b.row("framer_allocs", "allocs", 0)
		allocs.Group, allocs.Budget = groupWords, atMost(0)
		qr := b.row("qr_p99", "ms", 112.4, b.length(serviceTime))
		qr.Group, qr.Note = groupVend, "n"
		ingest := b.row("ingest_agents", "records/s", 3470)
		ingest.Group, ingest.Budget, ingest.Peer = groupIngest, atLeastRatio(budgetIngest), b.peer("broker", 307_523)
		failed := Row{Group: groupAgent, Key: groupAgent, Name: w.groups[groupAgent], Mark: MarkFailed, Note: "why"}
		rows := []Row{framer, allocs, qr, ingest, failed}
		for i := range rows {
			rows[i].judge()
		}
		var got bytes.Buffer
		writeTable(&got, rows, w)
		golden(t, "table."+lang+".txt", got.Bytes())
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v; -update writes it", err)
	}
	if d := cmp.Diff(string(want), string(got)); d != "" {
		t.Errorf("%s: %s", name, d)
	}
}

func TestCounterPassesOnAndCounts(t *testing.T) {
	broker, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer broker.Close()
	go func() {
		c, err := broker.Accept()
		if err == nil {
			_, _ = io.Copy(c, c)
			c.Close()
		}
	}()
	ca := filepath.Join(t.TempDir(), "ca.pem")
	line, err := newCounter(broker.Addr().String(), ca)
	if err != nil {
		t.Fatal(err)
	}
	defer line.ln.Close()
	pem, err := os.ReadFile(ca)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	c, err := tls.Dial("tcp", strings.TrimPrefix(line.url(), "mqtts://"), &tls.Config{RootCAs: roots})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	echo := func(n int) (up, down int64) {
		t.Helper()
		upThen, downThen := line.up.Load(), line.down.Load()
		if _, err := c.Write(make([]byte, n)); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(c, make([]byte, n)); err != nil {
			t.Fatal(err)
		}
		return line.up.Load() - upThen, line.down.Load() - downThen
	}
	echo(1) // tickets of the session come with the first answer
	if up, down := echo(1000); up < 1000 || up > 1100 || down < 1000 || down > 1100 {
		t.Errorf("%d bytes up, %d down of 1000 and TLS around them", up, down)
	}
}
