#include "update.h"
#include "frame.h"
#include "link.h"

uint8_t update_begin(struct update *u, uint8_t running, uint32_t size, uint32_t crc, const uint8_t version[3])
{
	if (size <= IMAGE_HEADER || size > SLOT_SIZE)
		return S_VALUE;
	struct choice c = choice_read();
	if (c.trial != NO_SLOT && c.started)
		return S_BUSY; /* this image is on trial: the other slot is the way back */
	if (c.trial != NO_SLOT)
		choice_write((struct choice){c.active, NO_SLOT, false, false});
	*u = (struct update){.open = true, .slot = running == 0 ? 1 : 0, .size = size, .crc = crc,
		.version = {version[0], version[1], version[2]}};
	return S_OK;
}

static void flush(struct update *u, uint32_t end)
{
	uint32_t at = SLOT_AT + u->slot * (uint32_t)SLOT_SIZE + (end - 1) / FLASH_PAGE * FLASH_PAGE;
	if (at % FLASH_SECTOR == 0)
		flash_erase(at);
	if (end % FLASH_PAGE != 0)
		memset(u->page + end % FLASH_PAGE, 0xFF, FLASH_PAGE - end % FLASH_PAGE);
	flash_program(at, u->page);
}

uint8_t update_data(struct update *u, uint32_t offset, const uint8_t *p, size_t n)
{
	if (!u->open)
		return S_MODE;
	if (n == 0 || n > 200)
		return S_LENGTH;
	if (offset > u->got || n > u->size || offset > u->size - n)
		return S_VALUE;
	if (offset + n <= u->got)
		return S_OK; /* said again: the host missed our answer */
	if (offset != u->got)
		return S_VALUE;
	for (size_t i = 0; i < n; i++) {
		u->page[u->got++ % FLASH_PAGE] = p[i];
		if (u->got % FLASH_PAGE == 0)
			flush(u, u->got);
	}
	return S_OK;
}

uint8_t update_commit(struct update *u)
{
	if (!u->open)
		return S_MODE;
	u->open = false;
	if (u->got != u->size)
		return S_VERIFY;
	if (u->got % FLASH_PAGE != 0)
		flush(u, u->got);
	struct image im;
	const uint8_t *p = flash_at(SLOT_AT + u->slot * (uint32_t)SLOT_SIZE);
	if (crc32(0, p, u->size) != u->crc || !slot_good(u->slot, &im) || im.size + IMAGE_HEADER != u->size ||
		memcmp(im.version, u->version, 3) != 0)
		return S_VERIFY;
	struct choice c = choice_read();
	choice_write((struct choice){c.active, u->slot, false, false});
	return S_OK;
}

void update_abort(struct update *u) { u->open = false; }
