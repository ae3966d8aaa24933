package sales

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chekomat/chekomat/mdb"
)

// bus scripts a legal, timed word stream: commands of a VMC and answers of
// peripherals.
type bus struct {
	t  int64
	ws []mdb.Word
	ec bool
}

func newBus() *bus { return &bus{t: 1_000_000} }

func (b *bus) wait(ms int64) *bus { b.t += ms * 1000; return b }

func (b *bus) dl() mdb.Dialect { return mdb.Dialect{Level: 2, VMCLevel: 3, EC: b.ec} }

func (b *bus) put(line mdb.Line, block []byte) {
	b.ws, b.t = mdb.AppendWords(b.ws, line, b.t, block, 0)
}

// say sends a command that nobody answers.
func (b *bus) say(to mdb.Device, m mdb.CommandMessage) *bus {
	b.t += 50_000
	b.put(mdb.Master, mdb.EncodeCommand(to, m, b.dl()))
	return b
}

// ask sends a command that is ACKed.
func (b *bus) ask(to mdb.Device, m mdb.CommandMessage) *bus {
	b.say(to, m)
	b.t += 300
	b.put(mdb.Slave, []byte{0})
	return b
}

// data sends a command answered by data, which the VMC ACKs.
func (b *bus) data(to mdb.Device, m mdb.CommandMessage, as ...mdb.AnswerMessage) *bus {
	b.unaccepted(to, m, as...)
	return b.reply(0)
}

// unaccepted is data without a reply of the VMC.
func (b *bus) unaccepted(to mdb.Device, m mdb.CommandMessage, as ...mdb.AnswerMessage) *bus {
	b.say(to, m)
	b.t += 300
	b.put(mdb.Slave, mdb.EncodeAnswer(b.dl(), as...))
	return b
}

func (b *bus) reply(v byte) *bus {
	b.t += 300
	b.put(mdb.Master, []byte{v})
	return b
}

func (b *bus) poll(d mdb.Device, as ...mdb.AnswerMessage) *bus {
	if len(as) == 0 {
		return b.ask(d, mdb.Poll{})
	}
	return b.data(d, mdb.Poll{}, as...)
}

func (b *bus) brk() *bus {
	b.t += 50_000
	b.ws = append(b.ws, mdb.Word{T: b.t, Line: mdb.Master, Flags: mdb.BreakStart})
	b.t += 110_000
	b.ws = append(b.ws, mdb.Word{T: b.t, Line: mdb.Master, Flags: mdb.BreakEnd})
	return b
}

// setup hears both readers, changer and validator introduce themselves: roubles,
// readers scale 1, coins of 1, 2, 5, 10, bills of 10, 50, 100 roubles.
func (b *bus) setup(options uint8) *bus {
	for _, d := range []mdb.Device{mdb.Cashless1, mdb.Cashless2} {
		b.ask(d, mdb.Reset{}).poll(d, mdb.JustReset{})
		b.data(d, mdb.SetupConfig{Level: 3}, mdb.ReaderConfig{Level: 2, Currency: 0x1643, Scale: 1, Decimals: 2, MaxResponse: 5, Options: options})
		b.ask(d, mdb.ReaderControl{Action: mdb.ReaderEnable})
	}
	b.ask(mdb.Changer, mdb.Reset{}).poll(mdb.Changer, mdb.ChangerEvent{Kind: mdb.CoinStatus, Type: mdb.CoinJustReset})
	b.data(mdb.Changer, mdb.SetupRequest{}, mdb.ChangerSetup{
		Level: 3, Currency: 0x1643, Scale: 100, Decimals: 2, Routing: 0xF, Credits: [16]uint8{1, 2, 5, 10, mdb.CreditToken}, N: 16,
	})
	b.ask(mdb.Validator, mdb.Reset{}).poll(mdb.Validator, mdb.BillEvent{Kind: mdb.BillStatus, Type: mdb.BillJustReset})
	b.data(mdb.Validator, mdb.SetupRequest{}, mdb.ValidatorSetup{
		Level: 1, Currency: 0x1810, Scale: 1000, Decimals: 2, Escrow: true, Credits: [16]uint8{1, 5, 10}, N: 16,
	})
	return b.enable()
}

func (b *bus) enable() *bus {
	return b.ask(mdb.Changer, mdb.CoinType{Accept: 0xF, ManualDispense: 0xF}).ask(mdb.Validator, mdb.BillType{Accept: 7, Escrow: 7})
}

func (b *bus) disable() *bus {
	return b.ask(mdb.Changer, mdb.CoinType{}).ask(mdb.Validator, mdb.BillType{})
}

func (b *bus) coin(typ uint8) *bus {
	return b.poll(mdb.Changer, mdb.ChangerEvent{Kind: mdb.CoinDeposited, Type: typ, Route: mdb.RouteTube, Left: 20})
}

func (b *bus) bill(typ uint8) *bus {
	b.poll(mdb.Validator, mdb.BillEvent{Kind: mdb.Bill, Type: typ, Route: mdb.BillInEscrow})
	b.ask(mdb.Validator, mdb.Escrow{Stack: true})
	return b.poll(mdb.Validator, mdb.BillEvent{Kind: mdb.Bill, Type: typ, Route: mdb.BillStacked})
}

func (b *bus) request(d mdb.Device, price uint32, item uint16) *bus {
	return b.ask(d, mdb.VendRequest{Price: price, Item: item})
}

func (b *bus) approve(d mdb.Device, amount uint32) *bus {
	return b.poll(d).poll(d, mdb.VendApproved{Amount: amount})
}

func (b *bus) success(d mdb.Device, item uint16) *bus {
	return b.ask(d, mdb.VendSuccess{Item: item})
}

func (b *bus) vend(d mdb.Device, price uint32, item uint16) *bus {
	b.poll(d, mdb.BeginSession{Funds: 0xFFFF, Media: 0xFFFFFFFF})
	b.request(d, price, item).approve(d, price).success(d, item)
	return b.ask(d, mdb.SessionComplete{}).poll(d, mdb.EndSession{})
}

// oneLine leaves the master line only.
func (b *bus) oneLine() *bus {
	var ws []mdb.Word
	for _, w := range b.ws {
		if w.Line == mdb.Master {
			ws = append(ws, w)
		}
	}
	b.ws = ws
	return b
}

// run gives all events of the stream and of 300 s of silence after it.
func (b *bus) run(cfg Config) []Event {
	r := New(cfg)
	var es []Event
	for _, w := range b.ws {
		es = append(es, r.Word(w)...)
	}
	return append(es, r.Advance(b.t+300_000_000)...)
}

// brief prints events as "sale A vend_success 10 #12 45.00 reader1=45.00" and
// "incident code"; activity is left out.
func brief(es []Event) string {
	var out []string
	for _, e := range es {
		s := string(e.Kind)
		switch e.Kind {
		case KindActivity:
			continue
		case KindIncident:
			s += " " + e.Code
			if e.Amount.Known && e.Amount.Raw != 0 {
				s += " " + e.Amount.Decimal()
			}
			out = append(out, s)
			continue
		}
		s += fmt.Sprintf(" %s %s", e.Class, e.Source)
		if e.Reader != 0 {
			s += fmt.Sprintf(" %02X", e.Reader)
		}
		if e.ItemKnown {
			s += fmt.Sprintf(" #%d", e.Item)
		}
		if e.Amount.Known {
			s += " " + e.Amount.Decimal()
		} else {
			s += fmt.Sprintf(" raw %d", e.Amount.Raw)
		}
		for _, p := range e.Parts {
			if len(e.Parts) > 1 {
				s += fmt.Sprintf(" %s=%s", p.Source, p.Amount.Decimal())
			}
		}
		out = append(out, s)
	}
	return strings.Join(out, "\n")
}

func expect(t *testing.T, b *bus, cfg Config, want ...string) {
	t.Helper()
	if got := brief(b.run(cfg)); got != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", got, strings.Join(want, "\n"))
	}
}
