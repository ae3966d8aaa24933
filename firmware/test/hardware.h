/* Hardware for the host tests: what the module sent, memory for flash, pins. */
#ifndef CHEKOMAT_HARDWARE_H
#define CHEKOMAT_HARDWARE_H

#include "../core/module.h"

enum { FLASH_BYTES = SLOT_AT + SLOTS * SLOT_SIZE };

extern struct fake {
	uint8_t flash[FLASH_BYTES];
	unsigned erased, programmed;
	unsigned fail_after; /* flash operations until the power fails; 0 never */
	size_t room;         /* of the links */
	uint8_t sent[1 << 20];
	size_t sent_n;
	uint16_t said[BLOCK_MAX];
	size_t said_n;
	uint64_t said_at;
	uint8_t outputs;
	bool interlock, busy;
	int reboot; /* -1 none */
	/* Look at what the module says, NULL: nobody. */
	void (*on_send)(uint8_t link, const uint8_t *p, size_t n);
	void (*on_say)(const uint16_t *words, size_t n, uint64_t at);
} fake;

void fake_reset(void);

/* next_frame takes the next frame the module sent; false when there is none. */
bool next_frame(struct frame *f);

#endif
