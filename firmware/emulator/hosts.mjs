// What is at the other end of the module's links.

const FIFO = 32;

// UartHost gives UART0 its baud rate and FIFO and a host with the same rate.
export class UartHost {
  constructor(chip, uart) {
    this.chip = chip;
    this.uart = uart;
    this.queue = []; // module's transmitter
    this.toModule = [];
    this.overruns = 0;
    uart.checkInterrupts = () => chip.rp.setInterrupt(uart.irq, !!(uart.interruptStatus & uart.interruptMask));
    Object.defineProperty(uart, 'flags', {
      get: () => (uart.rxFIFO.full ? 0x40 : 0) | (uart.rxFIFO.empty ? 0x10 : 0) |
        (this.queue.length >= FIFO ? 0x20 : 0) | (this.queue.length === 0 ? 0x80 : 0),
    });
    this.out = chip.clock.createAlarm(() => this.sent());
    this.in = chip.clock.createAlarm(() => this.arrived());
    uart.onByte = (b) => {
      this.queue.push(b);
      if (this.queue.length === 1) this.out.schedule(this.byteTime());
    };
  }
  byteTime() { return (10 * 1e9) / (this.uart.baudRate || 460800); }
  sent() {
    this.chip.onHost(this.chip.now, 'uart', [this.queue.shift()]);
    if (this.queue.length === FIFO / 2 || this.queue.length === 0) {
      this.uart.interruptStatus |= 1 << 5;
      this.uart.checkInterrupts();
    }
    if (this.queue.length > 0) this.out.schedule(this.byteTime());
  }
  /** send gives bytes to the module, at the link's pace from now on. */
  send(bytes) {
    const idle = this.toModule.length === 0;
    for (const b of bytes) this.toModule.push(b);
    if (idle && this.toModule.length > 0) this.in.schedule(this.byteTime());
  }
  arrived() {
    const b = this.toModule.shift();
    if (this.uart.rxFIFO.full) this.overruns++;
    else if (this.uart.enabled) this.uart.feedByte(b);
    if (this.toModule.length > 0) this.in.schedule(this.byteTime());
  }
}

// UsbHost is a CDC host; without a device class nothing is plugged in.
export class UsbHost {
  constructor(chip, cdc) {
    this.chip = chip;
    this.cdc = cdc;
    this.connected = false;
    this.toModule = [];
    this.wanted = 0; // bytes the module's OUT endpoint waits for
    if (cdc === null) return;
    const usb = chip.rp.usbCtrl;
    cdc.onDeviceConnected = () => { this.connected = true; };
    cdc.onSerialData = (b) => { if (b.length > 0) chip.onHost(chip.now, 'usb', [...b]); };
    // The class completes reads with nothing every 10 us; here a read waits for data.
    usb.onEndpointRead = (endpoint, size) => {
      if (endpoint !== cdc.outEndpoint) return;
      this.wanted = size;
      this.deliver();
    };
  }
  send(bytes) {
    for (const b of bytes) this.toModule.push(b);
    this.deliver();
  }
  deliver() {
    if (this.cdc === null || this.wanted === 0 || this.toModule.length === 0) return;
    const part = Uint8Array.from(this.toModule.splice(0, this.wanted));
    this.wanted = 0;
    this.chip.rp.usbCtrl.endpointReadDone(this.cdc.outEndpoint, part);
  }
  /** line raises or drops DTR: a program opens or closes the port. */
  line(dtr) { if (this.cdc !== null) this.cdc.cdcSetControlLineState(dtr ? 3 : 0); }
}
