#include "check.h"
#include "hardware.h"

enum { SIZE = 1024 };
static struct module m;
static struct kept room[SIZE];
static uint64_t now;

static void start(void)
{
	struct identity is = {.boot = 77};
	fake_reset();
	now = 1000;
	module_init(&m, &is, room, SIZE, now);
	fake.sent_n = 0;
}

static void send(uint8_t type, const uint8_t *body, size_t n)
{
	uint8_t wire[FRAME_WIRE];
	size_t k = frame_encode(wire, type, 1, body, n);
	module_bytes(&m, LINK_UART, wire, k, now);
}

static void resume(uint64_t boot, uint64_t next)
{
	uint8_t b[16];
	put64(put64(b, boot), next);
	send(T_RESUME, b, sizeof b);
}

static void keep(uint64_t next)
{
	uint8_t b[16];
	put64(put64(b, 77), next);
	send(T_KEEP, b, sizeof b);
}

/* A host as the agent is: counts on numbers, asks again after a gap. */
static struct {
	uint64_t next, lost, heard_to;
	bool asking;
	uint8_t seq;
	bool known;
	unsigned wrong;
} host;

/* Word number n of the test: its value and time tell the number. */
static struct word made(uint64_t n) { return (struct word){1000000 + n * 1200, (uint16_t)(1 + n % 400)}; }

static void listen_to(unsigned *seed, unsigned loss)
{
	struct frame f;
	while (next_frame(&f)) {
		if (loss > 0 && draw(seed, loss) == 0)
			continue;
		bool gap = host.known && f.seq != (uint8_t)(host.seq + 1);
		host.seq = f.seq;
		host.known = true;
		if (f.type == T_RESUMED) {
			host.asking = false;
			if (f.body[24] == R_OVERRUN)
				host.lost += get64(f.body + 8) - host.next;
			host.next = get64(f.body + 8);
			continue;
		}
		if (gap)
			host.asking = true;
		if (f.type != T_WORDS_AT || host.asking)
			continue;
		uint64_t seq = get64(f.body), t = get64(f.body + 8);
		if (seq > host.next) {
			host.asking = true;
			continue;
		}
		for (size_t i = 16; i < f.n; i += 4, seq++) {
			t += get16(f.body + i);
			if (seq < host.next)
				continue;
			host.next++;
			struct word w = made(seq);
			if (w.t != t || w.w != get16(f.body + i + 2))
				host.wrong++;
		}
	}
}

/* A link that loses frames, a host that comes and goes: every word arrives once,
 * in order, with its time; only when the ring overran some are missing, and their
 * number is told. Elision is off: the words are no polls. */
TEST(nothing_is_lost_that_the_ring_held)
{
	unsigned seed = 4;
	for (unsigned round = 0; round < 20; round++) {
		start();
		memset(&host, 0, sizeof host);
		resume(0, 0);
		listen_to(&seed, 0);
		uint64_t n = 0;
		bool away = false;
		uint64_t longest = 0, since = 0;
		for (unsigned step = 0; step < 3000; step++) {
			unsigned k = draw(&seed, 6);
			for (unsigned i = 0; i < k; i++)
				module_word(&m, made(n++));
			now = made(n).t + 3000;
			if (draw(&seed, 200) == 0) {
				away = !away;
				since = n;
				if (!away) {
					fake.sent_n = 0;
					listen_to(&seed, 0);
					host.known = false;
					resume(77, host.next);
				}
			}
			module_tick(&m, now, now - 1500);
			if (away) {
				struct frame f;
				while (next_frame(&f))
					;
				if (n - since > longest)
					longest = n - since;
				continue;
			}
			listen_to(&seed, 40);
			if (host.asking)
				resume(77, host.next);
			if (draw(&seed, 20) == 0)
				keep(host.next);
		}
		host.known = false;
		resume(77, host.next);
		for (unsigned i = 0; i < 40; i++) {
			now += 20000;
			module_tick(&m, now, now - 1500);
			listen_to(&seed, 0);
		}
		EQUAL(host.next, n);
		EQUAL(host.wrong, 0);
		if (longest + 200 < SIZE)
			EQUAL(host.lost, 0);
		if (failures > 20)
			return;
	}
}

TEST(exactly_the_size_of_the_ring)
{
	unsigned seed = 1;
	for (unsigned extra = 0; extra < 2; extra++) {
		start();
		memset(&host, 0, sizeof host);
		resume(0, 0);
		listen_to(&seed, 0);
		for (uint64_t n = 0; n < SIZE + extra; n++)
			module_word(&m, made(n));
		now = made(SIZE + 10).t;
		resume(77, 0);
		for (unsigned i = 0; i < 40; i++) {
			now += 1000;
			module_tick(&m, now, now - 1500);
		}
		listen_to(&seed, 0);
		EQUAL(host.lost, extra);
		EQUAL(host.next, SIZE + extra);
		EQUAL(host.wrong, 0);
	}
}

/* A full link holds words back, it loses none. */
TEST(a_full_link_waits)
{
	unsigned seed = 1;
	start();
	memset(&host, 0, sizeof host);
	resume(0, 0);
	listen_to(&seed, 0);
	fake.room = 100;
	for (uint64_t n = 0; n < 500; n++)
		module_word(&m, made(n));
	now = made(500).t + 5000;
	module_tick(&m, now, now - 1500);
	listen_to(&seed, 0);
	EQUAL(host.next, 0);
	fake.room = 8192;
	module_tick(&m, now + 1000, now);
	listen_to(&seed, 0);
	EQUAL(host.next, 500);
	EQUAL(host.wrong, 0);
}

/* While the host is away idle polls are left out, so the ring lasts; a sale in
 * between is whole. */
TEST(a_host_away_for_an_hour)
{
	start();
	resume(0, 0);
	uint64_t t = 2000000;
	unsigned sales = 0;
	for (unsigned i = 0; i < 72000; i++) { /* 50 ms each */
		t += 50000;
		module_word(&m, (struct word){t, 0x10B});
		module_word(&m, (struct word){t + 1146, 0x00B});
		if (i % 18000 == 9000) {
			module_word(&m, (struct word){t + 3000, 0x251});
			module_word(&m, (struct word){t + 4146, 0x203});
			module_word(&m, (struct word){t + 5292, 0x354});
			module_word(&m, (struct word){t + 7000, 0x000});
			sales++;
		} else {
			module_word(&m, (struct word){t + 3000, 0x300});
		}
		now = t + 20000;
		module_tick(&m, now, now - 1500);
		fake.sent_n = 0;
	}
	/* An hour at five seconds a sign of life is more than this small ring holds;
	 * the last quarter is there. */
	uint64_t oldest = ring_at(&m.ring, m.ring.first).t;
	CHECK(t - oldest > 900ull * 1000000 / 2);
	unsigned seen = 0;
	for (uint64_t i = m.ring.first; i < m.ring.next; i++)
		if (ring_at(&m.ring, i).w == 0x354)
			seen++;
	CHECK(seen >= 1 && seen <= sales);
	CHECK(m.idle.left > 200000);
}

TEST(safe_outputs)
{
	start();
	send(T_SAFE_OUTPUTS, (const uint8_t[]){2, 5, 0}, 3);
	send(T_SET_OUTPUTS, (const uint8_t[]){1, 1}, 2);
	EQUAL(fake.outputs, 1);
	module_tick(&m, now + 499000, now);
	EQUAL(fake.outputs, 1);
	module_tick(&m, now + 500000, now);
	EQUAL(fake.outputs, 2);
	now += 600000;
	send(T_SET_OUTPUTS, (const uint8_t[]){3, 0}, 2);
	EQUAL(fake.outputs, 0);
	module_tick(&m, now + 500000, now);
	EQUAL(fake.outputs, 2);
}

/* A host with nothing to say sends PING, every third of the time at the latest:
 * the outputs stay, and what is noted is told. Damaged frames are no life. */
TEST(ping_is_life)
{
	static const uint16_t tenths[] = {0, 1, 5, 600};
	for (unsigned i = 0; i < 4; i++) {
		start();
		uint64_t after = tenths[i] == 0 ? 10000000 : tenths[i] * 100000ull;
		if (tenths[i] > 0)
			send(T_SAFE_OUTPUTS, (const uint8_t[]){2, (uint8_t)tenths[i], (uint8_t)(tenths[i] >> 8)}, 3);
		send(T_SET_OUTPUTS, (const uint8_t[]){1, 1}, 2);
		unsigned supply = 0, told = 0;
		for (unsigned k = 0; k < 300; k++) {
			for (unsigned part = 0; part < 3; part++) {
				now += after / 9;
				module_tick(&m, now, now);
			}
			EQUAL(fake.outputs, 1);
			module_supply(&m, supply++ % 2 == 0 ? 34000 : 1000, now);
			send(T_PING, (const uint8_t[]){1, 2, 3, 4}, 4);
			struct frame f;
			while (next_frame(&f))
				told += f.type == T_EVENT;
		}
		CHECK(told >= 298);
		const uint8_t damaged[] = {5, T_PING, 1, 2, 3, 4, 0, 3, 1, 1, 0};
		for (unsigned k = 0; k < 9; k++) {
			now += after / 9 + 1;
			module_bytes(&m, LINK_UART, damaged, sizeof damaged, now);
			module_tick(&m, now, now);
		}
		EQUAL(fake.outputs, tenths[i] > 0 ? 2 : 0);
	}
}

/* Times that step back, or forth by more than an entry can tell. */
TEST(far_apart)
{
	static const uint64_t times[] = {1000000, 1065535, 1131071, 1131000, 90000000, 90000001};
	start();
	resume(0, 0);
	struct frame f;
	CHECK(next_frame(&f));
	for (unsigned i = 0; i < 6; i++)
		module_word(&m, (struct word){times[i], (uint16_t)i});
	now = 91000000;
	module_tick(&m, now, now);
	unsigned n = 0, frames = 0;
	while (next_frame(&f)) {
		if (f.type != T_WORDS_AT)
			continue;
		frames++;
		EQUAL(get64(f.body), n);
		uint64_t t = get64(f.body + 8);
		for (size_t i = 16; i < f.n; i += 4, n++) {
			t += get16(f.body + i);
			EQUAL(t, times[n]);
			EQUAL(get16(f.body + i + 2), n);
		}
	}
	EQUAL(n, 6);
	EQUAL(frames, 4);
}

static void block(uint64_t at, const uint8_t *b, size_t n)
{
	uint8_t sum = 0;
	for (size_t i = 0; i < n; i++) {
		module_word(&m, (struct word){at + i * 1146, (uint16_t)(b[i] | (i == 0 ? W_MODE : 0))});
		sum = (uint8_t)(sum + b[i]);
	}
	module_word(&m, (struct word){at + n * 1146, sum});
}

/* An answer too late is none: the VMC may be talking to somebody else. */
TEST(never_after_five_milliseconds)
{
	start();
	send(T_SET_MODE, (const uint8_t[]){1, 0x60}, 2);
	block(10000, (const uint8_t[]){0x60}, 1);
	module_tick(&m, 10000 + 2 * 1146 + 4000, 0);
	EQUAL(fake.said_n, 1);
	EQUAL(fake.said[0], W_MODE);
	fake.said_n = 0;
	block(40000, (const uint8_t[]){0x60}, 1);
	module_tick(&m, 40000 + 2 * 1146 + 5000, 0);
	EQUAL(fake.said_n, 0);
	EQUAL(m.bus.late, 1);
}

TEST(no_answer_into_a_word)
{
	start();
	send(T_SET_MODE, (const uint8_t[]){1, 0x60}, 2);
	block(10000, (const uint8_t[]){0x61, 0}, 2); /* 61 00 61: complete, or not yet? */
	fake.busy = true;
	uint64_t end = 10000 + 3 * 1146;
	module_tick(&m, end + 1300, 0);
	EQUAL(fake.said_n, 0);
	fake.busy = false;
	module_tick(&m, end + 1600, 0);
	EQUAL(fake.said_n, 1);
}

/* Words of anything in any order: no harm, and every word is counted. */
TEST(any_words)
{
	unsigned seed = 8;
	start();
	send(T_SET_MODE, (const uint8_t[]){1, 0x60, 0x18}, 3);
	resume(0, 0);
	uint64_t t = 5000;
	for (unsigned i = 0; i < 200000; i++) {
		uint16_t w = (uint16_t)draw(&seed, 0x10000) & (uint16_t)~W_OWN;
		if (draw(&seed, 3) > 0)
			w &= 0x3FF;
		if (draw(&seed, 4) == 0)
			w = (uint16_t[]){0x160, 0x060, 0x162, 0x062, 0x000, 0x11A, 0x01A}[draw(&seed, 7)];
		t += draw(&seed, 3000);
		module_word(&m, (struct word){t, w});
		now = t + 1200;
		module_tick(&m, now, t);
		fake.sent_n = 0;
		if (draw(&seed, 50) == 0)
			keep(m.next);
	}
	CHECK(m.lines[0].words > 0 && m.lines[3].breaks > 0);
}

void module_tests(void)
{
	RUN(nothing_is_lost_that_the_ring_held);
	RUN(exactly_the_size_of_the_ring);
	RUN(a_full_link_waits);
	RUN(a_host_away_for_an_hour);
	RUN(far_apart);
	RUN(safe_outputs);
	RUN(ping_is_life);
	RUN(never_after_five_milliseconds);
	RUN(no_answer_into_a_word);
	RUN(any_words);
}
