// The hub's catalogue of stable codes, in the language of the page.
import { get, type Text } from "./api";
import { lang } from "./words.svelte";

const kept = $state<{ lang: string; byCode: Record<string, Text> }>({ lang: "", byCode: {} });

/** Loads the catalogue when the language is another one; called within an effect. */
export function loadTexts(): void {
  const of = lang();
  get<{ items: Text[] }>(`/api/v1/texts?lang=${of}`)
    .then((t) => Object.assign(kept, { lang: of, byCode: Object.fromEntries(t.items.map((x) => [x.code, x])) }))
    .catch(() => {});
}

export const title = (code?: string) => (code ? (kept.byCode[code]?.title ?? code) : "");
export const next = (code?: string) => (code ? (kept.byCode[code]?.next ?? "") : "");
