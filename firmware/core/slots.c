#include "slots.h"
#include "frame.h"

/* A record of the journal: sequence u32, active, trial, flags, FE, CRC-32 of
 * the 8 bytes; padded to 16. The newest good one counts; the two sectors take
 * turns, so that one of them always holds it. */
enum { RECORD = 16, RECORDS = 2 * FLASH_SECTOR / RECORD, STARTED = 1, FAILED = 2 };

bool image_header(const uint8_t *p, struct image *im)
{
	if (get32(p) != IMAGE_MAGIC || get32(p + 4) != IMAGE_LOAD || crc32(0, p, 28) != get32(p + 28))
		return false;
	*im = (struct image){
		.size = get32(p + 8), .crc = get32(p + 12), .entry = get32(p + 16),
		.version = {p[20], p[21], p[22]}, .hardware = p[23],
	};
	return im->size >= 8 && im->size <= SLOT_SIZE - IMAGE_HEADER &&
		im->entry >= IMAGE_LOAD && im->entry < IMAGE_LOAD + im->size;
}

bool slot_good(uint8_t slot, struct image *im)
{
	if (slot >= SLOTS)
		return false;
	const uint8_t *p = flash_at(SLOT_AT + slot * (uint32_t)SLOT_SIZE);
	return image_header(p, im) && crc32(0, p + IMAGE_HEADER, im->size) == im->crc;
}

static const uint8_t *record(unsigned i) { return flash_at(JOURNAL_AT + i * RECORD); }

/* newest gives the index of the record that counts, -1 without any. */
static int newest(void)
{
	int best = -1;
	for (unsigned i = 0; i < RECORDS; i++) {
		const uint8_t *p = record(i);
		if (get32(p) == 0xFFFFFFFF || crc32(0, p, 8) != get32(p + 8))
			continue;
		if (best < 0 || (int32_t)(get32(p) - get32(record((unsigned)best))) > 0)
			best = (int)i;
	}
	return best;
}

struct choice choice_read(void)
{
	int i = newest();
	if (i < 0)
		return (struct choice){NO_SLOT, NO_SLOT, false, false};
	const uint8_t *p = record((unsigned)i);
	return (struct choice){p[4], p[5], (p[6] & STARTED) != 0, (p[6] & FAILED) != 0};
}

static bool blank(const uint8_t *p, size_t n)
{
	while (n-- > 0)
		if (*p++ != 0xFF)
			return false;
	return true;
}

void choice_write(struct choice c)
{
	int last = newest();
	uint32_t seq = last < 0 ? 1 : get32(record((unsigned)last)) + 1;
	if (seq == 0xFFFFFFFF)
		seq = 0;
	unsigned i = (unsigned)(last + 1) % RECORDS;
	if (i % (FLASH_SECTOR / RECORD) == 0)
		flash_erase(JOURNAL_AT + i * RECORD);
	while (!blank(record(i), RECORD)) {
		/* What a cut of power left: the rest of the sector, then the next. */
		i = (i + 1) % RECORDS;
		if (i % (FLASH_SECTOR / RECORD) == 0)
			flash_erase(JOURNAL_AT + i * RECORD);
	}
	uint8_t page[FLASH_PAGE];
	memset(page, 0xFF, sizeof page);
	uint32_t at = JOURNAL_AT + i * RECORD;
	uint8_t *p = page + at % FLASH_PAGE;
	put32(p, seq);
	p[4] = c.active;
	p[5] = c.trial;
	p[6] = (uint8_t)((c.started ? STARTED : 0) | (c.failed ? FAILED : 0));
	p[7] = 0xFE;
	put32(p + 8, crc32(0, p, 8));
	flash_program(at - at % FLASH_PAGE, page);
}

uint8_t choice_boot(struct choice *c)
{
	struct image im;
	*c = choice_read();
	if (c->trial != NO_SLOT) {
		if (!c->started && slot_good(c->trial, &im)) {
			c->started = true;
			choice_write(*c);
			return c->trial;
		}
		*c = (struct choice){c->active, NO_SLOT, false, true};
		choice_write(*c);
	}
	if (slot_good(c->active, &im))
		return c->active;
	for (uint8_t s = 0; s < SLOTS; s++)
		if (slot_good(s, &im)) {
			*c = (struct choice){s, NO_SLOT, false, c->failed};
			choice_write(*c);
			return s;
		}
	return NO_SLOT;
}
