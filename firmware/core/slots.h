/* Two slots of flash for the program, and a journal that says which of them
 * runs. The boot stage and the program share this file: the program puts an
 * image into the slot that does not run, verifies it and enters a trial; the
 * boot stage starts a trial once; the program confirms it when a host has
 * talked to it; a trial that was started and not confirmed is over, and the old
 * image runs again.
 *
 * An image is a header of 32 bytes and the program, which runs from RAM: one
 * image fits both slots. */
#ifndef CHEKOMAT_SLOTS_H
#define CHEKOMAT_SLOTS_H

#include "bytes.h"

enum {
	FLASH_SECTOR = 4096,
	FLASH_PAGE = 256,
	JOURNAL_AT = 0x4000, /* two sectors of flash */
	SLOT_AT = 0x10000,
	SLOT_SIZE = 0x10000,
	SLOTS = 2,
	NO_SLOT = 0xFF,

	IMAGE_MAGIC = 0x4D4B4843, /* "CHKM" */
	IMAGE_HEADER = 32,
	IMAGE_LOAD = 0x20000000,
};

/* The header, little-endian: magic, load address, program size, CRC-32 of the
 * program, entry address, version (3 bytes) and hardware (1), zero, CRC-32 of
 * the 28 bytes before. */
struct image {
	uint32_t size, crc, entry;
	uint8_t version[3];
	uint8_t hardware;
};

/* What the flash is like; on the module hw/flash.c and boot/, in tests memory. */
const uint8_t *flash_at(uint32_t offset);
void flash_erase(uint32_t offset);                      /* one sector */
void flash_program(uint32_t offset, const uint8_t *page); /* one page */

/* image_check reads a header; false when it is none or too long for a slot. */
bool image_header(const uint8_t *p, struct image *im);

/* slot_good verifies the image in a slot. */
bool slot_good(uint8_t slot, struct image *im);

struct choice {
	uint8_t active;  /* the slot that was confirmed */
	uint8_t trial;   /* NO_SLOT, or a slot with an image to be tried */
	bool started;    /* the trial was started */
	bool failed;     /* the last trial came to nothing */
};

/* choice_read gives what the journal says; active is NO_SLOT without one. */
struct choice choice_read(void);
void choice_write(struct choice c);

/* choice_boot decides at every start which slot runs, and writes down that a
 * trial begins or is over; NO_SLOT when there is no image at all. */
uint8_t choice_boot(struct choice *c);

#endif
