package register

import (
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
)

// The register's state is one file of two slots written in turn: sequence
// u64 LE | length u32 LE | CRC-32 u32 LE | JSON. A kill inside a write spoils
// the older slot only.
const (
	slotSize = 256 << 10
	slotHead = 16
)

type nvramFile struct {
	file *os.File
	seq  uint64
	buf  []byte
}

func openNVRAM(path string, into any) (*nvramFile, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	n := &nvramFile{file: file}
	slot := make([]byte, slotSize)
	var newest []byte
	for i := range int64(2) {
		size, _ := file.ReadAt(slot, i*slotSize)
		seq, body, ok := parseSlot(slot[:size])
		if ok && seq > n.seq {
			n.seq, newest = seq, append([]byte(nil), body...)
		}
	}
	if newest == nil {
		return n, nil
	}
	if err := json.Unmarshal(newest, into); err != nil {
		_ = file.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return n, nil
}

func parseSlot(b []byte) (seq uint64, body []byte, ok bool) {
	if len(b) < slotHead {
		return 0, nil, false
	}
	size := int64(binary.LittleEndian.Uint32(b[8:]))
	if size > int64(len(b)-slotHead) {
		return 0, nil, false
	}
	body = b[slotHead : slotHead+size]
	return binary.LittleEndian.Uint64(b), body, crc32.ChecksumIEEE(body) == binary.LittleEndian.Uint32(b[12:])
}

func (n *nvramFile) save(v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode register state: %w", err)
	}
	if len(body) > slotSize-slotHead {
		return fmt.Errorf("register state of %d bytes does not fit its slot", len(body))
	}
	b := binary.LittleEndian.AppendUint64(n.buf[:0], n.seq+1)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(body)))
	b = binary.LittleEndian.AppendUint32(b, crc32.ChecksumIEEE(body))
	b = append(b, body...)
	n.buf = b
	if _, err := n.file.WriteAt(b, int64((n.seq+1)%2)*slotSize); err != nil {
		return fmt.Errorf("write register state: %w", err)
	}
	n.seq++
	return nil
}

func (n *nvramFile) close() error { return n.file.Close() }

// Tables change seldom: they are one JSON file replaced by renaming.
func (d *device) saveCells() {
	if d.cfg.Data == "" {
		return
	}
	m := map[string]string{}
	for c, v := range d.cells {
		m[fmt.Sprintf("%d/%d/%d", c.Table, c.Row, c.Field)] = hex.EncodeToString(v)
	}
	b, err := json.MarshalIndent(m, "", " ")
	path := d.cellsPath()
	if err == nil && os.WriteFile(path+".new", b, 0o644) == nil {
		_ = os.Rename(path+".new", path)
	}
}

func (d *device) loadCells() error {
	b, err := os.ReadFile(d.cellsPath())
	if err != nil {
		return fmt.Errorf("read tables: %w", err)
	}
	m := map[string]string{}
	if err := json.Unmarshal(b, &m); err != nil {
		return fmt.Errorf("tables in %s: %w", d.cellsPath(), err)
	}
	for k, v := range m {
		var c cell
		if _, err := fmt.Sscanf(k, "%d/%d/%d", &c.Table, &c.Row, &c.Field); err != nil {
			return fmt.Errorf("tables in %s: key %q: %w", d.cellsPath(), k, err)
		}
		if d.cells[c], err = hex.DecodeString(v); err != nil {
			return fmt.Errorf("tables in %s: value of %s: %w", d.cellsPath(), k, err)
		}
	}
	return nil
}

func (d *device) cellsPath() string { return filepath.Join(d.cfg.Data, "tables.json") }
