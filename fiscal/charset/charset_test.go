package charset

import (
	"errors"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestClean(t *testing.T) {
	for in, want := range map[string]string{
		"Кофе «Капучино»":        `Кофе "Капучино"`,
		"Москва — Тверская":      "Москва - Тверская",
		"  вода\u00a0\n 0,5 л  ": "вода 0,5 л",
		"Café Löwenbräu Škoda":   "Cafe Lowenbrau Skoda",
		"№ 5 ёж Ё":               "№ 5 ёж Ё",
		"Цена 5 ₽…":              "Цена 5 руб....",
		"\ufeffмюсли\u00ad":      "мюсли",
		"北京":                     "北京",
	} {
		if got := Clean(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestPages(t *testing.T) {
	b, err := CP866("№ Кофе")
	if err != nil || string(b) != "\xfc \x8a\xae\xe4\xa5" {
		t.Errorf("% x %v", b, err)
	}
	b, err = CP1251("Вода 0.5")
	if err != nil || string(b) != "\xc2\xee\xe4\xe0 0.5" {
		t.Errorf("% x %v", b, err)
	}
	if _, err := CP866("«"); !errors.Is(err, ErrUnwritable) {
		t.Error(err)
	}
	if got := FromCP1251([]byte("\xd0\xc8\xd2\xc5\xc9\xcb-01\xd4")); got != "РИТЕЙЛ-01Ф" {
		t.Error(got)
	}
}

func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		raw := rapid.SliceOf(rapid.Byte()).Draw(t, "bytes")
		s := FromCP866(raw)
		b, err := CP866(s)
		if err != nil || string(b) != string(raw) {
			t.Fatalf("% x: %q, % x, %v", raw, s, b, err)
		}
		if c := Clean(s); !utf8.ValidString(c) || Clean(c) != c {
			t.Fatalf("%q: cleaned %q, again %q", s, c, Clean(c))
		}
	})
}
