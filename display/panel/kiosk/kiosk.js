'use strict';

// The page paints pictures the device renders for exactly this many device
// pixels, confirms each after it was painted, and says so when it has lost the
// device. Times are milliseconds.
const silentAfter = 12000;       // no event for so long: the link is dead
const lostShownAfter = 3000;     // a restart of the device need not alarm anyone
const receiptKeptFor = 20000;    // a buyer may still be scanning
const fetchWithin = 8000;

const canvas = document.getElementById('screen');
const lost = document.getElementById('lost');
const body = document.body;

let size = { w: 0, h: 0 };       // device pixels
let want = null;                 // newest screen heard of: {boot, n, state}
let have = null;                 // what is painted: {boot, n, state, w, h}
let painting = false;
let confirming = false;
let stream = null;
let heard = performance.now();
let lostSince = performance.now();
let retry = 0;

function same(a, b) { return a && b && a.boot === b.boot && a.n === b.n; }

function fresh() { return same(have, want) && have.w === size.w && have.h === size.h; }

async function paint() {
  if (painting || !want || !size.w) return;
  painting = true;
  try {
    while (!fresh()) {
      const { w, h } = size;
      const answer = await fetch(`screen.png?w=${w}&h=${h}&n=${want.n}`, { cache: 'no-store', signal: AbortSignal.timeout(fetchWithin) });
      if (!answer.ok) throw new Error(`screen.png: ${answer.status} ${await answer.text()}`);
      const [boot, n] = (answer.headers.get('X-Chekomat-Screen') || '.0').split('.');
      const state = answer.headers.get('X-Chekomat-State') || '';
      const picture = await createImageBitmap(await answer.blob());
      if (canvas.width !== picture.width || canvas.height !== picture.height) {
        canvas.width = picture.width;
        canvas.height = picture.height;
      }
      const pen = canvas.getContext('2d', { alpha: false });
      pen.imageSmoothingEnabled = false;
      pen.drawImage(picture, 0, 0);
      picture.close();
      have = { boot, n: Number(n), state, w, h };
      body.dataset.n = n;
      body.dataset.state = state;
      if (have.n > want.n || have.boot !== want.boot) want = { boot: have.boot, n: have.n, state };
      else if (have.n < want.n) throw new Error('an older screen was served');
    }
    confirm();
    describe();
  } catch (err) {
    console.warn(err);
    setTimeout(paint, 1000);
  } finally {
    painting = false;
  }
}

// A page that is hidden or hung gets no animation frames, and so confirms
// nothing; the second frame comes after the first was put on the glass.
function confirm() {
  if (confirming) return;
  confirming = true;
  requestAnimationFrame(() => requestAnimationFrame(async () => {
    confirming = false;
    if (!have || document.visibilityState !== 'visible') return;
    const said = { boot: have.boot, n: have.n, w: have.w, h: have.h };
    try {
      const answer = await fetch('shown', {
        method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(said), signal: AbortSignal.timeout(fetchWithin),
      });
      if (answer.ok) body.dataset.shown = said.n;
      if (answer.ok && have.n !== said.n) confirm();
    } catch (err) {
      console.warn(err);
    }
  }));
}

// The words of the picture, for screen readers.
async function describe() {
  try {
    const answer = await fetch(`screen.json?w=${size.w}&h=${size.h}`, { cache: 'no-store', signal: AbortSignal.timeout(fetchWithin) });
    if (!answer.ok) return;
    const words = await answer.json();
    document.documentElement.lang = words.lang === 'en' ? 'en' : 'ru';
    canvas.setAttribute('aria-label', words.texts.join('. '));
    body.dataset.standsForReceipt = words.may_stand_for_receipt;
  } catch (err) {
    console.warn(err);
  }
}

function hear(event) {
  heard = performance.now();
  lostSince = 0;
  retry = 0;
  body.dataset.link = 'live';
  lost.hidden = true;
  want = JSON.parse(event.data);
  if (fresh()) confirm(); else paint();
}

function connect() {
  if (stream) stream.close();
  stream = new EventSource('events');
  stream.addEventListener('screen', hear);
  stream.addEventListener('ping', hear);
  stream.onerror = () => {
    lostSince ||= performance.now();
    body.dataset.link = 'lost';
    if (stream.readyState === EventSource.CLOSED) setTimeout(connect, Math.min(5000, 500 * 2 ** retry++));
  };
}

setInterval(() => {
  const now = performance.now();
  if (now - heard > silentAfter) {
    heard = now;
    lostSince ||= now;
    body.dataset.link = 'lost';
    connect();
  }
  const patience = have && have.state === 'receipt' ? receiptKeptFor : lostShownAfter;
  if (lostSince && now - lostSince > patience) lost.hidden = false;
}, 500);

function resized(w, h) {
  if (w === size.w && h === size.h) return;
  size = { w, h };
  paint();
}

// The observed box is exact where a CSS pixel is no whole number of device
// pixels; it is believed only near the product, as an emulated screen gives
// CSS pixels there.
let observed = { w: 0, h: 0 };

function measure() {
  const near = (exact, css) => Math.abs(exact - css * devicePixelRatio) < 2 ? exact : Math.round(css * devicePixelRatio);
  resized(near(observed.w, innerWidth), near(observed.h, innerHeight));
}

try {
  new ResizeObserver(([entry]) => {
    const box = entry.devicePixelContentBoxSize[0];
    observed = { w: box.inlineSize, h: box.blockSize };
    measure();
  }).observe(canvas, { box: 'device-pixel-content-box' });
} catch (err) {
  console.warn(err);
}
addEventListener('resize', measure);
measure();

let lock = null;
async function stayAwake() {
  try { lock = await navigator.wakeLock?.request('screen'); } catch { lock = null; }
}
document.addEventListener('visibilitychange', () => {
  if (document.visibilityState !== 'visible') return;
  stayAwake();
  if (have) confirm();
});
addEventListener('contextmenu', (event) => event.preventDefault());
addEventListener('pointerup', () => {
  if (!document.fullscreenElement) document.documentElement.requestFullscreen?.().catch(() => {});
});
addEventListener('online', connect);

stayAwake();
connect();
