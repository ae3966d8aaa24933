// The RP2040 the firmware runs on: rp2040js with PIO machines in step with the
// processor, and models of what it lacks. Everything is deterministic: the same
// image, seed and inputs give the same bytes. Times are nanoseconds since power
// came, also across resets.
import { RP2040, USBCDC, ConsoleLogger, LogLevel } from 'rp2040js';
import { installRom } from './rom.mjs';
import { QspiPins, RingOscillator, SerialFlash, Stub } from './models.mjs';
import { UartHost, UsbHost } from './hosts.mjs';

export const PIN = { lines: [2, 3, 4, 5], mdbTx: 6, exeTx: 7, outputs: [8, 9], interlock: 10 };

const FLASH_USED = 256 * 1024;

// What is modelled here because the emulator has none of it.
export const MODELLED = ['mask ROM functions', 'flash erase and program with their times', 'flash unique id',
  'watchdog reset', 'ring oscillator random bit', 'UART baud rate and FIFO', 'own answers on the peripherals\' line'];

export class Chip {
  constructor({ image, seed = 1, id = 'E66138528300C0DE', usb = false, supply = 34000, interlock = false }) {
    this.nor = new Uint8Array(FLASH_USED).fill(0xff);
    this.nor.set(image.subarray(0, FLASH_USED));
    this.id = Buffer.from(id, 'hex');
    this.random = seed >>> 0 || 1;
    this.usbWanted = usb;
    this.supply = supply;
    this.interlock = interlock;
    this.levels = [true, true, true, true]; // what drives the lines besides the module, at the pin
    this.edges = []; // sorted by time: {t, line, level}
    this.edgeAt = 0;
    this.epoch = 0; // when this run of the chip began
    this.resets = [];
    this.outs = new Map(); // levels of outputs as told
    this.usbBoot = false;
    this.instructions = 0;
    this.watch = Infinity; // a moment the owner wants to look at, also while the processor sleeps
    this.onHost = () => {};   // (t, link, byte array)
    this.onOutput = () => {}; // (t, pin, level)
    this.power({ scratch: new Uint32Array(8), reason: 0 });
  }

  get now() { return this.epoch + this.clock.nanosCounter; }

  /** power starts the chip anew; scratch registers and reason are what the watchdog keeps. */
  power({ scratch, reason }) {
    const rp = (this.rp = new RP2040());
    this.clock = rp.clock;
    rp.logger = new ConsoleLogger(LogLevel.Error, false);
    this.extra = 0;
    this.dead = false;
    this.due = Infinity;
    rp.flash.fill(0xff, 0, 0x200000);
    rp.flash.set(this.nor);
    const flash = new SerialFlash(this);
    rp.peripherals[0x18000] = flash;
    rp.peripherals[0x40018] = new QspiPins(rp, flash);
    rp.peripherals[0x40060] = new RingOscillator(rp, this);
    rp.peripherals[0x40064] = new Stub(rp, 'VREG');
    const dog = rp.peripherals[0x40058];
    dog.scratchData.set(scratch);
    dog.reason = reason;
    dog.onWatchdogTrigger = () => {
      dog.alarm.enable = false; // it would fire again and again within the same nanosecond
      this.dead = true;
    };
    installRom(this);
    this.machines = rp.pio.flatMap((pio) => this.lockStep(pio));
    this.pins();
    this.uart = new UartHost(this, rp.uart[0]);
    this.usb = new UsbHost(this, this.usbWanted ? new USBCDC(rp.usbCtrl) : null);
    this.boot2();
  }

  /** boot2 does what the mask ROM does: checks the second stage and starts it. */
  boot2() {
    let c = 0xffffffff;
    for (const b of this.nor.subarray(0, 252)) {
      c ^= b << 24;
      for (let i = 0; i < 8; i++) c = c & 0x80000000 ? (c << 1) ^ 0x04c11db7 : c << 1;
    }
    const stored = new DataView(this.nor.buffer).getUint32(252, true);
    if (c >>> 0 !== stored) {
      this.usbBoot = true;
      return;
    }
    this.rp.sram.set(this.nor.subarray(0, 256), 0x41f00);
    const core = this.rp.core;
    core.SP = 0x20041f00;
    core.LR = 0;
    core.PC = 0x20041f00;
  }

  pins() {
    const { gpio, adc } = this.rp;
    PIN.lines.forEach((pin, i) => gpio[pin].setInputValue(this.levels[i]));
    gpio[PIN.interlock].setInputValue(!this.interlock);
    adc.channelValues[0] = this.raw();
    for (const pin of [PIN.mdbTx, PIN.exeTx, ...PIN.outputs]) {
      const first = this.driven(pin);
      if (this.outs.has(pin) && this.outs.get(pin) !== first) this.onOutput(this.now, pin, first); // a reset lets go
      this.outs.set(pin, first);
      gpio[pin].addListener(() => {
        const level = this.driven(pin);
        if (level === this.outs.get(pin)) return;
        this.outs.set(pin, level);
        if (pin === PIN.mdbTx) this.drive(1);
        this.onOutput(this.moment ?? this.now, pin, level);
      });
    }
  }

  raw() { return Math.min(4095, Math.round((this.supply * 4096) / (3300 * 16))); }

  set({ supply, interlock }) {
    if (supply !== undefined) {
      this.supply = supply;
      this.rp.adc.channelValues[0] = this.raw();
    }
    if (interlock !== undefined) {
      this.interlock = interlock;
      this.rp.gpio[PIN.interlock].setInputValue(!interlock);
    }
  }

  /** driven is the level of an output; not driven, the front end pulls transmit lines to idle, relays off. */
  driven(pin) {
    const p = this.rp.gpio[pin];
    const idle = pin === PIN.mdbTx || pin === PIN.exeTx;
    return p.outputEnable ? p.outputValue : idle;
  }

  drive(line) {
    const level = this.levels[line] && (line !== 1 || this.driven(PIN.mdbTx));
    const pin = this.rp.gpio[PIN.lines[line]];
    if (pin.rawInputValue !== level) pin.setInputValue(level);
  }

  /** wave adds edges of a line: [{t (ns), level}], sorted, not before now. */
  wave(line, edges) {
    const rest = this.edges.slice(this.edgeAt);
    this.edges = rest.concat(edges.map((e) => ({ t: Math.max(e.t, this.now), line, level: !!e.level })));
    this.edges.sort((a, b) => a.t - b.t || a.line - b.line);
    this.edgeAt = 0;
    this.recompute();
  }

  lockStep(pio) {
    pio.run = () => {};
    return pio.machines.map((m) => {
      const s = { m, pio, next: Infinity, phase: 0, stepping: false };
      const period = () => ((m.clockDivInt || 65536) + m.clockDivFrac / 256) * (1e9 / this.rp.clkSys);
      let on = m.enabled;
      Object.defineProperty(m, 'enabled', {
        get: () => on,
        set: (v) => {
          if (v === on) return;
          on = v;
          s.period = period();
          s.phase = this.moment ?? this.now;
          s.next = on ? s.phase + s.period : Infinity;
          this.recompute();
        },
      });
      const restart = m.restart.bind(m);
      m.restart = () => {
        restart();
        if (!on) return;
        s.period = period();
        s.phase = this.moment ?? this.now;
        s.next = s.phase + s.period;
        this.recompute();
      };
      const check = m.checkWait.bind(m);
      m.checkWait = () => {
        const was = m.waiting;
        check();
        if (!was || m.waiting || s.stepping || !on) return;
        const at = this.moment ?? this.now;
        const ticks = Math.ceil((at - s.phase) / s.period - 1e-9);
        s.next = s.phase + (ticks + 1 + Math.max(0, m.waitDelay)) * s.period;
        this.recompute();
      };
      s.tick = () => {
        const before = m.cycles;
        s.stepping = true;
        m.step();
        s.stepping = false;
        pio.checkChangedPins();
        s.next = m.waiting ? Infinity : s.next + (m.cycles - before) * s.period;
      };
      return s;
    });
  }

  recompute() {
    let due = this.edgeAt < this.edges.length ? this.edges[this.edgeAt].t : Infinity;
    for (const s of this.machines ?? []) if (s.next < due) due = s.next;
    this.due = due;
  }

  /** settle processes edges and PIO ticks up to t in order. */
  settle(t) {
    while (this.due <= t) {
      const edge = this.edges[this.edgeAt];
      let first = null;
      for (const s of this.machines) if (first === null || s.next < first.next) first = s;
      if (edge !== undefined && edge.t <= first.next) {
        this.edgeAt++;
        this.moment = edge.t;
        this.levels[edge.line] = edge.level;
        this.drive(edge.line);
      } else {
        this.moment = first.next;
        first.tick();
      }
      this.moment = undefined;
      this.recompute();
    }
  }

  /** nextThing is when something happens without the processor. */
  nextThing(until) {
    const alarm = this.clock.nextAlarm ? this.clock.nextAlarm.nanos + this.epoch : Infinity;
    const watch = this.watch > this.now ? this.watch : Infinity;
    return Math.min(this.due, alarm, watch, until);
  }

  /** run goes on until t, or until stop() says so. */
  run(until, stop = () => false) {
    while (this.now < until && !this.usbBoot) {
      if (this.dead) this.reset();
      const { core } = this.rp;
      if (core.waiting && (core.pendingInterrupts & core.enabledInterrupts)) {
        core.waiting = false;
        core.interruptsUpdated = true;
      }
      if (!core.waiting) {
        const pc = core.PC, cycles = core.executeInstruction();
        this.instructions++;
        let ns = (cycles * 1e9) / this.rp.clkSys + this.extra;
        this.extra = 0;
        // A jump to itself waits for an interrupt that is due later, or for ever.
        if (core.PC === pc) ns = Math.max(ns, this.nextThing(until) - this.now);
        this.clock.tick(ns);
      } else {
        const to = this.nextThing(until);
        if (to > this.now) this.clock.tick(to - this.now);
        else this.clock.tick(1); // an alarm due now, but for the rounding of its time
      }
      if (this.due <= this.now) this.settle(this.now);
      if (stop()) return true;
    }
    if (this.usbBoot && this.now < until) this.clock.nanosCounter = until - this.epoch;
    return false;
  }

  reset() {
    const dog = this.rp.peripherals[0x40058];
    const t = this.now;
    this.resets.push({ t, reason: dog.reason });
    this.epoch = t;
    this.power({ scratch: dog.scratchData, reason: dog.reason });
  }

  /** hang makes the processor run in a circle with interrupts off. */
  hang() {
    const { core } = this.rp;
    this.rp.writeUint16(0x2003f000, 0xe7fe);
    core.PM = true;
    core.waiting = false;
    core.PC = 0x2003f000;
  }

  /** cycle takes the supply away and brings it back. */
  cycle() {
    this.epoch = this.now;
    this.usbBoot = false;
    this.power({ scratch: new Uint32Array(8), reason: 0 });
  }
}
