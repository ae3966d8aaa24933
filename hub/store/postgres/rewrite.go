package postgres

import (
	"strconv"
	"strings"
	"sync"
)

// ints marks which parameters of a query are integers, by number from 1: bit
// n-1. Those beyond its size are left to PostgreSQL to guess.
type ints [4]uint64

func (m *ints) set(n int) {
	if n >= 1 && n <= len(m)*64 {
		m[(n-1)/64] |= 1 << ((n - 1) % 64)
	}
}

func (m *ints) has(n int) bool {
	return n >= 1 && n <= len(m)*64 && m[(n-1)/64]&(1<<((n-1)%64)) != 0
}

// form is a query with the kinds of its arguments.
type form struct {
	query string
	ints  ints
}

// forms keeps what was rewritten: the hub's queries are constants, and lists
// come in few lengths.
var forms sync.Map // form → string

func rewritten(query string, marks ints) string {
	key := form{query, marks}
	if v, ok := forms.Load(key); ok {
		return v.(string)
	}
	v := Rewrite(query, marks.has)
	forms.Store(key, v)
	return v
}

// Rewrite turns a query as the hub writes it into PostgreSQL's: the parameters
// ? and ?N become $n, numbered as SQLite does (a bare ? counts on from the
// highest number before it), integers with their type, because PostgreSQL takes
// "$1 - 1000" for 32 bits; INDEXED BY, advice to SQLite's planner, falls away.
// Strings, quoted names and comments stay as they are.
func Rewrite(query string, integer func(n int) bool) string {
	var b strings.Builder
	b.Grow(len(query) + 32)
	highest := 0
	for i := 0; i < len(query); {
		switch c := query[i]; {
		case c == '\'' || c == '"':
			end := quoted(query, i)
			b.WriteString(query[i:end])
			i = end
		case c == '-' && strings.HasPrefix(query[i:], "--"):
			end := until(query, i, "\n")
			b.WriteString(query[i:end])
			i = end
		case c == '/' && strings.HasPrefix(query[i:], "/*"):
			end := until(query, i+2, "*/")
			b.WriteString(query[i:end])
			i = end
		case c == '?':
			end := i + 1
			for end < len(query) && query[end] >= '0' && query[end] <= '9' {
				end++
			}
			n, err := strconv.Atoi(query[i+1 : end])
			if err != nil || n < 1 {
				n = highest + 1
			}
			highest = max(highest, n)
			b.WriteString("$" + strconv.Itoa(n))
			if integer(n) {
				b.WriteString("::bigint")
			}
			i = end
		case word(c):
			end := i + 1
			for end < len(query) && word(query[end]) {
				end++
			}
			if strings.EqualFold(query[i:end], "INDEXED") {
				if after, ok := indexedBy(query, end); ok {
					i = after
					continue
				}
			}
			b.WriteString(query[i:end])
			i = end
		default:
			b.WriteByte(c)
			i++
		}
	}
	return b.String()
}

func word(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}

// quoted gives the end of a quoted text that begins at i; a doubled quote
// inside it ends one text and begins another, which comes to the same.
func quoted(q string, i int) int {
	if end := strings.IndexByte(q[i+1:], q[i]); end >= 0 {
		return i + 1 + end + 1
	}
	return len(q)
}

func until(q string, i int, mark string) int {
	if end := strings.Index(q[i:], mark); end >= 0 {
		return i + end + len(mark)
	}
	return len(q)
}

// indexedBy gives the end of " BY name" at i.
func indexedBy(q string, i int) (end int, ok bool) {
	rest := strings.TrimLeft(q[i:], " \t\n")
	if len(rest) < 3 || !strings.EqualFold(rest[:2], "BY") || word(rest[2]) {
		return 0, false
	}
	rest = strings.TrimLeft(rest[2:], " \t\n")
	n := 0
	for n < len(rest) && word(rest[n]) {
		n++
	}
	return len(q) - len(rest) + n, n > 0
}
