#include "idle.h"
#include "link.h"

enum { UNTOLD, ACKED, SILENT };

/* An answer comes within 5 ms of the command's last word; 20 ms to tolerate. */
static const uint64_t late = 20000, life = 5000000;

static unsigned line_of(uint16_t w) { return w >> W_LINE_SHIFT & 3; }
static bool plain(uint16_t w) { return (w & (W_FRAMING | W_BREAK_START | W_BREAK_END | W_LOST)) == 0; }

/* A POLL is command 2, of coin, bill, hopper devices 3 (mdb 3). */
static bool polls(uint16_t w)
{
	unsigned a = w & 0xF8, c = w & 7;
	bool three = a == 0x08 || a == 0x30 || a == 0x58 || a == 0x70;
	return (w & W_MODE) != 0 && c == (three ? 3u : 2u);
}

static void anew(struct idle *s)
{
	memset(s->told, UNTOLD, sizeof s->told);
	s->exe = 0;
}

void idle_flush(struct idle *s, struct ring *r)
{
	for (unsigned i = 0; i < s->n; i++)
		ring_add(r, s->stage[i]);
	if (s->n > 0)
		anew(s);
	s->n = 0;
}

static void drop_or_tell(struct idle *s, struct ring *r, bool known)
{
	if (known) {
		s->left += s->n;
	} else {
		for (unsigned i = 0; i < s->n; i++)
			ring_add(r, s->stage[i]);
	}
	s->n = 0;
}

static void settle(struct idle *s, struct ring *r, uint8_t how)
{
	uint8_t *told = &s->told[s->stage[0].w >> 3 & 31];
	bool known = *told == how;
	*told = how;
	drop_or_tell(s, r, known);
}

static void settle_exe(struct idle *s, struct ring *r, uint8_t bit)
{
	bool known = (s->exe & bit) != 0;
	s->exe |= bit;
	drop_or_tell(s, r, known);
}

/* STATUS answered 00 and CREDIT answered FE (exe 4): nothing wanted. */
static uint8_t exe_idle(uint8_t ask, uint8_t answer)
{
	if (ask == 0x31 && answer == 0x00)
		return 1;
	if (ask == 0x32 && answer == 0xFE)
		return 2;
	return 0;
}

void idle_word(struct idle *s, struct ring *r, struct word w)
{
	if (w.t - s->since > life) {
		anew(s);
		s->since = w.t;
	}
	uint16_t first = s->n > 0 ? s->stage[0].w : 0;
	if (s->n == 2 && line_of(first) == LINE_MASTER && line_of(w.w) == LINE_MASTER && (w.w & W_MODE) != 0)
		settle(s, r, SILENT);
	if (s->n == 0) {
		bool mdb = line_of(w.w) == LINE_MASTER && polls(w.w);
		bool exe = line_of(w.w) == LINE_EXE_MASTER;
		if (plain(w.w) && (mdb || exe)) {
			s->stage[s->n++] = w;
			return;
		}
		anew(s);
		ring_add(r, w);
		return;
	}
	bool good = plain(w.w) && w.t - s->stage[s->n - 1].t < late;
	s->stage[s->n++] = w;
	if (line_of(first) == LINE_EXE_MASTER) {
		uint8_t bit = good && line_of(w.w) == LINE_EXE_SLAVE ? exe_idle((uint8_t)first, (uint8_t)w.w) : 0;
		if (bit != 0)
			settle_exe(s, r, bit);
		else
			idle_flush(s, r);
		return;
	}
	if (s->n == 2) {
		if (!good || line_of(w.w) != LINE_MASTER || (w.w & W_VALUE) != (first & 0xFF))
			idle_flush(s, r);
		return;
	}
	if (good && line_of(w.w) == LINE_SLAVE && (w.w & W_VALUE) == W_MODE)
		settle(s, r, ACKED);
	else
		idle_flush(s, r);
}

void idle_advance(struct idle *s, struct ring *r, uint64_t now)
{
	if (s->n == 0 || now - s->stage[s->n - 1].t < late)
		return;
	if (s->n == 2 && line_of(s->stage[0].w) == LINE_MASTER)
		settle(s, r, SILENT);
	else
		idle_flush(s, r);
}
