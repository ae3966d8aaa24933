#include "bus.h"
#include "link.h"
#include "port.h"

/* All in us. A word takes 1146; the next byte of a block follows within 1000;
 * an answer begins within 5000 after the stop bit, never later. */
static const uint64_t word_time = 1146, turn = 200, quiet = 1200, answer_limit = 4700, reply_limit = 10000;
static const uint64_t min_break = 95000;

/* Two-byte blocks that are never the beginning of a longer one. */
static bool at_once(const struct bus *b)
{
	uint8_t a = b->block[0] & 0xF8, c = b->block[0] & 7;
	bool three = a == 0x08 || a == 0x30 || a == 0x58 || a == 0x70;
	return b->n == 2 && (c == 0 || c == (three ? 3 : 2));
}

static bool complete(const struct bus *b)
{
	uint8_t s = 0;
	for (unsigned i = 0; i + 1 < b->n; i++)
		s = (uint8_t)(s + b->block[i]);
	return b->n >= 2 && s == b->block[b->n - 1];
}

/* dropped tells what became of a queue entry. */
static void dropped(void *ctx, uint8_t tag, uint8_t result, uint8_t tries)
{
	struct bus *b = ctx;
	note_report(b->notes, b->tx_at, tag, result, tries);
}

void bus_init(struct bus *b, struct notes *notes)
{
	*b = (struct bus){.notes = notes, .voice = {.dropped = dropped, .ctx = b}};
}

/* locked says that the jumper keeps the transmitter off. It is told once: somebody
 * set it while we spoke. */
static bool locked(struct bus *b)
{
	if (!port_interlock())
		return false;
	note_event(b->notes, b->heard, E_INTERLOCK, LINE_SLAVE, b->block[0]);
	voice_set_mode(&b->voice, 0, NULL, 0);
	note_event(b->notes, b->heard, E_MODE, 0xFF, 0);
	return true;
}

static void speak(struct bus *b, const uint8_t *answer, size_t n, uint64_t now)
{
	if (locked(b))
		return;
	uint64_t stop = b->heard + word_time;
	uint64_t at = stop + turn > now ? stop + turn : now;
	/* Nor while the answer before is still being said: a VMC that speaks into it
	 * does not listen. */
	if (at > stop + answer_limit || at < b->tx_end) {
		b->late = more16(b->late);
		return;
	}
	for (size_t i = 0; i < n; i++)
		b->tx[i] = (uint16_t)(answer[i] | (i + 1 == n ? W_MODE : 0));
	b->tx_n = (uint8_t)n;
	b->tx_echo = 0;
	b->collided = false;
	b->tx_at = at;
	b->tx_end = at + n * (word_time + 20);
	b->awaiting = true; /* RET may follow an ACK too */
	b->address = b->block[0];
	port_say(b->tx, n, at);
}

static void hear(struct bus *b, uint8_t what, uint64_t now)
{
	size_t n;
	const uint8_t *again = voice_hear(&b->voice, b->address, what, &n);
	if (again != NULL) {
		b->block[0] = b->address;
		speak(b, again, n, now);
	}
}

static void master(struct bus *b, struct word w)
{
	if ((w.w & W_BREAK_START) != 0) {
		b->broke = w.t;
		b->n = 0;
		b->spoilt = true;
		b->due = b->awaiting = false;
		return;
	}
	if ((w.w & W_BREAK_END) != 0) {
		if (b->broke != 0 && w.t - b->broke >= min_break)
			voice_bus_reset(&b->voice);
		b->broke = 0;
		return;
	}
	b->heard = w.t;
	b->due = false;
	uint8_t v = (uint8_t)w.w;
	bool bad = (w.w & (W_FRAMING | W_LOST)) != 0;
	if ((w.w & W_MODE) != 0 && !bad) {
		b->awaiting = false;
		b->block[0] = v;
		b->n = 1;
		b->spoilt = !voice_ours(&b->voice, v);
		return;
	}
	if (bad) {
		b->awaiting = false;
		b->spoilt = true;
		return;
	}
	if (b->awaiting) {
		b->awaiting = false;
		b->spoilt = true;
		if (w.t <= b->tx_end + reply_limit)
			hear(b, v, w.t);
		return;
	}
	if (b->spoilt || b->n == 0)
		return;
	if (b->n == BLOCK_MAX) {
		b->spoilt = true;
		return;
	}
	b->block[b->n++] = v;
	if (complete(b)) {
		b->due = true;
		b->due_at = w.t + word_time + (at_once(b) ? 0 : quiet);
	}
}

struct word bus_word(struct bus *b, struct word w)
{
	unsigned line = w.w >> W_LINE_SHIFT & 3;
	if (line == LINE_MASTER) {
		master(b, w);
		return w;
	}
	if (line != LINE_SLAVE || b->tx_echo >= b->tx_n || w.t + 300 < b->tx_at)
		return w;
	if (w.t > b->tx_end + word_time) {
		b->tx_n = b->tx_echo = 0;
		return w;
	}
	if ((w.w & ~(1u << W_LINE_SHIFT)) == b->tx[b->tx_echo]) {
		if (b->tx_echo == 0)
			b->tx_at = w.t;
		b->tx_echo++;
		w.w |= W_OWN;
		return w;
	}
	if (!b->collided) {
		b->collided = true;
		note_event(b->notes, w.t, E_COLLISION, LINE_SLAVE, w.w & W_VALUE);
	}
	return w;
}

void bus_tick(struct bus *b, uint64_t now, uint64_t *next)
{
	if (!b->due)
		return;
	/* What looks like the end may be the middle: no further byte may have begun. */
	uint64_t at = at_once(b) ? 0 : b->due_at;
	if (at != 0 && now >= at && port_master_busy())
		at = now + 300;
	if (now < at) {
		if (at < *next)
			*next = at;
		return;
	}
	b->due = false;
	size_t n;
	const uint8_t *answer = voice_ask(&b->voice, b->block, b->n, &n);
	b->n = 0;
	b->spoilt = true;
	if (answer != NULL)
		speak(b, answer, n, now);
}
