import assert from 'node:assert/strict';
import { test } from 'node:test';
import { render } from '../wave.mjs';
import { Bench, T } from './bench.mjs';

function speaking(...addresses) {
  const b = new Bench();
  b.hello();
  b.resume();
  assert.equal(b.ask(T.REPLY_SET, 2, 0x61, 0, 8, 1, 3, 0x16, 0x43, 0x64, 2, 5, 9), 0);
  assert.equal(b.ask(T.REPLY_SET, 1, 0x19, 3, 1, 3, 5), 0);
  assert.equal(b.ask(T.SET_MODE, 1, ...addresses), 0);
  return b;
}

const reports = (b) => b.of(T.REPORT).map((f) => [f.body[0], f.body[1], f.body[6]]);

test('cashless #2: reset, JUST RESET until ACK, set-up, idle polls, each within 5 ms', () => {
  const b = speaking(0x60);
  const after = [];
  const ask = (...block) => {
    const a = b.vmc(...block);
    if (a !== null) {
      after.push(a.after);
      assert.ok(a.stops, 'stop bits');
      assert.deepEqual(a.modes, a.bytes.map((_, i) => (i === a.bytes.length - 1 ? 1 : 0)), 'mode bit on the last byte only');
    }
    return a?.bytes ?? null;
  };
  assert.deepEqual(ask(0x60), [0]);
  assert.deepEqual(ask(0x62), [0, 0]);
  b.reply(0xff);
  assert.deepEqual(ask(0x62), [0, 0], 'NAK: again');
  assert.deepEqual(ask(0x62), [0, 0], 'silence: again');
  b.reply(0x00);
  assert.deepEqual(ask(0x62), [0]);
  assert.deepEqual(ask(0x61, 0x00, 0x02, 0, 0, 0), [1, 3, 0x16, 0x43, 0x64, 2, 5, 9, 0xd1]);
  b.reply(0xaa);
  b.run(15);
  assert.deepEqual(b.said.slice(-9).map((w) => w.v), [1, 3, 0x16, 0x43, 0x64, 2, 5, 9, 0x1d1], 'RET: at once again');
  b.reply(0x00);
  assert.deepEqual(ask(0x62), [0]);
  assert.equal(ask(0x12), null, 'not ours');
  b.draw(0, [0x162, 0x63]);
  b.run(10);
  const said = b.said.length;
  b.run(10);
  assert.equal(b.said.length, said, 'a bad checksum gets silence');
  for (let i = 0; i < 40; i++) assert.deepEqual(ask(0x62), [0]);
  assert.ok(Math.min(...after) > 100 && Math.max(...after) < 5000, `answers after ${Math.min(...after)} to ${Math.max(...after)} us`);
  // All of it was heard, ours with the OWN bit.
  b.run(20);
  assert.deepEqual(b.words.filter((w) => w.w & 0x8000).length, b.said.length);
});

test('reader and gateway at once, each with its own reset and queue', () => {
  const b = speaking(0x60, 0x18);
  for (const [poll, reset] of [[0x62, 0x60], [0x1a, 0x18]]) {
    assert.deepEqual(b.poll(poll), [0]);
    assert.deepEqual(b.poll(reset), []);
    assert.deepEqual(b.poll(poll), [0]);
    assert.deepEqual(b.poll(poll), []);
  }
  assert.deepEqual(b.vmc(0x19, 3, 0, 0).bytes, [1, 3, 5, 9]);
  b.reply(0x00);
  assert.equal(b.ask(T.POLL_QUEUE, 0x11, 3, 3, 0xff, 0xff, 0x60), 0);
  assert.equal(b.ask(T.POLL_QUEUE, 0x52, 1, 6, 0x18), 0);
  assert.equal(b.ask(T.POLL_QUEUE, 0x53, 1, 6, 0x10), 4);
  for (let i = 0; i < 9; i++) assert.deepEqual(b.poll(0x62, false), [3, 0xff, 0xff]);
  assert.deepEqual(b.poll(0x1a), [6]);
  assert.deepEqual(b.poll(0x62), [3, 0xff, 0xff]);
  assert.deepEqual(b.poll(0x62), []);
  b.run(20);
  assert.deepEqual(reports(b), [[0x52, 0, 1], [0x11, 0, 10]]);
  assert.equal(b.ask(T.SET_MODE, 1, 0x60, 0x18), 0);
  assert.deepEqual(b.poll(0x62), [], 'the same mode again disturbs nobody');
  assert.equal(b.ask(T.SET_MODE, 0, 0), 0);
  assert.equal(b.vmc(0x62), null);
});

test('a break of 100 ms resets all, one of 50 ms none', () => {
  const b = speaking(0x60, 0x18);
  assert.deepEqual(b.poll(0x62), [0]);
  assert.deepEqual(b.poll(0x1a), [0]);
  assert.equal(b.ask(T.POLL_QUEUE, 7, 1, 4, 0x60), 0);
  const hold = (ms) => {
    const t = (b.now + 100) * 1e3;
    b.chip.wave(0, [{ t, level: 0 }, { t: t + ms * 1e6, level: 1 }]);
    b.run(ms + 20);
  };
  hold(50);
  assert.deepEqual(b.poll(0x1a), []);
  hold(100);
  assert.deepEqual(b.poll(0x62), [0]);
  assert.deepEqual(b.poll(0x1a), [0]);
  b.run(10);
  assert.deepEqual(reports(b), [[7, 1, 0]]);
});

test('a slow VMC: bytes a millisecond apart are one block', () => {
  const b = speaking(0x60);
  b.poll(0x62);
  // 61 00 61 ... looks complete after three bytes: no answer before the rest came.
  const block = [0x161, 0x00, 0x61, 0x00, 0x00, 0xc2];
  const t = b.now + 200;
  b.chip.wave(0, render(block.map((v, i) => ({ t: t + i * 2146, v }))));
  const from = b.said.length;
  b.run(30);
  const said = b.said.slice(from);
  assert.deepEqual(said.map((w) => w.v), [1, 3, 0x16, 0x43, 0x64, 2, 5, 9, 0x1d1]);
  const end = t + 5 * 2146 + 1146;
  assert.ok(said[0].t > end && said[0].t < end + 5000);
});

test('the interlock jumper keeps the module silent, also when it is set later', () => {
  const b = new Bench({ interlock: true });
  b.hello();
  assert.equal(b.ask(T.SET_MODE, 1, 0x60), 6);
  b.run(5);
  assert.deepEqual(b.of(T.EVENT).map((e) => e.body[4]), [4]);
  b.chip.set({ interlock: false });
  assert.equal(b.ask(T.SET_MODE, 1, 0x60), 0);
  assert.deepEqual(b.poll(0x62), [0]);
  b.chip.set({ interlock: true });
  assert.equal(b.vmc(0x62), null);
  assert.equal(b.hello().mode, 0);
});

test('somebody else talks over our answer', () => {
  const b = speaking(0x60);
  const end = b.draw(0, [0x162, 0x62]);
  b.chip.wave(1, [{ t: (end + 900) * 1e3, level: 0 }, { t: (end + 1500) * 1e3, level: 1 }]);
  b.run(20);
  assert.deepEqual(b.of(T.EVENT).filter((e) => e.body[4] === 7).length, 1);
});
