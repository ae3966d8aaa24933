package demo

import (
	"os"
	"strings"
)

// words are what a demo says to people.
type words struct {
	starting, dashboard, kiosk, register, data, stop, stopping, draining, vends, receipts, queue, done, failed string
}

var russian = words{
	starting: "Запускаем кассу и хаб; автоматов с агентами: %d…", dashboard: "Панель оператора", kiosk: "Дисплей автомата",
	register: "Архив ФН кассы", data: "Данные", stop: "Ctrl-C: остановить. Следующий запуск продолжит с того же места.",
	stopping: "Автоматы заканчивают начатое…", draining: "Ждём, пока каждая продажа получит чек…",
	vends: "продаж", receipts: "чеков", queue: "в пути",
	done:   "Продаж %d, в журналах %d, в хабе %d, чеков %d, показано %d. Потеряно %d, задвоено %d.",
	failed: "Счёт не сошёлся:",
}

var english = words{
	starting: "Starting the register and the hub; machines with agents: %d…", dashboard: "Dashboard", kiosk: "Machine's display",
	register: "Register's FN archive", data: "Data", stop: "Ctrl-C stops. The next run goes on from here.",
	stopping: "Machines finish what they began…", draining: "Waiting until every sale has its receipt…",
	vends: "vends", receipts: "receipts", queue: "on the way",
	done:   "Vends %d, journaled %d, in the hub %d, receipts %d, shown %d. Lost %d, duplicated %d.",
	failed: "The count does not come out:",
}

// wordsFor picks a language: "ru", "en", or "" for the environment's, Russian
// unless it asks for English.
func wordsFor(lang string) words {
	if lang == "" {
		for _, v := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
			if lang = os.Getenv(v); lang != "" {
				break
			}
		}
	}
	if strings.HasPrefix(lang, "en") {
		return english
	}
	return russian
}
