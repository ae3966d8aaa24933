/* Anything in any order: bytes for the parsers, and words, commands, damage and
 * time for the whole module, held against what always has to be true. Numbers
 * come from one seed, so a failure comes again; more rounds by the second
 * argument of the program. */
#include "check.h"
#include "hardware.h"

static unsigned seed;
static unsigned below(unsigned n) { return draw(&seed, n); }
static bool once_in(unsigned n) { return below(n) == 0; }

/* Parsers. A buffer of exactly its size lets the sanitizer see a byte too far. */

static void cobs_of_anything(void)
{
	size_t n = below(300);
	uint8_t *p = malloc(n + 1);
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)(once_in(3) ? below(6) : below(256));
	uint8_t *exact = malloc(n > 0 ? n : 1);
	memcpy(exact, p, n);
	int got = cobs_decode(exact, n);
	CHECK(got >= -1 && got <= (int)n);
	if (n > 0 && n <= 253) {
		uint8_t *wire = malloc(n + 2);
		size_t len = cobs_encode(wire, p, n);
		EQUAL(len, n + 2);
		EQUAL(wire[len - 1], 0);
		EQUAL(cobs_decode(wire, len - 1), n);
		CHECK(memcmp(wire, p, n) == 0);
		free(wire);
	}
	free(exact);
	free(p);
}

/* damaged writes a frame with some of its bytes changed, cut, doubled or put in. */
static size_t damaged(uint8_t *out, const uint8_t *wire, size_t n)
{
	size_t k = 0;
	for (size_t i = 0; i < n; i++) {
		unsigned how = below(40);
		if (how == 0)
			continue;
		out[k++] = how == 1 ? (uint8_t)(wire[i] ^ 1u << below(8)) : wire[i];
		if (how == 2)
			out[k++] = (uint8_t)below(256);
	}
	return k;
}

TEST(parsers_bear_anything)
{
	seed = 31;
	struct splitter s = {0};
	unsigned good = 0, bad = 0;
	for (unsigned i = 0; i < 40000; i++) {
		cobs_of_anything();
		uint8_t body[FRAME_BODY + 8], wire[FRAME_WIRE], line[2 * FRAME_WIRE];
		size_t n = below(once_in(8) ? sizeof body : 24);
		for (size_t k = 0; k < n; k++)
			body[k] = (uint8_t)(once_in(2) ? 0 : below(256));
		size_t len = frame_encode(wire, (uint8_t)below(256), (uint8_t)i, body, n);
		CHECK((len == 0) == (n > FRAME_BODY) && len <= FRAME_WIRE);
		bool whole = once_in(2);
		size_t sent = len;
		if (whole)
			memcpy(line, wire, len);
		else
			sent = damaged(line, wire, len);
		struct frame f;
		bool got = false;
		for (size_t k = 0; k < sent; k++)
			if (splitter_push(&s, line[k], &f)) {
				got = true;
				CHECK(f.n <= FRAME_BODY && f.body >= s.buf && f.body + f.n <= s.buf + sizeof s.buf);
			}
		if (!whole)
			bad += !got;
		if (whole && got) {
			good++;
			CHECK(f.seq == (uint8_t)i && f.n == n && memcmp(f.body, body, n) == 0);
		}
		CHECK(s.n <= sizeof s.buf);
	}
	CHECK(good > 10000 && bad > 5000 && s.bad > 5000);
}

/* The whole module. */

enum { ROOM = 256, FED = 1 << 15, BITS = 1146 };

static struct module m;
static struct kept room[ROOM];
static uint64_t now, life, stop;    /* life: the host's last good frame; stop: of the VMC's last word */
static struct word fed[FED];        /* not numbered yet */
static size_t fed_at, fed_n;
static struct word numbered[FED];   /* by their numbers */
static uint64_t numbers;
static struct splitter mirror[LINKS];
static unsigned queued, reported;

static struct {
	struct splitter in;
	bool known, resumed;
	uint8_t seq;
	uint16_t dropped; /* as it was with the last frame */
	uint64_t next;
} at_host[LINKS];

static uint64_t said_end;
static unsigned said, words_told, elided, refused, carried_out;


/* What the module says on the bus: in time, whole, not into itself. */
static void heard_on_bus(const uint16_t *words, size_t n, uint64_t at)
{
	said++;
	CHECK(n >= 1 && n <= BLOCK_MAX);
	CHECK(m.bus.voice.n > 0 && !fake.interlock);
	CHECK(at >= stop && at <= stop + 5000);
	CHECK(at >= said_end);
	said_end = at + n * BITS;
	unsigned sum = 0;
	for (size_t i = 0; i < n; i++) {
		EQUAL(words[i] & ~0xFF, i + 1 == n ? W_MODE : 0);
		if (i + 1 < n)
			sum += words[i];
	}
	if (n > 1)
		EQUAL(words[n - 1] & 0xFF, sum & 0xFF);
	else
		EQUAL(words[0], W_MODE);
}

static bool same(struct word a, struct word b) { return a.t == b.t && ((a.w ^ b.w) & ~W_OWN) == 0; }

static bool plain(struct word w)
{
	return (w.w & (W_FRAMING | W_BREAK_START | W_BREAK_END | W_LOST)) == 0;
}

/* number follows the ring: what got a number is what was fed, in its order; what
 * got none was part of an exchange that may be left out, or waits. */
static void number(void)
{
	for (; numbers < m.ring.next; numbers++) {
		struct word w = ring_at(&m.ring, numbers);
		while (fed_at < fed_n && !same(fed[fed_at % FED], w)) {
			CHECK(plain(fed[fed_at % FED]));
			elided++;
			fed_at++;
		}
		CHECK(fed_at < fed_n);
		numbered[numbers % FED] = w;
		fed_at++;
	}
}

/* What goes to a host: frames without a gap that was not counted, words by their
 * numbers without any gap that was not told. */
static void sent_to_host(uint8_t link, const uint8_t *p, size_t n)
{
	CHECK(n <= fake.room && n <= FRAME_WIRE);
	number();
	struct frame f;
	bool whole = false;
	for (size_t i = 0; i < n; i++)
		whole = splitter_push(&at_host[link].in, p[i], &f);
	CHECK(whole);
	if (!whole)
		return;
	if (at_host[link].known && f.seq != (uint8_t)(at_host[link].seq + 1)) {
		CHECK(m.frames_dropped != at_host[link].dropped);
		at_host[link].resumed = false; /* a RESUMED may be what is missing: the host asks again */
	}
	at_host[link].dropped = m.frames_dropped;
	at_host[link].known = true;
	at_host[link].seq = f.seq;
	switch (f.type) {
	case T_RESUMED:
		at_host[link].resumed = true;
		at_host[link].next = get64(f.body + 8);
		CHECK(at_host[link].next <= m.ring.next);
		break;
	case T_WORDS_AT: {
		if (!at_host[link].resumed)
			break;
		EQUAL(get64(f.body), at_host[link].next);
		uint64_t t = get64(f.body + 8);
		for (size_t i = 16; i < f.n; i += 4) {
			t += get16(f.body + i);
			struct word w = numbered[at_host[link].next++ % FED];
			EQUAL(t, w.t);
			EQUAL(get16(f.body + i + 2), w.w);
			words_told++;
		}
		break;
	}
	case T_NOW:
		CHECK(get64(f.body) <= now);
		if (at_host[link].resumed)
			EQUAL(get64(f.body + 8), at_host[link].next);
		break;
	case T_TX_REPORT:
		reported++;
		break;
	case T_RESULT:
		if (f.body[2] == S_OK)
			carried_out++;
		else
			refused++;
		break;
	}
}

static void word(uint64_t t, unsigned line, uint16_t w)
{
	struct word x = {t, (uint16_t)(w | line << W_LINE_SHIFT)};
	fed[fed_n++ % FED] = x;
	if (line == LINE_MASTER && (w & (W_BREAK_START | W_BREAK_END)) == 0)
		stop = t + BITS;
	now = t + BITS > now ? t + BITS : now;
	module_word(&m, x);
	number();
}

static const uint8_t addresses[] = {0x10, 0x18, 0x60, 0x08};

static void vmc(void)
{
	static const uint8_t second[] = {0x00, 0x01, 0x02, 0x05, 0xAA};
	uint64_t t = now + 300 + below(8000);
	unsigned n = 1 + below(once_in(20) ? BLOCK_MAX + 4 : 4);
	uint8_t sum = 0;
	for (unsigned i = 0; i < n; i++) {
		uint8_t b = i == 0 ? (uint8_t)(addresses[below(4)] | (once_in(2) ? below(8) : 2)) : once_in(2) ? second[below(5)] : (uint8_t)below(256);
		word(t, LINE_MASTER, (uint16_t)(b | (i == 0 ? W_MODE : 0) | (once_in(60) ? 1u << (11 + below(4)) : 0)));
		sum = (uint8_t)(sum + b);
		t += BITS + below(900);
		if (once_in(40))
			return;
	}
	word(t, LINE_MASTER, once_in(12) ? (uint8_t)below(256) : sum);
}

/* echo puts on the line what the module says, as its receiver would. */
static void echo(void)
{
	uint64_t at = m.bus.tx_at;
	for (unsigned i = m.bus.tx_echo; i < m.bus.tx_n && at > now; i++, at += BITS + 13)
		word(at, LINE_SLAVE, once_in(50) ? (uint16_t)below(512) : m.bus.tx[i]);
}

static void noise(void)
{
	uint64_t t = now + below(3000);
	uint16_t w = (uint16_t)(below(0x200) | (once_in(3) ? 1u << (11 + below(4)) : 0));
	word(t, below(LINES), w);
}

static void idle_polls(void)
{
	for (unsigned i = below(60); i > 0; i--) {
		uint64_t t = now + 5000 + below(50000);
		word(t, LINE_MASTER, 0x133);
		word(t + BITS, LINE_MASTER, 0x033);
		if (!once_in(5))
			word(t + 2 * BITS + 1000, LINE_SLAVE, W_MODE);
	}
}

static void bytes(uint8_t link, const uint8_t *p, size_t n)
{
	struct frame f;
	for (size_t i = 0; i < n; i++)
		if (splitter_push(&mirror[link], p[i], &f)) {
			life = now;
			if (m.link != link)
				at_host[link].resumed = false;
		}
	module_bytes(&m, link, p, n, now);
	number();
}

static size_t body_of(uint8_t type, uint8_t *b)
{
	size_t n = 0, k;
	switch (type) {
	case T_HELLO_REQ:
		return 2;
	case T_SET_MODE:
		b[n++] = once_in(6) ? (uint8_t)below(4) : 1;
		for (k = below(5); k > 0; k--)
			b[n++] = once_in(10) ? (uint8_t)below(256) : addresses[below(4)];
		return n;
	case T_REPLY_SET:
		b[0] = (uint8_t)(1 + below(3));
		b[1] = (uint8_t)(addresses[below(4)] | below(8));
		b[2] = b[3] = (uint8_t)below(3);
		n = 1 + b[0];
		b[n] = (uint8_t)below(once_in(10) ? 40 : 9);
		return n + 1 + b[n];
	case T_POLL_QUEUE:
		b[1] = (uint8_t)(1 + below(once_in(10) ? 40 : 9));
		n = 2 + b[1];
		b[n] = addresses[below(4)];
		return n + below(2);
	case T_RESUME:
	case T_KEEP:
		put64(b, once_in(9) ? below(3) : m.is.boot);
		put64(b + 8, once_in(9) ? numbers + below(20) : numbers - (numbers > 40 ? below(40) : 0));
		return 16;
	case T_SAFE_OUTPUTS:
		b[0] = (uint8_t)below(5);
		put16(b + 1, (uint16_t)below(200));
		return 3;
	case T_FW_BEGIN:
		put32(b, once_in(4) ? (uint32_t)below(100000) : 1000);
		return 11;
	case T_FW_DATA:
		put32(b, once_in(4) ? (uint32_t)below(2000) : m.update.got);
		return 4 + below(210);
	}
	static const uint8_t lengths[][2] = {{T_SET_OUTPUTS, 2}, {T_PING, 4}, {T_REPLY_CLEAR, 1}, {T_LINE_CONFIG, 6}};
	for (unsigned i = 0; i < 4; i++)
		if (lengths[i][0] == type)
			return lengths[i][1];
	return below(20);
}

/* waiting are the entries of all queues. */
static unsigned waiting(void)
{
	unsigned n = 0;
	for (unsigned i = 0; i < m.bus.voice.n; i++)
		n += m.bus.voice.played[i].queue_n;
	return n;
}

static void host(void)
{
	static const uint8_t types[] = {
		T_HELLO_REQ, T_SET_MODE, T_SET_OUTPUTS, T_PING, T_REPLY_SET, T_REPLY_SET, T_POLL_QUEUE, T_POLL_QUEUE, T_RESUME, T_RESUME, T_KEEP, T_KEEP, T_KEEP,
		T_REPLY_CLEAR, T_LINE_CONFIG, T_SAFE_OUTPUTS, T_FW_BEGIN, T_FW_DATA, T_FW_DATA, T_FW_COMMIT, T_FW_ABORT, 0x8B, 0x7F, 0x00,
	};
	uint8_t b[FRAME_BODY], wire[FRAME_WIRE], line[2 * FRAME_WIRE], type = types[below(sizeof types)];
	for (unsigned i = 0; i < sizeof b; i++)
		b[i] = (uint8_t)(once_in(3) ? 0 : below(256));
	size_t n = body_of(type, b);
	if (once_in(20))
		n = below(FRAME_BODY);
	size_t len = frame_encode(wire, type, (uint8_t)below(256), b, n);
	uint8_t link = (uint8_t)(once_in(15) ? below(LINKS) : LINK_UART);
	unsigned before = waiting();
	if (once_in(10))
		bytes(link, line, damaged(line, wire, len));
	else
		bytes(link, wire, len);
	if (type == T_POLL_QUEUE)
		queued += waiting() - before;
}

static void tick(void)
{
	now += once_in(40) ? below(12000000) : once_in(3) ? below(60000) : below(2500);
	uint64_t next = module_tick(&m, now, now - BITS);
	number();
	CHECK(next > now);
	if (now - life >= m.out.after)
		EQUAL(fake.outputs, m.out.safe);
	EQUAL(fake.outputs, m.out.value);
	CHECK(m.ring.next - m.ring.first <= ROOM);
}

static void begin(void)
{
	struct identity is = {.boot = 77};
	fake_reset();
	fake.on_say = heard_on_bus;
	fake.on_send = sent_to_host;
	memset(at_host, 0, sizeof at_host);
	memset(mirror, 0, sizeof mirror);
	now = life = 10000;
	stop = said_end = fed_at = fed_n = numbers = queued = reported = 0;
	module_init(&m, &is, room, ROOM, now);
}

/* reports holds that each queue entry that was taken has one report, or waits for
 * its turn. */
static void reports(void)
{
	unsigned noted = 0;
	for (unsigned i = 0; i < m.notes.n; i++)
		noted += m.notes.all[(m.notes.at + i) % NOTES].type == T_TX_REPORT;
	if (m.notes.lost == 0)
		EQUAL(reported + noted + waiting(), queued);
}

TEST(a_module_bears_anything)
{
	for (unsigned round = 0; round < fuzz_rounds && failures < 20; round++) {
		int before = failures;
		seed = 1000 + round;
		begin();
		for (unsigned step = 0; step < 400; step++) {
			fake.sent_n = 0;
			fake.room = once_in(4) ? below(600) : 8192;
			fake.interlock = once_in(30);
			fake.busy = once_in(8);
			switch (below(10)) {
			case 0: case 1: case 2:
				host();
				break;
			case 3: case 4: case 5:
				vmc();
				tick();
				echo();
				if (once_in(2))
					word(now + 200 + below(6000), LINE_MASTER, (uint16_t[]){0x00, 0x00, 0xAA, 0xFF, 0x100}[below(5)]);
				break;
			case 6:
				noise();
				break;
			case 7:
				if (once_in(4))
					idle_polls();
				break;
			case 8:
				if (once_in(10)) {
					uint8_t link = (uint8_t)below(LINKS);
					mirror[link].n = 0; /* the rest of a frame is forgotten */
					mirror[link].skip = false;
					module_opened(&m, link, now);
				} else
					module_supply(&m, (uint16_t)below(40000), now);
				break;
			default:
				tick();
			}
			reports();
		}
		if (failures > before)
			printf("in round %u\n", round);
	}
	CHECK(said > fuzz_rounds && words_told > 20 * fuzz_rounds && elided > fuzz_rounds && refused > fuzz_rounds && carried_out > fuzz_rounds);
}

void fuzz_tests(void)
{
	RUN(parsers_bear_anything);
	RUN(a_module_bears_anything);
}
