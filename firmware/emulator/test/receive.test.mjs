import assert from 'node:assert/strict';
import { test } from 'node:test';
import { render } from '../wave.mjs';
import { Bench, T, lcg } from './bench.mjs';

test('50 known words come out right', () => {
  const b = new Bench();
  b.hello();
  assert.equal(b.resume().reason, 4);
  const sent = Array.from({ length: 50 }, (_, i) => (i * 37 + (i << 5)) & 0x1ff);
  b.draw(0, sent);
  b.run(100);
  assert.deepEqual(b.words.map((w) => w.w), sent);
  assert.equal(b.chip.rp.clkSys, 48_000_000);
  assert.equal(b.chip.uart.uart.baudRate, 460432);
});

test('four lines at once: order, times, no loss', () => {
  const b = new Bench();
  b.hello();
  b.resume();
  const rnd = lcg(7), drawn = [];
  for (let line = 0; line < 4; line++) {
    let t = b.now + 500 + rnd(900);
    const ws = Array.from({ length: 200 }, () => {
      t += 1146 + rnd(300);
      return { t, v: rnd(512) || 1 };
    });
    b.chip.wave(line, render(ws));
    drawn.push(...ws.map((w) => ({ t: w.t, w: w.v | (line << 9) })));
  }
  b.run(350);
  drawn.sort((x, y) => x.t - y.t);
  assert.equal(b.words.length, drawn.length);
  for (let line = 0; line < 4; line++) {
    const of = (ws) => ws.filter((w) => (w.w >> 9 & 3) === line).map((w) => w.w);
    assert.deepEqual(of(b.words), of(drawn));
  }
  const late = [];
  for (let line = 0; line < 4; line++) {
    const d = drawn.filter((w) => (w.w >> 9 & 3) === line);
    b.words.filter((w) => (w.w >> 9 & 3) === line).forEach((w, i) => late.push(w.t - d[i].t));
  }
  assert.ok(Math.min(...late) > -5 && Math.max(...late) < 60, `times off by ${Math.min(...late)} to ${Math.max(...late)} us`);
});

test('break, framing error, noise', () => {
  const b = new Bench();
  b.hello();
  b.resume();
  const t = Math.ceil(b.now) + 1000;
  b.chip.wave(0, [{ t: t * 1e3, level: 0 }, { t: (t + 100000) * 1e3, level: 1 }]);
  b.chip.wave(1, render([{ t, v: 0x055 }, { t: t + 1200, v: 0x0aa, stop: 0 }, { t: t + 3000, v: 0x155 }]));
  // Spikes shorter than half a bit are no start bits.
  for (let i = 0; i < 20; i++) {
    const s = (t + 110000 + i * 700) * 1e3;
    b.chip.wave(2, [{ t: s, level: 0 }, { t: s + 45e3, level: 1 }]);
  }
  b.run(140);
  const [begin, end] = [b.words.find((w) => w.w === 0x1000), b.words.find((w) => w.w === 0x2000)];
  assert.ok(Math.abs(begin.t - t) < 20 && Math.abs(end.t - t - 100000) < 20, `${begin.t - t} ${end.t - t}`);
  assert.deepEqual(b.words.filter((w) => (w.w >> 9 & 3) === 1).map((w) => w.w), [0x255, 0x2aa | 0x800, 0x355]);
  assert.equal(b.words.length, 5);
  b.run(1100);
  const beat = b.of(T.HEARTBEAT).at(-1).body;
  assert.deepEqual([beat.readUInt32LE(8), beat.readUInt16LE(14), beat.readUInt32LE(18), beat.readUInt16LE(22)], [0, 1, 3, 1]);
});

test('baud within MDB limits and jitter', () => {
  for (const scale of [0.98, 0.99, 1, 1.01, 1.02]) {
    const b = new Bench(), rnd = lcg(scale * 1000), bit = (1e9 / 9600) * scale;
    b.hello();
    b.resume();
    let t = b.now + 500;
    const ws = Array.from({ length: 100 }, () => ({ t: (t += 11 * bit / 1000), v: rnd(512) || 1 }));
    const edges = render(ws, bit).map((e) => ({ ...e, t: e.t + (rnd(24000) - 12000) }));
    b.chip.wave(0, edges);
    b.run(150);
    assert.deepEqual(b.words.map((w) => w.w), ws.map((w) => w.v), `bit time times ${scale}`);
  }
});

test('an overrun is told where it happened', () => {
  const b = new Bench();
  b.hello();
  b.resume();
  b.draw(0, Array.from({ length: 12 }, (_, i) => i + 1));
  // The processor stands still for 14 ms, PIO does not.
  const core = b.chip.rp.core, execute = core.executeInstruction;
  const until = b.now + 14000;
  core.executeInstruction = () => (b.now < until ? 48 : execute.call(core));
  b.run(60);
  core.executeInstruction = execute;
  b.draw(0, [0x33, 0x34]);
  b.run(1100);
  const lost = b.words.findIndex((w) => (w.w & 0x4000) !== 0);
  assert.ok(lost >= 4, JSON.stringify(b.words));
  assert.deepEqual(b.words.slice(0, lost).map((w) => w.w), Array.from({ length: lost }, (_, i) => i + 1));
  assert.deepEqual(b.words.slice(-2).map((w) => w.w & 0x1ff), [0x33, 0x34]);
  assert.equal(b.of(T.HEARTBEAT).at(-1).body.readUInt16LE(16), 1);
});

test('both lines stuck: told once, and over when they rise', () => {
  const b = new Bench();
  b.hello();
  b.resume();
  const t = b.now * 1e3 + 1e6;
  b.chip.wave(0, [{ t, level: 0 }, { t: t + 3e9, level: 1 }]);
  // Of what begins within a few us either may come first.
  b.chip.wave(1, [{ t: t + 1e6, level: 0 }, { t: t + 3.001e9, level: 1 }]);
  b.run(2500);
  assert.deepEqual(b.of(T.EVENT).map((e) => [e.body[4], e.body[5]]), [[6, 0], [6, 1]]);
  assert.ok(b.of(T.NOW).at(-1).t > b.now - 100e3, 'time goes on');
  b.run(700);
  b.draw(0, [0x10b, 0x0b]);
  b.run(20);
  assert.deepEqual(b.words.map((w) => w.w), [0x1000, 0x1200, 0x2000, 0x2200, 0x10b, 0x0b]);
});

test('lines that are inverted, switched off, or of another speed', () => {
  const b = new Bench();
  b.hello();
  b.resume();
  assert.equal(b.ask(T.LINE_CONFIG, 2, 2, 0x80, 0x25, 0, 0), 0);
  assert.equal(b.ask(T.LINE_CONFIG, 3, 0, 0x60, 0x09, 0, 0), 0); // 2400
  assert.equal(b.ask(T.LINE_CONFIG, 3, 0, 1, 0, 0, 0), 3);
  assert.equal(b.ask(T.LINE_CONFIG, 4, 0, 0x80, 0x25, 0, 0), 3);
  b.draw(2, [0x31]);
  b.chip.wave(3, render([{ t: b.now + 200, v: 0x155 }], 1e9 / 2400));
  b.run(30);
  assert.deepEqual(b.words.map((w) => w.w), [0x755]);
  assert.equal(b.of(T.EVENT).filter((e) => e.body[4] === 8).length, 2);
  b.chip.wave(1, [{ t: b.now * 1e3, level: 0 }]);
  b.run(5);
  assert.equal(b.ask(T.LINE_CONFIG, 1, 1, 0x80, 0x25, 0, 0), 0);
  b.run(20);
  const from = b.words.length, t = b.now + 200;
  b.chip.wave(1, render([{ t, v: 0x123 }]).map((e) => ({ ...e, level: 1 - e.level })));
  b.run(20);
  assert.deepEqual(b.words.slice(from).filter((w) => (w.w & 0x3000) === 0).map((w) => w.w), [0x323]);
});
