package register

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/chekomat/chekomat/testbench/fn"
	"github.com/chekomat/chekomat/testbench/register/faults"
)

// Device is a running emulator, whatever protocol it speaks.
type Device interface {
	Addr() string        // TCP address of the protocol; "" without one
	Path() string        // its pseudo-terminal; "" without one
	ControlAddr() string // HTTP control; "" without one
	Identity() Identity
	// Archive lists the documents of every ФН the device ever had: the truth
	// tests count by.
	Archive() []fn.Document
	// Inject arms a fault, or lets it happen at once when it waits for no
	// command.
	Inject(faults.Fault) error
	Close() error
}

// Identity is who a device says it is.
type Identity struct {
	Serial string `json:"serial"` // factory number, 1013
	FN     string `json:"fn"`
	LastFD uint32 `json:"last_fd"`
}

// Protocol is a kind of emulator that can be asked for by name. A package plugs
// itself in from its init:
//
//	register.Plug(register.Protocol{Name: "pirit", About: "…", Start: …, Known: …})
type Protocol struct {
	Name  string
	About string // a line of help in both languages
	// Start makes the device of a configuration; what the protocol has no use
	// for it ignores.
	Start func(Config) (Device, error)
	// Known tells the codes a fault may name beside the generic commands.
	Known func(command string) bool
}

var protocols = map[string]Protocol{}

// Plug makes a protocol known; a name twice is a mistake of the program.
func Plug(p Protocol) {
	if _, ok := protocols[p.Name]; ok {
		panic("register protocol " + p.Name + " plugged in twice")
	}
	protocols[p.Name] = p
}

// Protocols lists the names that can be asked for.
func Protocols() (names []string) {
	for name := range protocols {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Open starts an emulator of the protocol.
func Open(protocol string, cfg Config) (Device, error) {
	p, ok := protocols[protocol]
	if !ok {
		return nil, fmt.Errorf("protocol %q: one of %s wanted", protocol, strings.Join(Protocols(), ", "))
	}
	return p.Start(cfg)
}

func init() {
	Plug(Protocol{
		Name:  "shtrih",
		About: "Shtrih-M, link layers V1 and V2 / Штрих-М, нижние уровни V1 и V2",
		Start: func(cfg Config) (Device, error) { return Start(cfg) },
		Known: known,
	})
}

// CountKeys counts the documents of an archive by their key (1086): what a test
// of "exactly once" asks. Documents without a key are under "".
func CountKeys(archive []fn.Document) map[string]int {
	n := map[string]int{}
	for _, d := range archive {
		if d.Type == fn.TypeReceipt || d.Type == fn.TypeCorrection {
			n[d.Key]++
		}
	}
	return n
}

// HandleArchive adds GET /archive to mux: the documents as JSON, filtered by
// ?from=ФД &type=receipt &key=… &fn=…, without their bytes with &tlv=0; and GET
// /keys: how many documents carry each key.
func HandleArchive(mux *http.ServeMux, archive func() []fn.Document) {
	mux.HandleFunc("GET /archive", func(w http.ResponseWriter, q *http.Request) {
		v := q.URL.Query()
		from, _ := strconv.ParseUint(v.Get("from"), 10, 32)
		out := []fn.Document{}
		for _, d := range archive() {
			if uint64(d.FD) < from || v.Has("type") && d.Name != v.Get("type") || v.Has("key") && d.Key != v.Get("key") || v.Has("fn") && d.FN != v.Get("fn") {
				continue
			}
			if v.Get("tlv") == "0" {
				d.TLV = nil
			}
			out = append(out, d)
		}
		writeJSON(w, out)
	})
	mux.HandleFunc("GET /keys", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, CountKeys(archive())) })
}
