package cli

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/chekomat/chekomat/hub/api/client"
	"github.com/chekomat/chekomat/hub/api/contract"
)

func (c CLI) kkt() *cobra.Command {
	cmd := &cobra.Command{Use: "kkt", Short: c.say("Кассы: состояние, смена, документы ФН", "Registers: state, shift, documents of the ФН"),
		Long: c.say(`Касса названа её линией (hub kkt list). Смену хаб ведёт сам; открыть и закрыть её
командой нужно редко: перед обслуживанием или заменой ФН.`,
			`A register is named by its lane (hub kkt list). The hub keeps the shift by itself; to
open or close one by command is rare: before a service or a change of the ФН.`)}
	cmd.AddCommand(c.kktList(), c.kktStatus(), c.kktShift(true), c.kktShift(false), c.kktResume(), c.kktFind())
	return cmd
}

func (c CLI) kktList() *cobra.Command {
	return c.command("list", c.say("Все кассы и как у них дела", "All registers and how they do"), "", 0,
		func(ctx context.Context, cmd *cobra.Command, hub *client.Client, _ []string) error {
			all := []contract.Lane{}
			if err := client.Pages(ctx, hub, "/api/v1/lanes", func(l contract.Lane) bool { all = append(all, l); return true }); err != nil {
				return err
			}
			return c.print(cmd, contract.List[contract.Lane]{Items: all}, func(w io.Writer) {
				fmt.Fprintln(w, c.say("ЛИНИЯ\tНАЗВАНИЕ\tСОСТОЯНИЕ\tФН\tФД\tСМЕНА\tНЕ ПЕРЕДАНО\tОЧЕРЕДЬ\tАДРЕС", "LANE\tNAME\tSTATE\tФН\tФД\tSHIFT\tUNSENT\tQUEUE\tADDRESS"))
				if len(all) == 0 {
					fmt.Fprintln(w, c.say("касс нет: добавьте линию на панели", "there are no registers: add a lane on the dashboard"))
				}
				for _, l := range all {
					fn, fd, shift, unsent := "–", "–", "–", "–"
					if len(l.Units) > 0 {
						u := l.Units[0]
						fn, fd, shift, unsent = or(u.FN), fmt.Sprint(u.LastFD), c.shiftText(u), fmt.Sprint(u.Unsent)
					}
					state := c.word(l.State)
					if l.Fault != nil {
						state += ": " + l.Fault.Title
					}
					fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%d\t%s\n", l.ID, l.Name, state, fn, fd, shift, unsent, l.Queue, l.URL)
				}
			})
		})
}

func (c CLI) shiftText(u contract.Unit) string {
	if u.ShiftOpen {
		return fmt.Sprintf(c.say("%d открыта", "%d open"), u.Shift)
	}
	return fmt.Sprintf(c.say("%d закрыта", "%d closed"), u.Shift)
}

// asked is a lane as the hub knows it and as its register answers now.
type asked struct {
	Lane contract.Lane     `json:"lane"`
	Now  contract.LaneTest `json:"now"`
}

func (c CLI) kktStatus() *cobra.Command {
	return c.command("status LANE", c.say("Одна касса: спросить её сейчас", "One register: ask it now"), "", 1,
		func(ctx context.Context, cmd *cobra.Command, hub *client.Client, args []string) error {
			var a asked
			path := "/api/v1/lanes/" + url.PathEscape(args[0])
			if err := hub.Get(ctx, path, &a.Lane); err != nil {
				return err
			}
			if err := hub.Post(ctx, path+"/test", nil, &a.Now); err != nil {
				return err
			}
			return c.print(cmd, a, func(w io.Writer) { c.laneText(w, a) })
		})
}

func (c CLI) laneText(w io.Writer, a asked) {
	l := a.Lane
	fmt.Fprintf(w, "%s\t%s (%s)\n", c.say("линия", "lane"), l.ID, l.Name)
	fmt.Fprintf(w, "%s\t%s, ФФД %s\n", c.say("адрес", "address"), l.URL, l.FFD)
	fmt.Fprintf(w, "%s\t%s %s %s\n", c.say("состояние", "state"), c.word(l.State), c.say("с", "since"), l.Since.Local().Format(time.DateTime))
	fault := func(what string, f *contract.Fault) {
		if f != nil {
			fmt.Fprintf(w, "%s\t%s. %s\n", what, strings.TrimSuffix(f.Title+" "+f.Detail, " "), f.Next)
		}
	}
	fault(c.say("причина", "cause"), l.Fault)
	fmt.Fprintf(w, "%s\t%d\n", c.say("в очереди", "queued"), l.Queue)
	if !a.Now.OK {
		fmt.Fprintf(w, "%s\t%s\n", c.say("сейчас", "now"), c.say("не отвечает как нужно", "does not answer as it should"))
		fault(c.say("почему", "why"), a.Now.Fault)
		return
	}
	for _, u := range a.Now.Units {
		fmt.Fprintf(w, "%s\t%s %s, %s %s\n", c.say("касса", "register"), u.Model, u.Serial, c.say("часы", "clock"), u.Clock)
		fmt.Fprintf(w, "ФН\t%s, %s %s, ФД %d, %s %d\n", u.FN, c.say("ключи до", "keys until"), or(u.ValidUntil), u.LastFD, c.say("не передано", "unsent"), u.Unsent)
		fmt.Fprintf(w, "%s\t%s, %s %d\n", c.say("смена", "shift"), joined(" ", c.shiftText(u), u.OpenedAt), c.say("чеков", "receipts"), u.Receipts)
		for i := range u.Faults {
			fault(c.say("внимание", "note"), &u.Faults[i])
		}
	}
	fmt.Fprintf(w, "%s\t%d %s\n", c.say("ответ за", "answered in"), a.Now.TookMS, c.say("мс", "ms"))
}

func (c CLI) kktShift(open bool) *cobra.Command {
	use, path, short := "close-shift LANE", "close", c.say("Закрыть смену сейчас", "Close the shift now")
	if open {
		use, path, short = "open-shift LANE", "open", c.say("Открыть смену сейчас", "Open a shift now")
	}
	long := c.say("Хаб сделает отчёт, когда касса освободится; продажи ждут не дольше самого отчёта.",
		"The hub makes the report when the register is free; sales wait no longer than for it.")
	return c.why(c.command(use, short, long, 1, func(ctx context.Context, cmd *cobra.Command, hub *client.Client, args []string) error {
		lane := "/api/v1/lanes/" + url.PathEscape(args[0])
		var a asked
		if err := hub.Post(ctx, lane+"/shift/"+path, contract.Why{Why: whyOf(cmd)}, &a.Lane); err != nil {
			return err
		}
		if err := hub.Post(ctx, lane+"/test", nil, &a.Now); err != nil { // the lane's own picture is of the last poll
			return err
		}
		return c.print(cmd, a, func(w io.Writer) { c.laneText(w, a) })
	}))
}

func (c CLI) kktResume() *cobra.Command {
	long := c.say("Для линии, которая остановилась до решения человека: причина исправлена, или вы за неё отвечаете (hub kkt status).",
		"For a lane that stands until a person decides: its cause is mended, or you answer for it (hub kkt status).")
	return c.why(c.command("resume LANE", c.say("Дать остановленной линии продолжить", "Let a lane go on that stands"), long, 1,
		func(ctx context.Context, cmd *cobra.Command, hub *client.Client, args []string) error {
			a := asked{}
			lane := "/api/v1/lanes/" + url.PathEscape(args[0])
			if err := hub.Post(ctx, lane+"/resume", contract.Why{Why: whyOf(cmd)}, &a.Lane); err != nil {
				return err
			}
			if err := hub.Post(ctx, lane+"/test", nil, &a.Now); err != nil {
				return err
			}
			return c.print(cmd, a, func(w io.Writer) { c.laneText(w, a) })
		}))
}

func (c CLI) kktFind() *cobra.Command {
	var fd int64
	var fn string
	cmd := c.command("find LANE", c.say("Прочитать документ ФН и узнать, чей он", "Read a document of the ФН and learn whose it is"), "", 1,
		func(ctx context.Context, cmd *cobra.Command, hub *client.Client, args []string) error {
			q := url.Values{}
			if fn != "" {
				q.Set("fn", fn)
			}
			var d contract.FoundDocument
			if err := hub.Get(ctx, fmt.Sprintf("/api/v1/lanes/%s/documents/%d?%s", url.PathEscape(args[0]), fd, q.Encode()), &d); err != nil {
				return err
			}
			return c.print(cmd, d, func(w io.Writer) {
				fmt.Fprint(w, d.Text)
				switch {
				case d.Job != "":
					fmt.Fprintf(w, "%s\t%s\n", c.say("работа", "job"), d.Job)
				case d.Key != "":
					fmt.Fprintf(w, "%s\t%s\n", c.say("ключ хаба, работа не найдена", "a hub's key, no job is known"), d.Key)
				default:
					fmt.Fprintln(w, c.say("чужой документ: его сделал не этот хаб", "foreign: this hub did not make it"))
				}
			})
		})
	cmd.Flags().Int64Var(&fd, "fd", 0, c.say("номер документа (ФД, 1040)", "the document's number (ФД, 1040)"))
	cmd.Flags().StringVar(&fn, "fn", "", c.say("номер ФН; пусто — тот, что стоит", "the ФН's number; empty: the one in place"))
	return require(cmd, "fd")
}
