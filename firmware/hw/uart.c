/* UART0, 460800 8N1. */
#include "board.h"
#include "regs.h"

enum { IN = 1024, OUT = 8192, DR = UART0, FR = UART0 + 0x18, IMSC = UART0 + 0x38, ICR = UART0 + 0x44 };
enum { TXFF = 1 << 5, RXFE = 1 << 4, RXIM = 1 << 4, TXIM = 1 << 5, RTIM = 1 << 6 };

static uint8_t in[IN], out[OUT];
static volatile uint32_t in_head, in_tail, out_head, out_tail;

/* pump fills the transmitter by hand: its interrupt comes on the way down only. */
static void pump(void)
{
	while (out_head != out_tail && (REG(FR) & TXFF) == 0)
		REG(DR) = out[out_tail++ % OUT];
	REG(IMSC) = out_head != out_tail ? RXIM | RTIM | TXIM : RXIM | RTIM;
}

void isr_uart0(void)
{
	while ((REG(FR) & RXFE) == 0) {
		uint8_t b = (uint8_t)REG(DR);
		if (in_head - in_tail < IN)
			in[in_head++ % IN] = b;
	}
	REG(ICR) = TXIM;
	pump();
}

void uart_start(void)
{
	PAD(PIN_UART_TX) = PAD_PLAIN;
	PAD(PIN_UART_RX) = PAD_PULL_UP;
	GPIO_CTRL(PIN_UART_TX) = GPIO_CTRL(PIN_UART_RX) = FUNC_UART;
	REG(UART0 + 0x24) = 6; /* 48 MHz / 16 / 460800 */
	REG(UART0 + 0x28) = 33;
	REG(UART0 + 0x2C) = 0x70;
	REG(UART0 + 0x30) = 0x301;
	REG(IMSC) = RXIM | RTIM;
	NVIC_PRIORITY(IRQ_UART0) |= 0xC0u << 8 * (IRQ_UART0 % 4);
	NVIC_ENABLE = 1 << IRQ_UART0;
}

bool uart_empty(void) { return in_head == in_tail; }

size_t uart_take(uint8_t *p, size_t n)
{
	size_t got = 0;
	while (got < n && in_head != in_tail)
		p[got++] = in[in_tail++ % IN];
	return got;
}

size_t uart_room(void) { return OUT - (out_head - out_tail); }

void uart_send(const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		out[(out_head + i) % OUT] = p[i];
	irq_off();
	out_head += n;
	pump();
	irq_on();
}
