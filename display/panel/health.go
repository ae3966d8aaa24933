package panel

import (
	"context"
	"errors"
	"time"

	"github.com/chekomat/chekomat/display"
)

// ErrUnwatched says that a kiosk page is open in no living browser: the screen
// was published, and nobody can see it.
var ErrUnwatched = errors.New("no browser shows the kiosk page")

// Health is what a panel knows about itself; a panel that has no way to know
// does not implement it and counts as alive while Show succeeds.
type Health interface{ Health() Status }

// Confirmer is a panel that learns when its screen became visible.
type Confirmer interface {
	// Confirm waits until the screen last given to Show is confirmed as visible,
	// or the context ends.
	Confirm(context.Context) error
}

// Reporter tells what the picture last drawn may be used for.
type Reporter interface{ Report() display.Report }

// Why a display is not alive: stable codes.
const (
	WhyNothingShown = "nothing_shown" // Show was never called
	WhyUnwatched    = "unwatched"     // no browser has the page open
	WhyHung         = "hung"          // a browser has it open and does not confirm
	WhyWriteFailed  = "write_failed"  // a file or device took no picture
)

// Status of a panel.
type Status struct {
	Alive     bool
	Why       string    // code when not alive
	Detail    string    // the error behind it, for a log
	Confirmed bool      // the current screen was confirmed as visible
	Seen      time.Time // when the display last proved to be alive; zero: never
}

// HealthOf asks a panel; one without Health is alive.
func HealthOf(p Panel) Status {
	if h, ok := p.(Health); ok {
		return h.Health()
	}
	return Status{Alive: true}
}
