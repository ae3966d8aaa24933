// The hub's public API, typed from its OpenAPI document.
import type { components } from "./api.gen";
import { lang } from "./words.svelte";

type Schemas = components["schemas"];
export type Summary = Schemas["Summary"];
export type OperatorSummary = Schemas["OperatorSummary"];
export type Machine = Schemas["Machine"];
export type Lane = Schemas["Lane"];
export type Unit = Schemas["Unit"];
export type Sale = Schemas["Sale"];
export type Incident = Schemas["Incident"];
export type Snapshot = Schemas["Snapshot"];
export type Takings = Schemas["Takings"];
export type TakingsSeries = Schemas["TakingsSeries"];
export type Quarantine = Schemas["Quarantine"];
export type Job = Schemas["Job"];
export type Receipt = Schemas["Receipt"];
export type Session = Schemas["Session"];
export type Problem = Schemas["Problem"];
export type Text = Schemas["Text"];
export type JobDetail = Schemas["JobDetail"];
export type SaleDetail = Schemas["SaleDetail"];
export type Ordered = Schemas["Ordered"];
export type FoundDocument = Schemas["FoundDocument"];
export type LaneSettings = Schemas["LaneSettings"];
export type LaneTest = Schemas["LaneTest"];
export type MachineDetail = Schemas["MachineDetail"];
export type Fiscalizer = Schemas["Fiscalizer"];
export type Audit = Schemas["Audit"];
export type Reconciliation = Schemas["Reconciliation"];
export type FlightList = Schemas["FlightList"];
export type Operator = Schemas["Operator"];
export type Seller = Schemas["Seller"];
export type Outlook = Schemas["Outlook"];
export type OutlookFinding = Schemas["OutlookFinding"];
export type FNReading = Schemas["FNReading"];
export type LedgerShift = Schemas["LedgerShift"];
export type LedgerLine = Schemas["LedgerLine"];
export type LedgerDay = Schemas["LedgerDay"];
export type LedgerParty = Schemas["LedgerParty"];
export type Column = Schemas["Column"];
export type List<T> = { items: T[]; next?: string };

/** An answer of the hub that says what went wrong and what to do next. */
export class HubError extends Error {
  constructor(readonly problem: Problem) {
    super(problem.detail || problem.title);
  }
}

async function ask<T>(method: string, path: string, body?: unknown): Promise<T> {
  const answer = await fetch(path, {
    method,
    credentials: "same-origin",
    headers: { "Accept-Language": lang(), ...(body === undefined ? {} : { "Content-Type": "application/json" }) },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  if (answer.status === 204) return undefined as T;
  const json = await answer.json().catch(() => null);
  if (!answer.ok) {
    throw new HubError(json ?? { type: "", title: answer.statusText, status: answer.status, code: "http", next: "" });
  }
  return json as T;
}

export const get = <T>(path: string) => ask<T>("GET", path);
export const post = <T>(path: string, body: unknown = {}) => ask<T>("POST", path, body);
export const patch = <T>(path: string, body: unknown) => ask<T>("PATCH", path, body);
export const put = <T>(path: string, body: unknown) => ask<T>("PUT", path, body);
export const del = (path: string) => ask<void>("DELETE", path);
