package machine

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// Entry is a line of a machine's log: a vend, or words that no tap will ever
// hear.
type Entry struct {
	Boot  uint64 `json:"boot"` // which run of the machine
	First uint64 `json:"first_word"`
	Last  uint64 `json:"last_word"`
	Vend  *Vend  `json:"vend,omitempty"` // nil: the words First..Last were not taken by the host in time
}

// Log is the machine's own counter, kept in a file over all its runs.
type Log struct{ f *os.File }

// OpenLog opens or makes the file.
func OpenLog(path string) (*Log, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, fmt.Errorf("machine: open its log: %w", err)
	}
	return &Log{f}, nil
}

// Add writes an entry.
func (l *Log) Add(e Entry) error {
	raw, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("machine: log: %w", err)
	}
	_, err = l.f.Write(append(raw, '\n'))
	return err
}

// Close closes the file.
func (l *Log) Close() error { return l.f.Close() }

// Counted is a vend as counted, and whether a tap could have heard it.
type Counted struct {
	Vend
	Heard bool
}

// ReadLog gives all vends of a log in order. A file that is not there has none.
func ReadLog(path string) ([]Counted, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("machine: read its log: %w", err)
	}
	defer f.Close()
	var vends, lost []Entry
	sc := bufio.NewScanner(f)
	for line := 1; sc.Scan(); line++ {
		var e Entry
		if err := json.Unmarshal(sc.Bytes(), &e); err != nil {
			return nil, fmt.Errorf("machine: %s line %d: %w", path, line, err)
		}
		if e.Vend == nil {
			lost = append(lost, e)
		} else {
			vends = append(vends, e)
		}
	}
	counted := make([]Counted, len(vends))
	for i, v := range vends {
		counted[i] = Counted{*v.Vend, true}
		for _, l := range lost {
			if l.Boot == v.Boot && l.First <= v.Last && v.First <= l.Last {
				counted[i].Heard = false
			}
		}
	}
	return counted, sc.Err()
}
