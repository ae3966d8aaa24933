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

export const clock = (at: string) => new Date(at).toLocaleTimeString(locale());

export const dayAndTime = (at: string) =>
  new Date(at).toLocaleString(locale(), { day: "2-digit", month: "2-digit", hour: "2-digit", minute: "2-digit" });

/** A day as people say it ("12 марта"), with the year when it is another one. */
export function dayOf(at: string): string {
  const d = new Date(at);
  return d.toLocaleDateString(locale(), { day: "numeric", month: "long", ...(d.getFullYear() === new Date().getFullYear() ? {} : { year: "numeric" }) });
}

/** Minutes as a span: 90 min, 3 h, 2 d. */
export const span = (minutes: number): string => ago(new Date(0).toISOString(), minutes * 60_000);

/** A register's wall clock, which has no zone, as people write a time. */
export const wall = (at: string): string =>
  new Date(`${at.slice(0, 19)}Z`).toLocaleString(locale(), { timeZone: "UTC", day: "2-digit", month: "2-digit", year: "numeric", hour: "2-digit", minute: "2-digit" });

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
