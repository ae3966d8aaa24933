package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/chekomat/chekomat/agent/clock"
	"github.com/chekomat/chekomat/agent/journal"
	"github.com/chekomat/chekomat/agent/wire"
)

func (m Main) journalCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "journal", Short: m.say("Журнал записей на диске", "The journal of records on the disk")}

	list := &cobra.Command{Use: "list", Args: cobra.NoArgs, Short: m.say("Записи, новые сверху", "Records, newest first")}
	load := m.settings(list)
	limit := list.Flags().Int("limit", 50, m.say("сколько записей, 0 — все", "how many records, 0 all"))
	id := list.Flags().String("journal", "", m.say("только этот журнал файла", "only this journal of the file"))
	asJSON := list.Flags().Bool("json", false, m.say("по строке JSON на запись", "one line of JSON a record"))
	list.RunE = func(*cobra.Command, []string) error {
		c, err := load()
		if err != nil {
			return err
		}
		return m.list(c.Data, *id, *limit, *asJSON)
	}

	show := &cobra.Command{Use: "show SEQ", Args: cobra.ExactArgs(1), Short: m.say("Одна запись целиком, с чеком", "One whole record with its receipt")}
	loadShow := m.settings(show)
	showID := show.Flags().String("journal", "", m.say("журнал файла; иначе новейший с таким номером", "journal of the file; else the newest with that number"))
	_ = show.Flags().Bool("json", true, m.say("ответ всегда в JSON", "the answer is always JSON"))
	show.RunE = func(_ *cobra.Command, args []string) error {
		c, err := loadShow()
		if err != nil {
			return err
		}
		seq, err := strconv.ParseInt(args[0], 10, 64)
		if err != nil || seq < 1 {
			return fmt.Errorf("%w: %q is not a record's number", errUsage, args[0])
		}
		found := false
		var werr error
		err = journal.Inspect(c.Data, *showID, seq, func(r journal.Row) bool {
			found = true
			werr = printRow(m.Out, r)
			return false
		})
		if err == nil && !found {
			err = fmt.Errorf(m.say("записи %d нет", "there is no record %d"), seq)
		}
		if err == nil {
			err = werr
		}
		return err
	}

	begin := &cobra.Command{Use: "new", Args: cobra.NoArgs, Short: m.say("Начать новый журнал: агент поставлен в другой автомат",
		"Begin a new journal: the agent was mounted in another machine"),
		Long: m.say("Делайте это на остановленном агенте, когда переставили его. Старый журнал доставляется дальше под своим именем.",
			"Do it with the agent stopped after you moved it. The old journal goes on being delivered under its own name.")}
	loadBegin := m.settings(begin)
	begin.RunE = func(*cobra.Command, []string) error {
		c, err := loadBegin()
		if err != nil {
			return err
		}
		j, err := journal.Open(c.Data, clock.System())
		if err != nil {
			return err
		}
		name, err := j.Begin(journal.WhyAsked, "agent journal new")
		if cerr := j.Close(); err == nil {
			err = cerr
		}
		if err == nil {
			err = json.NewEncoder(m.Out).Encode(map[string]string{"journal": name})
		}
		return err
	}
	cmd.AddCommand(list, show, begin)
	return cmd
}

type printed struct {
	journal.Row
	Record json.RawMessage `json:"record"`
}

func printRow(w io.Writer, r journal.Row) error {
	return json.NewEncoder(w).Encode(printed{r, r.Record})
}

func (m Main) list(dir, id string, limit int, asJSON bool) error {
	t := tabwriter.NewWriter(m.Out, 0, 0, 2, ' ', 0)
	if !asJSON {
		_, _ = fmt.Fprintln(t, m.say("ЖУРНАЛ\t№\tВРЕМЯ\tЧТО\tСУММА\tКОЛОНКА\tДОСТАВЛЕНО\tЧЕК", "JOURNAL\tSEQ\tTIME\tKIND\tSUM\tCOLUMN\tDELIVERED\tRECEIPT"))
	}
	n := 0
	var werr error
	err := journal.Inspect(dir, id, 0, func(r journal.Row) bool {
		if asJSON {
			werr = printRow(m.Out, r)
		} else {
			werr = m.line(t, r)
		}
		n++
		return werr == nil && (limit == 0 || n < limit)
	})
	if err != nil || werr != nil || asJSON {
		if err == nil {
			err = werr
		}
		return err
	}
	return t.Flush()
}

func (m Main) line(w io.Writer, r journal.Row) error {
	var rec wire.Record
	if err := json.Unmarshal(r.Record, &rec); err != nil {
		return fmt.Errorf("record %d: %w", r.Seq, err)
	}
	what, sum, column := string(rec.Kind), "", ""
	if rec.Incident != nil {
		what += " " + rec.Incident.Code
	}
	if rec.Gap != nil {
		what += " " + rec.Gap.Reason
	}
	if rec.Audit != nil {
		what += " " + rec.Audit.Protocol
	}
	if s := rec.Sale; s != nil {
		what += " " + s.Class
		sum = m.say("неизвестна", "unknown")
		if s.Amount.Known {
			sum = fmt.Sprintf("%d.%02d %s", s.Amount.Minor/100, s.Amount.Minor%100, s.Amount.Currency)
		}
		if s.ColKnown {
			column = strconv.Itoa(s.Column)
		}
	}
	delivered := m.say("нет", "no")
	switch {
	case r.Refused != "":
		delivered = m.say("отклонена: ", "refused: ") + r.Refused
	case r.Settled != 0:
		delivered = time.UnixMilli(r.Settled).Format("02.01 15:04:05")
	}
	receipt := ""
	if r.Receipt != nil {
		if receipt = r.Receipt.State; r.Receipt.FD != 0 {
			receipt = fmt.Sprintf("ФД %d", r.Receipt.FD)
		} else if r.Receipt.Reason != "" {
			receipt += " " + r.Receipt.Reason
		}
	}
	_, err := fmt.Fprintf(w, "%s\t%d\t%s\t%s\t%s\t%s\t%s\t%s\n", r.Journal, r.Seq, rec.Wall.Local().Format("02.01 15:04:05"), what, sum, column, delivered, receipt)
	return err
}

// socket in the data folder, where a running agent tells of itself.
func socket(data string) string { return filepath.Join(data, "agent.sock") }

func (m Main) statusCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "status", Args: cobra.NoArgs, Short: m.say("Что видит работающий агент", "What the running agent sees")}
	load := m.settings(cmd)
	asJSON := cmd.Flags().Bool("json", false, m.say("ответ в JSON", "answer in JSON"))
	cmd.RunE = func(*cobra.Command, []string) error {
		c, err := load()
		if err != nil {
			return err
		}
		conn, err := net.DialTimeout("unix", socket(c.Data), 2*time.Second)
		if err != nil {
			return fmt.Errorf("%s: %w", m.say("агент не отвечает (он запущен?)", "the agent does not answer (is it running?)"), err)
		}
		defer func() { _ = conn.Close() }()
		_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
		var s Status
		if err := json.NewDecoder(conn).Decode(&s); err != nil {
			return fmt.Errorf("read the agent's status: %w", err)
		}
		if *asJSON {
			return json.NewEncoder(m.Out).Encode(s)
		}
		return m.printStatus(s)
	}
	return cmd
}

func (m Main) printStatus(s Status) error {
	yes := func(b bool) string {
		if b {
			return m.say("да", "yes")
		}
		return m.say("нет", "no")
	}
	t := tabwriter.NewWriter(m.Out, 0, 0, 2, ' ', 0)
	row := func(ru, en string, v any) { _, _ = fmt.Fprintf(t, "%s\t%v\n", m.say(ru, en), v) }
	row("агент", "agent", s.Agent)
	row("автомат", "machine", s.Serial)
	row("журнал", "journal", fmt.Sprintf("%s, %d", s.Journal, s.State.Head))
	row("не доставлено", "undelivered", s.State.Unacked)
	row("хаб на связи", "hub answers", yes(s.Hub))
	row("шина слышна", "bus is heard", yes(s.State.Bus.Alive))
	row("слов", "words", s.State.Bus.Words)
	row("ошибок суммы", "bad checksums", s.State.Bus.BadSums)
	row("экран", "screen", s.State.Screen)
	row("экран жив", "display alive", yes(s.State.Display))
	row("не продаёт, потому что", "does not sell because", s.State.Reason)
	return t.Flush()
}
