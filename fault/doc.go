// Package fault marks the places where a crash is worth trying. A line
//
//	fault.Point("till.afterIntent")
//
// costs nothing in a normal build. Built with the tag killpoints, the program
// reads CHEKOMAT_KILL="point" or "point:nth" when it starts and sends itself
// SIGKILL at the nth hit (1 when not given), as a power cut or the kernel
// would: no deferred call runs, no buffer is flushed.
//
// Names are "package.whereInWords", one name per place, so that a crash test
// can ask for each. Not to be confused with fiscal/fault, which names what
// goes wrong with a register.
package fault

import (
	"fmt"
	"strconv"
	"strings"
)

// EnvKill is the variable that arms one point.
const EnvKill = "CHEKOMAT_KILL"

// parse splits "point[:nth]"; "" gives an empty point, which is never hit.
func parse(s string) (point string, nth int64, err error) {
	point, n, ok := strings.Cut(s, ":")
	if !ok {
		return point, 1, nil
	}
	nth, err = strconv.ParseInt(n, 10, 64)
	if err != nil || nth < 1 || point == "" {
		return "", 0, fmt.Errorf("%s=%q: want point or point:nth, nth from 1", EnvKill, s)
	}
	return point, nth, nil
}
