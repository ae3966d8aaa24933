package drill

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/chekomat/chekomat/testbench/demo"
)

// Config of a drill.
type Config struct {
	Bin   string // folder of hub, agent and testbench
	Data  string // demos are kept in folders below it
	Parts []string
	Said  func(Found) // called as scenes end, from several goroutines
}

// Found is what a scene came to.
type Found struct {
	Part    string  `json:"part"`
	Scene   string  `json:"scene"`
	OK      bool    `json:"ok"`
	Skipped string  `json:"skipped,omitempty"` // why it could not be played
	Problem string  `json:"problem,omitempty"`
	Seconds float64 `json:"seconds"`
}

// part is scenes that share a demo.
type part struct {
	name   string
	scenes []scene
}

var parts = []part{{"register", registerScenes}, {"answers", answerScenes}, {"silence", silentScenes}, {"hub-disk", hubDiskScenes}, {"agent-disk", agentDiskScenes}}

// Parts names them.
func Parts() (names []string) {
	for _, p := range parts {
		names = append(names, p.name)
	}
	return names
}

// Run plays the parts side by side, each on a demo of its own, and at the end
// of each counts every stage. The error is of the drill itself; what it found
// was said.
func Run(ctx context.Context, cfg Config) ([]Found, error) {
	full := PlayFullDisks(cfg.Data)
	if full != nil && !errors.Is(full, ErrNoCompiler) {
		return nil, full
	}
	var all []Found
	var mu sync.Mutex
	say := func(f Found) {
		mu.Lock()
		defer mu.Unlock()
		all = append(all, f)
		if cfg.Said != nil {
			cfg.Said(f)
		}
	}
	var wg sync.WaitGroup
	defer wg.Wait()
	for _, p := range parts {
		if len(cfg.Parts) > 0 && !strings.Contains(" "+strings.Join(cfg.Parts, " ")+" ", " "+p.name+" ") {
			continue
		}
		if strings.HasSuffix(p.name, "-disk") && full != nil {
			say(Found{Part: p.name, OK: true, Skipped: full.Error()})
			continue
		}
		d, err := demo.Start(ctx, demo.Config{Bin: cfg.Bin, Data: cfg.Data + "/" + p.name, Machines: 2, Every: 900 * time.Millisecond,
			VendTime: 150 * time.Millisecond, Service: 60 * time.Millisecond, Lang: "ru"})
		if err != nil {
			return all, err
		}
		wg.Go(func() {
			defer d.Close()
			p.play(ctx, d, say)
		})
	}
	wg.Wait()
	return all, nil
}

// play plays the scenes and counts at the end. A scene that failed may leave
// its fault behind, so the rest of the part is not played.
func (p part) play(ctx context.Context, d *demo.Demo, say func(Found)) {
	timed := func(name string, run func() error) bool {
		began := time.Now()
		err := run()
		f := Found{Part: p.name, Scene: name, OK: err == nil, Seconds: time.Since(began).Seconds()}
		if err != nil {
			f.Problem = err.Error()
		}
		say(f)
		return err == nil
	}
	s, err := open(d)
	if err == nil {
		err = until(ctx, "the first receipts", later, func(ctx context.Context) (string, bool) {
			n, err := s.documents(ctx, "receipt")
			return fmt.Sprint(n, " ", err), n >= 2
		})
	}
	if err != nil {
		timed("start", func() error { return err })
		return
	}
	for _, sc := range p.scenes {
		if !timed(sc.name, func() error { return sc.run(ctx, s) }) {
			return
		}
	}
	timed("count", func() error { return s.final(ctx, p.name != "silence") })
}

// final stops the selling and counts when nothing is on its way.
func (s *site) final(ctx context.Context, selling bool) error {
	if selling {
		if err := s.StopSelling(ctx); err != nil {
			return err
		}
	}
	if err := s.Drain(ctx, 30*time.Second); err != nil {
		return err
	}
	r, err := s.Count(ctx)
	if err != nil {
		return err
	}
	if r.Lost+r.Duplicated+len(r.Problems) > 0 || r.Receipts == 0 {
		return fmt.Errorf("vends %d, receipts %d, lost %d, duplicated %d: %s", r.Vends, r.Receipts, r.Lost, r.Duplicated, strings.Join(r.Problems, "; "))
	}
	return nil
}
