package kkt

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chekomat/chekomat/fiscal"
	"github.com/chekomat/chekomat/fiscal/fault"
)

func TestOpen(t *testing.T) {
	var got Options
	Register(func(u *url.URL, o Options) (Driver, error) {
		got = o
		return nil, errors.New("port 99999")
	}, "test+tcp")
	_, err := Open("test+tcp://10.0.0.1?password=777", Options{})
	if err == nil || err.Error() != "open register test+tcp://10.0.0.1: port 99999" {
		t.Error(err)
	}
	if got.Now == nil || got.Dial == nil || got.Log == nil {
		t.Error("defaults are missing")
	}
	if _, err := Open("nope://x?password=777", Options{}); err == nil || !strings.Contains(err.Error(), "test+tcp") || strings.Contains(err.Error(), "777") {
		t.Error(err)
	}
	if _, err := Open("://x?password=777\x7f", Options{}); err == nil || strings.Contains(err.Error(), "777") {
		t.Error(err)
	}
	defer func() {
		if recover() == nil {
			t.Error("a scheme was taken twice")
		}
	}()
	Register(nil, "test+tcp")
}

func TestClassify(t *testing.T) {
	p := &Problem{Kind: Config, Fault: fault.New(fault.WrongPassword, ""), Err: errors.New("4Fh")}
	for _, c := range []struct {
		err  error
		kind Kind
		code fault.Code
	}{
		{fmt.Errorf("ready: %w", p), Config, fault.WrongPassword},
		{fiscal.Document{}.Validate(), Rejected, fault.KindUnknown},
		{context.DeadlineExceeded, Retry, fault.OutcomeUnknown},
	} {
		if out := Classify(c.err); out.Kind != c.kind || out.Fault.Code != c.code {
			t.Errorf("%v: %+v", c.err, out)
		}
	}
	if f, ok := fault.Of(fmt.Errorf("ready: %w", p)); !ok || f.Code != fault.WrongPassword {
		t.Error(f, ok)
	}
}

func TestKinds(t *testing.T) {
	f := fault.New(fault.WrongVAT, "")
	if !(Outcome{Kind: Done, Fault: &f}).StopsLane() || (Outcome{Kind: Done}).StopsLane() || !(Outcome{Kind: Config}).StopsLane() {
		t.Error("what stops a lane")
	}
	for _, k := range []Kind{Done, Accepted, Pending, Duplicate, Ambiguous} {
		if k.NotMade() {
			t.Errorf("%s is no proof that nothing was made", k)
		}
	}
	if !Done.Made() || Duplicate.Made() {
		t.Error("what is made")
	}
}

// Everything a till stores survives JSON.
func TestJSON(t *testing.T) {
	f := fault.Fault{Code: fault.PaperOut, Device: "6Bh"}
	out := Outcome{
		Kind: Done, Verified: true, Document: []byte{3, 0}, Ref: "r", Fault: &f, After: time.Second,
		Receipt: &fiscal.Receipt{FN: "9999078902001234", FD: 1, At: time.Date(2026, 1, 15, 14, 32, 0, 0, time.UTC)},
	}
	b, err := json.Marshal(out)
	if err != nil {
		t.Fatal(err)
	}
	var got Outcome
	if err := json.Unmarshal(b, &got); err != nil || !cmp.Equal(out, got) {
		t.Error(err, cmp.Diff(out, got))
	}
}
