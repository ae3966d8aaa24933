package register

import (
	"bytes"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
)

// askable are the states a captured request may have met.
var askable = map[string]func(*world){
	"shift closed": nothing, "shift open": opened, "receipt open": receiptOpen, "position in the receipt": sold, "document being read": readingOut,
	"correction begun": func(w *world) {
		opened(w)
		w.exec(cmd(0xFF35))
		w.exec(tag(1178, date(0)))
	},
	"code checked": func(w *world) { w.exec(cmd(0xFF61, 1, 0, 1, 0, 'x')) },
}

// texts end a reply with as much as a device has to say: their length tells
// nothing.
var texts = map[uint16]bool{0x1F: true, 0x6B: true, 0xFC: true, 0xFF3B: true}

// answered are the captures this emulator answers as their devices did; of
// others it is told what it cannot do.
var answered = func() map[string]bool {
	text, err := os.ReadFile("testdata/answered.txt")
	if err != nil {
		panic(err)
	}
	names := map[string]bool{}
	for name := range strings.Lines(string(text)) {
		names[strings.TrimSpace(name)] = true
	}
	return names
}()

// Every request of every capture, whatever the folder holds, is answered with
// the command's own code; in some state without an error when the device had
// none, and then as long as the device answered, or as its documents say when
// firmware adds a field.
func TestCapturedRequestsReplayed(t *testing.T) {
	all := captures(t)
	asked, fulfilled := 0, 0
	for _, name := range slices.Sorted(maps.Keys(all)) {
		differ := t.Logf
		if answered[name] {
			differ = t.Errorf
		}
		for i, l := range all[name] {
			request := payload(l.bytes)
			if l.from != '>' || len(request) == 0 {
				continue
			}
			asked++
			code, _ := codeOf(request)
			if _, ok := commands[code]; !ok {
				t.Logf("%s: %02X is no command of this device", name, code)
				continue
			}
			reply := replyTo(all[name][i+1:], code)
			at := 1
			if code > 0xFF {
				at = 2
			}
			fine := false
			for _, state := range slices.Sorted(maps.Keys(askable)) {
				w := newWorld(t, noon, Config{FFD: 4})
				askable[state](w)
				out := w.dev.Execute(request)
				if len(out) <= at || !bytes.Equal(out[:at], request[:at]) {
					t.Fatalf("%s: % X answered % X", name, request, out)
				}
				if out[at] != errNone {
					continue
				}
				fine = true
				if len(reply) > at && reply[at] == errNone && !texts[code] && len(out) != len(reply) && !grown(code, len(out), len(reply)) {
					differ("%s: %02X answers %d bytes, the device %d", name, code, len(out), len(reply))
				}
			}
			if fine {
				fulfilled++
			} else if len(reply) > at && reply[at] == errNone && !needsMore[code] {
				differ("%s: % X is refused in every state, the device answered % X", name, request, reply)
			}
		}
	}
	t.Logf("%d requests, %d answered without an error", asked, fulfilled)
}

// needsMore are the commands whose captured parameters fit the receipt of that
// capture alone; they are replayed with it elsewhere.
var needsMore = map[uint16]bool{0xFF45: true, 0xFF4A: true, 0xFF0A: true, 0xFF3A: true, 0xFF3C: true}

// grown are the replies firmware made longer by a field, or by a number of the
// new kind.
func grown(code uint16, ours, theirs int) bool {
	switch code {
	case 0x10: // the last print result
		return ours-theirs == 1 || theirs-ours == 1
	case 0x11: // the high part of a long serial number
		return theirs-ours == 2 || theirs-ours == 4
	}
	return false
}

// replyTo is the next answer of a device to that command.
func replyTo(lines []logged, code uint16) []byte {
	for _, l := range lines {
		data := payload(l.bytes)
		if len(data) == 0 {
			continue
		}
		if l.from == '>' {
			return nil
		}
		if got, _ := codeOf(data); got == code {
			return data
		}
	}
	return nil
}
