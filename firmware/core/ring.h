/* The ring of words heard: each has a number, 0 upwards, and stays until the
 * host said it is durable or the ring is full; then the oldest goes. */
#ifndef CHEKOMAT_RING_H
#define CHEKOMAT_RING_H

#include "bytes.h"

/* A word: leading edge of its start bit, us since boot, and its bits (W_...). */
struct word {
	uint64_t t;
	uint16_t w;
};

/* A word as it is kept: 48 bits of time last nine years. */
struct kept {
	uint32_t lo;
	uint16_t hi;
	uint16_t w;
};

struct ring {
	struct kept *buf;
	uint32_t size;  /* a power of two */
	uint64_t first; /* number of the oldest word kept */
	uint64_t next;  /* number of the word to come */
	uint64_t over;  /* words dropped because the ring was full */
};

void ring_init(struct ring *r, struct kept *buf, uint32_t size);
void ring_add(struct ring *r, struct word w);

/* ring_at gives a word that is kept: first <= seq < next. */
struct word ring_at(const struct ring *r, uint64_t seq);

/* ring_keep forgets the words before seq. */
void ring_keep(struct ring *r, uint64_t seq);

#endif
