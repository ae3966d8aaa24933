// Package drill breaks a running demo on purpose, one fault after another, and
// holds what dashboard, displays and the count say against what they must say:
// every fault has a name, nothing is lost, nothing is made twice.
package drill

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"github.com/chekomat/chekomat/hub/api/client"
	"github.com/chekomat/chekomat/hub/api/contract"
	"github.com/chekomat/chekomat/testbench/demo"
	"github.com/chekomat/chekomat/testbench/register"
)

// site is a running demo as a drill sees it: through the hub's public API, the
// displays' own pages and the register's control.
type site struct {
	*demo.Demo
	base, token string
	ru, en      *client.Client
	control     string
}

func open(d *demo.Demo) (*site, error) {
	u, err := url.Parse(d.Dashboard)
	if err != nil {
		return nil, fmt.Errorf("drill: address of the dashboard: %w", err)
	}
	s := &site{Demo: d, base: u.Scheme + "://" + u.Host, token: strings.TrimPrefix(u.Fragment, "token="), control: strings.TrimSuffix(d.Archive, "/archive")}
	s.ru, s.en = client.New(s.base, s.token), client.New(s.base, s.token)
	s.ru.Lang, s.en.Lang = "ru", "en"
	return s, nil
}

// until waits for what must come; the error says what was there instead.
func until(ctx context.Context, what string, within time.Duration, look func(ctx context.Context) (seen string, ok bool)) error {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	seen := "nothing"
	for {
		now, ok := look(ctx)
		if ok {
			return nil
		}
		if ctx.Err() == nil {
			seen = now
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s: not within %s; seen: %s", what, within, seen)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// fault posts a fault to the register: JSON of register.Fault or its short form.
func (s *site) fault(ctx context.Context, f string) error {
	parsed, err := register.ParseFault(f)
	if err != nil {
		return fmt.Errorf("drill: %w", err)
	}
	return s.post(ctx, "/fault", parsed)
}

func (s *site) calm(ctx context.Context) error {
	return call(ctx, http.MethodDelete, s.control+"/fault", nil, nil)
}

func (s *site) jump(ctx context.Context, by time.Duration) error {
	return s.post(ctx, "/clock", map[string]any{"jump": by.String()})
}

func (s *site) post(ctx context.Context, path string, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return call(ctx, http.MethodPost, s.control+path, b, nil)
}

func call(ctx context.Context, method, address string, body []byte, out any) error {
	req, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(body))
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, address, err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err == nil && out != nil {
		err = json.Unmarshal(b, out)
	}
	if res.StatusCode >= 300 {
		err = errors.Join(fmt.Errorf("%s %s: %s: %s", method, address, res.Status, bytes.TrimSpace(b)), err)
	}
	return err
}

// lane of the demo: it has one.
func (s *site) lane(ctx context.Context) (contract.Lane, error) {
	var l contract.List[contract.Lane]
	err := s.en.Get(ctx, "/api/v1/lanes", &l)
	if err == nil && len(l.Items) != 1 {
		err = fmt.Errorf("%d lanes", len(l.Items))
	}
	if err != nil {
		return contract.Lane{}, err
	}
	return l.Items[0], nil
}

// laneIs waits for a state of the lane and a fault with its texts.
func (s *site) laneIs(ctx context.Context, within time.Duration, state string, faults ...string) error {
	return until(ctx, fmt.Sprintf("lane %s %v", state, faults), within, func(ctx context.Context) (string, bool) {
		l, err := s.lane(ctx)
		if err != nil {
			return err.Error(), false
		}
		seen := l.State
		if l.Fault != nil {
			seen += " " + l.Fault.Code + " " + l.Fault.Detail
		}
		if l.State != state {
			return seen, false
		}
		if len(faults) == 0 {
			return seen, l.Fault == nil
		}
		for _, f := range faults {
			if l.Fault != nil && l.Fault.Code == f && l.Fault.Title != "" && l.Fault.Title != f && l.Fault.Next != "" {
				return seen, true
			}
		}
		return seen, false
	})
}

// incident waits for an open incident of one of the codes, with its texts in
// both languages.
func (s *site) incident(ctx context.Context, within time.Duration, codes ...string) error {
	return until(ctx, fmt.Sprintf("incident %v", codes), within, func(ctx context.Context) (string, bool) {
		ru, err := s.incidents(ctx, s.ru)
		en, err2 := s.incidents(ctx, s.en)
		if err = errors.Join(err, err2); err != nil {
			return err.Error(), false
		}
		for _, code := range codes {
			r, e := ru[code], en[code]
			if r.Title != "" && e.Title != "" && r.Title != e.Title && r.Title != code && r.Next != "" && e.Next != "" {
				return code, true
			}
		}
		return fmt.Sprint(keys(en)), false
	})
}

func (s *site) incidents(ctx context.Context, c *client.Client) (map[string]contract.Incident, error) {
	found := map[string]contract.Incident{}
	err := client.Pages(ctx, c, "/api/v1/incidents?open=true&limit=500", func(i contract.Incident) bool {
		if i.ClosedAt.IsZero() {
			found[i.Code] = i
		}
		return true
	})
	return found, err
}

func keys[V any](m map[string]V) []string {
	all := make([]string, 0, len(m))
	for k := range m {
		all = append(all, k)
	}
	return all
}

// noIncident waits until no incident of the code is open.
func (s *site) noIncident(ctx context.Context, within time.Duration, code string) error {
	return until(ctx, "incident "+code+" closed", within, func(ctx context.Context) (string, bool) {
		all, err := s.incidents(ctx, s.en)
		_, open := all[code]
		return fmt.Sprint(keys(all)), err == nil && !open
	})
}

// screen is what a display says of itself.
type screen struct {
	State, Reason string
	Texts         []string
}

func (s screen) String() string {
	return s.State + " " + s.Reason + " «" + strings.Join(s.Texts, " · ") + "»"
}

// screenOf waits for a display in a state for a reason ("" any), said in words.
func (s *site) screenOf(ctx context.Context, within time.Duration, machine int, state, reason string) error {
	what := fmt.Sprintf("display of %s: %s %s", s.Kiosks[machine].Serial, state, reason)
	return until(ctx, what, within, func(ctx context.Context) (string, bool) {
		var now screen
		if err := call(ctx, http.MethodGet, s.Kiosks[machine].URL+"screen.json", nil, &now); err != nil {
			return err.Error(), false
		}
		return now.String(), now.State == state && (reason == "" || now.Reason == reason) && len(now.Texts) > 0
	})
}

// anyScreen is screenOf for whichever display comes first.
func (s *site) anyScreen(ctx context.Context, within time.Duration, state, reason string) error {
	return until(ctx, fmt.Sprintf("a display: %s %s", state, reason), within, func(ctx context.Context) (string, bool) {
		var seen []string
		for _, k := range s.Kiosks {
			var now screen
			if err := call(ctx, http.MethodGet, k.URL+"screen.json", nil, &now); err != nil {
				seen = append(seen, err.Error())
				continue
			}
			if now.State == state && now.Reason == reason && len(now.Texts) > 0 {
				return "", true
			}
			seen = append(seen, k.Serial+" "+now.String())
		}
		return strings.Join(seen, "; "), false
	})
}

// resume lets the lane go on, as the person does who has mended the register.
func (s *site) resume(ctx context.Context) error {
	l, err := s.lane(ctx)
	if err != nil {
		return err
	}
	return s.en.Post(ctx, "/api/v1/lanes/"+l.ID+"/resume", map[string]string{"why": "drill: mended"}, nil)
}

// drained waits for a moment at which every stage holds exactly what the one
// before does: machines sell on meanwhile.
func (s *site) drained(ctx context.Context, within time.Duration) error {
	return until(ctx, "nothing lost, nothing doubled, nothing on its way", within, func(ctx context.Context) (string, bool) {
		r, err := s.Count(ctx)
		if err != nil {
			return err.Error(), false
		}
		return fmt.Sprintf("lost %d, duplicated %d: %s", r.Lost, r.Duplicated, strings.Join(r.Problems, "; ")),
			r.Lost == 0 && r.Duplicated == 0 && len(r.Problems) == 0
	})
}

// queue counts documents that wait to be made.
func (s *site) queue(ctx context.Context) (int64, error) {
	l, err := s.lane(ctx)
	return l.Queue, err
}

// waiting waits until n documents wait to be made.
func (s *site) waiting(ctx context.Context, within time.Duration, n int64) error {
	return until(ctx, fmt.Sprintf("%d sales wait", n), within, func(ctx context.Context) (string, bool) {
		q, err := s.queue(ctx)
		return fmt.Sprint(q, " ", err), err == nil && q >= n
	})
}

// documents counts documents of a kind in the ФН's archive.
func (s *site) documents(ctx context.Context, kind string) (int, error) {
	var all []json.RawMessage
	err := call(ctx, http.MethodGet, s.Archive+"?tlv=0&type="+kind, nil, &all)
	return len(all), err
}

// hubData and agentData are the folders whose disks may be filled.
func (s *site) hubData() string { return filepath.Join(s.Data, "hub") }
func (s *site) agentData(machine int) string {
	return filepath.Join(s.Data, "machines", s.Kiosks[machine].Serial, "agent")
}
