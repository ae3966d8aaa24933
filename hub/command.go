package main

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/spf13/cobra"

	"github.com/chekomat/chekomat/hub/api"
	"github.com/chekomat/chekomat/hub/cli"
	"github.com/chekomat/chekomat/hub/store"
)

// command builds the command line in a language.
func command(lang string, env func(string) (string, bool), out, errs io.Writer) *cobra.Command {
	b := builder{lang: lang, env: env, out: out, errs: errs}
	b.options = b.config.options()
	root := &cobra.Command{
		Use: "hub", Version: Version, SilenceErrors: true, SilenceUsage: true,
		Short: b.say("Хаб: продажи автоматов становятся кассовыми чеками", "The hub: sales of vending machines become fiscal receipts"),
		Long: b.say(`Хаб принимает продажи от агентов в автоматах (MQTT), делает по каждой один чек
на кассе и отправляет его QR-код на экран автомата. Панель и API открываются в браузере.

Первый запуск:
  hub serve                      запустить; адреса — строкой JSON
  cat chekomat-data/token        токен для входа в панель
Дальше в панели или через API (/openapi.yaml): оператор → продавец → автомат →
агент (его секрет показывается один раз) → линия (адрес кассы).

Настройки: флаги важнее переменных CHEKOMAT_HUB_…, те важнее файла --config. Секреты
(token, register-password) — в файле или CHEKOMAT_HUB_TOKEN_FILE: hub config example.
Коды выхода: 0 остановлен, 1 сбой, 2 неверная команда или настройка.`,
			`The hub takes sales in from the agents in machines (MQTT), makes one receipt of each
on a cash register and sends its QR code to the machine's display. Dashboard and API
open in a browser.

The first start:
  hub serve                      start; its addresses are a line of JSON
  cat chekomat-data/token        the token to sign in to the dashboard
Then on the dashboard or through the API (/openapi.yaml): operator, seller, machine,
agent (its secret is shown once), lane (the register's address).

Settings: flags over variables CHEKOMAT_HUB_…, those over the file of --config. Secrets
(token, register-password) go by file or CHEKOMAT_HUB_TOKEN_FILE: hub config example.
Exit codes: 0 stopped, 1 failed, 2 the command or a setting is wrong.`),
	}
	root.SetOut(out)
	root.SetErr(errs)
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	root.PersistentFlags().String("lang", lang, b.say("язык текстов: ru, en", "language of texts: ru, en"))
	root.PersistentFlags().String("config", "", b.say("файл настроек YAML; образец: hub config example", "file of settings, YAML; a sample: hub config example"))
	for _, o := range b.options {
		if o.secret {
			continue // what a command line holds, everyone on the machine sees
		}
		about := o.en
		if lang == "ru" {
			about = o.ru
		}
		root.PersistentFlags().String(o.name, "", fmt.Sprintf("%s [%s, %q] %s", about, o.kind, o.get(), o.env()))
	}
	root.AddCommand(b.serve(), b.configuration(), b.token(), b.check())
	root.AddCommand(b.asking()...)
	return cli.CLI{Lang: lang, Out: out}.Strict(root)
}

type builder struct {
	lang      string
	env       func(string) (string, bool)
	out, errs io.Writer
	config    Config
	options   []option
}

func (b *builder) say(ru, en string) string {
	if b.lang == "ru" {
		return ru
	}
	return en
}

// load reads the configuration for a command.
func (b *builder) load(cmd *cobra.Command) (origin, error) {
	file, _ := cmd.Flags().GetString("config") // the flag exists
	if file == "" {
		file, _ = b.env(envPrefix + "CONFIG")
	}
	from, err := b.config.load(b.options, file, b.env)
	if err != nil {
		return nil, usageError{err}
	}
	for _, o := range b.options {
		f := cmd.Flags().Lookup(o.name)
		if f == nil || !f.Changed {
			continue
		}
		if err := o.set(f.Value.String()); err != nil {
			return nil, usageError{fmt.Errorf("--%s: %q %w", o.name, o.shown(f.Value.String()), err)}
		}
		from[o.name] = "--" + o.name
	}
	if err := b.config.check(); err != nil {
		return nil, usageError{err}
	}
	return from, nil
}

func (b *builder) log() *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(b.config.LogLevel)) // one of the option's choices
	o := &slog.HandlerOptions{Level: level}
	if b.config.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(b.errs, o))
	}
	return slog.New(slog.NewTextHandler(b.errs, o))
}

func (b *builder) serve() *cobra.Command {
	return &cobra.Command{
		Use: "serve", Args: cobra.NoArgs,
		Short: b.say("Работать до SIGTERM", "Work until SIGTERM"),
		Long: b.say("Запускает базу, брокер, кассы, API и панель. Когда всё слушает, печатает одну строку JSON с адресами.\nКасса не отвечает — хаб работает, продажи ждут; причину видно на панели.",
			"Starts database, broker, registers, API and dashboard. When all listens, prints one line of JSON with the addresses.\nWith a register out of reach the hub works and sales wait; the dashboard says why."),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if _, err := b.load(cmd); err != nil {
				return err
			}
			m := &Main{Config: b.config, Log: b.log(), Now: time.Now}
			return m.Run(cmd.Context(), b.out)
		},
	}
}

func (b *builder) configuration() *cobra.Command {
	c := &cobra.Command{Use: "config", Args: cobra.NoArgs, Short: b.say("Показать настройки", "Show settings")}
	asJSON := false
	show := &cobra.Command{
		Use: "print", Args: cobra.NoArgs,
		Short: b.say("Действующие настройки и откуда каждая", "Settings in force and where each comes from"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			from, err := b.load(cmd)
			if err != nil {
				return err
			}
			return b.print(from, asJSON)
		},
	}
	show.Flags().BoolVar(&asJSON, "json", false, b.say("для программ", "for programs"))
	c.AddCommand(show, &cobra.Command{
		Use: "example", Args: cobra.NoArgs,
		Short: b.say("Образец файла настроек с пояснениями", "A sample file of settings, explained"),
		RunE: func(*cobra.Command, []string) error {
			example(b.out, b.lang)
			return nil
		},
	})
	return c
}

func (b *builder) print(from origin, asJSON bool) error {
	type line struct {
		Name  string `json:"name"`
		Value string `json:"value"`
		From  string `json:"from"`
		Env   string `json:"env"`
		About string `json:"about"`
	}
	var all []line
	for _, o := range b.options {
		l := line{o.name, o.shown(o.get()), from[o.name], o.env(), b.say(o.ru, o.en)}
		if l.From == "" {
			l.From = "default"
		}
		all = append(all, l)
	}
	if asJSON {
		return json.NewEncoder(b.out).Encode(all)
	}
	for _, l := range all {
		fmt.Fprintf(b.out, "%-18s %-24q %-28s %s\n", l.Name, l.Value, l.From, l.About)
	}
	return nil
}

func (b *builder) token() *cobra.Command {
	c := &cobra.Command{Use: "token", Args: cobra.NoArgs, Short: b.say("Токены доступа", "Access tokens")}
	var operator, name string
	asJSON := false
	create := &cobra.Command{
		Use: "create", Args: cobra.NoArgs,
		Short: b.say("Сделать токен; он печатается один раз", "Make a token; it is printed once"),
		Long: b.say("Без --operator это токен установки: он видит всех операторов. Хаб при этом может работать.",
			"Without --operator it is the installation's: it sees every operator. The hub may be running meanwhile."),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if _, err := b.load(cmd); err != nil {
				return err
			}
			address, err := b.config.database()
			if err != nil {
				return err
			}
			st, err := store.Open(cmd.Context(), address, time.Now)
			if err != nil {
				return err
			}
			defer st.Close()
			t, err := st.CreateToken(cmd.Context(), operator, name)
			if err != nil {
				return err
			}
			if asJSON {
				return json.NewEncoder(b.out).Encode(t)
			}
			fmt.Fprintln(b.out, t.Token)
			return nil
		},
	}
	create.Flags().StringVar(&operator, "operator", "", b.say("чей токен; пусто — установки", "whose token; empty: the installation's"))
	create.Flags().StringVar(&name, "label", "cli", b.say("имя: стоит в истории решений", "its name: stands in the history of decisions"))
	create.Flags().BoolVar(&asJSON, "json", false, b.say("для программ", "for programs"))
	c.AddCommand(create)
	return c
}

var _ api.Till = desk{} // the API's view of the till
