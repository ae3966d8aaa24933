package pirit

import (
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
// buyer). The last command is the one that makes the document. Fields are
// UTF-8; they become CP866 when they are sent.
type program struct {
	Version  int             `json:"v"`
	Key      kkt.Key         `json:"key,omitempty"`
	Document fiscal.Document `json:"document"`
	FFD      kkt.FFD         `json:"ffd,omitempty"` // the commands were made for; 0 any
	Steps    []step          `json:"steps"`
}

type step struct {
	Code   Code     `json:"c"`
	Fields []string `json:"f,omitempty"`
}

// finishing command of each kind of document.
var finishing = map[fiscal.DocumentKind]Code{
	fiscal.KindReceipt: cmdClose, fiscal.KindShiftOpen: cmdOpenShift, fiscal.KindShiftClose: cmdCloseShift,
}

// Encode turns the document into the commands that make it.
func (d *Driver) Encode(doc fiscal.Document, key kkt.Key, reg kkt.Registration) (kkt.Wire, error) {
	if err := doc.Validate(); err != nil {
		return kkt.Wire{}, rejected(err)
	}
	p := program{Version: wireVersion, Key: key, Document: doc}
	var err error
	summary := string(doc.Kind)
	switch doc.Kind {
	case fiscal.KindShiftOpen, fiscal.KindShiftClose:
		p.Steps = []step{{Code: finishing[doc.Kind], Fields: operator(doc)}}
	case fiscal.KindReceipt:
		if !key.Valid() {
			return kkt.Wire{}, rejected(fault.New(fault.KeyBad, string(key)))
		}
		if err := d.set.suits(doc, reg); err != nil {
			return kkt.Wire{}, err
		}
		doc = written(doc, reg.FFD)
		p.FFD, p.Document = reg.FFD, doc
		p.Steps, err = d.set.receiptSteps(doc, key, reg)
		summary = fmt.Sprintf("receipt op %d, %s RUB, machine %s", doc.Operation,
			fiscal.AppendRoubles(nil, doc.Total), doc.Machine.Serial)
	default:
		// 58h is in no part of the reference that was read: its fields, and how
		// 1009 reaches document 31, are not sourced.
		return kkt.Wire{}, config(fault.CorrectionUnsupported, "document %s: the correction command of this protocol is not sourced", doc.Kind)
	}
	if err == nil {
		err = sendable(p.Steps)
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

// written is the document as this protocol writes it, so that it can be
// compared with what comes back.
func written(doc fiscal.Document, v kkt.FFD) fiscal.Document {
	doc.Machine.Address, doc.Machine.Place = plain(doc.Machine.Address), plain(doc.Machine.Place)
	doc.Items = slices.Clone(doc.Items)
	for i := range doc.Items {
		it := &doc.Items[i]
		it.Name = plain(it.Name)
		if v != 0 {
			it.Subject = ffd.SubjectIn(*it, v)
		}
	}
	return doc
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

// sendable checks that every field can be written by the protocol.
func sendable(steps []step) error {
	for _, st := range steps {
		for _, f := range st.Fields {
			if _, err := field(f); err != nil {
				return fmt.Errorf("field of %s: %w", st.Code, err)
			}
		}
	}
	return nil
}

// suits checks what only the registration and the model can tell. A
// registration that is not known (FFD 0) is checked before sending.
func (s *Settings) suits(doc fiscal.Document, reg kkt.Registration) error {
	if reg.TaxSystems != 0 && reg.TaxSystems&doc.TaxSystem == 0 {
		return config(fault.TaxSystemNotRegistered, "1055 = %d, registered %d", doc.TaxSystem, reg.TaxSystems)
	}
	if reg.INN != "" && doc.SellerINN != "" && reg.INN != doc.SellerINN {
		return config(fault.SellerMismatch, "seller %s, register %s", doc.SellerINN, reg.INN)
	}
	if _, err := field(doc.Machine.Serial); err != nil {
		return &kkt.Problem{Kind: kkt.Rejected, Fault: fault.New(fault.MachineSerialBad, err.Error())}
	}
	if reg.FFD == 0 {
		return nil
	}
	if !s.Model.machine(reg.FFD) {
		return config(fault.MachineUnsupported, "model %s in FFD %s takes neither 1036 nor 1187", s.Model, reg.FFD)
	}
	// Where 30h has no field for it the register writes its registration's.
	if !s.Model.address(reg.FFD) && plain(reg.Address) != plain(doc.Machine.Address) {
		return config(fault.MachineUnsupported, "model %s in FFD %s takes no 1009, the registration has %q", s.Model, reg.FFD, reg.Address)
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
	if err := sendable(p.Steps); err != nil {
		return p, config(fault.WireUnknown, "%v", err)
	}
	finish := p.Steps[len(p.Steps)-1].Code
	if want, ok := finishing[p.Document.Kind]; !ok || finish != want {
		return p, config(fault.WireUnknown, "%s ends with %s", p.Document.Kind, finish)
	}
	return p, nil
}

// operator is the field "ИНН&name"; automats have none.
func operator(doc fiscal.Document) []string {
	name := plain(doc.Cashier)
	if doc.CashierINN != "" {
		name = doc.CashierINN + "&" + name
	}
	if name == "" {
		return nil
	}
	return []string{name}
}

// encoded are the fields as they go out; sendable has checked them.
func (st step) encoded() []string {
	out := make([]string, len(st.Fields))
	for i, f := range st.Fields {
		b, _ := charset.CP866(f)
		out[i] = string(b)
	}
	return out
}
