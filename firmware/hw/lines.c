/* The four lines: receivers on PIO0, the MDB transmitter on PIO1. */
#include "../core/voice.h"
#include "board.h"
#include "regs.h"

/* Receiver, 16 ticks a bit, for 11-bit frames (start, 9 bits, stop): waits for a
 * falling edge, looks again in the middle of the start bit, shifts nine bits in,
 * and pushes them with the stop bit; after a low stop bit it waits for the line
 * to rise. */
static const uint16_t receiver[] = {
	0x2020, 0xA642, 0x00C0, 0xE028, 0xAD42, 0x4001, 0x0044, 0xAD42, 0x00CC, 0x4061, 0x20A0, 0x0000, 0x4021,
};

/* Transmitter: pulls a frame and shifts its eleven bits out. */
static const uint16_t transmitter[] = {0x80A0, 0xE02A, 0x6E01, 0x0042};

enum { QUEUE = 1024 }; /* 0.3 s of four saturated lines: a flash sector is erased meanwhile */

/* An event of a line as the interrupts leave it. */
struct event {
	uint32_t t; /* of the start bit, low 32 bits */
	uint16_t w;
};

static struct event queue[QUEUE];
static volatile uint32_t head, tail;
static uint16_t back[LINES] = {1100, 1100, 1100, 1100}; /* us from the start edge to the push */
static uint16_t length[LINES] = {1146, 1146, 1146, 1146};
static bool lost[LINES];      /* the next word of the line comes after a loss */
static uint32_t enabled = 0xF;

static void put(uint32_t t, unsigned line, uint16_t w)
{
	uint32_t h = head;
	if (h - tail == QUEUE) {
		lost[line] = true;
		return;
	}
	queue[h % QUEUE] = (struct event){t, (uint16_t)(w | line << W_LINE_SHIFT)};
	__asm volatile("" ::: "memory");
	head = h + 1;
}

static bool level(unsigned line) { return (GPIO_STATUS(PIN_LINE0 + line) & 1 << 19) != 0; }

/* Both edges of a line: inversion of the input comes after the edge detector. */
static uint32_t edges(unsigned line) { return 0xCu << 4 * (PIN_LINE0 + line); }

static void ended(unsigned line, uint32_t t)
{
	CLR(IO_BANK0 + 0x100) = edges(line);
	put(t, line, W_BREAK_END);
}

static void take(unsigned line, uint32_t raw, uint32_t t)
{
	uint16_t v = raw >> 22 & W_VALUE, w = v;
	bool stop = raw >> 31 != 0;
	if (lost[line]) {
		w |= W_LOST;
		lost[line] = false;
	}
	if (!stop && v == 0)
		w |= W_BREAK_START;
	else if (!stop)
		w |= W_FRAMING;
	put(t, line, w);
	if ((w & W_BREAK_START) == 0)
		return;
	REG(IO_BANK0 + 0xF0) = edges(line);
	SET(IO_BANK0 + 0x100) = edges(line);
	if (level(line))
		ended(line, TIME_LOW);
}

void isr_pio0(void)
{
	uint32_t now = TIME_LOW, levels = REG(PIO0 + 0x0C), stalled = REG(PIO0 + 8) & 0xF;
	for (unsigned i = 0; i < LINES; i++) {
		unsigned n = levels >> (8 * i + 4) & 0xF;
		for (unsigned k = n; k-- > 0;)
			take(i, REG(PIO0 + 0x20 + 4 * i), now - back[i] - k * length[i]);
		if ((stalled & 1 << i) != 0 && n > 0) {
			/* The loss lies after what was drained. */
			lost[i] = true;
			REG(PIO0 + 8) = 1 << i;
		}
	}
}

void isr_gpio(void)
{
	uint32_t now = TIME_LOW, what = REG(IO_BANK0 + 0x120);
	for (unsigned i = 0; i < LINES; i++) {
		if ((what & edges(i)) == 0)
			continue;
		REG(IO_BANK0 + 0xF0) = edges(i);
		if (level(i))
			ended(i, now);
	}
}

bool lines_empty(void) { return head == tail; }

bool lines_take(struct word *w, uint64_t now)
{
	if (lines_empty())
		return false;
	struct event *e = &queue[tail % QUEUE];
	uint32_t ago = (uint32_t)now - e->t;
	*w = (struct word){ago < 0x80000000 && ago <= now ? now - ago : now, e->w};
	__asm volatile("" ::: "memory");
	tail++;
	return true;
}

uint32_t lines_longest(void)
{
	uint32_t l = 0;
	for (unsigned i = 0; i < LINES; i++)
		if ((enabled & 1 << i) != 0 && length[i] > l)
			l = length[i];
	return l;
}

bool port_master_busy(void) { return SM(PIO0, 0, SM_ADDR) != 0 || !lines_empty(); }

static uint32_t divider(uint32_t baud)
{
	/* 48 MHz / 16 / baud as 16.8 bits. */
	return ((uint64_t)3000000 * 256 + baud / 2) / baud << 8;
}

bool port_line(uint8_t line, uint8_t flags, uint32_t baud)
{
	if (baud < 600 || baud > 38400)
		return false;
	CLR(PIO0) = 1u << line;
	enabled &= ~(1u << line);
	GPIO_CTRL(PIN_LINE0 + line) = FUNC_PIO0 | (flags & 1u) << 16;
	SM(PIO0, line, SM_CLKDIV) = divider(baud);
	back[line] = (uint16_t)(10562500 / baud);
	length[line] = (uint16_t)(11000000 / baud);
	if (line == LINE_MASTER || line == LINE_SLAVE)
		SM(PIO1, 0, SM_CLKDIV) = divider(baud);
	if ((flags & 2) != 0)
		return true;
	SM(PIO0, line, SM_INSTR) = 0; /* jump to the start */
	REG(PIO0) = REG(PIO0) | 1u << line | 1u << (4 + line);
	enabled |= 1u << line;
	return true;
}

/* What is being said. */
static uint16_t saying[BLOCK_MAX];
static volatile uint8_t said, to_say;

static void refill(void)
{
	while (said < to_say && (REG(PIO1 + 4) & 1 << 16) == 0)
		REG(PIO1 + 0x10) = (uint32_t)saying[said++] << 1 | 1 << 10;
	REG(PIO1 + 0x12C) = said < to_say ? 1 << 4 : 0;
}

void isr_pio1(void) { refill(); }

void isr_timer0(void)
{
	REG(TIMER + 0x34) = 1 << 0;
	refill();
}

void port_say(const uint16_t *words, size_t n, uint64_t at)
{
	irq_off();
	for (size_t i = 0; i < n; i++)
		saying[i] = words[i];
	said = 0;
	to_say = (uint8_t)n;
	REG(TIMER + 0x10) = (uint32_t)at;
	if ((int32_t)((uint32_t)at - TIME_LOW) < 2) {
		/* An alarm in the past would wait for the clock to come round. */
		REG(TIMER + 0x20) = 1 << 0;
		refill();
	}
	irq_on();
}

void isr_timer1(void) { REG(TIMER + 0x34) = 1 << 1; }

void alarm_at(uint64_t t)
{
	REG(TIMER + 0x14) = (uint32_t)t;
	if ((int32_t)((uint32_t)t - TIME_LOW) < 2)
		REG(TIMER + 0x14) = TIME_LOW + 5;
}

void lines_start(void)
{
	for (unsigned i = 0; i < sizeof receiver / 2; i++)
		REG(PIO0 + 0x48 + 4 * i) = receiver[i];
	for (unsigned i = 0; i < sizeof transmitter / 2; i++)
		REG(PIO1 + 0x48 + 4 * i) = transmitter[i];
	for (unsigned i = 0; i < LINES; i++) {
		PAD(PIN_LINE0 + i) = PAD_PULL_UP;
		SM(PIO0, i, SM_EXECCTRL) = (PIN_LINE0 + i) << 24 | 12 << 12;
		SM(PIO0, i, SM_SHIFTCTRL) = 1u << 31 | 10 << 20 | 1 << 18 | 1 << 16;
		SM(PIO0, i, SM_PINCTRL) = (PIN_LINE0 + i) << 15;
	}
	REG(PIO0 + 0x12C) = 0xF;

	PAD(PIN_MDB_TX) = PAD_PLAIN;
	SM(PIO1, 0, SM_CLKDIV) = divider(9600);
	SM(PIO1, 0, SM_EXECCTRL) = 3 << 12;
	SM(PIO1, 0, SM_SHIFTCTRL) = 1 << 30 | 1 << 19;
	SM(PIO1, 0, SM_PINCTRL) = 1 << 20 | 1 << 26 | PIN_MDB_TX | PIN_MDB_TX << 5;
	SM(PIO1, 0, SM_INSTR) = 0xE001; /* idle level before the pin is ours */
	SM(PIO1, 0, SM_INSTR) = 0xE081;
	GPIO_CTRL(PIN_MDB_TX) = FUNC_PIO1;
	REG(PIO1) = 1;

	REG(TIMER + 0x38) = 3;
	for (uint8_t i = 0; i < LINES; i++)
		port_line(i, 0, 9600);
	NVIC_ENABLE = 1 << IRQ_TIMER0 | 1 << IRQ_TIMER1 | 1 << IRQ_PIO0 | 1 << IRQ_PIO1 | 1 << IRQ_GPIO;
}
