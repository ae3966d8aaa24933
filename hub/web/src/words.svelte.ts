// Words of the pages in both languages, and how numbers, money and times are written.

const ru = {
  now: "Сейчас", waiting: "Ждут решения", receipts: "Чеки", signOut: "Выйти", language: "English",
  token: "Токен доступа", signIn: "Войти", tokenHint: "Токен лежит в файле token в папке данных хаба; его печатает и команда «hub token create».",
  live: "на связи", reconnecting: "нет связи с хабом, пробуем снова…",
  today: "Сегодня", sales: "продаж", receiptsMade: "чеков", cash: "наличными", queue: "В очереди", oldest: "старшей", onTheWay: "на пути к чеку",
  speed: "От продажи до чека", agents: "Агенты на связи", incidents: "Происшествия", alarms: "тревог", none: "нет",
  machines: "Автоматы", feed: "Лента продаж", registers: "Кассы", takingsToday: "Выручка по часам", hour: "Час", noSales: "Продаж ещё не было",
  noMachines: "Автоматов ещё нет: заведите их через API или запустите make demo", noIncidents: "Происшествий нет", noLanes: "Касс ещё нет",
  machine: "Автомат", lastSale: "последняя продажа", never: "не было", held: "ждут решения", waitingShort: "в очереди",
  shift: "Смена", open: "открыта", closed: "закрыта", since: "с", fn: "ФН", until: "до", lastFD: "последний ФД", unsent: "не передано в ОФД",
  validTill: "ключи до", serial: "ЗН ККТ", rnm: "РНМ", ffd: "ФФД", foreign: "чужих документов", test: "тестовый ФН", testReceipt: "ТЕСТ",
  shown: "показан через", notShown: "не показан", qr: "QR чека", close: "Закрыть", scan: "Наведите камеру: это тот же QR, что на дисплее автомата",
  heldSales: "Продажи без чека", quarantine: "Карантин сообщений", jobsHeld: "Чеки, которые ждут человека",
  nothingWaits: "Ничего не ждёт решения", retry: "Попробовать снова", retryAll: "Попробовать все снова", promote: "Сделать чек", drop: "Снять",
  retake: "Принять снова", aside: "Отложить", why: "Почему (останется в истории)", cancel: "Отмена", do: "Выполнить",
  find: "Найти чек", fnNumber: "Номер ФН", fdNumber: "Номер ФД", day: "День", sum: "Сумма, ₽", search: "Найти", nothingFound: "Ничего не найдено",
  column: "ячейка", unknownItem: "товар неизвестен", amountUnknown: "сумма неизвестна", class: "класс", times: "раз", unit: "шт.",
  missing: "дыр в журналах", lastDays: "За последнюю минуту",
};
const en: typeof ru = {
  now: "Now", waiting: "Needs a person", receipts: "Receipts", signOut: "Sign out", language: "Русский",
  token: "Access token", signIn: "Sign in", tokenHint: "The token is in the file “token” of the hub's data folder; “hub token create” prints one too.",
  live: "live", reconnecting: "no link to the hub, trying again…",
  today: "Today", sales: "sales", receiptsMade: "receipts", cash: "in cash", queue: "In the queue", oldest: "oldest", onTheWay: "on the way to a receipt",
  speed: "Sale to receipt", agents: "Agents online", incidents: "Incidents", alarms: "alarms", none: "none",
  machines: "Machines", feed: "Sales", registers: "Registers", takingsToday: "Takings by hour", hour: "Hour", noSales: "No sales yet",
  noMachines: "No machines yet: make them through the API or run make demo", noIncidents: "No incidents", noLanes: "No registers yet",
  machine: "Machine", lastSale: "last sale", never: "never", held: "need a person", waitingShort: "queued",
  shift: "Shift", open: "open", closed: "closed", since: "since", fn: "FN", until: "until", lastFD: "last FD", unsent: "not sent to the OFD",
  validTill: "keys until", serial: "Serial", rnm: "RNM", ffd: "FFD", foreign: "foreign documents", test: "test FN", testReceipt: "TEST",
  shown: "shown after", notShown: "not shown", qr: "Receipt's QR", close: "Close", scan: "Point a camera at it: the same QR as on the machine's display",
  heldSales: "Sales without a receipt", quarantine: "Quarantined messages", jobsHeld: "Receipts that need a person",
  nothingWaits: "Nothing waits for a person", retry: "Try again", retryAll: "Try all again", promote: "Make a receipt", drop: "Drop",
  retake: "Take in again", aside: "Put aside", why: "Why (kept in the history)", cancel: "Cancel", do: "Do it",
  find: "Find a receipt", fnNumber: "FN number", fdNumber: "FD number", day: "Day", sum: "Sum, ₽", search: "Find", nothingFound: "Nothing found",
  column: "column", unknownItem: "unknown goods", amountUnknown: "sum unknown", class: "class", times: "times", unit: "pcs",
  missing: "holes in journals", lastDays: "Over the last minute",
};

const codes = {
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
} as const;

type Lang = "ru" | "en";
const kept = localStorage.getItem("lang");
const state = $state({ lang: (kept === "en" || kept === "ru" ? kept : navigator.language.startsWith("ru") || !navigator.language.startsWith("en") ? "ru" : "en") as Lang });

export const lang = () => state.lang;
export const w = () => (state.lang === "ru" ? ru : en);

export function switchLang(): void {
  state.lang = state.lang === "ru" ? "en" : "ru";
  localStorage.setItem("lang", state.lang);
  document.documentElement.lang = state.lang;
}

/** The word for a stable code; the code itself when there is none. */
export function code(group: keyof typeof codes, c: string): string {
  return (codes[group][state.lang] as Record<string, string>)[c] ?? c;
}

const locale = () => (state.lang === "ru" ? "ru-RU" : "en-GB");

/** Kopecks as roubles: the only place where money is divided, for the eye alone. */
export function money(kopecks: number): string {
  const whole = Math.trunc(kopecks / 100);
  const rest = Math.abs(kopecks % 100);
  const sign = kopecks < 0 && whole === 0 ? "−" : "";
  const roubles = sign + whole.toLocaleString(locale());
  return rest === 0 ? `${roubles} ₽` : `${roubles}${state.lang === "ru" ? "," : "."}${String(rest).padStart(2, "0")} ₽`;
}

export const count = (n: number) => n.toLocaleString(locale());

export const clock = (at: string) => new Date(at).toLocaleTimeString(locale());

export const dayAndTime = (at: string) =>
  new Date(at).toLocaleString(locale(), { day: "2-digit", month: "2-digit", hour: "2-digit", minute: "2-digit" });

export const date = (at: string) => new Date(at).toLocaleDateString(locale());

/** How long ago, in the largest unit that says something. */
export function ago(at: string, now: number): string {
  const s = Math.max(0, Math.round((now - Date.parse(at)) / 1000));
  const u = state.lang === "ru" ? ["с", "мин", "ч", "дн."] : ["s", "min", "h", "d"];
  if (s < 60) return `${s} ${u[0]}`;
  if (s < 3600) return `${Math.round(s / 60)} ${u[1]}`;
  if (s < 86400) return `${Math.round(s / 3600)} ${u[2]}`;
  return `${Math.round(s / 86400)} ${u[3]}`;
}

export function seconds(ms: number): string {
  const unit = state.lang === "ru" ? ["мс", "с"] : ["ms", "s"];
  return ms < 1000 ? `${Math.round(ms)} ${unit[0]}` : `${(ms / 1000).toLocaleString(locale(), { maximumFractionDigits: 1 })} ${unit[1]}`;
}
