package vectors

import (
	"encoding/json"
	"errors"

	"github.com/chekomat/chekomat/mdb"
	exevectors "github.com/chekomat/chekomat/mdb/exe/vectors"
	"github.com/chekomat/chekomat/mdb/sales"
	"github.com/chekomat/chekomat/mdb/trace"
)

// Dialogue is a vector as a trace: its words, with times a bus could have where
// it gives none, and what its context says of the time before.
type Dialogue struct {
	Name   string
	Header trace.Header
	Words  []mdb.Word
	End    int64 // nothing else was heard up to here, µs
}

// silence after the words of an MDB vector, µs: time for all that recovery waits
// for before it decides.
const silence = 120_000_000

// DialogueOf reads a line of a vectors file of either bus. ok is false for a
// vector that is no dialogue: frames, bytes and blocks of EXE alone.
func DialogueOf(line []byte) (d Dialogue, ok bool, err error) {
	if exevectors.Is(line) {
		var v exevectors.Vector
		if err := json.Unmarshal(line, &v); err != nil {
			return d, false, &exevectors.FormError{Err: err}
		}
		d.Name = v.ID
		d.Header, d.Words, d.End, ok, err = v.Dialogue()
		return d, ok, err
	}
	var v vector
	if err := json.Unmarshal(line, &v); err != nil {
		return d, false, &exevectors.FormError{Err: err}
	}
	if len(v.Words) == 0 {
		return d, false, &exevectors.FormError{Err: errors.New("a vector has words and what to expect")}
	}
	if d.Words, err = v.timed(); err != nil {
		return d, false, &exevectors.FormError{Err: err}
	}
	d.Name, d.End = v.Name, d.Words[len(d.Words)-1].T+silence
	d.Header = trace.Header{Bus: "mdb", Fidelity: trace.Full, Assume: []trace.Assumption{{What: "idle"}}}
	for _, s := range v.setups() {
		d.Header.Assume = append(d.Header.Assume, assumption(s))
	}
	return d, true, nil
}

func assumption(s sales.Setup) trace.Assumption {
	what := s.Device.String()
	switch s.Device {
	case mdb.Cashless1:
		what = "reader1"
	case mdb.Cashless2:
		what = "reader2"
	case mdb.Validator:
		what = "validator"
	}
	n := len(s.Credits)
	for n > 0 && s.Credits[n-1] == 0 {
		n--
	}
	return trace.Assumption{What: what, Setup: trace.Setup{Level: s.Level, Scale: s.Scale, Decimals: s.Decimals, Currency: s.Currency,
		Options: s.Options, Wide: s.Wide, Credits: s.Credits[:n]}}
}
