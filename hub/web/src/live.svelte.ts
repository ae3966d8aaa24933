// What the hub tells as it happens: one snapshot, then deltas. After a break
// the browser connects again and the new snapshot replaces everything.
import type { Incident, Lane, Machine, Sale, Snapshot, Summary } from "./api";

const FEED = 60;

export class Live {
  connected = $state(false);
  summary = $state<Summary | null>(null);
  machines = $state<Record<string, Machine>>({});
  lanes = $state<Record<string, Lane>>({});
  sales = $state<Sale[]>([]);
  incidents = $state<Record<string, Incident>>({});
  now = $state(Date.now());
  #events: EventSource | null = null;
  #timer = 0;
  #retry = 0;

  start(operator: string): void {
    this.stop();
    this.#timer = window.setInterval(() => (this.now = Date.now()), 1000);
    this.#open(operator, 500);
  }

  #open(operator: string, delay: number): void {
    const source = new EventSource("/api/v1/live" + (operator ? `?operator=${encodeURIComponent(operator)}` : ""));
    this.#events = source;
    const on = <T>(name: string, take: (data: T) => void) =>
      source.addEventListener(name, (e) => take(JSON.parse((e as MessageEvent<string>).data) as T));
    source.onerror = () => {
      this.connected = false;
      source.close(); // the browser's own retry gives up on some answers; ours does not
      this.#retry = window.setTimeout(() => this.#open(operator, Math.min(delay * 2, 10_000)), delay);
    };
    on<Snapshot>("snapshot", (s) => {
      this.connected = true;
      delay = 500;
      this.summary = s.summary;
      this.machines = Object.fromEntries(s.machines.map((m) => [m.id, m]));
      this.lanes = Object.fromEntries(s.lanes.map((l) => [l.id, l]));
      this.sales = s.sales;
      this.incidents = Object.fromEntries(s.incidents.map((i) => [i.id, i]));
    });
    on<Summary>("summary", (s) => (this.summary = s));
    on<Machine>("machine", (m) => (this.machines[m.id] = m));
    on<Lane>("lane", (l) => (this.lanes[l.id] = l));
    on<Sale>("sale", (s) => {
      const at = this.sales.findIndex((x) => x.id === s.id);
      if (at >= 0) this.sales[at] = s;
      else this.sales = [s, ...this.sales].sort((a, b) => b.id - a.id).slice(0, FEED);
    });
    on<Incident>("incident", (i) => {
      if (i.closed_at) delete this.incidents[i.id];
      else this.incidents[i.id] = i;
    });
  }

  stop(): void {
    this.#events?.close();
    window.clearInterval(this.#timer);
    window.clearTimeout(this.#retry);
    this.connected = false;
  }
}
