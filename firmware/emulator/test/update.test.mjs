import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { crcIeee } from './image.mjs';
import { Bench, NEXT, T, UPDATE } from './bench.mjs';

const u32 = (v) => [v & 0xff, (v >>> 8) & 0xff, (v >>> 16) & 0xff, v >>> 24];

/** image is one built, 1.0.9 if not told otherwise; hung ones never get to main. */
function image({ from = NEXT, hangs = false } = {}) {
  const im = Buffer.from(readFileSync(from));
  if (hangs) {
    const reset = im.readUInt32LE(16) - 0x20000000 + 32;
    im.writeUInt16LE(0xe7fe, reset); // a jump to itself
    im.writeUInt32LE(crcIeee(im.subarray(32)), 12);
    im.writeUInt32LE(crcIeee(im.subarray(0, 28)), 28);
  }
  return im;
}

function load(b, im, { size = im.length, crc = crcIeee(im), version = [...im.subarray(20, 23)], upTo = im.length } = {}) {
  const begun = b.ask(T.FW_BEGIN, ...u32(size), ...u32(crc), ...version);
  if (begun !== 0) return begun;
  for (let at = 0; at < upTo; at += 200) {
    const s = b.ask(T.FW_DATA, ...u32(at), ...im.subarray(at, Math.min(at + 200, upTo)));
    assert.equal(s, 0);
    if (at === 400) assert.equal(b.ask(T.FW_DATA, ...u32(at), ...im.subarray(at, at + 200)), 0, 'said again');
  }
  return b.ask(T.FW_COMMIT);
}

test('an update is verified, tried, confirmed by the first host', () => {
  const b = new Bench();
  assert.equal(b.hello().version, '1.0.0');
  b.resume();
  b.draw(0, Array.from({ length: 300 }, (_, i) => (i % 511) + 1));
  assert.equal(load(b, image()), 0);
  b.run(100);
  // Flash was written while words came in: none was lost.
  assert.deepEqual(b.words.map((w) => w.w), Array.from({ length: 300 }, (_, i) => (i % 511) + 1));
  assert.equal(b.hello().version, '1.0.0', 'not before a reboot');
  assert.equal(b.ask(T.REBOOT, 0), 0);
  b.run(200);
  const h = b.hello();
  assert.deepEqual([h.version, h.reason], ['1.0.9', 3]);
  b.chip.cycle();
  b.run(150);
  assert.deepEqual([b.hello().version, b.hello().reason], ['1.0.9', 0], 'it stays');
  // And the next one goes to the other slot.
  assert.equal(load(b, image({ from: UPDATE })), 0);
  assert.equal(b.ask(T.REBOOT, 0), 0);
  b.run(200);
  assert.equal(b.hello().version, '1.0.0');
});

test('an image nobody talks to is rolled back', () => {
  const b = new Bench();
  assert.equal(load(b, image()), 0);
  assert.equal(b.ask(T.REBOOT, 0), 0);
  b.run(30000);
  assert.equal(b.chip.resets.length, 1);
  b.run(31000);
  assert.equal(b.chip.resets.length, 2);
  const h = b.hello();
  assert.deepEqual([h.version, h.reason], ['1.0.0', 4]);
});

test('an image that hangs is rolled back', () => {
  const b = new Bench();
  assert.equal(load(b, image({ hangs: true })), 0);
  assert.equal(b.ask(T.REBOOT, 0), 0);
  b.run(9000);
  const h = b.hello();
  assert.deepEqual([h.version, h.reason], ['1.0.0', 4]);
});

test('power fails in a trial: the old one comes back', () => {
  const b = new Bench();
  assert.equal(load(b, image()), 0);
  assert.equal(b.ask(T.REBOOT, 0), 0);
  b.run(70);
  b.chip.cycle();
  b.run(200);
  assert.deepEqual([b.hello().version, b.hello().reason], ['1.0.0', 4]);
});

test('what is refused: truncated, wrong checksum, wrong version, no image, in peripheral mode', () => {
  const b = new Bench(), im = image();
  assert.equal(b.ask(T.FW_COMMIT), 4);
  assert.equal(b.ask(T.FW_DATA, ...u32(0), 1, 2, 3), 4);
  assert.equal(load(b, im, { upTo: im.length - 50 }), 7);
  assert.equal(load(b, im, { crc: 12345 }), 7);
  assert.equal(load(b, im, { version: [1, 0, 8] }), 7);
  const bad = Buffer.from(im);
  bad[700] ^= 1;
  assert.equal(load(b, bad), 7, 'the sender is consistent, the program in it is not');
  assert.equal(load(b, im, { size: 100000 }), 3);
  assert.equal(b.ask(T.FW_BEGIN, ...u32(im.length), ...u32(1), 1, 0, 9), 0);
  assert.equal(b.ask(T.FW_DATA, ...u32(200), 1, 2, 3), 3, 'a hole');
  assert.equal(b.ask(T.FW_ABORT), 0);
  assert.equal(b.ask(T.FW_COMMIT), 4);
  assert.equal(b.ask(T.SET_MODE, 1, 0x60), 0);
  assert.equal(b.ask(T.FW_BEGIN, ...u32(im.length), ...u32(1), 1, 0, 9), 4);
  b.ask(T.REBOOT, 0);
  b.run(200);
  assert.deepEqual([b.hello().version, b.hello().reason], ['1.0.0', 2]);
});

test('a damaged program starts from the other slot; without any, USB boot', () => {
  const b = new Bench();
  assert.equal(load(b, image()), 0);
  b.ask(T.REBOOT, 0);
  b.run(200);
  assert.equal(b.hello().version, '1.0.9');
  b.chip.nor[0x20000 + 500] ^= 4;
  b.chip.cycle();
  b.run(200);
  assert.equal(b.hello().version, '1.0.0');
  b.chip.nor[0x10000 + 500] ^= 4;
  b.chip.cycle();
  b.run(200);
  assert.ok(b.chip.usbBoot);
});

test('boot2 with one flipped bit: the mask ROM does not start it', () => {
  const b = new Bench();
  b.chip.nor[20] ^= 1;
  b.chip.cycle();
  b.run(10);
  assert.ok(b.chip.usbBoot);
});
