package fiscal

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// QR is the content of tag 1196, the six values the FNS check compares.
type QR struct {
	At        time.Time // wall clock of the register, in time.UTC
	Seconds   bool      // the string carried seconds
	Total     Kopecks
	FN        string
	FD        uint32
	FP        uint32
	Operation Operation // 0 when n was missing
}

// QR returns the string for the buyer: the register's own one unchanged,
// otherwise the minute form in the order of FFD. "" when there is none
// (shift documents).
func (r Receipt) QR() string {
	if r.OwnQR != "" {
		return r.OwnQR
	}
	if r.FN == "" || r.Operation == 0 {
		return ""
	}
	return QR{At: r.At, Total: r.Total, FN: r.FN, FD: r.FD, FP: r.FP, Operation: r.Operation}.String()
}

// String writes t=…&s=…&fn=…&i=…&fp=…&n=… in minutes.
func (q QR) String() string {
	b := make([]byte, 0, 80)
	b = append(b, "t="...)
	b = q.At.AppendFormat(b, "20060102T1504")
	b = append(b, "&s="...)
	b = AppendRoubles(b, q.Total)
	b = append(b, "&fn="...)
	b = append(b, q.FN...)
	b = append(b, "&i="...)
	b = strconv.AppendUint(b, uint64(q.FD), 10)
	b = append(b, "&fp="...)
	b = strconv.AppendUint(b, uint64(q.FP), 10)
	b = append(b, "&n="...)
	b = strconv.AppendUint(b, uint64(q.Operation), 10)
	return string(b)
}

// AppendRoubles writes kopecks as roubles with a point and two digits.
func AppendRoubles(dst []byte, k Kopecks) []byte {
	u := uint64(k)
	if k < 0 {
		dst = append(dst, '-')
		u = -u
	}
	dst = strconv.AppendUint(dst, u/100, 10)
	return append(dst, '.', byte('0'+u%100/10), byte('0'+u%10))
}

// ErrQR is wrapped by every error of ParseQR.
var ErrQR = errors.New("not a receipt's QR string")

// ParseQR reads the string of tag 1196 in any order of keys. It accepts what
// registers in the field write: seconds, a lower-case t between date and time,
// a missing n, a sum without decimals. Unknown, repeated and missing keys are
// refused.
func ParseQR(s string) (QR, error) {
	var q QR
	if len(s) > 256 {
		return q, fmt.Errorf("%w: %d characters", ErrQR, len(s))
	}
	seen := map[string]bool{}
	for pair := range strings.SplitSeq(s, "&") {
		key, value, ok := strings.Cut(pair, "=")
		if !ok {
			return q, fmt.Errorf("%w: %q has no '='", ErrQR, pair)
		}
		if seen[key] {
			return q, fmt.Errorf("%w: key %q repeats", ErrQR, key)
		}
		seen[key] = true
		var err error
		switch key {
		case "t":
			q.At, q.Seconds, err = parseQRTime(value)
		case "s":
			q.Total, err = ParseRoubles(value)
		case "fn":
			q.FN, err = value, checkDigits(value, 1, 16)
		case "i":
			q.FD, err = parseQRNumber(value)
		case "fp":
			q.FP, err = parseQRNumber(value)
		case "n":
			if len(value) != 1 || value[0] < '1' || value[0] > '4' {
				err = errors.New("not 1..4")
			} else {
				q.Operation = Operation(value[0] - '0')
			}
		default:
			err = errors.New("unknown key")
		}
		if err != nil {
			return q, fmt.Errorf("%w: %q: %w", ErrQR, pair, err)
		}
	}
	for _, key := range []string{"t", "s", "fn", "i", "fp"} {
		if !seen[key] {
			return q, fmt.Errorf("%w: no %q", ErrQR, key)
		}
	}
	return q, nil
}

func parseQRTime(v string) (time.Time, bool, error) {
	layout := "20060102T1504"
	if len(v) == len(layout)+2 {
		layout += "05"
	}
	if len(v) != len(layout) || (v[8] != 'T' && v[8] != 't') {
		return time.Time{}, false, errors.New("not YYYYMMDDTHHMM[SS]")
	}
	at, err := time.Parse(layout, v[:8]+"T"+v[9:])
	return at, len(layout) == 15, err
}

func parseQRNumber(v string) (uint32, error) {
	if err := checkDigits(v, 1, 10); err != nil {
		return 0, err
	}
	n, err := strconv.ParseUint(v, 10, 32)
	return uint32(n), err
}

func checkDigits(v string, least, most int) error {
	if len(v) < least || len(v) > most {
		return fmt.Errorf("length %d", len(v))
	}
	for i := range len(v) {
		if v[i] < '0' || v[i] > '9' {
			return errors.New("not digits")
		}
	}
	return nil
}

// ParseRoubles reads "123.45", "123.4" or "123" as kopecks.
func ParseRoubles(v string) (Kopecks, error) {
	whole, frac, point := strings.Cut(v, ".")
	if err := checkDigits(whole, 1, 15); err != nil {
		return 0, err
	}
	if point {
		if err := checkDigits(frac, 1, 2); err != nil {
			return 0, err
		}
	}
	for len(frac) < 2 {
		frac += "0"
	}
	return strconv.ParseInt(whole+frac, 10, 64)
}
