// Puts boot stage and program together: build/chekomat.img (what FW_BEGIN takes,
// core/slots.h has the header), .bin (flash from its start) and .uf2.
//   node tools/image.mjs boot.raw program.raw program.elf version.h out-prefix [patch]
import { readFileSync, writeFileSync } from 'node:fs';

const FLASH = 0x10000000, LOAD = 0x20000000;
const SECTOR = 4096, JOURNAL = 0x4000, SLOT = 0x10000, SLOT_SIZE = 0x10000, HEADER = 32;

const [bootFile, programFile, elfFile, versionFile, out, patch] = process.argv.slice(2);

/** CRC-32/MPEG-2, as the mask ROM checks boot2. */
export function crcMpeg2(bytes) {
  let c = 0xffffffff;
  for (const b of bytes) {
    c ^= b << 24;
    for (let i = 0; i < 8; i++) c = c & 0x80000000 ? (c << 1) ^ 0x04c11db7 : c << 1;
  }
  return c >>> 0;
}

/** CRC-32 of IEEE 802.3. */
export function crcIeee(bytes) {
  let c = 0xffffffff;
  for (const b of bytes) {
    c ^= b;
    for (let i = 0; i < 8; i++) c = c & 1 ? (c >>> 1) ^ 0xedb88320 : c >>> 1;
  }
  return ~c >>> 0;
}

function version() {
  const text = readFileSync(versionFile, 'utf8');
  const of = (name) => Number(text.match(new RegExp(`#define ${name} (\\d+)`))[1]);
  return [of('VERSION_MAJOR'), of('VERSION_MINOR'), patch === undefined ? of('VERSION_PATCH') : Number(patch), of('HARDWARE')];
}

function image(program, entry) {
  const padded = Buffer.alloc((program.length + 3) & ~3);
  program.copy(padded);
  const h = Buffer.alloc(HEADER);
  h.write('CHKM', 0, 'latin1');
  h.writeUInt32LE(LOAD, 4);
  h.writeUInt32LE(padded.length, 8);
  h.writeUInt32LE(crcIeee(padded), 12);
  h.writeUInt32LE((entry & ~1) >>> 0, 16);
  Buffer.from(version()).copy(h, 20);
  h.writeUInt32LE(crcIeee(h.subarray(0, 28)), 28);
  return Buffer.concat([h, padded]);
}

// Whole sectors, for the mask ROM erases sectors; the journal is written blank,
// so that a board flashed anew starts what was flashed.
function uf2(flash, sectors) {
  const pages = sectors.flatMap((s) => Array.from({ length: SECTOR / 256 }, (_, i) => s + i * 256));
  return Buffer.concat(pages.map((at, i) => {
    const b = Buffer.alloc(512);
    [0x0a324655, 0x9e5d5157, 0x2000, FLASH + at, 256, i, pages.length, 0xe48bff56].forEach((v, k) => b.writeUInt32LE(v, 4 * k));
    flash.copy(b, 32, at, at + 256);
    b.writeUInt32LE(0x0ab16f30, 508);
    return b;
  }));
}

const boot = readFileSync(bootFile);
if (boot.length > JOURNAL) throw new Error(`boot stage of ${boot.length} bytes reaches into the journal`);
boot.writeUInt32LE(crcMpeg2(boot.subarray(0, 252)), 252);
const im = image(readFileSync(programFile), readFileSync(elfFile).readUInt32LE(24));
if (im.length > SLOT_SIZE) throw new Error(`image of ${im.length} bytes does not fit a slot`);

const end = (SLOT + im.length + SECTOR - 1) & ~(SECTOR - 1);
const flash = Buffer.alloc(end, 0xff);
boot.copy(flash, 0);
im.copy(flash, SLOT);
const sectors = [];
for (let s = 0; s < end; s += SECTOR) {
  const journal = s === JOURNAL || s === JOURNAL + SECTOR;
  if (journal || flash.subarray(s, s + SECTOR).some((x) => x !== 0xff)) sectors.push(s);
}
writeFileSync(`${out}.img`, im);
writeFileSync(`${out}.bin`, flash);
writeFileSync(`${out}.uf2`, uf2(flash, sectors));
const kib = (n) => `${(n / 1024).toFixed(1)} KiB`;
console.log(`boot stage ${boot.length} bytes, image ${im.length} bytes of ${kib(SLOT_SIZE)} a slot, version ${version().slice(0, 3).join('.')}`);
