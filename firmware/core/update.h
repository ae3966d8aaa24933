/* A new image over the link (FW_BEGIN, FW_DATA, FW_COMMIT, FW_ABORT of
 * docs/link.md): into the slot that does not run, verified there, then entered
 * as a trial. */
#ifndef CHEKOMAT_UPDATE_H
#define CHEKOMAT_UPDATE_H

#include "slots.h"

struct update {
	bool open;
	uint8_t slot;
	uint32_t size, crc; /* of the whole image file, as FW_BEGIN said */
	uint32_t got;
	uint8_t version[3];
	uint8_t page[FLASH_PAGE];
};

/* Each gives a link_status. running is the slot of the program. */
uint8_t update_begin(struct update *u, uint8_t running, uint32_t size, uint32_t crc, const uint8_t version[3]);
uint8_t update_data(struct update *u, uint32_t offset, const uint8_t *p, size_t n);
uint8_t update_commit(struct update *u);
void update_abort(struct update *u);

#endif
