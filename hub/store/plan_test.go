package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mattn/go-sqlite3"

	"github.com/chekomat/chekomat/hub/store/storetest"
)

// spy is the reading side of a store that remembers what it is asked.
type spy struct {
	dsn string
	mu  sync.Mutex
	all []string
}

func (s *spy) Driver() driver.Driver { return &sqlite3.SQLiteDriver{} }

func (s *spy) Connect(context.Context) (driver.Conn, error) {
	c, err := (&sqlite3.SQLiteDriver{}).Open(s.dsn)
	if err != nil {
		return nil, err
	}
	return spyConn{c.(*sqlite3.SQLiteConn), s}, nil
}

type spyConn struct {
	*sqlite3.SQLiteConn
	s *spy
}

func (c spyConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	if !strings.HasPrefix(query, "EXPLAIN") {
		c.s.mu.Lock()
		c.s.all = append(c.s.all, query)
		c.s.mu.Unlock()
	}
	return c.SQLiteConn.QueryContext(ctx, query, args)
}

func (s *spy) take() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := s.all
	s.all = nil
	return all
}

// walks are steps of a plan that visit every row of a table that grows with
// the archive. Walking in the order asked for, with LIMIT, is named by case.
var walks = regexp.MustCompile(`^SCAN (r|c|j|h|record|job|receipt|job_history|takings|shown|tally|quarantine|foreign_document|attempt)\b`)

func TestNothingTheAPIAsksWalksTheArchive(t *testing.T) {
	storetest.SQLite(t)
	s := openTest(t)
	look := &spy{dsn: dsn(s.path, "deferred")}
	s.r.Close()
	s.r = sql.OpenDB(look)
	ctx := context.Background()
	day := time.Date(2026, 1, 15, 0, 0, 0, 0, time.UTC)
	sum := int64(6000)
	p := Page{Limit: 100}
	for _, operator := range []string{"", "a"} {
		for name, ask := range map[string]func() error{
			"summary":           func() error { _, err := s.Summary(ctx, operator); return err },
			"machines":          func() error { _, err := s.Machines(ctx, MachineFilter{Operator: operator}, p); return err },
			"machine today":     func() error { _, err := s.todayByMachine(ctx, "a", "Europe/Moscow", []string{"m"}); return err },
			"takings":           func() error { _, err := s.Takings(ctx, "a", "", "UTC", "day", day, day); return err },
			"machine's takings": func() error { _, err := s.Takings(ctx, "a", "m", "UTC", "hour", day, day); return err },
			"lanes":             func() error { _, err := s.LaneViews(ctx, operator); return err },
			"agents":            func() error { _, err := s.Agents(ctx, operator); return err },
			"held": func() error {
				_, err := s.Sales(ctx, SaleFilter{Operator: operator, Kind: "all", Fate: "held"}, p)
				return err
			},
			"sales of a machine": func() error { _, err := s.Sales(ctx, SaleFilter{Operator: "a", Machine: "m"}, p); return err },
			"sales of a day": func() error {
				_, err := s.Sales(ctx, SaleFilter{Operator: operator, From: day, To: day}, p)
				return err
			},
			"sales by id": func() error {
				_, err := s.Sales(ctx, SaleFilter{Operator: operator, Kind: "all", IDs: []int64{1, 2}}, p)
				return err
			},
			"jobs queued": func() error { _, err := s.JobsIn(ctx, operator, JobQueued, p); return err },
			"jobs void":   func() error { _, err := s.JobsIn(ctx, operator, JobVoid, p); return err },
			"receipt by number": func() error {
				_, err := s.ReceiptsBy(ctx, ReceiptFilter{Operator: operator, FN: "1", FD: 1}, p)
				return err
			},
			"receipts by machine, day": func() error {
				_, err := s.ReceiptsBy(ctx, ReceiptFilter{Operator: operator, Machine: "m", Day: day}, p)
				return err
			},
			"receipts by sum, day": func() error {
				_, err := s.ReceiptsBy(ctx, ReceiptFilter{Operator: operator, Sum: &sum, Day: day}, p)
				return err
			},
			"receipts by day": func() error { _, err := s.ReceiptsBy(ctx, ReceiptFilter{Operator: operator, Day: day}, p); return err },
			"receipts by machine": func() error {
				_, err := s.ReceiptsBy(ctx, ReceiptFilter{Operator: operator, Machine: "m"}, p)
				return err
			},
			"quarantine": func() error { _, err := s.QuarantineBy(ctx, operator, true, p); return err },
			"measured":   func() error { _, err := s.MadeSince(ctx, 5, 100); return err },
			"changes": func() error {
				c, err := s.CursorNow(ctx)
				if err == nil {
					_, err = s.Changes(ctx, c, []string{"m"})
				}
				return err
			},
		} {
			look.take()
			if err := ask(); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			for _, q := range look.take() {
				for _, step := range s.plan(t, q) {
					if walks.MatchString(step) {
						t.Errorf("%s of %q: %s\n%s", name, operator, step, q)
					}
				}
			}
		}
	}
}

// plan is how SQLite would run a query; its parameters stay unbound.
func (s *Store) plan(t *testing.T, query string) (steps []string) {
	t.Helper()
	n := 0 // a bare "?" counts on from the highest number before it
	for _, m := range regexp.MustCompile(`\?(\d*)`).FindAllStringSubmatch(query, -1) {
		if k, err := strconv.Atoi(m[1]); err == nil {
			n = max(n, k)
		} else {
			n++
		}
	}
	rows, err := s.r.Query("EXPLAIN QUERY PLAN "+query, make([]any, n)...)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	defer rows.Close()
	for rows.Next() {
		var id, parent, x int
		var step string
		if err := rows.Scan(&id, &parent, &x, &step); err != nil {
			t.Fatal(err)
		}
		steps = append(steps, step)
	}
	return steps
}

func TestAWalkIsSeen(t *testing.T) {
	storetest.SQLite(t)
	s := openTest(t)
	seen := false
	for _, step := range s.plan(t, `SELECT * FROM receipt c WHERE c.rnm=?`) {
		seen = seen || walks.MatchString(step)
	}
	if !seen {
		t.Error("a walk through all receipts is not seen: the test above proves nothing")
	}
}
