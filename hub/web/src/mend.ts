// Where a named failure is mended: a page of the dashboard; null is outside it.
import type { Incident } from "./api";
import type { Live } from "./live.svelte";
import { w } from "./words.svelte";

export interface Place { href: string; word: string }

const waiting = new Set(["sale_held", "job_held", "message_quarantine", "seq_conflict", "class_c_waits"]);
const settings = new Set(["no_tax_profile"]);

export function mendAt(i: Pick<Incident, "subject" | "code">, live: Live): Place | null {
  const [kind, id = ""] = i.subject.split(/:(.*)/);
  if (waiting.has(i.code)) return { href: "#waiting", word: w().mendWaiting };
  if (settings.has(i.code)) return { href: "#settings", word: w().mendSettings };
  if (i.code.startsWith("ledger")) return { href: "#ledger", word: w().mendLedger };
  if (kind === "lane") return { href: `#lane/${id}`, word: w().mendLane };
  if (kind === "machine") return { href: `#machine/${id}`, word: w().mendMachine };
  if (kind === "seller") return { href: "#lanes", word: w().mendLane };
  if (kind === "agent") {
    const m = Object.values(live.machines).find((x) => x.agent?.id === id.split("/").at(-1));
    if (m) return { href: `#machine/${m.id}`, word: w().mendMachine };
  }
  return null; // the hub's own: its server, its disk, its clock
}
