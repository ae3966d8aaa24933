// Peripherals the emulator has not.

// Peripheral is what rp2040js wants of one: plain registers here.
export class Stub {
  constructor(rp, name) {
    this.rp2040 = rp;
    this.name = name;
    this.words = new Map();
  }
  readUint32(offset) { return this.words.get(offset) ?? 0; }
  writeUint32(offset, value) { this.words.set(offset, value >>> 0); }
  writeUint32Atomic(offset, value, kind) {
    const old = this.readUint32(offset);
    this.writeUint32(offset, [value, old ^ value, old | value, old & ~value][kind]);
  }
}

// RingOscillator gives random bits from the chip's seed.
export class RingOscillator extends Stub {
  constructor(rp, chip) {
    super(rp, 'ROSC');
    this.chip = chip;
  }
  readUint32(offset) {
    if (offset !== 0x1c) return super.readUint32(offset);
    let x = this.chip.random;
    x ^= x << 13; x >>>= 0;
    x ^= x >>> 17;
    x ^= x << 5; x >>>= 0;
    this.chip.random = x;
    return x & 1;
  }
}

// SerialFlash is the SSI with a flash chip in direct mode: READ UNIQUE ID (4Bh).
export class SerialFlash extends Stub {
  constructor(chip) {
    super(null, 'SSI');
    this.chip = chip;
    this.select(false);
  }
  select(low) {
    this.low = low;
    this.sent = 0;
    this.command = 0;
    this.answers = [];
  }
  readUint32(offset) {
    if (offset === 0x28) return 2 | 4 | (this.answers.length > 0 ? 8 : 0);
    if (offset === 0x60) return this.answers.shift() ?? 0;
    return super.readUint32(offset);
  }
  writeUint32(offset, value) {
    if (offset !== 0x60) {
      super.writeUint32(offset, value);
      return;
    }
    if (!this.low) return;
    if (this.sent === 0) this.command = value & 0xff;
    const id = this.command === 0x4b && this.sent >= 5 ? this.chip.id[this.sent - 5] : 0;
    this.answers.push(id ?? 0);
    this.sent++;
  }
}

// QspiPins sees the chip select the program forces.
export class QspiPins extends Stub {
  constructor(rp, flash) {
    super(rp, 'IO_QSPI');
    this.flash = flash;
  }
  writeUint32(offset, value) {
    super.writeUint32(offset, value);
    if (offset === 0x0c) this.flash.select(((value >> 8) & 3) === 2);
  }
}
