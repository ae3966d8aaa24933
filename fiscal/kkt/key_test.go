package kkt

import (
	"testing"

	"pgregory.net/rapid"
)

func TestKey(t *testing.T) {
	k := NewKey("record", "agent/journal/42", "receipt", "0")
	if len(k) != 32 || !k.Valid() {
		t.Errorf("%s", k)
	}
	if k != NewKey("record", "agent/journal/42", "receipt", "0") {
		t.Error("the same tuple gives another key")
	}
	if NewKey("a", "bc") == NewKey("ab", "c") || NewKey("a") == NewKey("a", "") {
		t.Error("tuples run into each other")
	}
	if got := k.Attempt(1).Attempt(12); got != k+"-a12" || got.Base() != k || !got.Attempt(99_999).Valid() {
		t.Error(got)
	}
	for key, want := range map[Key]bool{"": false, "a b": false, "ключ": false, "VM-00031337-000000042": true,
		"1234567890123456789012345678901234567890": true, "12345678901234567890123456789012345678901": false} {
		if key.Valid() != want {
			t.Errorf("%q", key)
		}
	}
}

func TestKeyBase(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		k := NewKey(rapid.SliceOf(rapid.String()).Draw(t, "tuple")...)
		n := rapid.IntRange(1, 99_999).Draw(t, "attempt")
		if a := k.Attempt(n); a.Base() != k || !a.Valid() || a == k.Attempt(n+1) {
			t.Fatal(a)
		}
	})
}
