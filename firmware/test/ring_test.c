#include "check.h"
#include "hardware.h"

static struct kept room[64];

TEST(keeps_and_forgets)
{
	struct ring r;
	ring_init(&r, room, 64);
	for (unsigned i = 0; i < 100; i++)
		ring_add(&r, (struct word){(1ull << 40) + i, (uint16_t)i});
	EQUAL(r.first, 36);
	EQUAL(r.next, 100);
	EQUAL(r.over, 36);
	EQUAL(ring_at(&r, 36).w, 36);
	EQUAL(ring_at(&r, 99).t, (1ull << 40) + 99);
	ring_keep(&r, 90);
	EQUAL(r.first, 90);
	ring_keep(&r, 80);
	ring_keep(&r, 101);
	EQUAL(r.first, 90);
	ring_keep(&r, 100);
	EQUAL(r.first, 100);
}

/* What idle leaves out, seen by a host: words of exchanges, idle ones removed. */
static uint64_t now;

static void say(struct idle *s, struct ring *r, uint16_t w)
{
	idle_word(s, r, (struct word){now, w});
	now += 1200;
}

static void poll(struct idle *s, struct ring *r, uint8_t c, bool answered)
{
	say(s, r, c | W_MODE);
	say(s, r, c);
	if (answered)
		say(s, r, 1 << W_LINE_SHIFT | W_MODE);
	now += 20000;
	idle_advance(s, r, now);
}

TEST(idle_polls_once)
{
	static struct kept many[4096];
	struct ring r;
	struct idle s = {0};
	ring_init(&r, many, 4096);
	now = 100000000;
	for (unsigned i = 0; i < 50; i++) {
		poll(&s, &r, 0x0B, true);
		poll(&s, &r, 0x33, true);
		poll(&s, &r, 0x12, false);
	}
	EQUAL(r.next, 3 + 3 + 2);
	EQUAL(s.left, 49 * 8);
	/* A coin: all of it, and the first idle polls after it. */
	say(&s, &r, 0x10B);
	say(&s, &r, 0x00B);
	say(&s, &r, 0x251);
	say(&s, &r, 0x203);
	say(&s, &r, 0x354);
	say(&s, &r, 0x000);
	EQUAL(r.next, 8 + 6);
	poll(&s, &r, 0x0B, true);
	poll(&s, &r, 0x0B, true);
	EQUAL(r.next, 14 + 3);
	/* A device that falls silent is news, once. */
	poll(&s, &r, 0x0B, false);
	poll(&s, &r, 0x0B, false);
	EQUAL(r.next, 17 + 2);
	poll(&s, &r, 0x0B, true);
	EQUAL(r.next, 19 + 3);
	/* A sign of life every five seconds. */
	now += 6000000;
	poll(&s, &r, 0x0B, true);
	EQUAL(r.next, 22 + 3);
	/* EXE: STATUS 31 answered 00. */
	for (unsigned i = 0; i < 20; i++) {
		say(&s, &r, 0x131 | 2 << W_LINE_SHIFT);
		say(&s, &r, 3 << W_LINE_SHIFT);
		now += 20000;
	}
	EQUAL(r.next, 25 + 2);
	say(&s, &r, 0x131 | 2 << W_LINE_SHIFT);
	say(&s, &r, 0x12A | 3 << W_LINE_SHIFT);
	EQUAL(r.next, 27 + 2);
}

/* Whatever is said, what is left out are whole idle exchanges and the rest is in
 * order. */
TEST(nothing_else_is_left_out)
{
	static struct kept many[65536];
	unsigned seed = 9;
	struct ring r;
	struct idle s = {0};
	ring_init(&r, many, 65536);
	now = 1;
	uint64_t told = 0;
	for (unsigned i = 0; i < 20000; i++) {
		static const uint16_t some[] = {0x10B, 0x00B, 0x162, 0x062, 0x300, 0x2FF, 0x000, 0x0AA, 0x1000, 0x2000, 0x531, 0x600, 0x7FE, 0x80B};
		uint16_t w = some[draw(&seed, sizeof some / sizeof some[0])];
		idle_word(&s, &r, (struct word){now, w});
		told++;
		now += 1146 + draw(&seed, 4) * draw(&seed, 8000);
		if (draw(&seed, 3) == 0)
			idle_advance(&s, &r, now);
		EQUAL(r.next + s.left + s.n, told);
	}
	idle_flush(&s, &r);
	EQUAL(r.next + s.left, told);
	uint64_t last = 0;
	for (uint64_t i = 0; i < r.next; i++) {
		struct word w = ring_at(&r, i);
		CHECK(w.t >= last);
		last = w.t;
	}
}

void ring_tests(void)
{
	RUN(keeps_and_forgets);
	RUN(idle_polls_once);
	RUN(nothing_else_is_left_out);
}
