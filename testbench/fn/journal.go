package fn

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"syscall"
)

// The archive is an append-only file: the 8 bytes "CHEKFN1\n", then records
//
//	length u32 LE (kind and body) | CRC-32 IEEE u32 LE (of kind and body) | kind u8 | body
//
// Each record is one write(2), so the page cache holds it whole or as a torn
// tail whatever SIGKILL interrupts; a torn tail is cut off by the next start.
const (
	magic      = "CHEKFN1\n"
	recordHead = 8
	maxRecord  = 64 << 10
)

// Kinds of records.
const (
	kindSettings byte = 1 // JSON of settings
	kindDocument byte = 2 // TLV of a document with its head
	kindTicket   byte = 3 // ФД u32 LE, Unix time of the confirmation u32 LE
)

type journal struct {
	file  *os.File
	sync  bool
	size  int64
	empty bool
	buf   []byte
}

// openJournal locks the file, replays its whole records and cuts off the tail.
func openJournal(path string, sync bool, replay func(kind byte, body []byte) error) (*journal, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, fmt.Errorf("make folder of %s: %w", path, err)
	}
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	j := &journal{file: file, sync: sync}
	if err := j.load(replay); err != nil {
		_ = file.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return j, nil
}

func (j *journal) load(replay func(kind byte, body []byte) error) error {
	if err := syscall.Flock(int(j.file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return fmt.Errorf("lock, another emulator uses it: %w", err)
	}
	b, err := io.ReadAll(j.file)
	if err != nil {
		return fmt.Errorf("read: %w", err)
	}
	if len(b) < len(magic) {
		j.empty, j.size = true, int64(len(magic))
		if err := j.file.Truncate(0); err != nil {
			return err
		}
		_, err := j.file.WriteAt([]byte(magic), 0)
		return err
	}
	if string(b[:len(magic)]) != magic {
		return fmt.Errorf("not an archive of a virtual ФН")
	}
	at := len(magic)
	for {
		kind, body, n := parseRecord(b[at:])
		if n == 0 {
			break
		}
		if err := replay(kind, body); err != nil {
			return fmt.Errorf("record at byte %d: %w", at, err)
		}
		at += n
	}
	j.size, j.empty = int64(at), at == len(magic)
	return j.file.Truncate(j.size)
}

// parseRecord reads one whole record; n is 0 when there is none.
func parseRecord(b []byte) (kind byte, body []byte, n int) {
	if len(b) < recordHead {
		return 0, nil, 0
	}
	size := int(binary.LittleEndian.Uint32(b))
	if size < 1 || size > maxRecord || len(b)-recordHead < size {
		return 0, nil, 0
	}
	payload := b[recordHead : recordHead+size]
	if crc32.ChecksumIEEE(payload) != binary.LittleEndian.Uint32(b[4:]) {
		return 0, nil, 0
	}
	return payload[0], payload[1:], recordHead + size
}

// append writes a record. After a failure the file is cut back, so that a later
// record never follows a torn one.
func (j *journal) append(kind byte, body []byte, sync bool) error {
	b := append(j.buf[:0], 0, 0, 0, 0, 0, 0, 0, 0, kind)
	b = append(b, body...)
	binary.LittleEndian.PutUint32(b, uint32(len(b)-recordHead))
	binary.LittleEndian.PutUint32(b[4:], crc32.ChecksumIEEE(b[recordHead:]))
	j.buf = b
	if _, err := j.file.WriteAt(b, j.size); err != nil {
		_ = j.file.Truncate(j.size)
		return fmt.Errorf("write ФН archive: %w", err)
	}
	if j.sync && sync {
		if err := j.file.Sync(); err != nil {
			_ = j.file.Truncate(j.size)
			return fmt.Errorf("sync ФН archive: %w", err)
		}
	}
	j.size += int64(len(b))
	return nil
}

func (j *journal) close() error { return j.file.Close() }
