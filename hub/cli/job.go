package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"time"

	"github.com/spf13/cobra"

	"github.com/chekomat/chekomat/hub/api/client"
	"github.com/chekomat/chekomat/hub/api/contract"
	"github.com/chekomat/chekomat/hub/api/texts"
)

// ErrNoReceipt says that a job has made no receipt yet.
var ErrNoReceipt = errors.New("the job has no receipt")

// states of jobs in the order of a person's interest.
var states = []string{"held", "resolving", "in_flight", "queued", "done", "void"}

func (c CLI) job() *cobra.Command {
	cmd := &cobra.Command{Use: "job", Short: c.say("Документы к печати: посмотреть, решить, вернуть, исправить", "Documents to be made: look, decide, refund, correct"),
		Long: c.say(`Каждая продажа — одна работа: чек, который нужно сделать ровно один раз. Здесь видно,
что с ней, и можно решить то, что решает человек. Каждое решение остаётся в истории.`,
			`Every sale is one job: a receipt to be made exactly once. Here is what became of it and
what a person decides. Every decision stays in the history.`)}
	cmd.AddCommand(c.jobList(), c.jobShow(), c.jobSettle(), c.jobRetry(), c.jobDrop(), c.jobNotMade(), c.jobMade(), c.jobBind(), c.jobRefund(), c.jobCorrect())
	return cmd
}

func (c CLI) jobList() *cobra.Command {
	var state, operator string
	var limit int
	cmd := c.command("list", c.say("Работы по состоянию", "Jobs by state"),
		c.say("Без --state: всё, что не сделано и не снято.", "Without --state: all that is neither done nor void."), 0,
		func(ctx context.Context, cmd *cobra.Command, hub *client.Client, _ []string) error {
			if limit < 1 {
				return UsageError{fmt.Errorf("%s: --limit %d: %s", cmd.CommandPath(), limit, c.say("нужно хотя бы 1", "at least 1 is wanted"))}
			}
			want := states[:4]
			if state != "" {
				want = []string{state}
			}
			all := []contract.Job{}
			more := false
			for _, s := range want {
				q := url.Values{"state": {s}}
				if operator != "" {
					q.Set("operator", operator)
				}
				if err := client.Pages(ctx, hub, "/api/v1/jobs?"+q.Encode(), func(j contract.Job) bool {
					if more = len(all) == limit; !more {
						all = append(all, j)
					}
					return !more
				}); err != nil {
					return err
				}
				if more {
					break
				}
			}
			return c.print(cmd, contract.List[contract.Job]{Items: all}, func(w io.Writer) {
				if len(all) == 0 {
					fmt.Fprintln(w, c.say("таких работ нет", "no such jobs"))
					return
				}
				fmt.Fprintln(w, c.say("РАБОТА\tЧТО\tСОСТОЯНИЕ\tПРИЧИНА\tАВТОМАТ\tТОВАР\tСУММА\tПРОДАНО", "JOB\tWHAT\tSTATE\tREASON\tMACHINE\tITEM\tSUM\tSOLD"))
				for _, j := range all {
					fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", j.ID, c.word(j.Purpose), c.word(j.State), or(c.word(j.Reason)), or(j.Serial), or(j.Item), roubles(j.Amount), j.SoldAt.Local().Format(time.DateTime))
				}
				if more {
					fmt.Fprintf(w, c.say("показано %d, есть ещё: --limit\n", "%d are shown, there are more: --limit\n"), limit)
				}
			})
		})
	cmd.Flags().StringVar(&state, "state", "", c.say("held, resolving, in_flight, queued, done, void", "held, resolving, in_flight, queued, done, void"))
	cmd.Flags().StringVar(&operator, "operator", "", c.say("только этого оператора", "of this operator only"))
	cmd.Flags().IntVar(&limit, "limit", 100, c.say("не больше", "at most"))
	return cmd
}

func (c CLI) jobShow() *cobra.Command {
	return c.command("show JOB", c.say("Одна работа с документом, попытками и историей", "One job with its document, attempts and history"), "", 1,
		func(ctx context.Context, cmd *cobra.Command, hub *client.Client, args []string) error {
			d, err := jobOf(ctx, hub, args[0])
			if err != nil {
				return err
			}
			return c.printJob(cmd, d)
		})
}

func jobOf(ctx context.Context, hub *client.Client, id string) (d contract.JobDetail, err error) {
	err = hub.Get(ctx, "/api/v1/jobs/"+url.PathEscape(id), &d)
	return d, err
}

func (c CLI) printJob(cmd *cobra.Command, d contract.JobDetail) error {
	return c.print(cmd, d, func(w io.Writer) {
		j := d.Job
		fmt.Fprintf(w, "%s\t%s\n", c.say("работа", "job"), j.ID)
		fmt.Fprintf(w, "%s\t%s\n", c.say("что", "what"), c.what(j))
		fmt.Fprintf(w, "%s\t%s\n", c.say("состояние", "state"), joined(": ", c.word(j.State), c.word(j.Reason)))
		if texts.Has(j.Reason) {
			if next := texts.Of(j.Reason, c.Lang).Next; next != "" {
				fmt.Fprintf(w, "%s\t%s\n", c.say("дальше", "next"), next)
			}
		}
		if j.Lane != "" {
			fmt.Fprintf(w, "%s\t%s\n", c.say("касса", "register"), j.Lane)
		}
		if r := j.Receipt; r != nil {
			fmt.Fprintf(w, "%s\tФН %s ФД %d ФП %d, %s\n", c.say("чек", "receipt"), r.FN, r.FD, r.FP, r.At)
		}
		for _, a := range d.Attempts {
			fmt.Fprintf(w, "%s %d\t%s ФН %s %s %d, %s, %s\n", c.say("попытка", "attempt"), a.Number, a.Lane, a.FN, c.say("после ФД", "after ФД"), a.BaselineFD, c.outcome(a), a.StartedAt.Local().Format(time.DateTime))
		}
		for _, h := range d.History {
			fmt.Fprintf(w, "%s\t%s (%s)\n", h.At.Local().Format(time.DateTime), joined(": ", c.word(h.State), c.word(h.Reason), h.Detail), h.Actor)
		}
	})
}

// what names a job's document in a line.
func (c CLI) what(j contract.Job) string {
	if j.Serial == "" { // a shift report
		return c.word(j.Purpose)
	}
	return fmt.Sprintf("%s %s ₽, %s, %s %s", c.word(j.Purpose), roubles(j.Amount), or(j.Item), c.say("автомат", "machine"), j.Serial)
}

// outcome says how an attempt ended; where state and outcome are one word, once.
func (c CLI) outcome(a contract.Attempt) string {
	if a.State == a.Outcome {
		return c.word(a.State)
	}
	return joined(": ", c.word(a.State), c.word(a.Outcome))
}

// decision is a command that has a person's word carried out on a job.
func (c CLI) decision(use, path, short, long string) *cobra.Command {
	return c.why(c.command(use+" JOB", short, long, 1, func(ctx context.Context, cmd *cobra.Command, hub *client.Client, args []string) error {
		var d contract.JobDetail
		if err := hub.Post(ctx, "/api/v1/jobs/"+url.PathEscape(args[0])+"/"+path, contract.Why{Why: whyOf(cmd)}, &d); err != nil {
			return err
		}
		return c.printJob(cmd, d)
	}))
}

func (c CLI) jobSettle() *cobra.Command {
	return c.decision("settle", "settle", c.say("Выяснить исход сейчас: ещё раз посмотреть в кассу", "Settle now: look at the register again"),
		c.say("Ничего не печатает. Линия начинает заново и сначала читает документы ФН.", "Makes nothing. The lane starts anew and first reads the ФН's documents."))
}

func (c CLI) jobRetry() *cobra.Command {
	return c.decision("retry", "retry", c.say("Вернуть отложенную работу в очередь", "Put a held job back into the queue"), "")
}

func (c CLI) jobDrop() *cobra.Command {
	return c.decision("drop", "drop", c.say("Решить, что документ не нужен", "Decide that the document is not to be made"), "")
}

func (c CLI) jobNotMade() *cobra.Command {
	return c.decision("not-made", "not-made", c.say("Подтвердить, что в кассе документа нет", "Say that the register has no such document"),
		c.say("Посмотрите в кассе сами: неверное слово здесь сделает второй чек.", "Look at the register yourself: wrong words here make a second receipt."))
}

func (c CLI) jobMade() *cobra.Command {
	var m contract.MadeJob
	cmd := c.why(c.command("made JOB", c.say("Указать её чек по данным ОФД: кассу уже не спросить", "Give its receipt by the OFD's data: the register can't be asked"),
		c.say("Для ФН, который заменён или сломан. Сумма и вид расчёта должны быть теми же.", "For an ФН that was replaced or is broken. Sum and operation must be the job's."), 1,
		func(ctx context.Context, cmd *cobra.Command, hub *client.Client, args []string) error {
			m.Why = whyOf(cmd)
			var d contract.JobDetail
			if err := hub.Post(ctx, "/api/v1/jobs/"+url.PathEscape(args[0])+"/made", m, &d); err != nil {
				return err
			}
			return c.printJob(cmd, d)
		}))
	cmd.Flags().StringVar(&m.FN, "fn", "", c.say("номер ФН", "the ФН's number"))
	cmd.Flags().Int64Var(&m.FD, "fd", 0, c.say("номер документа (ФД)", "the document's number (ФД)"))
	cmd.Flags().Int64Var(&m.FP, "fp", 0, c.say("фискальный признак (ФПД)", "its fiscal sign (ФПД)"))
	cmd.Flags().StringVar(&m.At, "at", "", c.say("время на чеке, 2026-01-31T14:05", "its time as printed, 2026-01-31T14:05"))
	return require(cmd, "fn", "fd", "fp", "at")
}

func (c CLI) jobBind() *cobra.Command {
	var fn string
	var fd int64
	cmd := c.why(c.command("bind JOB", c.say("Указать, какой документ ФН — её чек", "Say which document of the ФН is its receipt"), "", 1,
		func(ctx context.Context, cmd *cobra.Command, hub *client.Client, args []string) error {
			var d contract.JobDetail
			if err := hub.Post(ctx, "/api/v1/jobs/"+url.PathEscape(args[0])+"/bind", contract.BindJob{FN: fn, FD: fd, Why: whyOf(cmd)}, &d); err != nil {
				return err
			}
			return c.printJob(cmd, d)
		}))
	cmd.Flags().StringVar(&fn, "fn", "", c.say("номер ФН", "the ФН's number"))
	cmd.Flags().Int64Var(&fd, "fd", 0, c.say("номер документа", "the document's number"))
	return require(cmd, "fn", "fd")
}

func (c CLI) jobRefund() *cobra.Command {
	var form string
	cmd := c.why(c.command("refund JOB", c.say("Вернуть деньги по её чеку: чек возврата прихода", "Give its receipt's money back: a receipt of return"), "", 1,
		func(ctx context.Context, cmd *cobra.Command, hub *client.Client, args []string) error {
			d, err := jobOf(ctx, hub, args[0])
			if err != nil {
				return err
			}
			if d.Job.Receipt == nil {
				return explained{fmt.Sprintf(c.say("возвращать нечего: чека нет, работа %s. Дождитесь чека, или сделайте коррекцию: hub job correct %s",
					"there is nothing to refund: no receipt is made, the job is %s. Wait for it, or make a correction: hub job correct %s"), c.word(d.Job.State), args[0]), ErrNoReceipt}
			}
			return c.order(ctx, cmd, hub, receiptPath(d.Job)+"/refund", contract.RefundOrder{Why: whyOf(cmd), Form: form})
		}))
	cmd.Flags().StringVar(&form, "form", "", c.say("как вернуть: cash, ecash; пусто — как платили", "how it goes back: cash, ecash; empty: as it came"))
	return cmd
}

func receiptPath(j contract.Job) string {
	return fmt.Sprintf("/api/v1/receipts/%s/%d", url.PathEscape(j.Receipt.FN), j.Receipt.FD)
}

// correct repairs the job's receipt, or makes a correction of its sale when
// there is none.
func (c CLI) jobCorrect() *cobra.Command {
	o := contract.CorrectOrder{}
	cmd := c.why(c.command("correct JOB", c.say("Исправить чек или сделать коррекцию продажи без чека", "Repair its receipt, or make a correction of its sale"),
		c.say(`Есть чек — он снимается одним документом и делается другим по нынешнему каталогу.
Чека нет — делается чек коррекции. Исправьте каталог с датой до продажи заранее.`,
			`With a receipt: one document takes it back, another makes it by the catalogue as it
stands. Without: a correction is made. Put the catalogue right from before the sale first.`), 1,
		func(ctx context.Context, cmd *cobra.Command, hub *client.Client, args []string) error {
			d, err := jobOf(ctx, hub, args[0])
			if err != nil {
				return err
			}
			o.Why = whyOf(cmd)
			if d.Job.Receipt != nil {
				return c.order(ctx, cmd, hub, receiptPath(d.Job)+"/repair", o)
			}
			return c.order(ctx, cmd, hub, fmt.Sprintf("/api/v1/sales/%d/correct", d.Job.Record), o)
		}))
	cmd.Flags().BoolVar(&o.ByOrder, "by-order", false, c.say("по предписанию налогового органа (1173)", "by order of the tax office (1173)"))
	cmd.Flags().StringVar(&o.Number, "number", "", c.say("номер предписания (1179)", "the order's number (1179)"))
	return cmd
}

func (c CLI) order(ctx context.Context, cmd *cobra.Command, hub *client.Client, path string, body any) error {
	var o contract.Ordered
	if err := hub.Post(ctx, path, body, &o); err != nil {
		return err
	}
	return c.print(cmd, o, func(w io.Writer) {
		fmt.Fprintf(w, "%s\t%s\n", c.say("распоряжение", "order"), o.Act)
		for _, j := range o.Jobs {
			fmt.Fprintf(w, "%s\t%s: %s\n", j.ID, c.what(j), joined(": ", c.word(j.State), c.word(j.Reason)))
		}
	})
}
