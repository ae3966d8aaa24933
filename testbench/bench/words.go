package bench

import (
	"os"
	"strings"
)

// words are what the bench says to people.
type words struct {
	comma, ofPeer string
	heads         [7]string
	marks         map[string]string
	groups        map[string]string
	rows          map[string]string // by key; %s is the size or number
	units         map[string]string
	peers         map[string]string
	notes         map[string]string
	measuring     string
	all           string
}

var russian = words{
	comma: ",", ofPeer: "от соседнего",
	heads: [7]string{"Что", "Сколько", "Единица", "Бюджет", "Рядом", "Отношение", "Итог"},
	marks: map[string]string{MarkOK: "в норме", MarkOver: "ВНЕ БЮДЖЕТА", MarkFailed: "не измерено"},
	groups: map[string]string{
		groupWords: "Разбор шины", groupTLV: "Фискальные документы", groupRender: "Картинка чека", groupEmulator: "Эмулятор кассы",
		groupIngest: "Надёжный приём через MQTT", groupTill: "Задания на чеки", groupBusy: "Занятость кассы", groupStores: "PostgreSQL рядом с SQLite",
		groupVend: "От продажи до QR-кода на дисплее", groupAgent: "Агент на насыщенной шине",
	},
	rows: map[string]string{
		"framer": "слова → блоки, опросы", "framer_allocs": "  выделений памяти на слово",
		"recover_polls": "слова → продажи, опросы", "recover_polls_allocs": "  выделений памяти на слово",
		"recover_sales": "слова → продажи, продажи подряд", "recover_sales_allocs": "  выделений памяти на слово",
		"recover_exe_polls": "EXE: слова → продажи, опросы", "recover_exe_polls_allocs": "  выделений памяти на слово",
		"recover_exe_sales": "EXE: слова → продажи, продажи подряд", "recover_exe_sales_allocs": "  выделений памяти на слово",
		"ingest_pipelined": "с подтверждением, клиенты на пределе", "ingest_agents": "с подтверждением, клиенты как агенты", "ingest_paho": "с подтверждением, библиотека агентов", "ingest_jobs": "  то же до последнего задания",
		"till_1": "заданий, 1 касса без задержки", "till_64": "заданий, 64 кассы без задержки",
		"pool":              "заданий, пул касс по 350 мс: %s",
		"share_sellers_p50": "доля хаба, 500 продаж/с, 64 кассы: половина", "share_sellers_p99": "доля хаба, 500 продаж/с, 64 кассы: 99 %",
		"share_pool_p50": "то же одним пулом: половина", "share_pool_p99": "то же одним пулом: 99 %",
		"busy": "чеков при очереди, касса %s", "busy_bare": "  голый клиент рядом с пределом кассы",
		"store_sales": "продаж, агентов сразу: %s", "store_documents": "чеков с намерением следующего, касс сразу: %s",
		"tlv_parse": "разбор TLV-документа", "tlv_append": "запись TLV-документа", "compose": "чек из продажи",
		"render": "чек с QR, %s", "emulator": "голый клиент, касса без задержки", "emulator_driver": "драйвер, касса без задержки",
		"qr_p50": "касса %s: половина быстрее", "qr_p99": "касса %s: 99 %% быстрее",
		"hub_p50": "доля хаба (касса %s): половина", "hub_p99": "доля хаба (касса %s): 99 %%",
		"agent_rss": "память в ОЗУ (VmRSS)", "agent_own": "  из неё своя (RssAnon)", "agent_cpu": "процессор", "agent_wire": "байт на продажу, оба направления",
	},
	units: map[string]string{"words/s": "слов/с", "allocs": "шт.", "records/s": "записей/с", "jobs/s": "заданий/с", "receipts/s": "чеков/с",
		"docs/s": "док./с", "ms": "мс", "MB": "МБ", "%core": "% ядра", "bytes": "байт"},
	peers: map[string]string{"line": "линия на 9600 бод", "broker": "голый брокер", "inserts": "голые вставки", "fleet": "парк из бюджета, продаж/с",
		"bare": "голый клиент", "limit": "предел", "register": "касса", "real": "касса 350 мс", "registers": "столько касс могут", "sqlite": "SQLite"},
	notes: map[string]string{
		"allocs": "выделений %s, %s байт на операцию",
		"vends":  "продаж %d, автоматов %d; время по часам агента: от решающего слова до картинки",
		"hub":    "от прихода записи до чека в базе, вместе с кассой без задержки; нагрузка этого замера, не 500 продаж/с на 64 кассах",
		"share":  "от записи задания на диск до чека в базе без времени кассы; источник продаж в том же процессе",
		"row":    "чеков %d подряд; команд кассе на чек: %s, у голого клиента %s",
		"agent":  "%d с; слов %s в секунду по двум линиям, продаж %d",
		"wire":   "MQTT в TLS, %d продаж: вверх %d, вниз %d байт; пинги и состояния тоже",
	},
	measuring: "измеряем", all: "Ядер %d, загрузка перед началом %s. На занятой машине сравнивайте отношения, а не сами величины.",
}

var english = words{
	comma: ".", ofPeer: "of the peer",
	heads: [7]string{"What", "Figure", "Unit", "Budget", "Beside", "Ratio", "Mark"},
	marks: map[string]string{MarkOK: "ok", MarkOver: "OVER BUDGET", MarkFailed: "not measured"},
	groups: map[string]string{
		groupWords: "Decoding the bus", groupTLV: "Fiscal documents", groupRender: "Picture of a receipt", groupEmulator: "Register emulator",
		groupIngest: "Durable ingest through MQTT", groupTill: "Jobs of receipts", groupBusy: "Register kept busy", groupStores: "PostgreSQL beside SQLite",
		groupVend: "From vend to the QR code on the display", groupAgent: "Agent on a saturated bus",
	},
	rows: map[string]string{
		"framer": "words → blocks, polls", "framer_allocs": "  allocations a word",
		"recover_polls": "words → sales, polls", "recover_polls_allocs": "  allocations a word",
		"recover_sales": "words → sales, sale after sale", "recover_sales_allocs": "  allocations a word",
		"recover_exe_polls": "EXE: words → sales, polls", "recover_exe_polls_allocs": "  allocations a word",
		"recover_exe_sales": "EXE: words → sales, sale after sale", "recover_exe_sales_allocs": "  allocations a word",
		"ingest_pipelined": "with an ack, clients as fast as can be", "ingest_agents": "with an ack, clients as agents send", "ingest_paho": "with an ack, agents' own library", "ingest_jobs": "  the same up to the last job",
		"till_1": "jobs, 1 register of no delay", "till_64": "jobs, 64 registers of no delay",
		"pool":              "jobs, pool of 350 ms registers: %s",
		"share_sellers_p50": "hub's share, 500 sales/s, 64 registers: half", "share_sellers_p99": "hub's share, 500 sales/s, 64 registers: 99%",
		"share_pool_p50": "the same in one pool: half", "share_pool_p99": "the same in one pool: 99%",
		"busy": "receipts with a backlog, register of %s", "busy_bare": "  a bare client beside the register's limit",
		"store_sales": "sales, agents at once: %s", "store_documents": "receipts with the next intent, registers at once: %s",
		"tlv_parse": "parse a TLV document", "tlv_append": "write a TLV document", "compose": "receipt of a sale",
		"render": "receipt with QR, %s", "emulator": "bare client, register of no delay", "emulator_driver": "driver, register of no delay",
		"qr_p50": "register of %s: half are faster", "qr_p99": "register of %s: 99%% are faster",
		"hub_p50": "hub's share (register of %s): half", "hub_p99": "hub's share (register of %s): 99%%",
		"agent_rss": "resident memory (VmRSS)", "agent_own": "  of it its own (RssAnon)", "agent_cpu": "processor", "agent_wire": "bytes a sale, both ways",
	},
	units: map[string]string{"words/s": "words/s", "allocs": "allocs", "records/s": "records/s", "jobs/s": "jobs/s", "receipts/s": "receipts/s",
		"docs/s": "docs/s", "ms": "ms", "MB": "MB", "%core": "% of a core", "bytes": "bytes"},
	peers: map[string]string{"line": "a line at 9600 baud", "broker": "bare broker", "inserts": "bare inserts", "fleet": "the budget's fleet, sales/s",
		"bare": "bare client", "limit": "limit", "register": "register", "real": "a 350 ms register", "registers": "so many registers can", "sqlite": "SQLite"},
	notes: map[string]string{
		"allocs": "%s allocations, %s bytes each",
		"vends":  "%d vends of %d machines; by the agent's clock, from the deciding word to the picture",
		"hub":    "from the record's arrival to the receipt in the database, a register of no delay included; at this load, not 500 sales/s over 64 registers",
		"share":  "from the job's commit to the receipt in the database, the register's time apart; the sales come from the same process",
		"row":    "%d receipts in a row; commands to the register a receipt: %s, of the bare client %s",
		"agent":  "%d s; %s words/s on two lines, %d sales",
		"wire":   "MQTT in TLS, %d sales: %d up, %d bytes down; pings and states too",
	},
	measuring: "measuring", all: "%d cores, load before the start %s. On a busy computer compare the ratios, not the figures.",
}

// wordsFor picks a language: "ru", "en", or "" for the environment's, Russian
// unless it asks for English.
func wordsFor(lang string) *words {
	if lang == "" {
		for _, v := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
			if lang = os.Getenv(v); lang != "" {
				break
			}
		}
	}
	if strings.HasPrefix(lang, "en") {
		return &english
	}
	return &russian
}
