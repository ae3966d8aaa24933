// Frames of the link (docs/link.md) for the emulator's own tests.

export function crc16(bytes) {
  let c = 0xffff;
  for (const b of bytes) {
    c ^= b << 8;
    for (let i = 0; i < 8; i++) c = c & 0x8000 ? ((c << 1) ^ 0x1021) & 0xffff : c << 1;
  }
  return c;
}

export function encode(type, seq, body) {
  const raw = [type, seq, ...body];
  const c = crc16(raw);
  raw.push(c & 0xff, c >> 8);
  const out = [0];
  let code = 0;
  for (const b of raw) {
    if (b === 0) {
      out[code] = out.length - code;
      code = out.push(0) - 1;
    } else out.push(b);
  }
  out[code] = out.length - code;
  return [...out, 0];
}

/** Splitter gives the frames {type, seq, body} of a byte stream. */
export class Splitter {
  constructor() {
    this.buf = [];
    this.bad = 0;
  }
  push(bytes) {
    const frames = [];
    for (const b of bytes) {
      if (b !== 0) {
        this.buf.push(b);
        continue;
      }
      const wire = this.buf;
      this.buf = [];
      if (wire.length === 0) continue;
      const raw = [];
      for (let i = 0; i < wire.length; i += wire[i]) {
        raw.push(...wire.slice(i + 1, i + wire[i]));
        if (i + wire[i] < wire.length) raw.push(0);
      }
      if (raw.length < 4 || crc16(raw.slice(0, -2)) !== (raw.at(-2) | (raw.at(-1) << 8))) {
        this.bad++;
        continue;
      }
      frames.push({ type: raw[0], seq: raw[1], body: Buffer.from(raw.slice(2, -2)) });
    }
    return frames;
  }
}

/** words gives what WORDS_AT carries: [{n, t (us), w}]. */
export function words({ body }) {
  let n = Number(body.readBigUInt64LE(0)), t = Number(body.readBigUInt64LE(8));
  const out = [];
  for (let i = 16; i < body.length; i += 4) {
    t += body.readUInt16LE(i);
    out.push({ n: n++, t, w: body.readUInt16LE(i + 2) });
  }
  return out;
}

export function u64(v) {
  const b = Buffer.alloc(8);
  b.writeBigUInt64LE(BigInt(v));
  return [...b];
}
