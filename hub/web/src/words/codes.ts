// Words for stable codes where one or two are wanted; the catalogue of texts
// (GET /api/v1/texts) has whole sentences.
export const codes = {
  machine: {
    ru: { ok: "работает", waiting: "ждёт кассу", held: "есть вопросы", display_dead: "дисплей не отвечает", stopped: "не продаёт", silent: "нет связи", no_agent: "нет агента" },
    en: { ok: "working", waiting: "waits for a register", held: "has questions", display_dead: "display is dead", stopped: "not selling", silent: "silent", no_agent: "no agent" },
  },
  lane: {
    ru: { starting: "запускается", ok: "работает", busy: "занята", unreachable: "нет связи", shift: "смена", fn_full: "ФН заполнен", fn_life_over: "срок ФН вышел", config: "настройка", ambiguous: "выясняется исход", manual: "ждёт человека", disabled: "выключена" },
    en: { starting: "starting", ok: "working", busy: "busy", unreachable: "unreachable", shift: "shift", fn_full: "FN full", fn_life_over: "FN expired", config: "configuration", ambiguous: "settling", manual: "needs a person", disabled: "disabled" },
  },
  job: {
    ru: { queued: "в очереди", in_flight: "пробивается", resolving: "выясняется", done: "чек", held: "ждёт человека", void: "отменён" },
    en: { queued: "queued", in_flight: "being made", resolving: "settling", done: "receipt", held: "needs a person", void: "void" },
  },
  fate: {
    ru: { job: "в работе", held: "без чека: ждёт решения", none: "чек не нужен", note: "заметка" },
    en: { job: "in work", held: "no receipt: needs a person", none: "no receipt needed", note: "note" },
  },
  purpose: {
    ru: { receipt: "чек", refund: "возврат", correction: "коррекция", shift_open: "открытие смены", shift_close: "закрытие смены" },
    en: { receipt: "receipt", refund: "refund", correction: "correction", shift_open: "shift opened", shift_close: "shift closed" },
  },
  source: {
    ru: { cash: "наличные", reader1: "карта", reader2: "карта · второй терминал" },
    en: { cash: "cash", reader1: "card", reader2: "card · second reader" },
  },
  kind: {
    ru: { sale: "продажа", reversal: "сторно", return: "возврат", topup: "пополнение", incident: "происшествие", evidence: "уточнение", gap: "не слышали шину" },
    en: { sale: "sale", reversal: "reversal", return: "return", topup: "top-up", incident: "incident", evidence: "evidence", gap: "bus not heard" },
  },
  actor: {
    ru: { ingest: "приём записей", till: "касса" },
    en: { ingest: "intake of records", till: "till" },
  },
  attempt: {
    ru: { intent: "записана", sent: "послана", resolving: "выясняется", done: "сделана", not_printed: "не сделана" },
    en: { intent: "recorded", sent: "sent", resolving: "settling", done: "made", not_printed: "not made" },
  },
  payment: {
    ru: { cash: "наличными", ecash: "безналично", prepaid: "зачёт аванса", credit: "в кредит", provision: "встречное" },
    en: { cash: "cash", ecash: "cashless", prepaid: "from an advance", credit: "credit", provision: "in kind" },
  },
  vat: {
    ru: { 1: "НДС 20%", 2: "НДС 10%", 3: "НДС 20/120", 4: "НДС 10/110", 5: "НДС 0%", 6: "без НДС", 7: "НДС 5%", 8: "НДС 7%", 9: "НДС 5/105", 10: "НДС 7/107", 11: "НДС 22%", 12: "НДС 22/122" },
    en: { 1: "VAT 20%", 2: "VAT 10%", 3: "VAT 20/120", 4: "VAT 10/110", 5: "VAT 0%", 6: "no VAT", 7: "VAT 5%", 8: "VAT 7%", 9: "VAT 5/105", 10: "VAT 7/107", 11: "VAT 22%", 12: "VAT 22/122" },
  },
  rate: {
    ru: { standard: "общая", "10": "10 %", "5": "5 %", "7": "7 %", "0": "0 %", none: "без НДС" },
    en: { standard: "general", "10": "10 %", "5": "5 %", "7": "7 %", "0": "0 %", none: "no VAT" },
  },
  system: {
    ru: { osn: "ОСН", usn_income: "УСН доход", usn_income_cost: "УСН доход минус расход", eshn: "ЕСХН", psn: "Патент" },
    en: { osn: "OSN (general)", usn_income: "USN income", usn_income_cost: "USN income less cost", eshn: "ESHN", psn: "PSN (patent)" },
  },
  outcome: {
    ru: { agree: "сходится", differ: "не сходится", unknown: "неизвестно" },
    en: { agree: "agrees", differ: "differs", unknown: "unknown" },
  },
  counted: {
    ru: { all: "всё", cash: "наличные", cashless1: "терминал 1", cashless2: "терминал 2", tokens: "жетоны" },
    en: { all: "all", cash: "cash", cashless1: "reader 1", cashless2: "reader 2", tokens: "tokens" },
  },
  asked: {
    ru: { asked: "ждём агента", done: "получено", failed: "не вышло", expired: "агент не ответил" },
    en: { asked: "waiting for the agent", done: "received", failed: "failed", expired: "the agent did not answer" },
  },
} as const;
