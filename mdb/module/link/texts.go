package link

import "fmt"

// StatusText names a status of CMD_RESULT.
func StatusText(s uint8) string {
	if int(s) < len(statusTexts) {
		return statusTexts[s]
	}
	return fmt.Sprintf("status %d", s)
}

var statusTexts = [...]string{
	"ok", "unknown command", "wrong length", "wrong value", "not in this mode", "busy or full", "interlock set", "verification failed",
}

// EventText names a code of EVENT.
func EventText(code uint8) string {
	if code > 0 && int(code) < len(eventTexts) {
		return eventTexts[code]
	}
	return fmt.Sprintf("event %d", code)
}

var eventTexts = [...]string{
	"", "bus supply lost", "bus supply back", "mode changed", "transmitter held off by the interlock", "watchdog reset",
	"line stuck", "collision on the bus", "configuration error",
}

// bootText says why a module runs anew, "" where HELLO does not name a cause
// besides power.
func bootText(reason uint8) string {
	if int(reason) < len(bootTexts) {
		return bootTexts[reason]
	}
	return ""
}

// Its own EVENT of a watchdog reset may have gone to the connection before.
var bootTexts = [...]string{"", " by its watchdog", " by command", " with a new image on trial", " with the image before, the new one came to nothing"}
