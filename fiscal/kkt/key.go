package kkt

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"strconv"
	"strings"
)

// Key names one attempt; it travels as the provider's external id, and inside
// the receipt as the value of 1084. At most 40 of [A-Za-z0-9-].
type Key string

// MaxKey is the longest key every provider takes.
const MaxKey = 40

// KeyName is the name (1085) under which the key stands in 1084.
const KeyName = "chekomat"

var keyAlphabet = base32.NewEncoding("abcdefghijkmnpqrstuvwxyz23456789").WithPadding(base32.NoPadding)

// NewKey hashes a job's unique tuple into 32 characters. The parts are hashed
// with their lengths, so ("a","bc") and ("ab","c") differ.
func NewKey(parts ...string) Key {
	h := sha256.New()
	var n [8]byte
	for _, p := range parts {
		binary.LittleEndian.PutUint64(n[:], uint64(len(p)))
		h.Write(n[:])
		h.Write([]byte(p))
	}
	return Key(keyAlphabet.EncodeToString(h.Sum(nil)[:20]))
}

// Attempt returns the key of attempt n (1, 2, …): the base with "-a<n>". It
// changes only after a proven "not made".
func (k Key) Attempt(n int) Key { return k.Base() + Key("-a"+strconv.Itoa(n)) }

// Base is the key without its attempt suffix.
func (k Key) Base() Key {
	base, n, ok := strings.Cut(string(k), "-a")
	if _, err := strconv.Atoi(n); !ok || err != nil {
		return k
	}
	return Key(base)
}

// Valid says whether the key may travel: 1..40 of [A-Za-z0-9-].
func (k Key) Valid() bool {
	if k == "" || len(k) > MaxKey {
		return false
	}
	for i := range len(k) {
		c := k[i]
		if !(c == '-' || c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z') {
			return false
		}
	}
	return true
}
