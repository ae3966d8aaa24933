/* The program of the interface module: hardware below, core above. */
#include "../core/module.h"
#include "../version.h"
#include "board.h"
#include "handover.h"
#include "regs.h"

enum { WORDS = 16384 }; /* 40 s of busy polling, hours of what is not idle */

static struct module module;
static struct kept room[WORDS];

/* The ring oscillator's lowest bit is random, not evenly; many of them make an
 * id nobody had before. */
static uint64_t random64(void)
{
	uint64_t x = 0;
	for (unsigned i = 0; i < 256; i++) {
		x = (x << 1 | x >> 63) ^ (REG(ROSC + 0x1C) & 1);
		for (volatile unsigned k = 0; k < 5; k++)
			;
	}
	return x;
}

static struct identity identity(void)
{
	struct identity is = {.hardware = HARDWARE, .revision = 0, .version = {VERSION_MAJOR, VERSION_MINOR, VERSION_PATCH}};
	uint32_t from = SCRATCH(1);
	flash_id(is.id);
	if ((from & 0xFFFF0000) == HANDOVER) {
		is.slot = (uint8_t)(from & 0xFF);
		is.trial = (from >> 8 & 0xF) != 0;
		is.boot_reason = (uint8_t)(from >> 12 & 0xF);
	}
	is.boot = random64() ^ get64(is.id) ^ (uint64_t)SCRATCH(2) << 56;
	if (is.boot == 0)
		is.boot = 1;
	return is;
}

static void hosts(uint64_t now)
{
	uint8_t b[64];
	size_t n;
	if (usb_opened())
		module_opened(&module, LINK_USB, now);
	while ((n = uart_take(b, sizeof b)) > 0)
		module_bytes(&module, LINK_UART, b, n, now);
	while ((n = usb_take(b, sizeof b)) > 0)
		module_bytes(&module, LINK_USB, b, n, now);
}

static void words(uint64_t now)
{
	struct word w;
	while (lines_take(&w, now))
		module_word(&module, w);
}

int main(void)
{
	clocks_start();
	pins_start();
	struct identity is = identity();
	uart_start();
	module_init(&module, &is, room, WORDS, time_now());
	lines_start();
	usb_start(is.id);
	watchdog_start();
	irq_on();
	uint64_t sense = 0;
	for (;;) {
		watchdog_feed();
		/* Read before the queue is drained: what began before it has arrived. */
		uint64_t now = time_now();
		words(now);
		uint64_t in_flight = lines_longest() + 350;
		hosts(now);
		if (now >= sense) {
			sense = now + 20000;
			module_supply(&module, supply_read(), now);
		}
		uint64_t next = module_tick(&module, now, now > in_flight ? now - in_flight : 0);
		alarm_at(next < sense ? next : sense);
		irq_off();
		if (lines_empty() && uart_empty() && usb_empty())
			__asm volatile("wfi" ::: "memory");
		irq_on();
	}
}
