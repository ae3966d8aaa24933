package pirit

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/chekomat/chekomat/testbench/fn"
)

// device is the register behind the line: status, open document, printer and
// the ФН. execute is its only entry for a host; everything is guarded by mu.
type device struct {
	mu    sync.Mutex
	cfg   Config
	fn    *fn.FN
	old   []*fn.FN // replaced ones, oldest first
	nv    nvram
	dirty bool // nv changed by the running command

	jump atomic.Int64  // nv.Jump for readers without mu
	made chan struct{} // a document was made

	// lost with the power
	started bool
	doc     *document
	chosen  []byte // TLV that 78/15 chose
	reason  int    // of the last 01 or 03
	step14  bool   // 14h refused a step of over 24 h once

	autoShift   int // shifts to be changed as soon as nothing is open
	foreign     int // receipts of another host to be made then
	foreignMade int
	foreignOpen time.Duration // how long another host will hold a receipt, once free
	ofdOff      bool
}

// nvram is what the register keeps without power beside the ФН.
type nvram struct {
	FN        string         `json:"fn"`
	Serial    string         `json:"serial"`
	RNM       string         `json:"rnm"`
	Replaced  []string       `json:"replaced,omitempty"`
	Jump      time.Duration  `json:"jump,omitempty"`      // real time passed by order: register and ФН
	ClockSet  time.Duration  `json:"clock_set,omitempty"` // the register's own clock beside it
	Closing   *closing       `json:"closing,omitempty"`   // 31h is in the ФН
	Unprinted *unprinted     `json:"unprinted,omitempty"` // closed in the ФН, not printed: state 8
	Unclosed  bool           `json:"unclosed,omitempty"`  // shift closing unfinished: flag 8
	Through   uint32         `json:"through"`             // through document number
	Counter   uint32         `json:"counter"`             // operation counter
	Annulled  int            `json:"annulled,omitempty"`
	Last      lastReceipt    `json:"last"` // of 03/2
	PaperOut  bool           `json:"paper_out,omitempty"`
	Settings  map[string]int `json:"settings,omitempty"` // numeric settings that were written
}

// closing is a receipt the ФН was told to close.
type closing struct {
	Type int    `json:"type"`
	FN   string `json:"fn"`
	Base uint32 `json:"base"` // last ФД before it
}

// unprinted is a document that waits for 31h to be finished.
type unprinted struct {
	Type   int      `json:"type"`
	Answer []string `json:"answer"`
}

type lastReceipt struct {
	Type   int    `json:"type"` // 0 annulled
	Number uint32 `json:"number"`
	Sum    int64  `json:"sum"`
	FD     uint32 `json:"fd"`
	FP     uint32 `json:"fp"`
}

func newDevice(cfg Config) (*device, error) {
	d := &device{cfg: cfg, made: make(chan struct{}, 1)}
	d.nv = nvram{FN: cfg.FN, Serial: cfg.Serial, RNM: cfg.RNM}
	if cfg.Data != "" {
		if err := os.MkdirAll(cfg.Data, 0o755); err != nil {
			return nil, fmt.Errorf("make data folder %s: %w", cfg.Data, err)
		}
		if err := d.load(); err != nil {
			return nil, err
		}
	}
	d.jump.Store(int64(d.nv.Jump))
	for _, serial := range d.nv.Replaced {
		f, err := d.openFN(serial)
		if err != nil {
			return nil, err
		}
		d.old = append(d.old, f)
	}
	var err error
	if d.fn, err = d.openFN(d.nv.FN); err != nil {
		return nil, err
	}
	d.fn.Subscribe(d.made)
	if err := d.register(); err != nil {
		return nil, fmt.Errorf("register the ФН: %w", err)
	}
	d.powerUp()
	return d, d.save()
}

func (d *device) openFN(serial string) (*fn.FN, error) {
	cfg := fn.Config{Serial: serial, Sync: d.cfg.Sync, Life: d.cfg.FNLife, Capacity: d.cfg.FNCapacity, Timer: d.realTime}
	if d.cfg.Data != "" {
		cfg.Path = filepath.Join(d.cfg.Data, "fn-"+serial+".log")
	}
	return fn.New(cfg)
}

// realTime is the true time of the emulated world: the ФН's timer.
func (d *device) realTime() time.Time {
	return d.cfg.Clock().In(d.cfg.Zone).Add(time.Duration(d.jump.Load()))
}

// now is the register's own clock.
func (d *device) now() time.Time { return d.realTime().Add(d.nv.ClockSet) }

// setClock moves the register's clock to the digits of wall.
func (d *device) setClock(wall time.Time) {
	t := time.Date(wall.Year(), wall.Month(), wall.Day(), wall.Hour(), wall.Minute(), wall.Second(), 0, d.cfg.Zone)
	d.nv.ClockSet, d.dirty = t.Sub(d.realTime()), true
}

// Work mode bits of the registration.
const modeAutomatic = 1 << 2

// register makes the registration report of a fresh ФН, as the service centre
// would, and takes over what it fixes.
func (d *device) register() error {
	if d.fn.Status().Phase == fn.PhaseReady {
		if err := d.makeRegistration(); err != nil {
			return err
		}
	}
	// What the ФН holds counts, not what the configuration says today.
	reg, fd := d.fn.Registered()
	doc, err := d.fn.Document(fd)
	if err != nil {
		return err
	}
	d.cfg.FFD, d.cfg.Address, d.cfg.Place, d.cfg.Machine = doc.FFD, doc.Address, doc.Place, doc.Machine
	d.cfg.Attended = reg.Mode&modeAutomatic == 0
	return nil
}

func (d *device) makeRegistration() error {
	c := d.cfg
	if err := d.fn.Begin(fn.CurrentRegistration, d.now()); err != nil {
		return err
	}
	mode := byte(modeAutomatic)
	if c.Attended {
		mode = 0
	}
	b := fn.AppendByte(nil, 1209, c.FFD)
	b = fn.AppendByte(b, 1001, mode>>2)
	b = fn.AppendByte(b, 1002, 0)
	b = fn.AppendByte(b, 1056, 0)
	b = fn.AppendByte(b, 1062, c.TaxSystems)
	b = fn.AppendString(b, 1048, c.User)
	b = fn.AppendString(b, 1009, c.Address)
	b = fn.AppendString(b, 1187, c.Place)
	b = fn.AppendString(b, 1013, d.nv.Serial)
	if !c.Attended && c.Machine != "" {
		b = fn.AppendString(b, 1036, c.Machine)
	}
	b = fn.AppendFixed(b, 1017, "7700000010", 12)
	b = fn.AppendString(b, 1046, "ОФД-стенд")
	b = fn.AppendString(b, 1117, c.Sender)
	b = fn.AppendString(b, 1060, "www.nalog.gov.ru")
	b = fn.AppendString(b, 1188, c.Firmware)
	b = fn.AppendByte(b, 1189, c.FFD)
	if c.FFD == 4 {
		b = fn.AppendByte(b, 1190, 4)
		b = fn.AppendU32(b, 1205, 0)
		b = fn.AppendU32(b, 1290, 0x4000)
	} else {
		b = fn.AppendByte(b, 1108, 0)
		b = fn.AppendByte(b, 1110, 0)
	}
	if err := d.fn.Data(b); err != nil {
		return err
	}
	_, err := d.fn.Register(fn.Registration{INN: c.INN, RNM: d.nv.RNM, TaxSystems: c.TaxSystems, Mode: mode, FFD: c.FFD})
	return err
}

// powerUp is what a return of power does: the open document is gone, one that
// the ФН has closed waits to be finished, and work has to be started.
func (d *device) powerUp() {
	if d.doc != nil {
		d.nv.Annulled++
	}
	d.fn.PowerLoss()
	d.started, d.doc, d.chosen, d.reason, d.step14 = false, nil, nil, 0, false
	if c := d.nv.Closing; c != nil && c.FN == d.fn.Serial() {
		if doc, err := d.fn.Document(c.Base + 1); err == nil {
			d.nv.Unprinted = &unprinted{c.Type, d.closed(c.Type, doc)}
		}
	}
	d.nv.Closing = nil
}

func (d *device) powerLoss() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.powerUp()
	return d.save()
}

func (d *device) expired() bool {
	s := d.fn.ShiftState()
	return s.Open && fn.Wall(d.now()).Sub(s.Opened) > fn.ShiftLimit
}

// documentStatus is the third field of 00h.
func (d *device) documentStatus() int {
	switch {
	case d.nv.Unprinted != nil:
		return d.nv.Unprinted.Type | 8<<4
	case d.doc != nil:
		return d.doc.kind | d.doc.state<<4
	}
	return 0
}

// Settings that act.
const settingPrinter = "1/0" // bit 7: documents are not printed

// silent says whether a document is not printed: by the setting, or by bit 7
// of its own mode.
func (d *device) silent(mode int) bool {
	return mode&0x80 != 0 || d.nv.Settings[settingPrinter]&0x80 != 0
}

func (d *device) path() string { return filepath.Join(d.cfg.Data, "nvram.json") }

func (d *device) load() error {
	b, err := os.ReadFile(d.path())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read register state: %w", err)
	}
	if err := json.Unmarshal(b, &d.nv); err != nil {
		return fmt.Errorf("register state in %s: %w", d.path(), err)
	}
	return nil
}

// save replaces the state's file by renaming: a kill leaves the old or the new.
func (d *device) save() error {
	if d.cfg.Data == "" {
		return nil
	}
	b, err := json.Marshal(&d.nv)
	if err != nil {
		return fmt.Errorf("encode register state: %w", err)
	}
	if err := os.WriteFile(d.path()+".new", b, 0o644); err != nil {
		return fmt.Errorf("write register state: %w", err)
	}
	if err := os.Rename(d.path()+".new", d.path()); err != nil {
		return fmt.Errorf("write register state: %w", err)
	}
	return nil
}

// through is the through document number as it is answered.
func (d *device) through() string { return strconv.FormatUint(uint64(d.nv.Through), 10) }

// archive lists the documents of all ФН, the replaced ones first.
func (d *device) archive() []fn.Document {
	d.mu.Lock()
	all := append(append([]*fn.FN(nil), d.old...), d.fn)
	d.mu.Unlock()
	var out []fn.Document
	for _, f := range all {
		out = append(out, f.Documents(1, 0)...)
	}
	return out
}

func (d *device) close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	err := d.fn.Close()
	for _, f := range d.old {
		err = errors.Join(err, f.Close())
	}
	return err
}
