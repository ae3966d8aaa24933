package machine

import (
	"fmt"
	"net"
	"time"

	"github.com/chekomat/chekomat/mdb"
	"github.com/chekomat/chekomat/mdb/module/link"
	"github.com/chekomat/chekomat/testbench/firmware/board"
)

// hears is an interface module on the machine's bus.
type hears interface {
	feed(mdb.Word)
	pass(t int64)
	guest() Guest
	boot() uint64 // of this run, in the machine's log
	next() uint64 // number of the word to come
	note() error  // writes down words nobody will hear any more
	drain(patience time.Duration) error
	address() string
	close()
}

// newModule makes the module: our own end of the link protocol, or the emulated
// board with the firmware that is flashed.
func newModule(o options, boot uint64, log *Log) (hears, error) {
	if o.firmware != "" {
		return newFlashed(o, boot)
	}
	dev, err := link.NewDevice(link.DeviceConfig{Boot: boot, Limit: o.ring, ID: [8]byte{'b', 'e', 'n', 'c', 'h', byte(o.seed)},
		Capabilities: link.CanListenMDB | link.CanSpeakMDB})
	if err != nil {
		return nil, fmt.Errorf("machine: %w", err)
	}
	ln, err := net.Listen("tcp", o.listen)
	if err != nil {
		return nil, fmt.Errorf("machine: listen for agents: %w", err)
	}
	t := &tap{dev: dev, run: boot, log: log, ln: ln}
	t.start()
	return t, nil
}

// flashed is the emulated board as the machine's module. What it keeps for an
// agent that is away only the agent can know, so the machine's log says nothing
// of words unheard.
type flashed struct {
	*board.Board
	run uint64
	n   uint64
}

func newFlashed(o options, boot uint64) (*flashed, error) {
	folder, err := board.Ready()
	if err != nil {
		return nil, fmt.Errorf("machine: %w", err)
	}
	b, err := board.New(board.Config{Folder: folder, Link: o.firmware, Seed: uint32(o.seed) | 1, Brief: true,
		Dirt: board.Dirt{Seed: o.seed, Jitter: 2, Noise: 5, Overlap: 2}}, o.listen)
	if err != nil {
		return nil, fmt.Errorf("machine: %w", err)
	}
	return &flashed{Board: b, run: boot}, nil
}

func (f *flashed) feed(w mdb.Word) { f.n++; f.Emit(w) }
func (f *flashed) pass(t int64)    { f.Pace(t) }
func (f *flashed) guest() Guest    { return f.Board }
func (f *flashed) boot() uint64    { return f.run }
func (f *flashed) next() uint64    { return f.n }
func (f *flashed) note() error     { return f.Err() }
func (f *flashed) address() string { return f.Address() }
func (f *flashed) close()          { f.Close() }

func (f *flashed) drain(time.Duration) error {
	f.Rest(300_000)
	return f.Err()
}
