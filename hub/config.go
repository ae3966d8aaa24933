package main

import (
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/chekomat/chekomat/hub/store/postgres"
)

// Config is what a hub is told. Where it comes from: flags over environment
// (CHEKOMAT_HUB_…) over the file of --config over defaults.
type Config struct {
	Data, HTTP, MQTT            string
	DB, DBPassword              string
	HTTPCert, HTTPKey           string
	MQTTCert, MQTTKey           string
	Name, ShiftCloseAt          string
	RegisterPassword, Token     string
	LogLevel, LogFormat         string
	MaxAmount                   int64 // kopecks
	GapAfter, SilentAfter       time.Duration
	LaneGrace                   time.Duration
	ShiftCloseAfter, RegisterBy time.Duration
	LaneLease, LongestCommand   time.Duration
}

// option is one line of the table: the program's own documentation.
type option struct {
	name   string // flag --name (secrets have none), file key name, environment CHEKOMAT_HUB_NAME
	kind   string // text, folder, address, file, integer, duration, choice
	secret bool   // may be given by file: CHEKOMAT_HUB_NAME_FILE
	ru, en string
	set    func(string) error
	get    func() string
}

const envPrefix = "CHEKOMAT_HUB_"

func (o option) env() string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(o.name, "-", "_"))
}

func text(p *string, byDefault string) (func(string) error, func() string) {
	*p = byDefault
	return func(v string) error { *p = v; return nil }, func() string { return *p }
}

func choice(p *string, words ...string) (func(string) error, func() string) {
	*p = words[0]
	return func(v string) error {
		for _, w := range words {
			if v == w {
				*p = v
				return nil
			}
		}
		return fmt.Errorf("is none of %s", strings.Join(words, ", "))
	}, func() string { return *p }
}

func span(p *time.Duration, byDefault time.Duration) (func(string) error, func() string) {
	*p = byDefault
	return func(v string) error {
		d, err := time.ParseDuration(v)
		if err == nil && d <= 0 {
			err = errors.New("is not above zero")
		}
		if err == nil {
			*p = d
		}
		return err
	}, func() string { return p.String() }
}

func count(p *int64, byDefault int64) (func(string) error, func() string) {
	*p = byDefault
	return func(v string) error {
		n, err := strconv.ParseInt(v, 10, 64)
		if err == nil && n <= 0 {
			err = errors.New("is not above zero")
		}
		if err == nil {
			*p = n
		}
		return err
	}, func() string { return strconv.FormatInt(*p, 10) }
}

// options is the table; making it puts the defaults into c.
func (c *Config) options() []option {
	var all []option
	add := func(name, kind string, secret bool, set func(string) error, get func() string, ru, en string) {
		all = append(all, option{name, kind, secret, ru, en, set, get})
	}
	str := func(name, kind string, secret bool, p *string, byDefault, ru, en string) {
		set, get := text(p, byDefault)
		add(name, kind, secret, set, get, ru, en)
	}
	str("data", "folder", false, &c.Data, "chekomat-data", "папка базы данных и токена", "folder of the database and the token")
	add("db", "database", false, func(v string) error {
		if v != "" && !postgres.Is(v) {
			return errors.New("is no postgres:// address")
		}
		c.DB = v
		return nil
	}, func() string {
		if c.DB == "" {
			return ""
		}
		return postgres.Redacted(c.DB)
	}, "база PostgreSQL, postgres://user@host/база: несколько хабов могут работать с одной, каждый под своим --name; пусто — файл hub.db в папке data",
		"PostgreSQL database, postgres://user@host/database: several hubs may share one, each under its own --name; empty: the file hub.db in the data folder")
	str("db-password", "text", true, &c.DBPassword, "", "пароль к базе PostgreSQL", "password of the PostgreSQL database")
	str("http", "address", false, &c.HTTP, "127.0.0.1:8080", "адрес панели и API; порт 0 выберет свободный", "address of dashboard and API; port 0 picks one")
	str("mqtt", "address", false, &c.MQTT, "127.0.0.1:1883", "адрес для агентов; порт 0 выберет свободный", "address for agents; port 0 picks one")
	str("http-tls-cert", "file", false, &c.HTTPCert, "", "сертификат HTTPS (PEM); без него HTTP", "HTTPS certificate (PEM); without it HTTP")
	str("http-tls-key", "file", false, &c.HTTPKey, "", "ключ к нему", "its key")
	str("mqtt-tls-cert", "file", false, &c.MQTTCert, "", "сертификат MQTT (PEM); без него без TLS", "MQTT certificate (PEM); without it no TLS")
	str("mqtt-tls-key", "file", false, &c.MQTTKey, "", "ключ к нему", "its key")
	str("name", "text", false, &c.Name, "hub", "имя хаба в арендах линий; не меняйте после запуска", "this hub's name in leases of lanes; keep it")
	str("token", "text", true, &c.Token, "", "токен установки; без него он делается при первом старте в файле token", "the installation's token; without it one is made at the first start in the file token")
	str("register-password", "text", true, &c.RegisterPassword, "", "пароль касс, в адресе которых его нет", "password of registers whose address has none")
	set, get := count(&c.MaxAmount, 100_000_00)
	add("max-amount", "integer", false, set, get, "сумма одной продажи, которой ещё верят, копейки", "amount of one sale that is still believed, kopecks")
	set, get = span(&c.GapAfter, 30*time.Second)
	add("gap-after", "duration", false, set, get, "через сколько пропуск журнала становится происшествием", "age at which a journal's hole becomes an incident")
	set, get = span(&c.SilentAfter, 3*time.Minute)
	add("silent-after", "duration", false, set, get, "через сколько молчание агента становится происшествием", "silence of an agent that becomes an incident")
	set, get = span(&c.LaneGrace, 20*time.Second)
	add("register-grace", "duration", false, set, get, "сколько касса может молчать, прежде чем автоматы скажут об этом", "how long a register may be away before machines say so")
	set, get = span(&c.ShiftCloseAfter, 23*time.Hour+30*time.Minute)
	add("shift-close-after", "duration", false, set, get, "возраст, в котором смена закрывается (закон: 24 часа)", "age at which a shift is closed (law: 24 hours)")
	str("shift-close-at", "text", false, &c.ShiftCloseAt, "", "время суток, когда смена закрывается, 15:04 в поясе линии", "time of day when shifts are closed, 15:04 in the lane's zone")
	set, get = span(&c.RegisterBy, 30*time.Second)
	add("register-poll", "duration", false, set, get, "как часто смотреть на свободную кассу", "how often an idle register is looked at")
	set, get = span(&c.LaneLease, time.Minute)
	add("lane-lease", "duration", false, set, get, "у хабов с общей базой: сколько линия ждёт своего хаба без признаков жизни; у всех одинаково", "of hubs that share a database: how long a lane waits for its hub without a sign of life; the same for all")
	set, get = span(&c.LongestCommand, 2*time.Minute)
	add("longest-command", "duration", false, set, get, "и сколько ещё, пока касса может выполнять её последнюю команду", "and for how long after that the register may be running that hub's last command")
	set, get = choice(&c.LogLevel, "info", "debug", "warn", "error")
	add("log-level", "choice", false, set, get, "подробность журнала: debug, info, warn, error", "what is logged: debug, info, warn, error")
	set, get = choice(&c.LogFormat, "text", "json")
	add("log-format", "choice", false, set, get, "вид журнала: text, json", "form of the log: text, json")
	return all
}

// origin says where an option's value comes from.
type origin map[string]string

// load puts file and environment over the defaults; flags are put over the
// result by the caller.
func (c *Config) load(options []option, file string, env func(string) (string, bool)) (origin, error) {
	from := origin{}
	if file != "" {
		if err := readFile(options, file, from); err != nil {
			return nil, err
		}
	}
	for _, o := range options {
		v, ok := env(o.env())
		where := o.env()
		if o.secret {
			if name, byFile := env(o.env() + "_FILE"); byFile {
				if ok {
					return nil, fmt.Errorf("%s and %s_FILE are both set: leave one", o.env(), o.env())
				}
				b, err := os.ReadFile(name)
				if err != nil {
					return nil, fmt.Errorf("%s_FILE: %w", o.env(), err)
				}
				v, ok, where = strings.TrimSpace(string(b)), true, o.env()+"_FILE"
			}
		}
		if !ok {
			continue
		}
		if err := o.set(v); err != nil {
			return nil, fmt.Errorf("%s: %q %w", where, o.shown(v), err)
		}
		from[o.name] = where
	}
	return from, nil
}

func readFile(options []option, file string, from origin) error {
	b, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("configuration: %w", err)
	}
	values := map[string]any{}
	if err := yaml.Unmarshal(b, &values); err != nil {
		return fmt.Errorf("configuration %s: %w", file, err)
	}
	byName := map[string]option{}
	for _, o := range options {
		byName[o.name] = o
	}
	names := make([]string, 0, len(values))
	for name := range values {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		o, ok := byName[name]
		if !ok {
			return fmt.Errorf("configuration %s: there is no option %q; see hub config example", file, name)
		}
		v := fmt.Sprint(values[name])
		if values[name] == nil {
			v = ""
		}
		if err := o.set(v); err != nil {
			return fmt.Errorf("configuration %s: %s: %q %w", file, name, o.shown(v), err)
		}
		from[name] = file
	}
	return nil
}

func (o option) shown(v string) string {
	if o.secret && v != "" {
		return "***"
	}
	return v
}

// example is a file with every option at its default, explained.
func example(w io.Writer, lang string) {
	var c Config
	for _, o := range c.options() {
		about := o.en
		if lang == "ru" {
			about = o.ru
		}
		fmt.Fprintf(w, "# %s [%s] %s", about, o.kind, o.env())
		if o.secret {
			fmt.Fprintf(w, ", %s_FILE", o.env())
		}
		fmt.Fprintf(w, "\n# %s: %s\n\n", o.name, strconv.Quote(o.get()))
	}
}

// check finds what no single option can tell.
func (c *Config) check() error {
	if (c.HTTPCert == "") != (c.HTTPKey == "") || (c.MQTTCert == "") != (c.MQTTKey == "") {
		return errors.New("a TLS certificate and its key go together")
	}
	if c.DBPassword != "" && c.DB == "" {
		return errors.New("db-password: there is no db it is for")
	}
	if c.ShiftCloseAt != "" {
		if _, err := time.Parse("15:04", c.ShiftCloseAt); err != nil {
			return fmt.Errorf("shift-close-at: %q is no time of day like 23:30", c.ShiftCloseAt)
		}
	}
	if c.ShiftCloseAfter > 24*time.Hour {
		return errors.New("shift-close-after: a shift may last 24 hours at most (54-FZ art. 4.3)")
	}
	return nil
}

// database is the store's address.
func (c *Config) database() (string, error) {
	if c.DB == "" {
		return filepath.Join(c.Data, databaseFile), nil
	}
	if c.DBPassword == "" {
		return c.DB, nil
	}
	u, err := url.Parse(c.DB)
	if err != nil {
		return "", errors.New("db: the address is not a URL")
	}
	q := u.Query()
	q.Set("password", c.DBPassword)
	u.RawQuery = q.Encode()
	return u.String(), nil
}

func (c *Config) tokenFile() string { return filepath.Join(c.Data, "token") }
