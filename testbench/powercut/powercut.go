// Package powercut is a file layer for SQLite that loses unsynced writes, as a
// disk does when the power fails. The files of a mounted folder live in memory:
// what was written is read back at once, but only what was synced is sure to be
// there after a cut. Of the rest a cut keeps nothing, a prefix, any sectors of
// 512 bytes, or everything, file by file, and may tear a sector; a file that was
// never synced may be missing and one whose deletion was not synced may be back
// (the method of SQLite's own src/test6.c, reliability.md C.4 recipe 5).
//
// It stands below the real agent/journal and hub/store: those open their files
// by path as ever, and what they reach is this layer. Files outside mounted
// folders go to the system's layer untouched.
//
// The C half is compiled with cgo against the SQLite that
// github.com/mattn/go-sqlite3 links into the same program.
package powercut

/*
#cgo CFLAGS: -std=gnu99 -Wall
#cgo linux LDFLAGS: -Wl,--unresolved-symbols=ignore-in-object-files
#include <stdlib.h>
#include "disk.h"
*/
import "C"

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"sync"
	"unsafe"

	_ "github.com/mattn/go-sqlite3" // the SQLite this layer stands below
)

var install = sync.OnceValue(func() error {
	if rc := C.pc_install(); rc != 0 {
		return fmt.Errorf("powercut: put the layer below SQLite: code %d", int(rc))
	}
	return nil
})

// Disk holds the SQLite files of one folder. Its methods may be called from any
// goroutine.
type Disk struct {
	folder string
	c      *C.pc_disk
}

// Mount makes the SQLite files of a folder, which must exist, live on a new
// disk. Files already there are not seen.
func Mount(folder string) (*Disk, error) {
	real, err := filepath.EvalSymlinks(folder) // SQLite resolves names too
	if err == nil {
		real, err = filepath.Abs(real)
	}
	if err == nil {
		err = install()
	}
	if err != nil {
		return nil, fmt.Errorf("powercut: mount %s: %w", folder, err)
	}
	name := C.CString(real)
	defer C.free(unsafe.Pointer(name))
	c := C.pc_mount(name)
	if c == nil {
		return nil, fmt.Errorf("powercut: mount %s: %w", folder, errMemory)
	}
	return &Disk{folder: real, c: c}, nil
}

var errMemory = errors.New("out of memory")

// Unmount takes the disk away with all its files. Programs that have some open
// get I/O errors from then on.
func (d *Disk) Unmount() { C.pc_unmount(d.c) }

// Folder is where the disk is mounted.
func (d *Disk) Folder() string { return d.folder }

// Volatile says whether unsynced writes are kept aside; a new disk does so. One
// that does not is faster and survives a cut whole.
func (d *Disk) Volatile(yes bool) {
	var on C.int
	if yes {
		on = 1
	}
	C.pc_keep(d.c, on)
}

// Deaf makes syncs do nothing, as synchronous=OFF or a disk that lies: what a
// test must then find.
func (d *Disk) Deaf(yes bool) {
	var on C.int
	if yes {
		on = 1
	}
	C.pc_deaf(d.c, on)
}

// Kill ends the programs that have files open here, as SIGKILL would: all they
// wrote stays, synced or not. Their handles give I/O errors.
func (d *Disk) Kill() { C.pc_kill(d.c) }

// Cut lets the power fail now; equal seeds choose equally what survives.
func (d *Disk) Cut(seed uint64) { C.pc_cut(d.c, C.uint64_t(seed)) }

// CutAt lets the power fail at the nth write, truncation or sync from now (1 is
// the next), in the middle of whatever SQLite does then. 0 takes it back.
func (d *Disk) CutAt(nth int, seed uint64) { C.pc_cut_at(d.c, C.int64_t(nth), C.uint64_t(seed)) }

// KillAt is CutAt for the death of the program alone.
func (d *Disk) KillAt(nth int) { C.pc_kill_at(d.c, C.int64_t(nth)) }

// Limit lets the disk be full at so many bytes; 0 takes that back.
func (d *Disk) Limit(bytes int64) { C.pc_limit(d.c, C.int64_t(bytes)) }

// CopyTo makes another disk hold what this one holds now, synced: a backup
// taken, or put back. Programs on the other one are ended.
func (d *Disk) CopyTo(to *Disk) error {
	if C.pc_copy(d.c, to.c) != 0 {
		return fmt.Errorf("powercut: copy %s to %s: %w", d.folder, to.folder, errMemory)
	}
	return nil
}

// Counts of a disk since it was mounted.
type Counts struct {
	Writes, Syncs int64
	Size          int64 // bytes of all files
	Unsynced      int64 // changes a cut may lose now
	Generation    int64 // grows when the programs on it are ended
	Kept, Lost    int64 // unsynced sectors that cuts kept and lost
	Torn          int64 // sectors of which a cut kept a part
	Cuts, LastCut int64 // how many; the generation the last one ended with
}

// Counts as of now.
func (d *Disk) Counts() Counts {
	c := C.pc_count(d.c)
	return Counts{Writes: int64(c.writes), Syncs: int64(c.syncs), Size: int64(c.size), Unsynced: int64(c.unsynced),
		Generation: int64(c.generation), Kept: int64(c.kept), Lost: int64(c.lost), Torn: int64(c.torn), Cuts: int64(c.cuts), LastCut: int64(c.last_cut)}
}

// ReadFile gives a file's content as a program would read it.
func (d *Disk) ReadFile(name string) ([]byte, error) {
	path := C.CString(filepath.Join(d.folder, name))
	defer C.free(unsafe.Pointer(path))
	n := C.pc_read(d.c, path, nil, 0)
	if n < 0 {
		return nil, fmt.Errorf("powercut: read %s: %w", name, fs.ErrNotExist)
	}
	b := make([]byte, int(n))
	if n > 0 {
		C.pc_read(d.c, path, unsafe.Pointer(&b[0]), n)
	}
	return b, nil
}
