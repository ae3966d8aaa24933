// Draws hardware/schematic.svg from hardware/schematic.txt, always the same bytes.
//   node tools/schematic.mjs [--check]
import { readFileSync, writeFileSync } from 'node:fs';

const source = new URL('../hardware/schematic.txt', import.meta.url);
const target = new URL('../hardware/schematic.svg', import.meta.url);
const U = 10;

const escape = (s) => s.replace(/&/g, '&amp;').replace(/</g, '&lt;');
const line = (...p) => `<polyline points="${p.map(([x, y]) => `${x * U},${y * U}`).join(' ')}"/>`;
const label = (x, y, s, extra = '') => `<text x="${x * U}" y="${y * U}"${extra}>${escape(s)}</text>`;

/** at turns points drawn to the right (h), down (v) or up (u) from x, y. */
const at = (x, y, dir) => (a, b) => (dir === 'h' ? [x + a, y + b] : dir === 'v' ? [x - b, y + a] : [x + b, y - a]);

function named(x, y, dir, words) {
  return dir === 'h'
    ? label(x + 3, y - 1.2, words, ' text-anchor="middle"')
    : label(x + 1.5, dir === 'v' ? y + 3.4 : y - 2.6, words);
}

function twoPole([x, y, dir, ...words], body) {
  return line(at(x, y, dir)(0, 0), at(x, y, dir)(1.5, 0)) + body(at(x, y, dir)) +
    line(at(x, y, dir)(4.5, 0), at(x, y, dir)(6, 0)) + named(x, y, dir, words.join(' '));
}

const triangle = (p) => line(p(2, -1), p(2, 1), p(4, 0), p(2, -1)) + line(p(4, -1), p(4, 1)) + line(p(1.5, 0), p(2, 0)) + line(p(4, 0), p(4.5, 0));
const arrows = (x, y, s) => [0, 0.9].map((d) => line([x, y + d], [x + 1.6 * s, y + d]) + line([x + 1.2 * s, y + d - 0.3], [x + 1.6 * s, y + d], [x + 1.2 * s, y + d + 0.3])).join('');

function coupler(x, y, name, led, transistor, s) {
  const t = transistor;
  return `<rect x="${(x - 2) * U}" y="${(y - 0.5) * U}" width="${14 * U}" height="${7 * U}" stroke-dasharray="4 3"/>` +
    line([led, y], [led, y + 2]) + line([led - 1, y + 2], [led + 1, y + 2], [led, y + 4], [led - 1, y + 2]) +
    line([led - 1, y + 4], [led + 1, y + 4]) + line([led, y + 4], [led, y + 6]) + arrows(led + 2 * s, y + 2.6, s) +
    line([t - 2 * s, y + 1.5], [t - 2 * s, y + 4.5]) + line([t - 2 * s, y + 2.5], [t, y + 1], [t, y]) + line([t - 2 * s, y + 3.5], [t, y + 5], [t, y + 6]) +
    label(x + 3.8, y - 0.9, name);
}

const draw = {
  box: ([x, y, w, h, name, ...note]) =>
    `<rect x="${x * U}" y="${y * U}" width="${w * U}" height="${h * U}"/>` + label(+x + w / 2, y - 0.6, [name, ...note].join(' '), ' text-anchor="middle"'),
  r: (p) => twoPole(p, (q) => line(q(1.5, -0.7), q(4.5, -0.7), q(4.5, 0.7), q(1.5, 0.7), q(1.5, -0.7))),
  cap: (p) => twoPole(p, (q) => line(q(1.5, 0), q(2.7, 0)) + line(q(2.7, -1), q(2.7, 1)) + line(q(3.3, -1), q(3.3, 1)) + line(q(3.3, 0), q(4.5, 0))),
  diode: (p) => twoPole(p, triangle),
  opto: ([x, y, ...name]) => coupler(x, y, name.join(' '), x, x + 10, 1),
  optol: ([x, y, ...name]) => coupler(x, y, name.join(' '), x + 10, x, -1),
  npn: ([x, y, ...name]) => line([x, y], [x + 2, y]) + line([x + 2, y - 2], [x + 2, y + 2]) +
    line([x + 2, y - 1], [x + 4, y - 3], [x + 4, y - 4]) + line([x + 2, y + 1], [x + 4, y + 3], [x + 4, y + 4]) +
    line([x + 3.2, y + 2.9], [x + 4, y + 3], [x + 3.9, y + 2.2]) + label(x + 4.8, y + 0.4, name.join(' ')),
  nmos: ([x, y, ...name]) => line([x, y], [x + 1.6, y]) + line([x + 1.6, y - 2], [x + 1.6, y + 2]) + line([x + 2.2, y - 2.4], [x + 2.2, y + 2.4]) +
    line([x + 2.2, y - 1.8], [x + 4, y - 1.8], [x + 4, y - 4]) + line([x + 2.2, y + 1.8], [x + 4, y + 1.8], [x + 4, y + 4]) +
    line([x + 4, y + 1.8], [x + 4, y], [x + 2.2, y]) + line([x + 3, y - 0.5], [x + 2.2, y], [x + 3, y + 0.5]) + label(x + 4.8, y + 0.4, name.join(' ')),
  amp: ([x, y, ...name]) => line([x, y - 4], [x, y + 4], [x + 8, y], [x, y - 4]) + label(x + 0.6, y - 1.6, '+') + label(x + 0.8, y + 2.4, '-') +
    label(x + 4, y - 3.4, name.join(' ')),
  wire: (p) => line(...Array.from({ length: p.length / 2 }, (_, i) => [+p[2 * i], +p[2 * i + 1]])),
  dot: ([x, y]) => `<circle cx="${x * U}" cy="${y * U}" r="3" fill="#111"/>`,
  gnd: ([x, y, ...name]) => line([+x, +y], [+x, +y + 1]) + line([+x - 1, +y + 1], [+x + 1, +y + 1]) + label(+x, +y + 2.3, name.join(' '), ' text-anchor="middle" class="s"'),
  up: ([x, y, ...name]) => line([+x, +y], [+x, y - 1]) + line([+x - 1, y - 1], [+x + 1, y - 1]) + label(+x, y - 1.5, name.join(' '), ' text-anchor="middle" class="s"'),
  net: ([x, y, ...name]) => label(+x + 0.6, +y + 0.4, name.join(' '), ' class="n"'),
  text: ([x, y, ...words]) => label(+x, +y, words.join(' ')),
  barrier: ([x, a, b]) => `<line x1="${x * U}" y1="${a * U}" x2="${x * U}" y2="${b * U}" stroke="#b00" stroke-dasharray="10 6"/>`,
};

function render(text) {
  let head = '', body = '';
  text.split('\n').forEach((raw, i) => {
    const [what, ...p] = raw.trim().split(/\s+/);
    if (what === '' || what.startsWith('#')) return;
    if (what === 'sheet') {
      const [w, h, ...title] = p;
      head = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${w * U} ${h * U}" width="${w * U}" height="${h * U}">\n` +
        '<style>text{font:12px sans-serif;fill:#111;stroke:none}.s{font-size:10px}.n{fill:#046}.t{font-size:18px;font-weight:bold}</style>\n' +
        `<rect width="100%" height="100%" fill="#fff"/>\n<text class="t" x="30" y="28">${escape(title.join(' '))}</text>\n` +
        '<g fill="none" stroke="#111" stroke-width="1.5">\n';
      return;
    }
    if (draw[what] === undefined) throw new Error(`schematic.txt:${i + 1}: ${what} is no part`);
    body += `${draw[what](p.map((x) => (/^-?[\d.]+$/.test(x) ? Number(x) : x)))}\n`;
  });
  return `${head}${body}</g>\n</svg>\n`;
}

const svg = render(readFileSync(source, 'utf8'));
if (process.argv.includes('--check')) {
  if (readFileSync(target, 'utf8') !== svg) {
    console.error('hardware/schematic.svg is not what schematic.txt says: node tools/schematic.mjs');
    process.exit(1);
  }
} else writeFileSync(target, svg);
