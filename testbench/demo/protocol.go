package demo

// protocol is how the demo's register is started and reached.
type protocol struct {
	args   []string // of testbench register
	scheme string
	query  string
}

func (p protocol) url(address string) string { return p.scheme + "://" + address + p.query }

// protocols of the register. The Pirit's manual has no tax number of 22 %: the
// demo gives emulator and driver the same one.
var protocols = map[string]protocol{
	"":       shtrih,
	"shtrih": shtrih,
	"pirit":  {[]string{"--protocol", "pirit", "--option", "tax=6:11"}, "pirit+tcp", "?vat=11:6&print=no"},
}

var shtrih = protocol{args: []string{"--protocol", "shtrih"}, scheme: "shtrih+tcp"}
