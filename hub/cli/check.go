package cli

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/chekomat/chekomat/hub/check"
	"github.com/chekomat/chekomat/hub/store"
)

// ErrViolated says that a check has found what must not be.
var ErrViolated = errors.New("what must always hold does not")

// progressAfter is how long a command may work in silence.
const progressAfter = 2 * time.Second

// Check is the command check. database gives the address of the hub's database
// that the command's flags name; progress is where a person sees how far it is.
func (c CLI) Check(database func(cmd *cobra.Command) (string, error), progress io.Writer) *cobra.Command {
	var address string
	var full bool
	cmd := &cobra.Command{Use: "check", Args: cobra.NoArgs,
		Short: c.say("Проверить базу: у каждой продажи ровно один чек, ничего не пропало", "Check the database: each sale has exactly one receipt, nothing is lost"),
		Long: c.say(`Читает базу хаба и проверяет то, что должно быть верно всегда: у каждой продажи ровно
один чек, или она в пути, отложена или без чека с причиной; каждый документ кассы учтён;
сумма, НДС и автомат в чеке те же; ничто подтверждённое не пропало. Только читает: хаб
может при этом работать. Базу берёт из --data; другую называет --database.
Коды выхода: 0 всё верно, 1 найдено нарушение или базу не прочитать, 2 неверная команда.`,
			`Reads the hub's database and checks what must always hold: each sale has exactly one
receipt, or is on its way, held or without one for a reason; each document of a register
is accounted for; amount, VAT and machine of receipts are the sales'; nothing
acknowledged is missing. It only reads: the hub may be working meanwhile. The database is
that of --data; --database names another.
Exit codes: 0 all holds, 1 a violation was found or the database can't be read, 2 the command is wrong.`)}
	cmd.Flags().Bool("json", false, c.say("ответ в JSON", "answer in JSON"))
	cmd.Flags().StringVar(&address, "database", "", c.say("файл hub.db или postgres://…; пусто: база из --data", "a file hub.db or postgres://…; empty: the database of --data"))
	cmd.Flags().BoolVar(&full, "full-speed", false, c.say("без передышек: когда хаб не работает", "without rests: while no hub works"))
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if address == "" {
			var err error
			if address, err = database(cmd); err != nil {
				return err
			}
		}
		db, err := store.OpenReading(cmd.Context(), address)
		if err != nil {
			return c.unopened(err)
		}
		defer db.Close()
		asJSON, _ := cmd.Flags().GetBool("json")
		o := check.Options{Gentle: !full}
		if !asJSON && progress != nil {
			o.Progress = c.progress(progress)
		}
		r, err := check.Run(cmd.Context(), db, o)
		if cmd.Context().Err() != nil {
			return err
		}
		if err != nil {
			return explained{fmt.Sprintf(c.say("база не читается: %v. Восстановите её из копии", "the database can't be read: %v. Restore it from a backup"), err), err}
		}
		r.Explain(c.Lang)
		if err := c.print(cmd, r, func(w io.Writer) { c.checked(w, r) }); err != nil {
			return err
		}
		if !r.OK {
			return explained{fmt.Sprintf(c.say("нарушений: %d. Сохраните копию базы и этот отчёт и сообщите нам; руками в базе ничего не правьте",
				"violations: %d. Keep a copy of the database and this report, and tell us; mend nothing in the database by hand"), r.Violated()), ErrViolated}
		}
		return nil
	}
	return cmd
}

// unopened says what to do about a database that can't be read.
func (c CLI) unopened(err error) error {
	next := c.say("проверьте --data или --database", "check --data or --database")
	if errors.Is(err, store.ErrOtherSchema) {
		next = c.say("возьмите программу той же версии, что у хаба, или запустите её хабом: он обновит базу", "take the program of the hub's version, or start it as the hub: it upgrades the database")
	}
	return explained{fmt.Sprintf("%v; %s", err, next), err}
}

// progress says how far a check is, once it takes long.
func (c CLI) progress(w io.Writer) func(check.Progress) {
	began := time.Now()
	var last time.Time
	return func(p check.Progress) {
		now := time.Now()
		if now.Sub(began) < progressAfter || now.Sub(last) < time.Second {
			return
		}
		last = now
		fmt.Fprintf(w, "%d/%d %s: %d\n", p.Number, p.Of, check.Title(p.Invariant, c.Lang), p.Checked)
	}
}

func (c CLI) checked(w io.Writer, r check.Report) {
	fmt.Fprintln(w, c.say("\tПРОВЕРЕНО\tНАРУШЕНО\tЖДЁТ\tНЕИЗВЕСТНО\tСЕКУНД\tЧТО", "\tCHECKED\tVIOLATED\tWAITS\tUNKNOWN\tSECONDS\tWHAT"))
	for _, v := range r.Results {
		waits := fmt.Sprint(v.Waiting)
		if v.OldestAgeS > 0 {
			waits += " (" + (time.Duration(v.OldestAgeS) * time.Second).String() + ")"
		}
		fmt.Fprintf(w, "%s\t%d\t%d\t%s\t%d\t%.2f\t%s\n", v.Invariant, v.Checked, v.Violated, waits, v.Unknown, v.Seconds, v.Title)
	}
	for _, v := range r.Results {
		if v.Violated == 0 {
			continue
		}
		fmt.Fprintf(w, "\n%s: %s\n", v.Invariant, v.Title)
		for _, x := range v.Violations {
			fmt.Fprintf(w, "  %s\t%s\t%s\n", x.ID, check.Say(x.Code, c.Lang), x.Detail)
		}
		if more := v.Violated - int64(len(v.Violations)); more > 0 {
			fmt.Fprintf(w, c.say("  и ещё %d\n", "  and %d more\n"), more)
		}
	}
	if r.Unknown() > 0 {
		fmt.Fprintln(w, c.say("\nНеизвестно: чек не читали из кассы (линия сверяет не каждый) или касса не назвала счётчиков смены; нарушением не считается.",
			"\nUnknown: the receipt was not read back (a lane verifies some of them), or the register told no counters of the shift; no violation."))
	}
	if r.OK {
		fmt.Fprintf(w, c.say("\nВсё верно, %.1f с\n", "\nAll holds, %.1f s\n"), r.Seconds)
	}
}
