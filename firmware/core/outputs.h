/* The outputs (inhibit relays), and the state they take by themselves when the
 * host is silent for too long. */
#ifndef CHEKOMAT_OUTPUTS_H
#define CHEKOMAT_OUTPUTS_H

#include "bytes.h"

struct outputs {
	uint8_t value, safe;
	uint64_t after; /* us of silence until the safe state */
	uint64_t heard; /* when a host said something last */
	bool fell;      /* the safe state was taken in this silence */
};

void outputs_init(struct outputs *o, uint64_t now);

/* The commands of the host give a link_status; after is tenths of a second. */
uint8_t outputs_set(struct outputs *o, uint8_t mask, uint8_t value);
uint8_t outputs_safe(struct outputs *o, uint8_t value, uint16_t after);

/* outputs_heard says that a host lives. It does not undo the safe state: that
 * is for the host to decide. */
void outputs_heard(struct outputs *o, uint64_t now);

/* outputs_tick takes the safe state when the time has come, outputs_fall at once. */
void outputs_tick(struct outputs *o, uint64_t now);
void outputs_fall(struct outputs *o);

#endif
