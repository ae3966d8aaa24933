// Package config is the agent's own file: who it is, where the hub is, which
// bus it listens to and what it shows on. All else the hub owns and sends.
package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/chekomat/chekomat/agent/audit"
	"github.com/chekomat/chekomat/agent/listen"
	"github.com/chekomat/chekomat/agent/wire"
)

// Config as read; zero values are filled by Load.
type Config struct {
	Operator   string  `yaml:"operator"`
	Agent      string  `yaml:"agent"`
	Secret     string  `yaml:"secret,omitempty"`
	SecretFile string  `yaml:"secret_file,omitempty"`
	Hub        Hub     `yaml:"hub"`
	Bus        Bus     `yaml:"bus"`
	Panels     []Panel `yaml:"panel"`
	Flight     Flight  `yaml:"flight,omitempty"`
	Audit      Audit   `yaml:"audit,omitempty"`
	Data       string  `yaml:"data"`
	Lang       string  `yaml:"lang"`
	Log        string  `yaml:"log"`
}

// Hub is where the agent reports to.
type Hub struct {
	URL      string `yaml:"url"`
	CA       string `yaml:"ca,omitempty"`
	Cert     string `yaml:"cert,omitempty"`
	Key      string `yaml:"key,omitempty"`
	StateSec int    `yaml:"state_sec,omitempty"`
}

// Bus is what the agent listens to.
type Bus struct {
	URL            string `yaml:"url"`
	Protocol       string `yaml:"protocol,omitempty"` // MDB (""), Executive
	EXE            EXE    `yaml:"exe,omitempty"`
	AssumeCurrency string `yaml:"assume_currency,omitempty"`
	AssumeScale    uint32 `yaml:"assume_scale,omitempty"`
	AssumeDecimals uint8  `yaml:"assume_decimals,omitempty"`
	StartsIdle     bool   `yaml:"starts_idle,omitempty"`

	Role   []string `yaml:"role,omitempty"` // what the module plays besides listening
	Reader Reader   `yaml:"reader,omitempty"`
}

// Audit is where the machine's own counters are read; an empty port: nowhere.
type Audit struct {
	Port     string        `yaml:"port"`
	Protocol string        `yaml:"protocol"`
	Every    time.Duration `yaml:"every,omitempty"`
	At       string        `yaml:"at,omitempty"`
	Mode     string        `yaml:"mode,omitempty"`
	Baud     int           `yaml:"baud,omitempty"`
}

// On reports whether anything is read.
func (a Audit) On() bool { return a.Port != "" }

// Source is the port as package audit takes it.
func (a Audit) Source() audit.Port {
	return audit.Port{Address: a.Port, Protocol: a.Protocol, Mode: a.Mode, Baud: a.Baud}
}

// Flight is the recorder of the last words of the bus; zero values take the
// recorder's own.
type Flight struct {
	Words     int `yaml:"words,omitempty"`     // in memory, 8 bytes each
	Files     int `yaml:"files,omitempty"`     // kept on disk at most
	Megabytes int `yaml:"megabytes,omitempty"` // of all files at most
}

// Panel is one display.
type Panel struct {
	URL    string  `yaml:"url"`
	Width  int     `yaml:"width"`
	Height int     `yaml:"height"`
	MM     float64 `yaml:"width_mm,omitempty"`
	OneBit bool    `yaml:"one_bit,omitempty"`
}

// Option is a setting that the environment and the command line can give too.
type Option struct {
	Name   string // as on the command line; the variable is made of it, see Env
	RU, EN string
	Secret bool
	Set    func(*Config, string) error
}

// Env is the option's environment variable.
func (o Option) Env() string {
	return "CHEKOMAT_AGENT_" + strings.ToUpper(strings.ReplaceAll(o.Name, "-", "_"))
}

func text(field func(*Config) *string) func(*Config, string) error {
	return func(c *Config, v string) error { *field(c) = v; return nil }
}

// Options in the order of the file, those of the bus's protocol last.
var Options = append([]Option{
	{Name: "operator", RU: "оператор: имя в хабе", EN: "operator: the name at the hub", Set: text(func(c *Config) *string { return &c.Operator })},
	{Name: "agent", RU: "агент: имя в хабе", EN: "agent: the name at the hub", Set: text(func(c *Config) *string { return &c.Agent })},
	{Name: "secret", RU: "секрет агента (лучше файлом)", EN: "the agent's secret (a file is better)", Secret: true,
		Set: text(func(c *Config) *string { return &c.Secret })},
	{Name: "secret-file", RU: "файл с секретом агента", EN: "file with the agent's secret", Set: text(func(c *Config) *string { return &c.SecretFile })},
	{Name: "hub", RU: "адрес хаба: mqtt:// или mqtts://", EN: "the hub's address: mqtt:// or mqtts://", Set: text(func(c *Config) *string { return &c.Hub.URL })},
	{Name: "hub-ca", RU: "файл удостоверяющего центра хаба", EN: "file of the hub's certificate authority", Set: text(func(c *Config) *string { return &c.Hub.CA })},
	{Name: "state-sec", RU: "секунд между отчётами о состоянии", EN: "seconds between reports of state",
		Set: func(c *Config, v string) (err error) { c.Hub.StateSec, err = strconv.Atoi(v); return err }},
	{Name: "bus", RU: "источник слов шины: модуль или файл записи", EN: "source of bus words: a module or a capture file",
		Set: text(func(c *Config) *string { return &c.Bus.URL })},
	{Name: "role", RU: "кого модуль играет на шине: reader2, reader1, gateway, через запятую", EN: "what the module plays on the bus: reader2, reader1, gateway, separated by commas",
		Set: func(c *Config, v string) error {
			c.Bus.Role = strings.FieldsFunc(v, func(r rune) bool { return r == ',' || r == ' ' })
			return nil
		}},
	{Name: "assume-currency", RU: "считать все суммы в этой валюте (RUB), что бы ни говорила шина", EN: "take all amounts for this currency (RUB) whatever the bus says",
		Set: text(func(c *Config) *string { return &c.Bus.AssumeCurrency })},
	{Name: "panel", RU: "экран: АДРЕС,ШИРИНАxВЫСОТА[,ММ]; через пробел — несколько", EN: "display: URL,WIDTHxHEIGHT[,MM]; several are separated by spaces",
		Set: setPanels},
	{Name: "data", RU: "папка журнала", EN: "folder of the journal", Set: text(func(c *Config) *string { return &c.Data })},
	{Name: "lang", RU: "язык экрана, пока хаб не сказал: ru или en", EN: "language of the screen until the hub has said: ru or en",
		Set: text(func(c *Config) *string { return &c.Lang })},
	{Name: "log", RU: "подробность журнала работы: debug, info, warn, error", EN: "log level: debug, info, warn, error", Set: text(func(c *Config) *string { return &c.Log })},
}, busOptions...)

// setPanels reads "URL,WxH[,MM]" items separated by spaces.
func setPanels(c *Config, v string) error {
	c.Panels = nil
	for item := range strings.FieldsSeq(v) {
		f := strings.Split(item, ",")
		if len(f) < 2 || len(f) > 3 {
			return fmt.Errorf("panel %q is not URL,WIDTHxHEIGHT[,MM]", item)
		}
		p := Panel{URL: f[0]}
		w, h, _ := strings.Cut(f[1], "x")
		var err1, err2, err3 error
		p.Width, err1 = strconv.Atoi(w)
		p.Height, err2 = strconv.Atoi(h)
		if len(f) == 3 {
			p.MM, err3 = strconv.ParseFloat(f[2], 64)
		}
		if err := errors.Join(err1, err2, err3); err != nil {
			return fmt.Errorf("panel %q: %w", item, err)
		}
		c.Panels = append(c.Panels, p)
	}
	return nil
}

// Load reads the file ("" none), lays the environment over it and the flags
// over that, and fills defaults. Relative paths in the file are from its folder.
func Load(path string, env func(string) (string, bool), flags map[string]string) (Config, error) {
	var c Config
	if path != "" {
		b, err := os.ReadFile(path)
		if err != nil {
			return c, fmt.Errorf("read the configuration: %w", err)
		}
		d := yaml.NewDecoder(bytes.NewReader(b))
		d.KnownFields(true)
		if err := d.Decode(&c); err != nil && !errors.Is(err, io.EOF) {
			return c, fmt.Errorf("read %s: %w", path, err)
		}
		from := filepath.Dir(path)
		for _, p := range []*string{&c.SecretFile, &c.Hub.CA, &c.Hub.Cert, &c.Hub.Key, &c.Data} {
			if *p != "" && !filepath.IsAbs(*p) {
				*p = filepath.Join(from, *p)
			}
		}
	}
	for _, o := range Options {
		v, ok := flags[o.Name]
		where := "--" + o.Name
		if !ok {
			v, ok = env(o.Env())
			where = o.Env()
		}
		if !ok {
			continue
		}
		if err := o.Set(&c, v); err != nil {
			return c, fmt.Errorf("%s: %w", where, err)
		}
	}
	if c.Data == "" {
		c.Data = "data"
	}
	if c.Lang == "" {
		c.Lang = "ru"
	}
	if c.Log == "" {
		c.Log = "info"
	}
	if c.Hub.StateSec == 0 {
		c.Hub.StateSec = 30
	}
	return c, nil
}

// Check lists what is wrong, in words; nil when the agent can start.
func (c Config) Check() []error {
	var bad []error
	add := func(format string, args ...any) { bad = append(bad, fmt.Errorf(format, args...)) }
	if !wire.ValidID(c.Operator) {
		add("operator %q: 1 to 40 of a-z, 0-9 and -", c.Operator)
	}
	if !wire.ValidID(c.Agent) {
		add("agent %q: 1 to 40 of a-z, 0-9 and -", c.Agent)
	}
	if _, err := c.ReadSecret(); err != nil {
		bad = append(bad, err)
	}
	u, err := url.Parse(c.Hub.URL)
	if err != nil || u.Host == "" || !slices.Contains([]string{"mqtt", "tcp", "mqtts", "ssl", "tls"}, u.Scheme) {
		add("hub.url %q: want mqtt://host:port or mqtts://host:port", c.Hub.URL)
	} else if u.User != nil {
		add("hub.url must not carry a password: use secret_file")
	}
	if (c.Hub.Cert == "") != (c.Hub.Key == "") {
		add("hub.cert and hub.key go together")
	}
	if c.Hub.StateSec < 1 || c.Hub.StateSec > 300 {
		add("hub.state_sec %d: want 1 to 300", c.Hub.StateSec)
	}
	if c.Bus.URL == "" {
		add("bus.url is missing: a module or a capture file")
	}
	bad = append(bad, c.Bus.check()...)
	if _, err := c.Bus.Cast(); err != nil {
		bad = append(bad, err)
	}
	if c.Bus.AssumeCurrency != "" {
		if _, ok := listen.ISO(c.Bus.AssumeCurrency); !ok {
			add("bus.assume_currency %q: want RUB, EUR… or three digits", c.Bus.AssumeCurrency)
		}
	}
	if c.Bus.AssumeScale == 0 && c.Bus.AssumeDecimals != 0 || c.Bus.AssumeScale > 1<<16 || c.Bus.AssumeDecimals > 9 {
		add("bus.assume_scale %d and assume_decimals %d make no sense", c.Bus.AssumeScale, c.Bus.AssumeDecimals)
	}
	if f := c.Flight; f.Words < 0 || f.Words > 1<<20 || f.Files < 0 || f.Megabytes < 0 || f.Megabytes > 1<<20 {
		add("flight: words 0 to 1048576, files and megabytes not below 0")
	}
	for i, p := range c.Panels {
		if p.URL == "" || p.Width <= 0 || p.Height <= 0 || p.MM < 0 {
			add("panel %d: url, width and height are needed", i+1)
		}
	}
	if c.Audit.On() {
		if err := c.Audit.Source().Check(); err != nil {
			add("audit: %w", err)
		}
		if _, err := audit.ParseSchedule(c.Audit.Every, c.Audit.At); err != nil {
			add("audit: %w", err)
		}
	} else if c.Audit != (Audit{}) {
		add("audit.port is missing: a serial port or tcp://host:port")
	}
	if c.Lang != "ru" && c.Lang != "en" {
		add("lang %q: ru or en", c.Lang)
	}
	if !slices.Contains([]string{"debug", "info", "warn", "error"}, c.Log) {
		add("log %q: debug, info, warn or error", c.Log)
	}
	return bad
}

// ReadSecret gives the secret from where it is kept.
func (c Config) ReadSecret() (string, error) {
	switch {
	case c.Secret != "" && c.SecretFile != "":
		return "", errors.New("secret and secret_file: give one")
	case c.SecretFile != "":
		b, err := os.ReadFile(c.SecretFile)
		if err != nil {
			return "", fmt.Errorf("read secret_file: %w", err)
		}
		if s := strings.TrimSpace(string(b)); s != "" {
			return s, nil
		}
		return "", fmt.Errorf("secret_file %s is empty", c.SecretFile)
	case c.Secret == "":
		return "", errors.New("secret_file (or secret) is missing: the hub gives it when the agent is made")
	}
	return c.Secret, nil
}

// Every is the time between states.
func (h Hub) Every() time.Duration { return time.Duration(h.StateSec) * time.Second }
