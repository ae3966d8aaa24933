package shtrih

import (
	"fmt"

	"github.com/chekomat/chekomat/fiscal/fault"
	"github.com/chekomat/chekomat/fiscal/ffd"
	"github.com/chekomat/chekomat/fiscal/kkt"
	"github.com/chekomat/chekomat/fiscal/kkt/readback"
)

// compareShort compares what FF0Ah tells with what was sent.
func compareShort(p program, s shortDocument) *kkt.Fault {
	switch {
	case kindOfType(s.Type) != p.Document.Kind:
		return mismatch(fault.WrongOperation, "document type %d", s.Type)
	case s.Operation != p.Document.Operation:
		return mismatch(fault.WrongOperation, "1054 = %d, sent %d", s.Operation, p.Document.Operation)
	case s.Sum != p.Document.Total:
		return mismatch(fault.WrongSum, "1020 = %d, sent %d", s.Sum, p.Document.Total)
	}
	return nil
}

func mismatch(code fault.Code, format string, args ...any) *kkt.Fault {
	f := fault.New(code, fmt.Sprintf(format, args...))
	return &f
}

// compare compares a document read back with what was sent.
func compare(p program, doc readback.Document) *kkt.Fault {
	sent := readback.Sent{Document: p.Document, Key: p.Key}
	for _, st := range p.Steps {
		if st.Code != cmdTLV {
			continue
		}
		if e, _, err := ffd.ParseElement(st.Params); err == nil {
			sent.Elements = append(sent.Elements, e)
		}
	}
	return doc.Difference(sent)
}
