// What the tests stand on: a booted chip, its host, and a VMC that talks.
import { readFileSync } from 'node:fs';
import { Chip } from '../chip.mjs';
import { Splitter, encode, u64, words } from '../link.mjs';
import { Ear, render } from '../wave.mjs';

export const IMAGE = new URL('../../build/chekomat.bin', import.meta.url);
export const UPDATE = new URL('../../build/chekomat.img', import.meta.url); // 1.0.0
export const NEXT = new URL('../../build/next.img', import.meta.url); // 1.0.9

export const T = {
  HELLO: 0x01, HEARTBEAT: 0x03, EVENT: 0x04, RESULT: 0x05, REPORT: 0x06, LOG: 0x07, PONG: 0x08, WORDS: 0x09, RESUMED: 0x0a, NOW: 0x0b,
  HELLO_REQ: 0x80, SET_MODE: 0x81, SET_OUTPUTS: 0x82, PING: 0x83, REPLY_SET: 0x84, REPLY_CLEAR: 0x85, POLL_QUEUE: 0x86,
  LINE_CONFIG: 0x87, RESUME: 0x88, KEEP: 0x89, SAFE_OUTPUTS: 0x8a, REBOOT: 0x8e, FW_BEGIN: 0x90, FW_DATA: 0x91, FW_COMMIT: 0x92, FW_ABORT: 0x93,
};

export class Bench {
  constructor(settings = {}) {
    this.chip = new Chip({ image: readFileSync(IMAGE), ...settings });
    this.link = settings.usb ? 'usb' : 'uart';
    this.splitters = { uart: new Splitter(), usb: new Splitter() };
    this.frames = [];
    this.words = []; // what the host got, in order
    this.said = [];  // what the module said, with the time it ended
    this.ear = new Ear();
    this.outputs = [];
    this.seq = 0;
    this.cut = (b) => b;
    this.chip.onHost = (t, link, bytes) => {
      for (const f of this.splitters[link].push(this.cut(bytes))) {
        f.t = t / 1000;
        f.link = link;
        this.frames.push(f);
        if (f.type === T.WORDS) this.words.push(...words(f));
      }
    };
    this.chip.onOutput = (t, pin, level) => {
      if (pin === 6) this.ear.edge(t, level);
      else this.outputs.push({ t: t / 1000, pin, level: level ? 1 : 0 });
    };
    this.run(100);
  }

  get now() { return this.chip.now / 1000; }

  /** run lets ms pass. */
  run(ms) {
    this.chip.run(this.chip.now + ms * 1e6);
    this.ear.advance(this.chip.now);
    this.said.push(...this.ear.take());
  }

  send(type, ...body) {
    this.seq = (this.seq + 1) & 0xff;
    this.chip[this.link].send(encode(type, this.seq, body));
    return this.seq;
  }

  /** ask sends a command and gives its status. */
  ask(type, ...body) {
    const before = this.frames.length, seq = this.send(type, ...body);
    for (let i = 0; i < 400; i++) {
      this.run(1);
      const f = this.frames.slice(before).find((x) => x.type === T.RESULT && x.body[0] === type && x.body[1] === seq);
      if (f !== undefined) return f.body[2];
    }
    throw new Error(`no answer to command ${type.toString(16)}`);
  }

  of(type) { return this.frames.filter((f) => f.type === type); }

  /** hello greets the module and gives what it says of itself. */
  hello() {
    const before = this.of(T.HELLO).length;
    this.send(T.HELLO_REQ, 1, 1);
    this.run(10);
    const b = this.of(T.HELLO).slice(before).at(-1)?.body;
    if (b === undefined) throw new Error('no HELLO');
    return {
      version: [...b.subarray(4, 7)].join('.'), reason: b[7], id: b.subarray(12, 20).toString('hex'), uptime: b.readUInt32LE(20),
      mode: b[28], outputs: b[29], boot: b.readBigUInt64LE(32), oldest: Number(b.readBigUInt64LE(40)), next: Number(b.readBigUInt64LE(48)),
    };
  }

  /** resume asks for words and gives {boot, first, lost, reason}. */
  resume(boot = 0, next = 0) {
    this.send(T.RESUME, ...u64(boot), ...u64(next));
    this.run(10);
    const b = this.of(T.RESUMED).at(-1).body;
    return { boot: b.readBigUInt64LE(0), first: Number(b.readBigUInt64LE(8)), lost: b.readBigUInt64LE(16), reason: b[24] };
  }

  /** draw puts words on a line from now + 100 us on, back to back; it gives when they end, us. */
  draw(line, vs, at = this.now + 100) {
    this.chip.wave(line, render(vs.map((v, i) => ({ t: at + i * 1146, v }))));
    return at + vs.length * 1145.83;
  }

  /**
   * vmc sends a block (checksum added) and gives the module's answer as bytes
   * and how long after the stop bit it began, us; null is silence.
   */
  vmc(...block) {
    const sum = block.reduce((a, b) => (a + b) & 0xff, 0);
    const end = this.draw(0, [block[0] | 0x100, ...block.slice(1), sum]);
    const from = this.said.length;
    this.run((end - this.now) / 1000 + 5);
    for (let n = -1; n !== this.said.length;) {
      n = this.said.length;
      this.run(2.5);
    }
    const words_ = this.said.slice(from);
    if (words_.length === 0) return null;
    return { bytes: words_.map((w) => w.v & 0xff), modes: words_.map((w) => w.v >> 8), after: words_[0].t - end, stops: words_.every((w) => w.stop === 1) };
  }

  /** reply sends the VMC's ACK, NAK or RET. */
  reply(v) {
    this.draw(0, [v]);
    this.run(2.5);
  }

  /** poll polls, ACKs data, and gives the data without checksum; [] is ACK. */
  poll(command, ack = true) {
    const a = this.vmc(command);
    if (a === null) return null;
    if (a.bytes.length === 1) return [];
    if (ack) this.reply(0x00);
    return a.bytes.slice(0, -1);
  }
}

/** lcg gives a reproducible source of numbers below n. */
export function lcg(seed) {
  let x = seed >>> 0;
  return (n) => {
    x = (Math.imul(x, 1664525) + 1013904223) >>> 0;
    return Math.floor((x / 4294967296) * n);
  };
}
