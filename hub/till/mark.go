package till

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// mark is how far the histories of all jobs had come when the hub was last
// seen. It lies in a file beside the database: a database that has come less
// far was restored from a backup, and registers may hold documents of jobs that
// it takes for not made.
type mark struct {
	History  int64 `json:"history"`
	Restored bool  `json:"restored,omitempty"` // not all registers have been looked at since a restored database was found
}

// compareMark says whether the database may be older than the registers. A
// database with a history and no mark came from elsewhere, and may be.
func (t *Till) compareMark(history int64) (old bool, err error) {
	if t.set.MarkFile == "" {
		return false, nil
	}
	var m mark
	b, err := os.ReadFile(t.set.MarkFile)
	switch {
	case errors.Is(err, fs.ErrNotExist) && history == 0:
		return false, t.writeMark(m) // a hub that dies before its first tick has its own database all the same
	case errors.Is(err, fs.ErrNotExist):
		old = true
	case err != nil:
		return false, fmt.Errorf("read the mark: %w", err)
	default:
		if err := json.Unmarshal(b, &m); err != nil {
			old = true // torn: what it said can't be known
		} else {
			old = m.Restored || history < m.History
		}
	}
	if old {
		t.set.Log.Warn("till: the database may be older than the registers: it was restored, or came from elsewhere", "history", history, "mark", m.History)
		return true, t.writeMark(mark{History: max(history, m.History), Restored: true})
	}
	return false, nil
}

// leaveMark writes how far the histories have come; after a restored database
// only when nothing of it can be hidden on a register any more.
func (t *Till) leaveMark() {
	if t.set.MarkFile == "" {
		return
	}
	t.mu.Lock()
	old, history := t.old, t.history
	if old {
		old = false
		for _, p := range t.pools {
			old = old || !p.whole()
		}
		t.old = old
	}
	t.mu.Unlock()
	if old || history == t.marked {
		return
	}
	if err := t.writeMark(mark{History: history}); err != nil {
		t.set.Log.Error("till: leave the mark", "err", err)
		return
	}
	t.marked = history
}

func (t *Till) writeMark(m mark) error {
	b, err := json.Marshal(m)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(t.set.MarkFile), filepath.Base(t.set.MarkFile)+".*")
	if err != nil {
		return fmt.Errorf("write the mark: %w", err)
	}
	_, err = f.Write(append(b, '\n'))
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), t.set.MarkFile)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("write the mark: %w", err), os.Remove(f.Name()))
	}
	return nil
}
