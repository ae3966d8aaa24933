// Words of the pages in both languages, and how numbers, money and times are written.
import { codes } from "./words/codes";
import { en } from "./words/en";
import { ru } from "./words/ru";

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

/** A count with its word: one, few, many in Russian; one, more in English. */
export function counted(n: number, words: readonly string[]): string {
  const form = new Intl.PluralRules(locale()).select(n);
  return `${count(n)} ${words[form === "one" ? 0 : form === "few" ? 1 : words.length - 1]}`;
}

/** Times are shown in the operator's zone, which registers print too; with
 * operators of several zones in the browser's own. */
const place = $state<{ zone: string | undefined }>({ zone: undefined });
export const zone = () => place.zone;
export function setZone(name: string | undefined): void {
  place.zone = name;
}

/** An instant in the zone; digits without one (a register's clock, a day) as they are. */
function written(at: string, how: Intl.DateTimeFormatOptions): string {
  const instant = /T.*(Z|[+-]\d\d:\d\d)$/.test(at);
  const t = new Date(instant ? at : at.length > 10 ? `${at.slice(0, 19)}Z` : at);
  return t.toLocaleString(locale(), { timeZone: instant ? place.zone : "UTC", ...how });
}

const DAY = { day: "2-digit", month: "2-digit" } as const;
const MINUTE = { hour: "2-digit", minute: "2-digit" } as const;
export const clock = (at: string) => written(at, { ...MINUTE, second: "2-digit" });
export const dayAndTime = (at: string) => written(at, { ...DAY, ...MINUTE });
export const wall = (at: string) => written(at, { ...DAY, year: "numeric", ...MINUTE });
export const date = (at: string) => written(at, { ...DAY, year: "numeric" });

/** A day as people say it ("12 марта"), with the year when it is another one. */
export const dayOf = (at: string) =>
  written(at, { day: "numeric", month: "long", ...(at.slice(0, 4) === String(new Date().getFullYear()) ? {} : { year: "numeric" }) });

/** The instant of a wall clock's digits in the zone, as a field for date and time gives them. */
export function instant(digits: string): string {
  if (place.zone === undefined) return new Date(digits).toISOString();
  const wanted = Date.parse(`${digits}Z`);
  const shown = new Intl.DateTimeFormat("sv-SE", { timeZone: place.zone, dateStyle: "short", timeStyle: "medium" });
  let at = wanted;
  for (let again = 0; again < 2; again++) at += wanted - Date.parse(`${shown.format(at).replace(" ", "T")}Z`);
  return new Date(at).toISOString();
}

/** Minutes as a span: 90 min, 3 h, 2 d. */
export const span = (minutes: number): string => ago(new Date(0).toISOString(), minutes * 60_000);

/** A detail that programs wrote, with its instants in the zone and its codes as the catalogue says them. */
export const readable = (detail: string, title: (code: string) => string): string =>
  detail.replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, (at) => written(at, { ...DAY, ...MINUTE, second: "2-digit" })).replace(/^[a-z]+(_[a-z]+)+(?=:)/, title);

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
