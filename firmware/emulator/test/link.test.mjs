import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encode } from '../link.mjs';
import { Bench, T, lcg } from './bench.mjs';

/** pollOnce is an idle poll of address c, answered by ACK. */
function idlePoll(b, c) {
  const end = b.draw(0, [c | 0x100, c]);
  b.draw(1, [0x100], end + 500);
  b.run(8);
}

for (const usb of [false, true]) {
  const name = usb ? 'USB' : 'UART';
  test(`${name}: HELLO, PING, unknown commands, lengths`, () => {
    const b = new Bench({ usb });
    const h = b.hello();
    assert.equal(h.id, 'e66138528300c0de');
    assert.equal(h.reason, 0);
    assert.notEqual(h.boot, 0n);
    b.send(T.PING, 1, 0, 0xfe, 0xca);
    b.run(5);
    assert.deepEqual([...b.of(T.PONG)[0].body.subarray(0, 4)], [1, 0, 0xfe, 0xca]);
    assert.equal(b.ask(0xa0), 1);
    assert.equal(b.ask(T.PING, 1), 2);
    assert.equal(b.ask(T.POLL_QUEUE, 1, 1, 4), 4);
    assert.equal(b.ask(T.SET_MODE, 1, 0x61), 3);
    assert.equal(b.ask(T.REBOOT, 2), 3);
    b.run(1100);
    assert.ok(b.of(T.HEARTBEAT).every((f) => f.link === b.link || f.t < 200e3));
    assert.equal(b.splitters[b.link].bad, 0);
    const seqs = b.frames.filter((f) => f.link === b.link).map((f) => f.seq);
    seqs.forEach((s, i) => assert.equal(s, (seqs[0] + i) & 0xff, 'no gap'));
  });

  test(`${name}: garbage is survived and counted`, () => {
    const b = new Bench({ usb }), rnd = lcg(3);
    b.hello();
    for (let i = 0; i < 40; i++) b.chip[b.link].send(Array.from({ length: 100 }, () => rnd(256)));
    b.chip[b.link].send(encode(T.PING, 1, [1, 2, 3, 4]).slice(0, 6)); // cut in the middle
    b.run(150);
    b.chip[b.link].send([0]);
    assert.equal(b.hello().mode, 0);
    b.run(1000);
    assert.ok(b.of(T.HEARTBEAT).at(-1).body.readUInt16LE(52) > 5);
  });

  test(`${name}: a busy bus reaches the host whole, with a damaged frame in between`, () => {
    const b = new Bench({ usb }), rnd = lcg(11), sent = [];
    b.hello();
    const { boot } = b.resume();
    for (let i = 0; i < 30; i++) {
      const vs = Array.from({ length: 30 }, () => rnd(511) + 1);
      sent.push(...vs);
      b.draw(0, vs);
      if (i === 12) b.cut = (bytes) => bytes.map((x) => (x === 0 ? 0 : x ^ 0x40)); // the link is disturbed
      b.run(35);
      if (i === 12) {
        b.cut = (bytes) => bytes;
        // What an agent does after a gap: asks from the number it expects.
        assert.equal(b.resume(boot, b.words.length).reason, 0);
      }
    }
    b.run(50);
    assert.deepEqual(b.words.map((w) => w.w), sent);
    assert.deepEqual(b.words.map((w) => w.n), sent.map((_, i) => i));
  });
}

test('a host that was away resumes without loss, KEEP frees, refusals', () => {
  const b = new Bench();
  b.hello();
  const { boot } = b.resume();
  for (let i = 0; i < 20; i++) idlePoll(b, 0x0b);
  const first = b.words.length;
  assert.equal(first, 60);
  b.words = [];
  b.frames = [];
  const cut = b.cut;
  b.cut = () => []; // the host is gone
  for (let i = 0; i < 100; i++) idlePoll(b, 0x0b);
  b.cut = cut;
  b.splitters.uart.buf = [];
  assert.deepEqual({ ...b.resume(boot, first) }, { boot, first, lost: 0n, reason: 0 });
  b.run(30);
  assert.deepEqual(b.words.map((w) => w.n), Array.from({ length: 300 }, (_, i) => first + i));
  b.send(T.KEEP, ...u(boot), ...u(first + 300));
  b.run(5);
  assert.equal(b.hello().oldest, first + 300);
  assert.equal(b.ask(T.KEEP, ...u(boot), ...u(first + 301)), 3);
  assert.equal(b.resume(boot, 5).reason, 2);
  assert.equal(b.resume(boot, 5).lost, BigInt(first + 295));
  assert.equal(b.resume(boot + 1n, 5).reason, 1);
  assert.equal(b.resume(boot, 100000).reason, 3);
  assert.equal(b.resume(0, 0).reason, 4);
});

const u = (v) => {
  const x = Buffer.alloc(8);
  x.writeBigUInt64LE(BigInt(v));
  return [...x];
};

test('outputs stay while a host with nothing to say sends PING', () => {
  const b = new Bench();
  b.hello();
  assert.equal(b.ask(T.SAFE_OUTPUTS, 2, 30, 0), 0); // after 3 s
  assert.equal(b.ask(T.SET_OUTPUTS, 3, 1), 0);
  for (let i = 0; i < 12; i++) {
    b.run(1000);
    b.send(T.PING, i, 0, 0, 0);
  }
  assert.equal(b.of(T.PONG).length, 11);
  assert.deepEqual(b.outputs.map((o) => [o.pin, o.level]), [[8, 1]]);
  b.run(3100);
  assert.equal(b.hello().outputs, 2);
});

test('outputs take their safe state when the host is silent', () => {
  const b = new Bench();
  b.hello();
  assert.equal(b.ask(T.SAFE_OUTPUTS, 2, 20, 0), 0); // after 2 s
  assert.equal(b.ask(T.SAFE_OUTPUTS, 4, 20, 0), 3);
  assert.equal(b.ask(T.SET_OUTPUTS, 1, 1), 0);
  assert.deepEqual(b.outputs.map((o) => [o.pin, o.level]), [[8, 1]]);
  assert.equal(b.hello().outputs, 1);
  const heard = b.now;
  b.run(1900);
  assert.equal(b.outputs.length, 1);
  b.run(300);
  assert.deepEqual(b.outputs.slice(1).map((o) => [o.pin, o.level]).sort(), [[8, 0], [9, 1]]);
  assert.ok(Math.abs(b.outputs[1].t - heard - 2e6) < 60e3);
  assert.equal(b.hello().outputs, 2);
});

test('supply lost and back', () => {
  const b = new Bench();
  b.hello();
  b.chip.set({ supply: 3120 });
  b.run(60);
  b.chip.set({ supply: 33950 });
  b.run(60);
  const e = b.of(T.EVENT).map((f) => [f.body[4], Math.round(f.body.readUInt16LE(6) / 100)]);
  assert.deepEqual(e, [[1, 31], [2, 339]].map(([c, v]) => [c, v]).map((x, i) => (i === 1 ? [2, e[1][1]] : x)));
  assert.ok(Math.abs(e[1][1] - 340) <= 2);
});

test('a hung program is reset by the watchdog and says so', () => {
  const b = new Bench();
  const { boot } = b.hello();
  b.resume();
  b.draw(0, [0x10b, 0x0b]);
  b.run(20);
  b.chip.hang();
  b.run(3400);
  assert.equal(b.chip.resets.length, 1);
  const h = b.hello();
  assert.equal(h.reason, 1);
  assert.notEqual(h.boot, boot);
  b.run(50);
  assert.deepEqual(b.of(T.EVENT).map((f) => f.body[4]), [5]);
  assert.equal(b.resume(boot, 2).reason, 1);
});

test('reboot by command, and to USB boot', () => {
  const b = new Bench();
  b.hello();
  assert.equal(b.ask(T.REBOOT, 0), 0);
  b.run(200);
  assert.equal(b.chip.resets.length, 1);
  assert.equal(b.hello().reason, 2);
  assert.equal(b.ask(T.REBOOT, 1), 0);
  b.run(100);
  assert.ok(b.chip.usbBoot);
});
