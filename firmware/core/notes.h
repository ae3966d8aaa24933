/* What the host is to be told besides words: events, and the fate of what it
 * gave to the poll queue. Notes wait until a host takes them; when there is no
 * room the oldest goes and is counted. */
#ifndef CHEKOMAT_NOTES_H
#define CHEKOMAT_NOTES_H

#include "bytes.h"

enum { NOTES = 64 };

struct note {
	uint8_t type, n; /* of the frame it becomes, and its length */
	uint8_t body[8];
};

struct notes {
	struct note all[NOTES];
	uint8_t at, n;
	uint16_t lost; /* stays at FFFF */
};

/* note_event tells of an E_...; t is us since boot. */
void note_event(struct notes *s, uint64_t t, uint8_t code, uint8_t line, uint16_t arg);

/* note_report tells what became of a queue entry: a TX_..., t of the first start
 * bit it was last said with. */
void note_report(struct notes *s, uint64_t t, uint8_t tag, uint8_t result, uint8_t tries);

/* notes_take gives the oldest note, valid until the next call; NULL without one. */
const struct note *notes_take(struct notes *s);

#endif
