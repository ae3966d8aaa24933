/* Registers of the RP2040 that are used, by address (RP2040 datasheet). */
#ifndef CHEKOMAT_REGS_H
#define CHEKOMAT_REGS_H

#include <stdint.h>

#define REG(a) (*(volatile uint32_t *)(a))
#define SET(a) REG((a) + 0x2000)
#define CLR(a) REG((a) + 0x3000)

#define SSI 0x18000000u
#define CLOCKS 0x40008000u
#define RESETS 0x4000C000u
#define PSM 0x40010000u
#define IO_BANK0 0x40014000u
#define IO_QSPI 0x40018000u
#define PADS_BANK0 0x4001C000u
#define XOSC 0x40024000u
#define PLL_USB 0x4002C000u
#define UART0 0x40034000u
#define ADC 0x4004C000u
#define TIMER 0x40054000u
#define WATCHDOG 0x40058000u
#define ROSC 0x40060000u
#define USB_RAM 0x50100000u
#define USB 0x50110000u
#define PIO0 0x50200000u
#define PIO1 0x50300000u
#define SIO 0xD0000000u
#define PPB 0xE0000000u

#define VTOR REG(PPB + 0xED08)
#define NVIC_ENABLE REG(PPB + 0xE100)
#define NVIC_DISABLE REG(PPB + 0xE180)
#define NVIC_PRIORITY(n) REG(PPB + 0xE400 + 4 * ((n) / 4))

#define TIME_LOW REG(TIMER + 0x28)
#define TIME_HIGH REG(TIMER + 0x24)

#define GPIO_STATUS(n) REG(IO_BANK0 + 8 * (n))
#define GPIO_CTRL(n) REG(IO_BANK0 + 8 * (n) + 4)
#define PAD(n) REG(PADS_BANK0 + 4 + 4 * (n))

#define SM(pio, n, r) REG((pio) + 0xC8 + 0x18 * (n) + (r))
enum { SM_CLKDIV = 0x00, SM_EXECCTRL = 0x04, SM_SHIFTCTRL = 0x08, SM_ADDR = 0x0C, SM_INSTR = 0x10, SM_PINCTRL = 0x14 };

enum { IRQ_TIMER0 = 0, IRQ_TIMER1 = 1, IRQ_USB = 5, IRQ_PIO0 = 7, IRQ_PIO1 = 9, IRQ_GPIO = 13, IRQ_UART0 = 20 };

/* Pins, as firmware/hardware/pins.md has them. */
enum {
	PIN_UART_TX = 0, PIN_UART_RX = 1, PIN_LINE0 = 2, /* to 5: the four lines */
	PIN_MDB_TX = 6, PIN_EXE_TX = 7, PIN_OUT0 = 8, PIN_OUT1 = 9, PIN_INTERLOCK = 10, PIN_LED = 25, PIN_SUPPLY = 26,
};

enum { PAD_PLAIN = 0x56, PAD_PULL_UP = 0x5A, PAD_ANALOG = 0x80 };
enum { FUNC_UART = 2, FUNC_SIO = 5, FUNC_PIO0 = 6, FUNC_PIO1 = 7, FUNC_NONE = 31 };

static inline void irq_off(void) { __asm volatile("cpsid i" ::: "memory"); }
static inline void irq_on(void) { __asm volatile("cpsie i" ::: "memory"); }

#endif
