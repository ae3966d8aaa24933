package simulate

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"
)

// lineEvery is how often a run that nobody watches says how far it is.
const lineEvery = 10 * time.Second

// progress tells how far a run is: a bar on a terminal, else a line now and then.
type progress struct {
	to    io.Writer
	bar   bool
	now   func() time.Time
	began time.Time
	told  time.Time
}

func newProgress(to io.Writer) *progress {
	f, ok := to.(*os.File)
	p := &progress{to: to, bar: ok && term.IsTerminal(int(f.Fd())), now: time.Now}
	p.began = p.now()
	p.told = p.began
	return p
}

// step is Options.Progress.
func (p *progress) step(done, all, wrong int) {
	now := p.now()
	every := lineEvery
	if p.bar {
		every = 100 * time.Millisecond
	}
	if now.Sub(p.told) < every {
		return
	}
	p.told = now
	text := told(done, all, wrong, now.Sub(p.began))
	if p.bar {
		const width = 30
		full := width * done / max(all, 1)
		fmt.Fprintf(p.to, "\r[%s%s] %s\033[K", strings.Repeat("█", full), strings.Repeat("·", width-full), text)
		return
	}
	fmt.Fprintln(p.to, "simulate:", text)
}

// told says how many are done, how fast, and for how long it will go on.
func told(done, all, wrong int, took time.Duration) string {
	text := fmt.Sprintf("%d of %d schedules", done, all)
	if s := took.Seconds(); s > 0 && done > 0 {
		rate := float64(done) / s
		left := time.Duration(float64(all-done) / rate * float64(time.Second)).Round(time.Second)
		text += fmt.Sprintf(", %.1f a second, %v left", rate, left)
	}
	if wrong > 0 {
		text += fmt.Sprintf(", %d broken", wrong)
	}
	return text
}

// shrinking is Options.Shrinking.
func (p *progress) shrinking(seed uint64) {
	p.end()
	fmt.Fprintf(p.to, "simulate: seed %d broke an invariant; it is shrunk\n", seed)
}

// end takes the bar away.
func (p *progress) end() {
	if p.bar {
		fmt.Fprint(p.to, "\r\033[K")
	}
}
