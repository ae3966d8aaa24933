package fiscal

import (
	"strings"
	"time"
)

func validDate(s string) bool {
	_, err := time.Parse(time.DateOnly, s)
	return err == nil
}

func validEmail(s string) bool {
	name, host, ok := strings.Cut(s, "@")
	return ok && name != "" && strings.Contains(host, ".") && !strings.ContainsAny(s, " \t") &&
		!strings.Contains(host, "@") && !strings.HasPrefix(host, ".") && !strings.HasSuffix(host, ".")
}

func validPhone(s string) bool {
	digits, ok := strings.CutPrefix(s, "+")
	return ok && checkDigits(digits, 10, 15) == nil
}

// validGTIN checks 14 digits with the GS1 check digit.
func validGTIN(s string) bool {
	if checkDigits(s, 14, 14) != nil {
		return false
	}
	sum := 0
	for i := range 13 {
		weight := 3 - 2*(i%2)
		sum += int(s[i]-'0') * weight
	}
	return (10-sum%10)%10 == int(s[13]-'0')
}

// ValidINN checks the control digits of an ИНН of 10 or 12 digits.
func ValidINN(s string) bool {
	if checkDigits(s, 10, 12) != nil {
		return false
	}
	weights := []int{3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8}
	control := func(n int) bool {
		sum := 0
		for i, w := range weights[len(weights)-n:] {
			sum += int(s[i]-'0') * w
		}
		return sum%11%10 == int(s[n]-'0')
	}
	switch len(s) {
	case 10:
		return control(9)
	case 12:
		return control(10) && control(11)
	}
	return false
}

// RegNumberValid checks a registration number (1037, 16 digits): the last six
// are CRC-16/CCITT-FALSE over serial (10), the user's ИНН (12) and the
// register's serial number (20), each filled with zeros on the left.
func RegNumberValid(reg, inn, kktSerial string) bool {
	if checkDigits(reg, 16, 16) != nil || len(inn) > 12 || len(kktSerial) > 20 {
		return false
	}
	text := reg[:10] + strings.Repeat("0", 12-len(inn)) + inn + strings.Repeat("0", 20-len(kktSerial)) + kktSerial
	crc := uint16(0xffff)
	for i := range len(text) {
		crc ^= uint16(text[i]) << 8
		for range 8 {
			if crc&0x8000 != 0 {
				crc = crc<<1 ^ 0x1021
			} else {
				crc <<= 1
			}
		}
	}
	n, err := parseQRNumber(reg[10:])
	return err == nil && n == uint32(crc)
}
