package drill

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"github.com/chekomat/chekomat/agent/clock"
	"github.com/chekomat/chekomat/agent/journal"
	"github.com/chekomat/chekomat/agent/uplink"
	"github.com/chekomat/chekomat/agent/wire"
	"github.com/chekomat/chekomat/hub/api/client"
	"github.com/chekomat/chekomat/hub/api/contract"
)

// stranger is an agent of the drill's own, with real credentials, in a machine
// of its own.
type stranger struct {
	operator, id, secret, broker string
	machine                      contract.Machine
}

// quarantined sends records no agent should send: each is refused by name,
// kept byte for byte with its reason, and not sent again.
func quarantined(ctx context.Context, s *site) error {
	a, err := s.enlist(ctx)
	if err != nil {
		return err
	}
	if err := s.sayNonsense(ctx, a); err != nil {
		return err
	}
	return s.deliverNonsense(ctx, a)
}

func (s *site) enlist(ctx context.Context) (stranger, error) {
	like, err := s.machine(ctx, s.Kiosks[0].Serial)
	if err != nil {
		return stranger{}, err
	}
	a := stranger{operator: like.Operator, id: "agent-drill"}
	if a.broker, err = s.broker(); err != nil {
		return a, err
	}
	err = s.en.Post(ctx, "/api/v1/machines", contract.NewMachine{Operator: like.Operator, Seller: like.Seller, Serial: "VM-DRILL",
		Address: like.Address, Place: like.Place, Zone: like.Zone, Columns: []contract.Column{{Column: 5, Name: "Эспрессо", Price: 5000, Subject: 1}},
		Fiscalizers: []contract.Fiscalizer{{Source: "cash", Who: "us"}, {Source: "reader1", Who: "us"}, {Source: "reader2", Who: "us"}}}, &a.machine)
	if err != nil {
		return a, err
	}
	var given contract.AgentSecret
	err = s.en.Post(ctx, "/api/v1/agents", contract.NewAgent{Operator: like.Operator, ID: a.id, Machine: a.machine.ID}, &given)
	a.secret = given.Secret
	return a, err
}

// broker is where the demo's agents connect, as the demo noted it down.
func (s *site) broker() (string, error) {
	raw, err := os.ReadFile(filepath.Join(s.Data, "ports.json"))
	var noted struct {
		Ports map[string]int `json:"ports"`
	}
	if err == nil {
		err = json.Unmarshal(raw, &noted)
	}
	if err != nil {
		return "", fmt.Errorf("drill: where the broker is: %w", err)
	}
	return fmt.Sprintf("127.0.0.1:%d", noted.Ports["broker"]), nil
}

func saleOf(kopecks int64) *wire.Sale {
	return &wire.Sale{Class: "A", Evidence: "vend_success", Column: 5, ColKnown: true, Channel: "device", Bus: "mdb",
		Amount: wire.Money{Minor: kopecks, Known: true, Currency: "643", Raw: kopecks / 100, Scale: 100, Decimals: 2},
		Parts:  []wire.Part{{Source: wire.SourceReader1, Kind: "cashless", Minor: kopecks}}}
}

func recordOf(journal string, seq int64, sale *wire.Sale) wire.Record {
	now := time.Now().UTC()
	return wire.Record{V: wire.Version, Journal: journal, Seq: seq, Kind: wire.KindSale, Wall: now, Synced: true, Boot: "drill", MonoMS: now.UnixMilli(), Sale: sale}
}

// sayNonsense speaks MQTT by hand.
func (s *site) sayNonsense(ctx context.Context, a stranger) error {
	l, err := dial(a)
	if err != nil {
		return err
	}
	defer l.c.Disconnect(100)
	const own = "drill-by-hand"
	var foreign contract.List[contract.Sale]
	if err := s.en.Get(ctx, "/api/v1/sales?limit=1&operator="+a.operator, &foreign); err != nil || len(foreign.Items) == 0 {
		return fmt.Errorf("drill: a sale of another agent is wanted: %w", err)
	}
	newer := recordOf(own, 2, saleOf(5000))
	newer.V = 99
	other := recordOf(own, 1, saleOf(6000)) // the first record's number, other content
	nonsense := []struct {
		record wire.Record
		want   string // refusal; "" is taken in
	}{
		{recordOf(own, 1, saleOf(5000)), ""},
		{newer, wire.RefusedVersion},
		{recordOf(own, 3, saleOf(1_000_000_00)), wire.RefusedAmount},
		{recordOf(foreign.Items[0].Journal, 1_000_000, saleOf(5000)), wire.RefusedForeign},
		{recordOf(own, 4, nil), wire.RefusedFormat},
		{other, wire.RefusedConflict},
		{recordOf(own, 5, saleOf(5000)), ""},
	}
	if err := l.say(wire.UpHello, wire.Hello{V: wire.Version, Journal: own, Head: 5, Oldest: 1, Boot: "drill", Session: "drill-1", Wall: time.Now()}); err != nil {
		return err
	}
	for round := range 2 { // said again, it is refused again and kept once
		for _, n := range nonsense {
			body, err := json.Marshal(n.record)
			if err != nil {
				return err
			}
			if err := l.say(wire.UpRecord, wire.RecordMessage{V: wire.Version, Record: body}); err != nil {
				return err
			}
			if err := l.answered(ctx, n.record, n.want); err != nil {
				return fmt.Errorf("round %d: %w", round+1, err)
			}
		}
	}
	if err := l.say(wire.UpHello, wire.Hello{V: wire.Version, Journal: own, Head: 5, Oldest: 1, Boot: "drill", Session: "drill-2", Wall: time.Now()}); err != nil {
		return err
	}
	if err := l.answered(ctx, nonsense[2].record, wire.RefusedAmount); err != nil {
		return fmt.Errorf("hello's answer: %w", err)
	}
	return s.kept(ctx, a, map[string]int{wire.RefusedVersion: 1, wire.RefusedAmount: 1, wire.RefusedForeign: 1, wire.RefusedFormat: 1, wire.RefusedConflict: 1})
}

// kept waits until the quarantine shows exactly these refusals of the agent,
// and an incident calls a person.
func (s *site) kept(ctx context.Context, a stranger, want map[string]int) error {
	err := until(ctx, fmt.Sprintf("quarantine %v", want), soon, func(ctx context.Context) (string, bool) {
		got := map[string]int{}
		explained := true
		err := client.Pages(ctx, s.en, "/api/v1/quarantine?limit=500", func(q contract.Quarantine) bool {
			if q.Agent == a.id {
				got[q.Reason]++
				explained = explained && q.Detail != "" && q.Size > 0
			}
			return true
		})
		return fmt.Sprint(got, " ", err), err == nil && explained && fmt.Sprint(got) == fmt.Sprint(want)
	})
	if err != nil {
		return err
	}
	var texts contract.TextList
	if err := s.ru.Get(ctx, "/api/v1/texts?lang=ru", &texts); err != nil {
		return err
	}
	said := map[string]contract.Text{}
	for _, t := range texts.Items {
		said[t.Code] = t
	}
	for reason := range want {
		if t := said[reason]; t.Title == "" || t.Next == "" {
			return fmt.Errorf("the dashboard has no words for %s", reason)
		}
	}
	return s.incident(ctx, soon, "message_quarantine")
}

// deliverNonsense lets the agent's own uplink deliver a journal with bad
// records among good ones: it is told, and does not repeat them.
func (s *site) deliverNonsense(ctx context.Context, a stranger) error {
	dir, err := os.MkdirTemp(s.Data, "drill-")
	if err != nil {
		return err
	}
	j, err := journal.Open(dir, clock.System())
	if err != nil {
		return err
	}
	defer func() { _ = j.Close() }()
	h, err := j.Heads()
	if err != nil {
		return err
	}
	entries := []journal.Entry{{Record: recordOf("", 0, saleOf(5000))}, {Record: recordOf("", 0, saleOf(2_000_000_00))},
		{Record: recordOf("", 0, &wire.Sale{Class: "Q"})}, {Record: recordOf("", 0, saleOf(5000))}}
	if _, err := j.Append(entries, nil); err != nil {
		return err
	}
	up, err := uplink.New(uplink.Config{Operator: a.operator, Agent: a.id, Secret: a.secret, URL: "mqtt://" + a.broker, Journal: j, Clock: clock.System(),
		Machine: mute{}, Logger: slog.New(slog.DiscardHandler), Patience: time.Second})
	if err != nil {
		return err
	}
	run, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- up.Run(run) }()
	err = until(ctx, "the journal delivered", soon, func(context.Context) (string, bool) {
		h, err := j.Heads()
		return fmt.Sprintf("%d not settled, %v", h.Unacked, err), err == nil && h.Unacked == 0
	})
	if err == nil {
		err = pause(ctx, 2500*time.Millisecond) // longer than its patience: what it would repeat, it repeats now
	}
	stop()
	if e := <-done; err == nil {
		err = e
	}
	if err != nil {
		return err
	}
	again := 0
	perr := client.Pages(ctx, s.en, "/api/v1/sales?limit=500&operator="+a.operator, func(sale contract.Sale) bool {
		if sale.Journal == h.Journal {
			again++
		}
		return true
	})
	if perr != nil || again != 2 {
		return fmt.Errorf("of the journal's two good sales the hub has %d: %w", again, perr)
	}
	return s.kept(ctx, a, map[string]int{wire.RefusedVersion: 1, wire.RefusedAmount: 2, wire.RefusedForeign: 1, wire.RefusedFormat: 2, wire.RefusedConflict: 1})
}

// mute is a machine nobody looks at.
type mute struct{}

func (mute) Told(wire.Receipt)                {}
func (mute) Heard()                           {}
func (mute) Link(bool)                        {}
func (mute) Configured(wire.Config)           {}
func (mute) Command(wire.Command) wire.Result { return wire.Result{} }
func (mute) Fill(*wire.State)                 {}

// byHand is an MQTT connection with an agent's credentials.
type byHand struct {
	a    stranger
	c    mqtt.Client
	acks chan wire.Ack
}

func dial(a stranger) (*byHand, error) {
	l := &byHand{a: a, acks: make(chan wire.Ack, 64)}
	o := mqtt.NewClientOptions().AddBroker("tcp://" + a.broker).SetClientID(wire.Username(a.operator, a.id)).SetUsername(wire.Username(a.operator, a.id)).
		SetPassword(a.secret).SetCleanSession(true).SetAutoReconnect(false).SetConnectTimeout(5 * time.Second)
	l.c = mqtt.NewClient(o)
	if t := l.c.Connect(); !t.WaitTimeout(soon) || t.Error() != nil {
		return nil, fmt.Errorf("drill: connect to the broker: %w", t.Error())
	}
	t := l.c.Subscribe(wire.Topic(a.operator, a.id, wire.DownAck), 1, func(_ mqtt.Client, m mqtt.Message) {
		var ack wire.Ack
		if json.Unmarshal(m.Payload(), &ack) == nil {
			l.acks <- ack
		}
	})
	if !t.WaitTimeout(soon) || t.Error() != nil {
		return nil, fmt.Errorf("drill: subscribe to acks: %w", t.Error())
	}
	return l, nil
}

func (l *byHand) say(name string, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	if t := l.c.Publish(wire.Topic(l.a.operator, l.a.id, name), 1, false, b); !t.WaitTimeout(soon) || t.Error() != nil {
		return fmt.Errorf("drill: say %s: %w", name, t.Error())
	}
	return nil
}

// answered waits for the ack that speaks of a record: refused with a code, or
// (want "") stored.
func (l *byHand) answered(ctx context.Context, r wire.Record, want string) error {
	end := time.After(soon)
	var last wire.Ack
	for {
		select {
		case last = <-l.acks:
		case <-end:
			return fmt.Errorf("record %s/%d: no ack says %q; the last one: %+v", r.Journal, r.Seq, want, last)
		case <-ctx.Done():
			return ctx.Err()
		}
		if last.Journal != r.Journal {
			continue
		}
		code := ""
		for _, no := range last.Refused {
			if no.Seq == r.Seq {
				code = no.Code
			}
		}
		if code == want && (want != "" || last.Upto >= r.Seq) {
			return nil
		}
	}
}
