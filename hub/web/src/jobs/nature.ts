// What a document says of money: its word, its sign and its colour, so that a
// refund or a correction is never taken for a sale.
import { code, money, w } from "../words.svelte";

export interface Nature { word: string; sign: 1 | -1; tone: "" | "bad" | "warn" | "soft" }

/** operation is tag 1054; 0 or undefined is not known or none. */
export function nature(purpose: string, operation?: number): Nature {
  const o = w().order;
  const back = operation === 2 || operation === 3 || (!operation && purpose === "refund");
  const word = [code("purpose", purpose), o.income, o.incomeReturn, o.expense, o.expenseReturn][operation ?? 0] ?? "";
  if (purpose === "correction") return { word: operation ? `${o.correction} · ${word}` : o.correction, sign: back ? -1 : 1, tone: "warn" };
  if (purpose.startsWith("shift")) return { word: code("purpose", purpose), sign: 1, tone: "soft" };
  return back ? { word: operation ? word : o.incomeReturn, sign: -1, tone: "bad" } : { word: operation ? word : o.income, sign: 1, tone: "" };
}

/** A sum with the sign of its document: −85 ₽ is a refund. */
export const signed = (n: Nature, kopecks: number): string => (n.sign < 0 ? "−" : "") + money(kopecks);
