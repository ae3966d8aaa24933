#include "hardware.h"

#include <stdlib.h>

struct fake fake;
static size_t read_at;
static struct splitter splitter;

void fake_reset(void)
{
	memset(&fake, 0, sizeof fake);
	memset(fake.flash, 0xFF, sizeof fake.flash);
	fake.room = 8192;
	fake.reboot = -1;
	read_at = 0;
	splitter = (struct splitter){0};
}

bool next_frame(struct frame *f)
{
	while (read_at < fake.sent_n)
		if (splitter_push(&splitter, fake.sent[read_at++], f))
			return true;
	fake.sent_n = read_at = 0;
	return false;
}

/* Power fails in the middle: the operation is half done, nothing after it is. */
static bool powered(bool *half)
{
	*half = fake.fail_after == 1;
	if (fake.fail_after == 1)
		fake.fail_after = UINT32_MAX;
	else if (fake.fail_after == UINT32_MAX)
		return false;
	else if (fake.fail_after > 1)
		fake.fail_after--;
	return true;
}

const uint8_t *flash_at(uint32_t offset) { return fake.flash + offset; }

void flash_erase(uint32_t offset)
{
	bool half;
	fake.erased++;
	if (powered(&half))
		memset(fake.flash + offset, 0xFF, half ? FLASH_SECTOR / 2 : FLASH_SECTOR);
}

void flash_program(uint32_t offset, const uint8_t *page)
{
	bool half;
	fake.programmed++;
	if (!powered(&half))
		return;
	for (unsigned i = 0; i < FLASH_PAGE; i++)
		if (!half || i % 3 != 0)
			fake.flash[offset + i] &= page[i];
}

size_t port_room(uint8_t link)
{
	(void)link;
	return fake.room;
}

void port_send(uint8_t link, const uint8_t *p, size_t n)
{
	if (fake.on_send != NULL)
		fake.on_send(link, p, n);
	if (fake.sent_n + n > sizeof fake.sent)
		abort();
	memcpy(fake.sent + fake.sent_n, p, n);
	fake.sent_n += n;
}

void port_say(const uint16_t *words, size_t n, uint64_t at)
{
	if (fake.on_say != NULL)
		fake.on_say(words, n, at);
	memcpy(fake.said, words, n * sizeof *words);
	fake.said_n = n;
	fake.said_at = at;
}

bool port_interlock(void) { return fake.interlock; }
bool port_master_busy(void) { return fake.busy; }
void port_outputs(uint8_t value) { fake.outputs = value; }

bool port_line(uint8_t line, uint8_t flags, uint32_t baud)
{
	(void)line;
	(void)flags;
	return baud == 9600;
}

void port_reboot(uint8_t how) { fake.reboot = how; }
