// Dialogs that are open, the last on top: any page may open any of them.
import type { Receipt, Sale } from "./api";

export type Order = { what: "refund" | "repair"; receipt: Receipt } | { what: "correct"; sale: Sale };
export type Opened =
  | { kind: "job"; id: string }
  | { kind: "receipt"; fn: string; fd: number }
  | { kind: "sale"; id: number }
  | { kind: "order"; order: Order };

export const opened = $state<Opened[]>([]);

export const show = (o: Opened): void => void opened.push(o);

/** Closes a dialog and those that stand on it. */
export const shut = (at: number): void => void opened.splice(at);
