package register

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/chekomat/chekomat/testbench/fn"
)

// device is the register behind the link: modes, tables, the open receipt, the
// printer and the ФН. Execute is its only entry for a host; everything is
// guarded by mu.
type device struct {
	mu    sync.Mutex
	cfg   Config
	rnd   *rand.Rand
	fn    *fn.FN
	old   []*fn.FN // replaced ones, oldest first
	nv    nvram
	store *nvramFile // nil without a data folder
	cells map[cell][]byte
	dirty bool // nv changed by the running command

	jump atomic.Int64  // nv.Jump for readers without mu
	made chan struct{} // a document was made

	reading    []byte // what FF3Bh still has to give
	partial    int    // bytes left of an element too long for one answer
	drain      bool   // FF3Ah was started and not read to its end
	buffer     []byte // FF32h
	bufferSize int
	busy       time.Time
	regTags    []byte // of a registration report begun by a host
	autoShift  int    // shifts to be changed as soon as nothing is open
	foreign    int    // receipts of another host to be made then
	ofd        *fn.OFD

	foreignMade   int
	foreignOpen   time.Duration // how long another operator will hold a receipt, once free
	spent, target time.Duration // service time of the receipt in work
}

// nvram is what the register keeps without power beside the ФН and the tables.
type nvram struct {
	FN          string        `json:"fn"`
	Replaced    []string      `json:"replaced,omitempty"`
	Serial      string        `json:"serial,omitempty"`     // of a register that replaced another
	Jump        time.Duration `json:"jump,omitempty"`       // real time passed by order: register and ФН
	ClockSet    time.Duration `json:"clock_set,omitempty"`  // the register's own clock beside it
	ConfirmDate *wallDate     `json:"confirm,omitempty"`    // 22h was sent, 23h is awaited
	Receipt     *receipt      `json:"receipt,omitempty"`    // open receipt
	Through     uint16        `json:"through"`              // through document number
	CashIn      int64         `json:"cash_in,omitempty"`    // by 50h in the shift
	CashOut     int64         `json:"cash_out,omitempty"`   // by 51h
	Drawer      int64         `json:"drawer,omitempty"`     // cash in the drawer
	PrintUntil  time.Time     `json:"print_until,omitzero"` // on the register's clock
	PaperOut    bool          `json:"paper_out,omitempty"`
	Torn        bool          `json:"torn,omitempty"` // paper ended while printing: waits for B0h
}

type wallDate struct{ Day, Month, Year byte }

func newDevice(cfg Config) (*device, error) {
	d := &device{cfg: cfg, rnd: rand.New(rand.NewPCG(cfg.Seed, 0x5348_5452_4948)), cells: map[cell][]byte{}, made: make(chan struct{}, 1), ofd: fn.NewOFD()}
	d.nv.FN = cfg.FN
	if cfg.Data != "" {
		if err := os.MkdirAll(cfg.Data, 0o755); err != nil {
			return nil, fmt.Errorf("make data folder %s: %w", cfg.Data, err)
		}
		store, err := openNVRAM(filepath.Join(cfg.Data, "nvram"), &d.nv)
		if err != nil {
			return nil, fmt.Errorf("open register state: %w", err)
		}
		d.store = store
		if err := d.loadCells(); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	d.jump.Store(int64(d.nv.Jump))
	if d.nv.Serial != "" {
		d.cfg.Serial = d.nv.Serial
		d.cfg.RNM = rnm(d.cfg.INN, d.cfg.Serial)
	}
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
	if err := d.register(fn.CurrentRegistration); err != nil {
		return nil, fmt.Errorf("register the ФН: %w", err)
	}
	d.powerUp()
	return d, d.save()
}

func (d *device) openFN(serial string) (*fn.FN, error) {
	cfg := fn.Config{
		Serial: serial, Sync: d.cfg.Sync, Life: d.cfg.FNLife, Capacity: d.cfg.FNCapacity, Memory: d.cfg.FNMemory, Overdue: d.cfg.FNOverdue,
		Timer: d.realTime,
	}
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

// register makes the registration report of a fresh ФН, as the service centre
// would before the register is put to work, and takes over what it fixes.
func (d *device) register(report fn.Current) error {
	if d.fn.Status().Phase == fn.PhaseReady {
		reg := fn.Registration{INN: d.cfg.INN, RNM: d.cfg.RNM, TaxSystems: d.cfg.TaxSystems, Mode: 1 << 2, FFD: d.cfg.FFD}
		if report == fn.CurrentReplacement {
			reg.Reasons = reasonFN
		}
		if err := d.fn.Begin(report, d.now()); err != nil {
			return err
		}
		if _, err := d.makeRegistration(reg); err != nil {
			return err
		}
	}
	return d.takeRegistration()
}

// takeRegistration takes over what the last registration report fixed.
func (d *device) takeRegistration() error {
	// What the ФН holds counts, not what the configuration says today.
	_, fd := d.fn.Registered()
	doc, err := d.fn.Document(fd)
	if err != nil {
		return err
	}
	d.cfg.FFD, d.cfg.Address, d.cfg.Place = doc.FFD, doc.Address, doc.Place
	return nil
}

// powerUp settles what a loss of power left: a receipt the ФН has already
// numbered is closed; any other is kept with its document begun anew, or
// cancelled, as the configuration says.
func (d *device) powerUp() {
	d.fn.PowerLoss()
	d.reading, d.partial, d.drain, d.busy = nil, 0, false, time.Time{}
	d.buffer, d.bufferSize, d.regTags = nil, 0, nil
	r := d.nv.Receipt
	if r == nil {
		return
	}
	s := d.fn.Status()
	done := r.FN != s.Serial || r.Base != s.LastFD
	if done || d.cfg.PowerUp == "cancel" || d.fn.Begin(r.kind(), d.now()) != nil {
		d.nv.Receipt = nil
	}
}

// mode is the mode byte of the status (kkt-shtrih.md §5.1).
func (d *device) mode() byte {
	switch {
	case d.drain:
		return 1
	case d.nv.ConfirmDate != nil:
		return 6
	case d.nv.Receipt != nil && d.nv.Receipt.started():
		return 8 | d.nv.Receipt.Type<<4
	}
	return d.shiftMode()
}

func (d *device) shiftMode() byte {
	shift := d.fn.ShiftState()
	switch {
	case !shift.Open:
		return 4
	case d.shiftOver(shift):
		return 3
	}
	return 2
}

func (d *device) shiftOver(s fn.Shift) bool { return fn.Wall(d.now()).Sub(s.Opened) > fn.ShiftLimit }

// submode is the printer's state.
func (d *device) submode() byte {
	switch {
	case d.nv.PaperOut && d.nv.Torn:
		return 2
	case d.nv.PaperOut:
		return 1
	case d.nv.Torn:
		return 3
	case d.printing():
		return 5
	}
	return 0
}

func (d *device) printing() bool {
	now := d.now()
	return now.Before(d.nv.PrintUntil) || now.Before(d.busy)
}

// print starts the printing of a document unless table 17 field 7 forbids it;
// 1 there holds for one document only.
func (d *device) print() {
	switch d.numberAt(tableRegional, 1, 7) {
	case 1:
		delete(d.cells, cell{tableRegional, 1, 7})
		d.saveCells()
		return
	case 2, 3:
		return
	}
	if d.cfg.Print > 0 {
		d.nv.PrintUntil = d.now().Add(d.cfg.Print)
	}
	d.dirty = true
}

// quiet says that the next document is not printed.
func (d *device) quiet() bool { return d.numberAt(tableRegional, 1, 7) != 0 }

func (d *device) save() error {
	if d.store == nil {
		return nil
	}
	return d.store.save(&d.nv)
}

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
	if d.store != nil {
		err = errors.Join(err, d.store.close())
	}
	return err
}
