// The mask ROM's functions the firmware calls (RP2040 datasheet 2.8.3), as short
// programs that break into JavaScript. While execute-in-place is off, flash
// reads as FF: code or data fetched from there would show.
const NAMES = ['IF', 'EX', 'RE', 'RP', 'FC', 'CX', 'UB'];
const LOOKUP = 0x40, BUSY = 0x7f;
const ERASE_NS = 45e6, PROGRAM_NS = 0.7e6, STEP_NS = 20e3;

export function installRom(chip) {
  const { rp, nor } = chip;
  const half = new Uint16Array(rp.bootrom.buffer);
  half[0x14 / 2] = 0x100;
  half[0x18 / 2] = 0x200 | 1;
  half.set([0xbe00 | LOOKUP, 0x4770], 0x200 / 2);
  // break n; wait until it is done; return
  NAMES.forEach((_, n) => half.set([0xbe00 | n, 0xbe00 | BUSY, 0x2800, 0xd1fc, 0x4770], 0x300 / 2 + 8 * n));
  let busy = 0;
  const offset = (a, n) => {
    if (a + n > nor.length) throw new Error(`flash beyond its end: ${a.toString(16)}`);
    return a;
  };
  const calls = {
    IF: () => {},
    EX: () => rp.flash.fill(0xff, 0, nor.length),
    RE: (r) => {
      nor.fill(0xff, offset(r[0], r[1]), r[0] + r[1]);
      busy = chip.now + (ERASE_NS * r[1]) / 4096;
    },
    RP: (r) => {
      offset(r[0], r[2]);
      for (let i = 0; i < r[2]; i++) nor[r[0] + i] &= rp.readUint8(r[1] + i); // bits fall, they never rise
      busy = chip.now + (PROGRAM_NS * r[2]) / 256;
    },
    FC: () => {},
    CX: () => rp.flash.set(nor),
    UB: () => { chip.usbBoot = true; },
  };
  rp.onBreak = (code) => {
    const r = rp.core.registers;
    if (code === LOOKUP) {
      const n = NAMES.indexOf(String.fromCharCode(r[1] & 0xff, r[1] >> 8));
      if (n < 0) throw new Error(`ROM function ${r[1].toString(16)} is not modelled`);
      r[0] = (0x300 + 16 * n) | 1;
    } else if (code === BUSY) {
      r[0] = chip.now < busy ? 1 : 0;
      if (r[0]) chip.extra = STEP_NS;
    } else if (code < NAMES.length) {
      calls[NAMES[code]](r);
    } else {
      throw new Error(`break ${code} at ${rp.core.PC.toString(16)}`);
    }
  };
}
