package ingest

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"github.com/chekomat/chekomat/agent/wire"
)

// maxFlight bounds the text of a trace.
const maxFlight = 4 << 20

// flight stores a trace of an agent's flight recorder. What can't be read goes
// into quarantine like any other message.
func (i *Ingest) flight(b *box, m message) bool {
	var t wire.Trace
	err := json.Unmarshal(m.payload, &t)
	text := int64(0)
	if err == nil {
		text, err = checkFlight(t)
	}
	if err != nil {
		return i.keep(b, m, t.V, err)
	}
	err = i.store.TakeFlight(i.ctx, b.operator, b.agent, t, text)
	i.note(err)
	return err == nil
}

// checkFlight reads a trace through and gives the length of its text.
func checkFlight(t wire.Trace) (text int64, err error) {
	switch {
	case t.V != wire.Version:
		return 0, fmt.Errorf("version %d", t.V)
	case len(t.Name) == 0 || len(t.Name) > 120 || !printable(t.Name):
		return 0, fmt.Errorf("name %.200q", t.Name)
	case t.Wall.Year() < 1970 || t.Wall.Year() > 9999:
		return 0, errors.New("written at no time that can be")
	}
	z, err := gzip.NewReader(bytes.NewReader(t.Gzip))
	if err != nil {
		return 0, fmt.Errorf("unpack: %w", err)
	}
	all, err := io.ReadAll(io.LimitReader(z, maxFlight+1))
	switch {
	case err != nil:
		return 0, fmt.Errorf("unpack: %w", err)
	case len(all) > maxFlight:
		return 0, fmt.Errorf("text longer than %d bytes", maxFlight)
	case !utf8.Valid(all):
		return 0, errors.New("not text")
	}
	return int64(len(all)), nil
}

// printable reports whether a name is letters, digits and . _ - alone.
func printable(s string) bool {
	for _, c := range []byte(s) {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '.' && c != '_' && c != '-' {
			return false
		}
	}
	return true
}

// FlightAsked sends an agent the commands it has not answered. One that is not
// there gets them at its next hello, until they expire.
func (i *Ingest) FlightAsked(operator, agent string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.ctx.Err() == nil {
		i.work.Go(func() { i.command(operator, agent) })
	}
}

func (i *Ingest) command(operator, agent string) {
	all, err := i.store.FlightsAsked(i.ctx, operator, agent)
	if err != nil && i.ctx.Err() == nil {
		i.o.Log.Error("ingest: commands for an agent", "agent", wire.Username(operator, agent), "err", err)
	}
	for _, c := range all {
		i.noteSent(c.ID)
		i.send(operator, agent, wire.DownCommand, c)
	}
}

// results takes what an agent says of its commands.
func (i *Ingest) results(b *box, st wire.State) {
	if err := i.store.NoteResults(i.ctx, b.operator, b.agent, st.Results); err != nil && i.ctx.Err() == nil {
		i.o.Log.Error("ingest: results of an agent", "agent", wire.Username(b.operator, b.agent), "err", err) // it says them again
	}
}
