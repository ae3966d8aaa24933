package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/chekomat/chekomat/mdb/module"
	"github.com/chekomat/chekomat/mdb/module/link"
)

// capabilities of a module as HELLO names them, in the order of their bits.
var capabilities = [...]struct{ name, ru, en string }{
	{"mdb_listen", "слушает MDB", "listens to MDB"},
	{"mdb_peripheral", "отвечает на MDB", "answers on MDB"},
	{"exe_listen", "слушает EXE", "listens to EXE"},
	{"exe_peripheral", "отвечает на EXE", "answers on EXE"},
	{"outputs", "выходы", "outputs"},
	{"supply_sense", "измеряет питание шины", "measures the bus supply"},
	{"update", "обновляется по линии", "takes updates over the link"},
	{"usb_boot", "загрузка по USB", "USB boot"},
	{"no_times", "без меток времени", "no time stamps"},
}

// moduleInfo is what `module info --json` prints.
type moduleInfo struct {
	URL          string       `json:"url"`
	Protocol     string       `json:"protocol"`
	Firmware     string       `json:"firmware"`
	Hardware     string       `json:"hardware"` // board and its revision
	ID           string       `json:"id"`
	Boot         string       `json:"boot,omitempty"` // id of this run
	UptimeMS     uint32       `json:"uptime_ms"`
	Capabilities []string     `json:"capabilities"`
	Mode         uint8        `json:"mode"` // 0 listens, 1 MDB peripheral
	Outputs      uint8        `json:"outputs"`
	Kept         uint64       `json:"kept"` // words waiting in its ring
	Counters     *lineReports `json:"counters,omitempty"`
}

type lineReports struct {
	Lines          map[string]lineReport `json:"lines"`
	RecordsDropped uint16                `json:"records_dropped"`
	FramesDropped  uint16                `json:"frames_dropped"`
	HostCRCErrors  uint16                `json:"host_crc_errors"`
	SupplyMV       uint16                `json:"supply_mv"`
}

type lineReport struct {
	Words    uint32 `json:"words"`
	Framing  uint16 `json:"framing_errors"`
	Breaks   uint16 `json:"breaks"`
	Overruns uint16 `json:"overruns"`
}

var lineNames = [4]string{"mdb_master", "mdb_slaves", "exe_master", "exe_slave"}

func infoOf(address string, h link.Hello) moduleInfo {
	in := moduleInfo{URL: address, Protocol: fmt.Sprintf("%d.%d", h.Major, h.Minor),
		Firmware: link.VersionText([3]byte{h.FwMajor, h.FwMinor, h.Patch}), Hardware: fmt.Sprintf("%d.%d", h.Hardware, h.Revision),
		ID: fmt.Sprintf("%x", h.ID), UptimeMS: h.Uptime, Capabilities: []string{}, Mode: h.Mode, Outputs: h.Outputs, Kept: h.Next - h.Oldest}
	if h.Boot != 0 {
		in.Boot = fmt.Sprintf("%016x", h.Boot)
	}
	for i, c := range capabilities {
		if h.Capabilities&(1<<i) != 0 {
			in.Capabilities = append(in.Capabilities, c.name)
		}
	}
	return in
}

func (in *moduleInfo) count(b link.Heartbeat) {
	in.Counters = &lineReports{Lines: map[string]lineReport{}, RecordsDropped: b.RecordsDropped, FramesDropped: b.FramesDropped, HostCRCErrors: b.HostCRCErrors, SupplyMV: b.Supply}
	for i, l := range b.Lines {
		in.Counters.Lines[lineNames[i]] = lineReport(l)
	}
}

func (m Main) moduleInfoCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "info URL", Args: cobra.ExactArgs(1),
		Short: m.say("Что за модуль, его версия и счётчики", "What the module is, its version and counters"),
		Long: m.say(`Спрашивает модуль о нём самом и ждёт его счётчиков (раз в секунду). Слов он от этого
не теряет. URL — как bus.url: chekomat:///dev/ttyACM0 или chekomat+tcp://адрес:порт.
Последовательный порт служит одной программе: работающий агент сначала остановите.`,
			`Asks the module about itself and waits for its counters (once a second). It loses no
words by that. URL as bus.url: chekomat:///dev/ttyACM0 or chekomat+tcp://host:port.
A serial port serves one program: stop a running agent first.`),
	}
	asJSON := cmd.Flags().Bool("json", false, m.say("ответ в JSON", "answer in JSON"))
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, err := module.Attend(cmd.Context(), args[0])
		if err != nil {
			return err
		}
		defer c.Close()
		in := infoOf(args[0], c.Hello())
		beat, err := c.Heartbeat(cmd.Context())
		if err == nil {
			in.count(beat)
		} else if !errors.Is(err, link.ErrSilent) {
			return err
		}
		if *asJSON {
			return json.NewEncoder(m.Out).Encode(in)
		}
		_, err = fmt.Fprint(m.Out, m.infoText(in))
		return err
	}
	return cmd
}

func (m Main) infoText(in moduleInfo) string {
	var b strings.Builder
	can := make([]string, 0, len(in.Capabilities))
	for _, name := range in.Capabilities {
		for _, c := range capabilities {
			if c.name == name {
				can = append(can, m.say(c.ru, c.en))
			}
		}
	}
	mode := m.say("слушает", "listens")
	if in.Mode != 0 {
		mode = m.say("отвечает автомату", "answers the machine")
	}
	fmt.Fprintf(&b, m.say("модуль %s, плата %s, прошивка %s, протокол %s\n", "module %s, board %s, firmware %s, protocol %s\n"), in.ID, in.Hardware, in.Firmware, in.Protocol)
	fmt.Fprintf(&b, m.say("работает %s, %s, слов в запасе %d\n", "up %s, %s, words kept %d\n"), (time.Duration(in.UptimeMS) * time.Millisecond).Round(time.Second), mode, in.Kept)
	fmt.Fprintf(&b, m.say("умеет: %s\n", "can: %s\n"), strings.Join(can, ", "))
	if in.Counters == nil {
		b.WriteString(m.say("счётчиков не прислал\n", "sent no counters\n"))
		return b.String()
	}
	fmt.Fprintf(&b, "%-12s %10s %8s %8s %8s\n", m.say("линия", "line"), m.say("слова", "words"), m.say("кадры", "framing"), m.say("обрывы", "breaks"), m.say("потери", "overruns"))
	for _, name := range lineNames {
		l := in.Counters.Lines[name]
		fmt.Fprintf(&b, "%-12s %10d %8d %8d %8d\n", name, l.Words, l.Framing, l.Breaks, l.Overruns)
	}
	fmt.Fprintf(&b, m.say("пропущено записей %d, кадров %d; ошибок CRC от нас %d; питание шины %d мВ\n",
		"records dropped %d, frames %d; CRC errors from us %d; bus supply %d mV\n"),
		in.Counters.RecordsDropped, in.Counters.FramesDropped, in.Counters.HostCRCErrors, in.Counters.SupplyMV)
	return b.String()
}

func (m Main) moduleUpdateCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "update URL FILE.img", Args: cobra.ExactArgs(2),
		Short: m.say("Прошить модуль по линии", "Give the module new firmware over the link"),
		Long: m.say(`FILE.img — файл обновления из сборки прошивки (firmware/build/chekomat.img).
Проверяет его, пишет его во вторую область модуля, там он проверяется ещё раз, и
только потом модуль перезапускается. Если новая прошивка не отзовётся, модуль сам
вернётся к прежней: команда скажет об этом и выйдет с кодом 1. Пока модуль
перезапускается (секунды), шину никто не слушает: обновляйте, когда автомат стоит.`,
			`FILE.img is the update file of a firmware build (firmware/build/chekomat.img).
Checks it, writes it into the module's second slot, where it is verified again,
and only then restarts the module. When the new firmware does not greet, the module
goes back by itself: the command says so and exits with 1. While the module restarts
(seconds) nobody listens to the bus: update while the machine stands idle.`),
	}
	asJSON := cmd.Flags().Bool("json", false, m.say("ответ в JSON", "answer in JSON"))
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		image, err := os.ReadFile(args[1])
		if err != nil {
			return fmt.Errorf("%s: %w", m.say("прочитать прошивку", "read the firmware"), err)
		}
		said := -1
		up, err := module.Update(cmd.Context(), args[0], image, func(done, whole int) {
			// The agent carries no library for a bar: a percentage in place does.
			if percent := done * 100 / whole; percent != said {
				said = percent
				fmt.Fprintf(m.Err, "\r%s %3d %%", m.say("запись", "writing"), percent)
			}
			if done == whole {
				fmt.Fprintf(m.Err, "\n%s\n", m.say("записано; модуль перезапускается", "written; the module restarts"))
			}
		})
		if err != nil {
			return err
		}
		if *asJSON {
			return json.NewEncoder(m.Out).Encode(struct {
				URL  string `json:"url"`
				From string `json:"from"`
				To   string `json:"to"`
			}{args[0], link.VersionText(up.From), link.VersionText(up.To)})
		}
		_, err = fmt.Fprintf(m.Out, m.say("прошивка %s работает вместо %s\n", "firmware %s runs in place of %s\n"), link.VersionText(up.To), link.VersionText(up.From))
		return err
	}
	return cmd
}

func (m Main) moduleRebootCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "reboot URL", Args: cobra.ExactArgs(1),
		Short: m.say("Перезапустить модуль", "Restart the module"),
		Long: m.say(`Перезапускает модуль и ждёт, пока он отзовётся. С --usb модуль уходит в загрузчик
микросхемы: на компьютере появится диск, на который копируют файл .uf2.`,
			`Restarts the module and waits until it greets. With --usb it goes into the chip's own
boot loader: a disk appears on the computer, copy a .uf2 file to it.`),
	}
	usb := cmd.Flags().Bool("usb", false, m.say("в загрузчик USB", "into USB boot"))
	asJSON := cmd.Flags().Bool("json", false, m.say("ответ в JSON", "answer in JSON"))
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, err := module.Attend(cmd.Context(), args[0])
		if err != nil {
			return err
		}
		was := c.Hello()
		err = c.Reboot(cmd.Context(), *usb)
		c.Close()
		if err != nil {
			return err
		}
		if *usb {
			if *asJSON {
				return json.NewEncoder(m.Out).Encode(map[string]string{"url": args[0], "boot": "usb"})
			}
			_, err = fmt.Fprintln(m.Out, m.say("модуль в загрузчике USB", "the module is in USB boot"))
			return err
		}
		h, err := module.Greeted(cmd.Context(), args[0], was.Boot)
		if err != nil {
			return fmt.Errorf("%s: %w", m.say("после перезапуска", "after the restart"), err)
		}
		in := infoOf(args[0], h)
		if *asJSON {
			return json.NewEncoder(m.Out).Encode(in)
		}
		_, err = fmt.Fprint(m.Out, m.infoText(in))
		return err
	}
	return cmd
}
