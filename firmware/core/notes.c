#include "notes.h"
#include "link.h"

/* add gives the room of a new note. */
static uint8_t *add(struct notes *s, uint8_t type, uint8_t n)
{
	if (s->n == NOTES) {
		notes_take(s);
		s->lost = more16(s->lost);
	}
	struct note *x = &s->all[(s->at + s->n++) % NOTES];
	x->type = type;
	x->n = n;
	return x->body;
}

void note_event(struct notes *s, uint64_t t, uint8_t code, uint8_t line, uint16_t arg)
{
	put16(put8(put8(put32(add(s, T_EVENT, 8), (uint32_t)t), code), line), arg);
}

void note_report(struct notes *s, uint64_t t, uint8_t tag, uint8_t result, uint8_t tries)
{
	put8(put32(put8(put8(add(s, T_TX_REPORT, 7), tag), result), (uint32_t)t), tries);
}

const struct note *notes_take(struct notes *s)
{
	if (s->n == 0)
		return NULL;
	const struct note *x = &s->all[s->at];
	s->at = (uint8_t)((s->at + 1) % NOTES);
	s->n--;
	return x;
}
