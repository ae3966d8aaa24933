// Words to waveforms and back. A word is 11 bits: start 0, nine data bits from
// the lowest, stop 1. Times of words are us, of edges ns.

export const BIT_NS = 1e9 / 9600;

/**
 * render gives the edges of words [{t (us), v (9 bits), stop (default 1), bit
 * (ns a bit)}] on an idle line, sorted; words must not overlap.
 */
export function render(words, bit = BIT_NS) {
  const edges = [];
  for (const w of words) {
    const ns = w.bit ?? bit, start = w.t * 1000;
    let level = 1;
    for (let i = 0; i < 11; i++) {
      const b = i === 0 ? 0 : i === 10 ? w.stop ?? 1 : (w.v >> (i - 1)) & 1;
      if (b !== level) edges.push({ t: start + i * ns, level: b });
      level = b;
    }
    if (level === 0) edges.push({ t: start + 11 * ns, level: 1 });
  }
  return edges;
}

/** Ear decodes a line's levels as a receiver of its own would, in the middle of bits. */
export class Ear {
  constructor(bit = BIT_NS) {
    this.bit = bit;
    this.level = true;
    this.edges = [];
    this.start = null;
    this.words = []; // {t (us), v, stop}
    this.last = -Infinity; // end of the last word, ns
  }
  edge(t, level) {
    this.advance(t);
    if (this.start === null && this.level && !level) {
      this.start = t;
      this.edges = [];
    }
    this.edges.push({ t, level });
    this.level = level;
  }
  /** advance says that nothing happened up to t, ns. */
  advance(t) {
    if (this.start === null || t < this.start + 10.5 * this.bit) return;
    const at = (x) => {
      let l = true;
      for (const e of this.edges) if (e.t <= x) l = e.level;
      return l ? 1 : 0;
    };
    let v = 0;
    for (let i = 0; i < 9; i++) v |= at(this.start + (1.5 + i) * this.bit) << i;
    this.words.push({ t: this.start / 1000, v, stop: at(this.start + 10.5 * this.bit) });
    this.last = this.start + 11 * this.bit;
    this.start = null;
  }
  take() { return this.words.splice(0); }
}
