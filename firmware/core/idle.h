/* Leaving out idle polls, so that a ring lasts for hours while no host takes
 * its words: a POLL answered by ACK or by nobody, exactly as the last time this
 * address was polled, tells nothing. Kept is always the first one after
 * anything else on the bus, and one every five seconds as a sign of life. The
 * same for the idle bytes of EXE. */
#ifndef CHEKOMAT_IDLE_H
#define CHEKOMAT_IDLE_H

#include "ring.h"

enum { IDLE_STAGE = 3, IDLE_ADDRESSES = 32 };

struct idle {
	struct word stage[IDLE_STAGE]; /* an exchange that may turn out idle */
	uint8_t n;
	uint8_t told[IDLE_ADDRESSES]; /* what the ring tells of each address */
	uint8_t exe;                  /* the same of EXE, a bit an exchange */
	uint64_t since;               /* when telling began anew */
	uint32_t left;                /* words left out */
};

/* idle_word takes a word when the ring should be spared; it goes to the ring
 * now, later or never. */
void idle_word(struct idle *s, struct ring *r, struct word w);

/* idle_flush puts what is staged into the ring: words flow as they come again. */
void idle_flush(struct idle *s, struct ring *r);

/* idle_advance settles a staged exchange that got no answer up to now. */
void idle_advance(struct idle *s, struct ring *r, uint64_t now);

#endif
