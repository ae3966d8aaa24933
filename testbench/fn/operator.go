package fn

import "sync"

// OFD is a virtual operator of fiscal data for any number of ФН: it takes
// documents in the order of ФД, confirms them and keeps what it took, which is
// the second witness of what was fiscalized. It can be switched off.
type OFD struct {
	mu    sync.Mutex
	off   bool
	taken map[string][]Document
}

// NewOFD makes an operator that answers.
func NewOFD() *OFD { return &OFD{taken: map[string][]Document{}} }

// Switch lets the operator answer, or stop answering.
func (o *OFD) Switch(on bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.off = !on
}

// On says that the operator answers.
func (o *OFD) On() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return !o.off
}

// Serve takes and confirms at most n documents of a ФН; it returns how many.
func (o *OFD) Serve(f *FN, n int) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.off {
		return 0, nil
	}
	from := f.confirmedCount()
	given, err := f.Confirm(n)
	if given > 0 {
		o.taken[f.Serial()] = append(o.taken[f.Serial()], f.Documents(from+1, from+uint32(given))...)
	}
	return given, err
}

func (f *FN) confirmedCount() uint32 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return uint32(f.confirmed)
}

// Taken lists what the operator took of a ФН since it was made.
func (o *OFD) Taken(serial string) []Document {
	o.mu.Lock()
	defer o.mu.Unlock()
	return append([]Document(nil), o.taken[serial]...)
}
