package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"

	"github.com/chekomat/chekomat/agent/config"
)

// Exit codes.
const (
	exitOK    = 0
	exitFail  = 1 // it went wrong while running
	exitUsage = 2 // the command line or the configuration is wrong
)

// Main is the program; tests run the same value.
type Main struct {
	Out, Err io.Writer
	Env      func(string) (string, bool)
}

// errUsage marks what a person has to correct before trying again.
var errUsage = errors.New("usage")

// Run carries out a command line and returns the exit code.
func (m Main) Run(ctx context.Context, args []string) int {
	root := m.root()
	root.SetArgs(args)
	root.SetOut(m.Out)
	root.SetErr(m.Err)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitOK
	}
	_, _ = fmt.Fprintln(m.Err, "agent:", strings.TrimPrefix(err.Error(), errUsage.Error()+": "))
	if errors.Is(err, errUsage) {
		return exitUsage
	}
	return exitFail
}

// say picks the text of the language: CHEKOMAT_LANG, else the locale, else
// English.
func (m Main) say(ru, en string) string {
	for _, name := range []string{"CHEKOMAT_LANG", "LC_ALL", "LC_MESSAGES", "LANG"} {
		if v, ok := m.Env(name); ok && v != "" {
			if strings.HasPrefix(v, "ru") {
				return ru
			}
			return en
		}
	}
	return en
}

func (m Main) root() *cobra.Command {
	root := &cobra.Command{
		Use: "agent",
		Short: m.say("Агент в торговом автомате: слышит продажи, хранит, передаёт хабу, показывает QR-код чека",
			"The agent in a vending machine: hears sales, keeps them, tells the hub, shows the receipt's QR code"),
		Long: m.say(longRU, longEN), SilenceUsage: true, SilenceErrors: true, Version: version(),
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: true},
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return fmt.Errorf("%w: %w", errUsage, err) })
	root.AddCommand(m.runCommand(), m.configCommand(), m.journalCommand(), m.statusCommand(), m.moduleCommand())
	return root
}

const longRU = `Агент слушает платёжную шину автомата (MDB), восстанавливает по ней каждую
продажу, записывает её в журнал на диске и передаёт хабу. Хаб делает чек, агент
показывает покупателю QR-код. Запись не покидает журнал, пока хаб не сказал,
что она у него на диске; питание можно выключать в любой момент.

С чего начать:
  agent config example > agent.yaml    файл с пояснениями: впишите, кто вы и где хаб
  agent config check --config agent.yaml
  agent run --config agent.yaml
  agent status --config agent.yaml     что он видит сейчас
  agent journal list --config agent.yaml

Коды возврата: 0 — хорошо, 1 — не получилось, 2 — неверный вызов или настройки.
Язык сообщений: CHEKOMAT_LANG=ru или en, иначе язык системы.`

const longEN = `The agent listens to the payment bus of the machine (MDB), recovers every sale
from it, writes it to a journal on disk and delivers it to the hub. The hub makes
the receipt, the agent shows its QR code to the buyer. A record does not leave the
journal until the hub has said that it is on its disk; power may fail at any moment.

To begin:
  agent config example > agent.yaml    a commented file: fill in who you are and where the hub is
  agent config check --config agent.yaml
  agent run --config agent.yaml
  agent status --config agent.yaml     what it sees now
  agent journal list --config agent.yaml

Exit codes: 0 well, 1 failed, 2 wrong call or configuration.
Language of messages: CHEKOMAT_LANG=ru or en, else that of the system.`

// settings adds --config and the options to a command and returns what loads
// them.
func (m Main) settings(cmd *cobra.Command) func() (config.Config, error) {
	path := cmd.Flags().StringP("config", "c", "", m.say("файл настроек (или CHEKOMAT_AGENT_CONFIG)", "configuration file (or CHEKOMAT_AGENT_CONFIG)"))
	values := map[string]*string{}
	for _, o := range config.Options {
		values[o.Name] = cmd.Flags().String(o.Name, "", m.say(o.RU, o.EN)+" ["+o.Env()+"]")
	}
	return func() (config.Config, error) {
		file := *path
		if file == "" {
			file, _ = m.Env("CHEKOMAT_AGENT_CONFIG")
		}
		given := map[string]string{}
		for name, v := range values {
			if cmd.Flags().Changed(name) {
				given[name] = *v
			}
		}
		c, err := config.Load(file, m.Env, given)
		if err != nil {
			return c, fmt.Errorf("%w: %w", errUsage, err)
		}
		return c, nil
	}
}

// checked loads and checks.
func checked(load func() (config.Config, error)) (config.Config, error) {
	c, err := load()
	if err != nil {
		return c, err
	}
	if bad := c.Check(); bad != nil {
		return c, fmt.Errorf("%w: %w", errUsage, errors.Join(bad...))
	}
	return c, nil
}

func (m Main) runCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "run", Args: cobra.NoArgs,
		Short: m.say("Работать, пока не остановят", "Run until stopped"),
		Long: m.say("Когда агент готов, он печатает одну строку JSON: имя, журнал, адреса страниц экрана.",
			"When it is ready the agent prints one line of JSON: its name, journal, addresses of display pages."),
	}
	load := m.settings(cmd)
	exitAtEnd := cmd.Flags().Bool("exit-at-end", false, m.say("закончить, когда файл записи прочитан и всё доставлено",
		"finish when the capture file is read and all is delivered"))
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		c, err := checked(load)
		if err != nil {
			return err
		}
		return m.run(cmd.Context(), c, *exitAtEnd)
	}
	return cmd
}

func (m Main) configCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "config", Short: m.say("Файл настроек: пример, проверка", "The configuration file: an example, a check")}
	example := &cobra.Command{Use: "example", Args: cobra.NoArgs, Short: m.say("Напечатать пример с пояснениями", "Print a commented example"),
		RunE: func(*cobra.Command, []string) error {
			_, err := io.WriteString(m.Out, config.Example(m.say("ru", "en")))
			return err
		}}
	check := &cobra.Command{Use: "check", Args: cobra.NoArgs, Short: m.say("Проверить настройки и назвать все ошибки", "Check the settings and name every mistake")}
	load := m.settings(check)
	asJSON := check.Flags().Bool("json", false, m.say("ответ в JSON", "answer in JSON"))
	check.RunE = func(*cobra.Command, []string) error {
		c, err := load()
		if err != nil {
			return err
		}
		bad := c.Check()
		if *asJSON {
			problems := []string{}
			for _, b := range bad {
				problems = append(problems, b.Error())
			}
			if err := json.NewEncoder(m.Out).Encode(map[string]any{"ok": bad == nil, "problems": problems}); err != nil {
				return err
			}
		}
		if bad != nil {
			return fmt.Errorf("%w: %w", errUsage, errors.Join(bad...))
		}
		if !*asJSON {
			_, err = fmt.Fprintln(m.Out, m.say("настройки в порядке", "the settings are fine"))
		}
		return err
	}
	cmd.AddCommand(example, check)
	return cmd
}

func version() string {
	if b, ok := debug.ReadBuildInfo(); ok && b.Main.Version != "" {
		return b.Main.Version
	}
	return "unknown"
}
