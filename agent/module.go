package main

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/chekomat/chekomat/mdb/module"
)

func (m Main) moduleCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "module", Short: m.say("Модуль на шине: найти подключённый", "The module on the bus: find what is plugged in")}
	scan := &cobra.Command{
		Use: "scan [PORT…]", Short: m.say("Спросить последовательные порты, что к ним подключено", "Ask the serial ports what is plugged in"),
		Long: m.say(`Спрашивает каждый последовательный порт (или названные), что к нему подключено,
и печатает адрес для bus.url. Шине вопросы не мешают. Порт, занятый работающим
агентом, не трогает.`,
			`Asks every serial port (or those named) what is plugged in and prints the URL for
bus.url. The bus is not disturbed. A port a running agent uses is left alone.`),
	}
	asJSON := scan.Flags().Bool("json", false, m.say("ответ в JSON", "answer in JSON"))
	scan.RunE = func(cmd *cobra.Command, ports []string) error {
		found, err := module.Scan(cmd.Context(), ports...)
		if err != nil {
			return err
		}
		if *asJSON {
			if found == nil {
				found = []module.Found{}
			}
			return json.NewEncoder(m.Out).Encode(found)
		}
		if len(found) == 0 {
			_, err := fmt.Fprintln(m.Out, m.say("последовательных портов нет: модуль не подключён или нет прав (группа dialout)",
				"no serial ports: nothing is plugged in, or the rights are missing (group dialout)"))
			return err
		}
		for _, f := range found {
			if _, err := fmt.Fprintln(m.Out, m.foundText(f)); err != nil {
				return err
			}
		}
		return nil
	}
	cmd.AddCommand(scan, m.moduleInfoCommand(), m.moduleUpdateCommand(), m.moduleRebootCommand())
	return cmd
}

// foundText is one port for a person.
func (m Main) foundText(f module.Found) string {
	head := f.Port
	if f.USB != "" {
		head += " (" + f.USB + ")"
	}
	var what string
	switch f.Kind {
	case module.KindChekomat:
		what = m.say("модуль Chekomat", "Chekomat module")
		if f.Speaks {
			what += m.say(", умеет отвечать автомату (bus.role)", ", can answer the machine (bus.role)")
		} else {
			what += m.say(", только слушает", ", listens only")
		}
	case module.KindQibixx:
		what = "Qibixx MDB"
	case module.KindBusy:
		what = m.say("занят другой программой (работает агент?)", "in use by another program (an agent is running?)")
	case module.KindOther:
		what = m.say("что-то говорит, но неизвестно что", "says something nobody knows")
	case module.KindSilent:
		what = m.say("молчит (коробка Waferstar тоже молчит: waferstar://"+f.Port+")", "silent (a Waferstar box is silent too: waferstar://"+f.Port+")")
	default:
		what = m.say("не открывается", "can't be opened")
	}
	for _, more := range []string{f.Name, f.Problem} {
		if more != "" {
			what += "; " + more
		}
	}
	if f.URL != "" {
		what += "\n    bus.url: " + f.URL
	}
	return head + ": " + what
}
