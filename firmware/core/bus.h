/* What the module does at MDB's pace: it puts the VMC's words together to
 * blocks, has the voice answer those for its addresses, follows the VMC's
 * reply, and tells its own words from those of others. Times are us since boot;
 * limits are those of mdb 3.2. */
#ifndef CHEKOMAT_BUS_H
#define CHEKOMAT_BUS_H

#include "notes.h"
#include "ring.h"
#include "voice.h"

struct bus {
	struct voice voice;
	struct notes *notes;

	uint8_t block[BLOCK_MAX];
	uint8_t n;           /* bytes of the block being heard; 0 none */
	bool spoilt;         /* wait for the next address */
	bool due;            /* an answer is to be given at due_at */
	uint64_t heard;      /* start of the last word of the VMC */
	uint64_t due_at;

	uint16_t tx[BLOCK_MAX];
	uint8_t tx_n, tx_echo; /* words of our answer, and how many were heard back */
	uint64_t tx_at;        /* its first start bit */
	uint64_t tx_end;
	bool collided;

	bool awaiting;       /* the VMC's ACK, NAK or RET to the answer at address */
	uint8_t address;
	uint64_t broke;      /* start of a break of the master line, 0 none */
	uint16_t late;       /* answers not given because they came too late */
};

/* bus_init starts in silence; what happens is noted. */
void bus_init(struct bus *b, struct notes *notes);

/* bus_word takes a word of the MDB lines before it goes to the ring and gives
 * it back, with W_OWN where it is ours. */
struct word bus_word(struct bus *b, struct word w);

/* bus_tick gives due answers; next is when it wants to be called again at the
 * latest, if that is earlier than what is in it. */
void bus_tick(struct bus *b, uint64_t now, uint64_t *next);

#endif
