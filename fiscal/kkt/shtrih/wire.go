package shtrih

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/chekomat/chekomat/fiscal"
	"github.com/chekomat/chekomat/fiscal/charset"
	"github.com/chekomat/chekomat/fiscal/fault"
	"github.com/chekomat/chekomat/fiscal/ffd"
	"github.com/chekomat/chekomat/fiscal/kkt"
)

const wireVersion = 1

// program is what Wire.Bytes hold, as JSON: the commands in order, without the
// password, and the document the read-back is compared with (without the
// buyer's contact). The last command is the one that makes the document.
type program struct {
	Version  int             `json:"v"`
	Key      kkt.Key         `json:"key,omitempty"`
	Document fiscal.Document `json:"document"`
	Steps    []step          `json:"steps"`
}

type step struct {
	Code   Code     `json:"c"`
	Params hexBytes `json:"p,omitempty"`
}

type hexBytes []byte

func (h hexBytes) MarshalText() ([]byte, error) { return []byte(hex.EncodeToString(h)), nil }

func (h *hexBytes) UnmarshalText(b []byte) (err error) {
	*h, err = hex.DecodeString(string(b))
	return err
}

// Encode turns the document into the commands that make it.
func (d *Driver) Encode(doc fiscal.Document, key kkt.Key, reg kkt.Registration) (kkt.Wire, error) {
	if err := doc.Validate(); err != nil {
		return kkt.Wire{}, rejected(err)
	}
	p := program{Version: wireVersion, Key: key, Document: asSent(doc, reg.FFD)}
	var err error
	summary := string(doc.Kind)
	switch doc.Kind {
	case fiscal.KindShiftOpen:
		p.Steps, err = shiftSteps(doc, cmdBeginOpen, cmdOpenShift)
	case fiscal.KindShiftClose:
		p.Steps, err = shiftSteps(doc, cmdBeginClose, cmdCloseShift)
	default:
		if !key.Valid() {
			return kkt.Wire{}, rejected(fault.New(fault.KeyBad, string(key)))
		}
		if err := d.set.suits(doc, reg); err != nil {
			return kkt.Wire{}, err
		}
		if doc.Kind == fiscal.KindCorrection {
			p.Steps, err = d.set.correctionSteps(&p.Document, key, reg)
		} else {
			p.Steps, err = d.set.receiptSteps(p.Document, key, reg)
		}
		summary = fmt.Sprintf("%s op %d, %s RUB, machine %s", doc.Kind, doc.Operation,
			fiscal.AppendRoubles(nil, doc.Total), doc.Machine.Serial)
	}
	if err != nil {
		return kkt.Wire{}, rejected(err)
	}
	p.Document.BuyerContact, p.Document.Buyer = "", nil
	b, err := json.Marshal(p)
	if err != nil {
		return kkt.Wire{}, rejected(err)
	}
	return kkt.Wire{Driver: Name, Bytes: b, Summary: summary}, nil
}

func rejected(err error) error {
	if p, ok := errors.AsType[*kkt.Problem](err); ok {
		return p
	}
	f, ok := fault.Of(err)
	if !ok {
		f = fault.New(fault.DocumentTooLong, err.Error())
	}
	return &kkt.Problem{Kind: kkt.Rejected, Fault: f, Err: err}
}

// asSent gives the document with the texts as the register gets them.
func asSent(doc fiscal.Document, version kkt.FFD) fiscal.Document {
	doc.Machine.Address, doc.Machine.Place = charset.Clean(doc.Machine.Address), charset.Clean(doc.Machine.Place)
	doc.Items = slices.Clone(doc.Items)
	for i := range doc.Items {
		it := &doc.Items[i]
		it.Name = charset.Clean(it.Name)
		if version != 0 {
			it.Subject = ffd.SubjectIn(*it, version)
		}
	}
	return doc
}

// suits checks what only the registration can tell.
func (s *Settings) suits(doc fiscal.Document, reg kkt.Registration) error {
	if s.Registered && (charset.Clean(reg.Address) != charset.Clean(doc.Machine.Address) || charset.Clean(reg.Place) != charset.Clean(doc.Machine.Place)) {
		return config(fault.PlaceMismatch, "registered %q, %q; the machine stands at %q, %q",
			reg.Address, reg.Place, doc.Machine.Address, doc.Machine.Place)
	}
	if reg.TaxSystems != 0 && reg.TaxSystems&doc.TaxSystem == 0 {
		return config(fault.TaxSystemNotRegistered, "1055 = %d, registered %d", doc.TaxSystem, reg.TaxSystems)
	}
	if reg.INN != "" && doc.SellerINN != "" && reg.INN != doc.SellerINN {
		return config(fault.SellerMismatch, "seller %s, register %s", doc.SellerINN, reg.INN)
	}
	return nil
}

func parseProgram(w kkt.Wire) (p program, err error) {
	if w.Driver != Name {
		return p, config(fault.WireUnknown, "commands of driver %q", w.Driver)
	}
	if err := json.Unmarshal(w.Bytes, &p); err != nil {
		return p, config(fault.WireUnknown, "%v", err)
	}
	if p.Version != wireVersion || len(p.Steps) == 0 {
		return p, config(fault.WireUnknown, "version %d, %d commands", p.Version, len(p.Steps))
	}
	for _, s := range p.Steps {
		if len(s.Params) > 249 {
			return p, config(fault.WireUnknown, "%s with %d bytes", s.Code, len(s.Params))
		}
	}
	finish := p.Steps[len(p.Steps)-1].Code
	ends := map[fiscal.DocumentKind][]Code{
		fiscal.KindReceipt: {cmdCloseReceipt}, fiscal.KindCorrection: {cmdCloseReceipt, cmdFix},
		fiscal.KindShiftOpen: {cmdOpenShift}, fiscal.KindShiftClose: {cmdCloseShift},
	}
	if !slices.Contains(ends[p.Document.Kind], finish) {
		return p, config(fault.WireUnknown, "%s ends with %s", p.Document.Kind, finish)
	}
	return p, nil
}

// report says that the document is the opening or closing of a shift, which is
// settled by the shift's number and not by a key.
func (p program) report() bool {
	return p.Document.Kind == fiscal.KindShiftOpen || p.Document.Kind == fiscal.KindShiftClose
}

// sumOnly says that the correction goes by FF4Ah, which takes no items.
func (p program) sumOnly() bool { return p.Steps[len(p.Steps)-1].Code == cmdFix }

// shiftSteps opens or closes a shift; the begin command is needed only to add
// the cashier (kkt-shtrih 7 step 3), whom automats do not have.
func shiftSteps(doc fiscal.Document, begin, finish Code) ([]step, error) {
	var steps []step
	if doc.Cashier != "" {
		steps = append(steps, step{Code: begin})
		tags := []textTag{{1021, charset.Clean(doc.Cashier)}}
		if doc.CashierINN != "" {
			tags = append(tags, textTag{1203, doc.CashierINN})
		}
		for _, t := range tags {
			e, err := ffd.Str(t.tag, t.text)
			if err != nil {
				return nil, err
			}
			steps = append(steps, step{cmdTLV, ffd.AppendElement(nil, e)})
		}
	}
	return append(steps, step{Code: finish}), nil
}

type textTag struct {
	tag  ffd.Tag
	text string
}
