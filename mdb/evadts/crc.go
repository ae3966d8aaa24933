package evadts

import "math/bits"

// crcTable is CRC-16 by polynomial x¹⁶+x¹⁵+x²+1, reflected (A001h).
var crcTable = func() (t [256]uint16) {
	for i := range t {
		c := uint16(i)
		for range 8 {
			if c&1 != 0 {
				c = c>>1 ^ 0xA001
			} else {
				c >>= 1
			}
		}
		t[i] = c
	}
	return t
}()

// CRC16 carries a CRC on over b: start value 0, no final inversion, BB3D for
// "123456789". G85 prints it high byte first (evadts 2.2); blocks of DEX and
// frames of DDCMP send it low byte first (evadts 4.2, 5.1).
func CRC16(crc uint16, b []byte) uint16 {
	for _, c := range b {
		crc = crc>>8 ^ crcTable[byte(crc)^c]
	}
	return crc
}

func crcString(crc uint16, s string) uint16 {
	for i := range len(s) {
		crc = crc>>8 ^ crcTable[byte(crc)^s[i]]
	}
	return crc
}

// AppendCRC16 appends the CRC of b low byte first, as both line protocols send it.
func AppendCRC16(dst, b []byte) []byte {
	crc := CRC16(0, b)
	return append(dst, byte(crc), byte(crc>>8))
}

// swapped is a CRC with its bytes exchanged, as Rhea prints it (evadts 2.3).
func swapped(crc uint16) uint16 { return bits.ReverseBytes16(crc) }
