#!/usr/bin/env node
// The firmware as a child process: JSON lines in, JSON lines out (README.md).
//   node harness.mjs                       commands from stdin
//   node harness.mjs --listen 127.0.0.1:0  a module on TCP in real time, for trying out
import { createInterface } from 'node:readline';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { Chip, MODELLED, PIN } from './chip.mjs';
import { Ear, render } from './wave.mjs';

const SILENCE = 1.3e6; // ns after which an answer is over

const us = (ns) => Math.round(ns) / 1000;

export class Harness {
  constructor() {
    this.sockets = new Map(); // link -> {server, socket}
    this.clear();
  }

  clear() {
    this.host = [];
    this.edges = [];
  }

  boot({ image, ...settings }) {
    if (this.chip !== undefined) throw new Error('booted already: use power');
    this.chip = new Chip({ image: readFileSync(image), ...settings });
    this.ear = new Ear();
    this.chip.onHost = (t, link, bytes) => {
      this.host.push({ t, link, bytes });
      this.sockets.get(link)?.socket?.write(Buffer.from(bytes));
    };
    this.chip.onOutput = (t, pin, level) => {
      this.edges.push({ t: us(t), pin, level: level ? 1 : 0 });
      if (pin === PIN.mdbTx) this.ear.edge(t, level);
    };
    return { modelled: MODELLED };
  }

  /** off takes the chip away; the next boot brings a new one, in a process that is warm. */
  off() {
    for (const { server, socket } of this.sockets.values()) {
      socket?.destroy();
      server.close();
    }
    this.sockets.clear();
    this.chip = undefined;
    this.clear();
    return {};
  }

  words({ line, words, bit }) {
    this.chip.wave(line, render(words, bit));
    return {};
  }

  wave({ line, edges }) {
    this.chip.wave(line, edges.map(([t, level]) => ({ t: t * 1000, level })));
    return {};
  }

  send({ link, hex }) {
    this.chip[link].send(Buffer.from(hex, 'hex'));
    return {};
  }

  run({ until, wake = [], edges = false }) {
    const { chip, ear } = this;
    let woken = null;
    const host = this.host.length;
    const stop = () => {
      if (wake.includes('host') && this.host.length > host) woken = 'host';
      // An answer is over when its last word was followed by 1.3 ms of silence.
      if (ear.start !== null) ear.advance(chip.now);
      if (wake.includes('answer')) {
        if (ear.start !== null) chip.watch = ear.start + 11 * ear.bit;
        else if (ear.words.length > 0) {
          chip.watch = ear.last + SILENCE;
          if (chip.now >= chip.watch) woken = 'answer';
        }
      }
      return woken !== null;
    };
    chip.run(until * 1000, stop);
    chip.watch = Infinity;
    ear.advance(chip.now);
    const r = { t: us(chip.now), said: ear.take(), host: this.grouped(), resets: chip.resets.length, usb_boot: chip.usbBoot };
    if (woken) r.woken = woken;
    if (edges) r.edges = this.edges;
    this.clear();
    return r;
  }

  /** grouped joins bytes of one link that follow each other: t is of the last. */
  grouped() {
    const out = [];
    for (const h of this.host) {
      const last = out.at(-1);
      if (last && last.link === h.link && h.t - last.ns < 1e6) {
        last.bytes.push(...h.bytes);
        last.ns = h.t;
      } else out.push({ link: h.link, bytes: [...h.bytes], ns: h.t });
    }
    return out.map((o) => ({ t: us(o.ns), link: o.link, hex: Buffer.from(o.bytes).toString('hex') }));
  }

  set({ supply, interlock, dtr }) {
    this.chip.set({ supply, interlock });
    if (dtr !== undefined) this.chip.usb.line(dtr);
    return {};
  }

  power() {
    this.chip.cycle();
    return { t: us(this.chip.now) };
  }

  state() {
    const c = this.chip;
    return {
      t: us(c.now), instructions: c.instructions, resets: c.resets.map((r) => ({ t: us(r.t), reason: r.reason })),
      usb_boot: c.usbBoot, usb_connected: c.usb.connected, uart_overruns: c.uart.overruns, uart_baud: c.uart.uart.baudRate,
      clk_sys: c.rp.clkSys, outputs: PIN.outputs.map((p) => (c.driven(p) ? 1 : 0)), idle_tx: c.driven(PIN.mdbTx) ? 1 : 0,
      slots: [0x10000, 0x20000].map((at) => Buffer.from(c.nor.subarray(at, at + 32)).toString('hex')),
    };
  }

  /** fault breaks what only a harness can: a hung processor, a flipped byte of flash. */
  fault({ hang, flash }) {
    if (hang) this.chip.hang();
    if (flash) {
      this.chip.nor[flash.at] ^= flash.xor;
      this.chip.rp.flash[flash.at] ^= flash.xor;
    }
    return {};
  }

  /** bridge joins a link to a TCP port; bytes flow while run runs. */
  async bridge({ link, listen = '127.0.0.1:0' }) {
    const [host, port] = listen.split(':');
    const entry = { socket: null };
    entry.server = createServer({ noDelay: true }, (socket) => {
      entry.socket?.destroy();
      entry.socket = socket;
      if (link === 'usb') this.chip.usb.line(true);
      socket.on('data', (b) => this.chip[link].send(b));
      socket.on('error', () => {});
      socket.on('close', () => {
        if (entry.socket !== socket) return;
        entry.socket = null;
        if (link === 'usb') this.chip.usb.line(false);
      });
    });
    await new Promise((ok, no) => entry.server.once('error', no).listen(Number(port), host, ok));
    this.sockets.set(link, entry);
    return { address: `${host}:${entry.server.address().port}` };
  }

  async command(c) {
    const known = ['boot', 'off', 'words', 'wave', 'send', 'run', 'set', 'power', 'state', 'fault', 'bridge'];
    if (!known.includes(c.cmd)) throw new Error(`unknown command ${c.cmd}`);
    return this[c.cmd](c);
  }
}

async function stdin() {
  const h = new Harness();
  for await (const line of createInterface({ input: process.stdin })) {
    if (line.trim() === '') continue;
    let c, r;
    try {
      c = JSON.parse(line);
      // Sockets get their turn between commands.
      await new Promise(setImmediate);
      r = { ok: true, ...(await h.command(c)) };
    } catch (e) {
      r = { ok: false, error: e.message };
    }
    process.stdout.write(JSON.stringify({ id: c?.id, ...r }) + '\n');
  }
  process.exit(0);
}

/** realTime is a module to play with: a changer is polled, nothing is sold. */
async function realTime(listen) {
  const h = new Harness();
  h.boot({ image: new URL('../build/chekomat.bin', import.meta.url) });
  const { address } = await h.bridge({ link: 'uart', listen });
  console.log(`module at chekomat+tcp://${address}`);
  const begun = process.hrtime.bigint();
  let polled = 0;
  setInterval(() => {
    const now = Number(process.hrtime.bigint() - begun) / 1e3;
    for (; polled < now + 100e3; polled += 100e3) {
      h.words({ line: 0, words: [{ t: polled, v: 0x10b }, { t: polled + 1146, v: 0x0b }] });
      h.words({ line: 1, words: [{ t: polled + 3000, v: 0x100 }] });
    }
    h.run({ until: now });
  }, 5);
}

if (process.argv[1] && import.meta.url === new URL(process.argv[1], 'file://').href) {
  const at = process.argv.indexOf('--listen');
  await (at > 0 ? realTime(process.argv[at + 1] ?? '127.0.0.1:0') : stdin());
}
