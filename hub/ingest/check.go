package ingest

import (
	"fmt"

	"github.com/chekomat/chekomat/agent/wire"
)

const (
	maxShown  = 1000
	maxScreen = 256
)

func checkHello(h wire.Hello) error {
	switch {
	case h.V != wire.Version:
		return fmt.Errorf("hello of version %d, this hub knows %d", h.V, wire.Version)
	case !validJournal(h.Journal):
		return fmt.Errorf("journal %.80q is no id", h.Journal)
	case h.Head < 0 || h.Head > maxSeq || h.Oldest < 0 || h.Oldest > h.Head+1:
		return fmt.Errorf("journal from %d to %d", h.Oldest, h.Head)
	case len(h.Session) > maxScreen || len(h.Boot) > maxScreen || len(h.Software) > maxScreen:
		return fmt.Errorf("a name longer than %d bytes", maxScreen)
	}
	return nil
}

func checkState(st wire.State) error {
	switch {
	case st.V != wire.Version:
		return fmt.Errorf("state of version %d, this hub knows %d", st.V, wire.Version)
	case st.Head < 0 || st.Head > maxSeq:
		return fmt.Errorf("journal's head %d", st.Head)
	case len(st.Session) > maxScreen || len(st.Screen) > maxScreen || len(st.Reason) > maxScreen:
		return fmt.Errorf("a name longer than %d bytes", maxScreen)
	case len(st.Shown) > maxShown || len(st.Results) > maxShown:
		return fmt.Errorf("%d receipts shown, %d results", len(st.Shown), len(st.Results))
	}
	for _, sh := range st.Shown {
		if !validJournal(sh.Journal) || !validCode(sh.Result) {
			return fmt.Errorf("shown %.80q: %.80q", sh.Journal, sh.Result)
		}
	}
	return nil
}
