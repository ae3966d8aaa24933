package vectors

import (
	"slices"

	"github.com/chekomat/chekomat/mdb"
)

// Field of a message, in the order of the bus.
type Field struct {
	Name  string
	Value any
}

// Message is what a block says, by the names the vectors use.
type Message struct {
	Name    string
	Fields  []Field
	Command mdb.CommandMessage // of the VMC; nil else
	Answer  mdb.AnswerMessage  // of a peripheral; nil else
	Err     error              // what could not be read; Name is "" then
}

func fieldsOf(kv []any) []Field {
	fs := make([]Field, 0, len(kv)/2)
	for i := 0; i+1 < len(kv); i += 2 {
		fs = append(fs, Field{kv[i].(string), kv[i+1]})
	}
	return fs
}

// Say gives the messages of a good Command or Answer; none of other blocks.
func Say(b *mdb.Block, dl mdb.Dialect) []Message {
	switch b.Kind {
	case mdb.Command:
		dev := mdb.DeviceOf(b.Data[0])
		if !dev.Known() {
			return []Message{{Name: "UNKNOWN", Fields: []Field{{"data", hexOf(b.Payload()[1:])}}}}
		}
		m, err := mdb.ParseCommand(b.Payload(), dl)
		if err != nil {
			return []Message{{Err: err}}
		}
		name, kv := command(m, dev, b.Payload())
		return []Message{{Name: name, Fields: fieldsOf(kv), Command: m}}
	case mdb.Answer:
		ms, err := mdb.ParseAnswer(nil, b.To, b.Sub, b.Payload(), dl)
		var out []Message
		for _, m := range ms {
			if e, ok := event(m, mdb.DeviceOf(b.To)); ok {
				name, fields := eventFields(e)
				out = append(out, Message{Name: name, Fields: fields, Answer: m})
				continue
			}
			name, kv := answer(m, b)
			out = append(out, Message{Name: name, Fields: fieldsOf(kv), Answer: m})
		}
		if err != nil {
			out = append(out, Message{Err: err})
		}
		return out
	}
	return nil
}

// eventFields turns an event of a POLL answer into a message: its one object, or its
// text, names it.
func eventFields(e map[string]any) (name string, fields []Field) {
	names := []string{}
	for k := range e {
		names = append(names, k)
	}
	slices.Sort(names)
	for _, k := range names {
		inner, ok := e[k].(map[string]any)
		if !ok {
			if name == "" && (k == "status" || k == "bill" || k == "recycler_status") {
				name = k
			}
			fields = append(fields, Field{k, e[k]})
			continue
		}
		name = k
		keys := []string{}
		for i := range inner {
			keys = append(keys, i)
		}
		slices.Sort(keys)
		for _, i := range keys {
			fields = append(fields, Field{i, inner[i]})
		}
	}
	if name == "" && len(fields) > 0 {
		name = fields[0].Name
	}
	return name, fields
}
