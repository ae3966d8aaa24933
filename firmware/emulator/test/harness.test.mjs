// The child process as its owners use it.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { test } from 'node:test';
import { Splitter, encode } from '../link.mjs';
import { IMAGE, T } from './bench.mjs';

/** child starts the harness; ask sends a command and gives its answer. */
function child() {
  const p = spawn(process.execPath, [fileURLToPath(new URL('../harness.mjs', import.meta.url))], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: p.stdout })[Symbol.asyncIterator]();
  return {
    async ask(cmd, fields = {}) {
      p.stdin.write(`${JSON.stringify({ cmd, ...fields })}\n`);
      return JSON.parse((await lines.next()).value);
    },
    end: () => p.stdin.end(),
  };
}

const hex = (...frame) => Buffer.from(encode(...frame)).toString('hex');

test('words in, an answer out, in lock-step; the same commands give the same answers', async () => {
  const tell = async () => {
    const c = child(), all = [];
    const ask = async (...a) => {
      const r = await c.ask(...a);
      assert.ok(r.ok, JSON.stringify(r));
      all.push(r);
      return r;
    };
    assert.ok((await ask('boot', { image: fileURLToPath(IMAGE) })).modelled.length > 3);
    await ask('run', { until: 100000 });
    await ask('send', { link: 'uart', hex: hex(T.HELLO_REQ, 1, [1, 1]) + hex(T.SET_MODE, 2, [1, 0x60]) });
    await ask('run', { until: 110000 });
    await ask('words', { line: 0, words: [{ t: 120000, v: 0x162 }, { t: 121146, v: 0x62 }] });
    const r = await ask('run', { until: 200000, wake: ['answer'], edges: true });
    assert.equal(r.woken, 'answer');
    assert.deepEqual(r.said.map((w) => w.v), [0, 0x100]);
    assert.ok(r.t < r.said[1].t + 1146 + 1400, 'in time for the VMC to reply');
    assert.ok(r.edges.every((e) => e.pin === 6));
    await ask('words', { line: 0, words: [{ t: r.t + 100, v: 0 }] });
    await ask('run', { until: 300000, wake: ['host'] });
    assert.equal((await ask('state')).clk_sys, 48000000);
    c.end();
    return all;
  };
  assert.deepEqual(await tell(), await tell());
});

test('mistakes are answered', async () => {
  const c = child();
  assert.match((await c.ask('fly')).error, /unknown command/);
  assert.equal((await c.ask('run', { until: 1 })).ok, false);
  assert.equal((await c.ask('boot', { image: '/nowhere' })).ok, false);
  c.end();
});

test('a link joined to TCP', async () => {
  const c = child();
  await c.ask('boot', { image: fileURLToPath(IMAGE), usb: true });
  await c.ask('run', { until: 100000 });
  const { address } = await c.ask('bridge', { link: 'usb' });
  const [host, port] = address.split(':');
  const s = connect(Number(port), host), sp = new Splitter(), frames = [];
  s.on('data', (b) => frames.push(...sp.push(b)));
  await new Promise((ok) => s.once('connect', ok));
  s.write(Buffer.from(encode(T.PING, 1, [1, 2, 3, 4])));
  // The bytes need their way through the sockets; time of the module passes meanwhile.
  let t = 100000;
  for (let i = 0; i < 5000 && !frames.some((f) => f.type === T.PONG); i++) {
    await c.ask('run', { until: (t += 1000) });
    await new Promise(setImmediate);
  }
  assert.ok(frames.some((f) => f.type === T.PONG));
  s.destroy();
  c.end();
});
