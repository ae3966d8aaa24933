package link

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
)

// Image is the header of a firmware image as the module's update takes it:
// 32 bytes, little-endian, before the program (firmware/core/slots.h).
type Image struct {
	Load     uint32  // address the program runs at
	Size     uint32  // bytes of the program, header apart
	CRC      uint32  // CRC-32 of the program
	Entry    uint32  // where it starts
	Version  [3]byte // major, minor, patch
	Hardware uint8   // board it is for, as in HELLO
}

// Limits of an image.
const (
	ImageHeader = 32
	MaxImage    = 64 << 10 // one slot, header included
	imageMagic  = 0x4D4B4843
)

// ErrImage says that a file is no firmware image, or a damaged one.
var ErrImage = errors.New("no good firmware image")

// ParseImage reads and verifies a whole image file: magic, both checksums, size.
func ParseImage(b []byte) (Image, error) {
	le := binary.LittleEndian
	switch {
	case len(b) < ImageHeader:
		return Image{}, fmt.Errorf("%d bytes, the header alone has %d: %w", len(b), ImageHeader, ErrImage)
	case le.Uint32(b) != imageMagic:
		return Image{}, fmt.Errorf("it begins with %X, not CHKM: %w", b[:4], ErrImage)
	case crc32.ChecksumIEEE(b[:28]) != le.Uint32(b[28:]):
		return Image{}, fmt.Errorf("the header's checksum is wrong: %w", ErrImage)
	case len(b) > MaxImage:
		return Image{}, fmt.Errorf("%d bytes, a slot holds %d: %w", len(b), MaxImage, ErrImage)
	}
	im := Image{Load: le.Uint32(b[4:]), Size: le.Uint32(b[8:]), CRC: le.Uint32(b[12:]), Entry: le.Uint32(b[16:]), Version: [3]byte(b[20:]), Hardware: b[23]}
	switch {
	case int64(im.Size) != int64(len(b)-ImageHeader):
		return Image{}, fmt.Errorf("the program has %d bytes of %d, the file was cut or grew: %w", len(b)-ImageHeader, im.Size, ErrImage)
	case crc32.ChecksumIEEE(b[ImageHeader:]) != im.CRC:
		return Image{}, fmt.Errorf("the program's checksum is wrong: %w", ErrImage)
	}
	return im, nil
}

// VersionText prints a firmware version.
func VersionText(v [3]byte) string { return fmt.Sprintf("%d.%d.%d", v[0], v[1], v[2]) }
