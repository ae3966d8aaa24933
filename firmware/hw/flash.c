/* Flash through the mask ROM's functions; interrupts go on, for nothing that
 * runs lies in flash. The ROM's table: two letters name a function (RP2040
 * datasheet 2.8.3). */
#include "../core/slots.h"
#include "board.h"
#include "regs.h"

typedef void *(*lookup_fn)(uint16_t *table, uint32_t code);

static void *rom(char a, char b)
{
	/* Addresses 14H and 18H of the ROM; told to the compiler as unknown, for it
	 * takes small addresses for mistakes. */
	uintptr_t at = 0x14;
	__asm("" : "+r"(at));
	uint16_t *table = (uint16_t *)(uintptr_t)*(volatile uint16_t *)at;
	lookup_fn lookup = (lookup_fn)(uintptr_t)*(volatile uint16_t *)(at + 4);
	return lookup(table, (uint32_t)(uint8_t)a | (uint32_t)(uint8_t)b << 8);
}

static void begin(void)
{
	((void (*)(void))rom('I', 'F'))(); /* connect the flash */
	((void (*)(void))rom('E', 'X'))(); /* leave execute-in-place */
}

static void end(void)
{
	((void (*)(void))rom('F', 'C'))(); /* flush the cache */
	((void (*)(void))rom('C', 'X'))(); /* execute in place again, command 03h */
}

const uint8_t *flash_at(uint32_t offset) { return (const uint8_t *)(uintptr_t)(0x10000000u + offset); }

void flash_erase(uint32_t offset)
{
	begin();
	((void (*)(uint32_t, size_t, uint32_t, uint8_t))rom('R', 'E'))(offset, FLASH_SECTOR, 1u << 16, 0xD8);
	end();
}

void flash_program(uint32_t offset, const uint8_t *page)
{
	begin();
	((void (*)(uint32_t, const uint8_t *, size_t))rom('R', 'P'))(offset, page, FLASH_PAGE);
	end();
}

enum { SS_CTRL = IO_QSPI + 0x0C, LOW = 2 << 8, HIGH = 3 << 8 };

/* The RP2040 has no id of its own; the flash chip has: command 4Bh, four bytes
 * to wait, eight of id. */
void flash_id(uint8_t id[8])
{
	begin();
	REG(SS_CTRL) = LOW;
	for (unsigned i = 0; i < 13; i++) {
		while ((REG(SSI + 0x28) & 2) == 0)
			;
		REG(SSI + 0x60) = i == 0 ? 0x4B : 0;
		while ((REG(SSI + 0x28) & 8) == 0)
			;
		uint8_t b = (uint8_t)REG(SSI + 0x60);
		if (i >= 5)
			id[i - 5] = b;
	}
	REG(SS_CTRL) = HIGH;
	end();
	REG(SS_CTRL) = 0;
}

void usb_boot(void)
{
	((void (*)(uint32_t, uint32_t))rom('U', 'B'))(1u << PIN_LED, 0);
}
