#include "check.h"
#include "../core/tell.h"
#include "hardware.h"
#include <string.h>

/* A row of the table both ends are held by. */
struct row {
	char name[32];
	uint8_t raw[FRAME_MAX], wire[FRAME_WIRE];
	size_t raw_n, wire_n;
};

static struct row rows[64];
static unsigned rows_n;

static size_t hex(const char *s, uint8_t *to, size_t max)
{
	size_t n = 0;
	unsigned x;
	int used;
	while (n < max && sscanf(s, "%2x%n", &x, &used) == 1) {
		to[n++] = (uint8_t)x;
		s += used;
	}
	return n;
}

static void read_table(const char *path)
{
	char line[1024];
	FILE *f = fopen(path, "r");
	struct row *r = NULL;
	if (f == NULL) {
		perror(path);
		exit(2);
	}
	while (fgets(line, sizeof line, f) != NULL) {
		if (line[0] == '#' || line[0] == '\n')
			continue;
		if (line[0] != '\t') {
			r = &rows[rows_n++];
			sscanf(line, "%31s", r->name);
		} else if (r->raw_n == 0) {
			r->raw_n = hex(line, r->raw, sizeof r->raw);
		} else {
			r->wire_n = hex(line, r->wire, sizeof r->wire);
		}
	}
	fclose(f);
}

static const struct row *row(const char *name)
{
	for (unsigned i = 0; i < rows_n; i++)
		if (strcmp(rows[i].name, name) == 0)
			return &rows[i];
	printf("%s is not in the table\n", name);
	failures++;
	return &rows[0];
}

TEST(check_values)
{
	const uint8_t digits[] = "123456789";
	EQUAL(crc16(digits, 9), 0x29B1);
	EQUAL(crc32(0, digits, 9), 0xCBF43926);
	EQUAL(crc32(crc32(0, digits, 4), digits + 4, 5), 0xCBF43926);
}

TEST(every_row_both_ways)
{
	uint8_t wire[FRAME_WIRE];
	CHECK(rows_n >= 32);
	for (unsigned i = 0; i < rows_n; i++) {
		const struct row *r = &rows[i];
		size_t n = frame_encode(wire, r->raw[0], r->raw[1], r->raw + 2, r->raw_n - 4);
		if (n != r->wire_n || memcmp(wire, r->wire, n) != 0) {
			printf("%s is encoded differently\n", r->name);
			failures++;
		}
		struct splitter s = {0};
		struct frame f;
		bool got = false;
		for (size_t k = 0; k < r->wire_n; k++)
			got = splitter_push(&s, r->wire[k], &f);
		if (!got || f.type != r->raw[0] || f.seq != r->raw[1] || f.n != r->raw_n - 4 || memcmp(f.body, r->raw + 2, f.n) != 0) {
			printf("%s is decoded differently\n", r->name);
			failures++;
		}
	}
}

/* The frames the module makes itself have the table's bodies. */
static struct module m;
static struct kept room[64];

static bool same(const char *name)
{
	const struct row *r = row(name);
	struct frame f;
	if (!next_frame(&f))
		return false;
	if (f.type == r->raw[0] && f.n == r->raw_n - 4 && memcmp(f.body, r->raw + 2, f.n) == 0)
		return true;
	printf("%s:", name);
	for (size_t i = 0; i < f.n; i++)
		printf(" %02X", f.body[i]);
	printf("\n");
	return false;
}

static void fresh(void)
{
	struct identity is = {.hardware = 1, .version = {1, 0, 9}, .boot_reason = BOOT_TRIAL, .trial = true,
		.id = {0xE6, 0x61, 0x38, 0x52, 0x83, 0x00, 0xC0, 0xDE}, .boot = 0x0102030405060708};
	fake_reset();
	module_init(&m, &is, room, 64, 0);
	fake.sent_n = 0;
	m.link = LINK_UART;
}

TEST(frames_of_the_module)
{
	const uint8_t addr = 0x60;
	fresh();
	voice_set_mode(&m.bus.voice, 1, &addr, 1);
	m.out.value = 2;
	m.ring.first = 5;
	m.ring.next = 1ull << 40;
	tell_hello(&m, LINK_UART, 12034);
	CHECK(same("HELLO_1.1"));

	fresh();
	m.ring.first = m.ring.next = m.next = 1ull << 33;
	ring_add(&m.ring, (struct word){1ull << 45, 0x10B});
	ring_add(&m.ring, (struct word){(1ull << 45) + 1146, 0x00B});
	ring_add(&m.ring, (struct word){(1ull << 45) + 4146, 0x8300});
	m.resumed = true;
	tell_words(&m, (1ull << 45) + 50000, 0);
	CHECK(same("WORDS_AT"));

	fresh();
	m.is.boot = 9;
	m.next = 3;
	tell_resumed(&m, UINT64_MAX, R_BOOT);
	CHECK(same("RESUMED"));

	fresh();
	m.resumed = true;
	m.next = m.ring.first = m.ring.next = 12;
	tell_words(&m, (1ull << 50) + 2000, 1ull << 50);
	CHECK(same("NOW"));

	fresh();
	voice_set_mode(&m.bus.voice, 1, &addr, 1);
	m.lines[0] = (struct line){.words = 1538, .framing = 1, .breaks = 1};
	m.lines[1].words = 727;
	m.supply = 33950;
	tell_heartbeat(&m, 2000154);
	CHECK(same("HEARTBEAT"));

	fresh();
	note_event(&m.notes, 5123456, E_SUPPLY_LOST, 0xFF, 3120);
	m.bus.tx_at = 8123004;
	m.bus.voice.dropped(&m.bus, 0x11, TX_ACCEPTED, 1);
	module_tick(&m, 1000, 0);
	CHECK(same("EVENT"));
	CHECK(same("TX_REPORT"));

	fresh();
	const struct row *ping = row("PING"), *set = row("SET_MODE");
	module_bytes(&m, LINK_UART, ping->wire, ping->wire_n, 7000321);
	CHECK(same("PONG"));
	module_bytes(&m, LINK_UART, set->wire, set->wire_n, 7000321);
	CHECK(same("CMD_RESULT"));
}

/* The frames of the host do what they say. */
TEST(frames_of_the_host)
{
	fresh();
	const char *const names[] = {"SET_MODE_1.1", "REPLY_SET", "POLL_QUEUE_1.1", "SET_OUTPUTS", "SAFE_OUTPUTS", "LINE_CONFIG", "REPLY_CLEAR"};
	for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++) {
		const struct row *r = row(names[i]);
		module_bytes(&m, LINK_UART, r->wire, r->wire_n, 1000);
		struct frame f;
		CHECK(next_frame(&f));
		EQUAL(f.type, T_RESULT);
		EQUAL(f.body[0], r->raw[0]);
		EQUAL(f.body[1], r->raw[1]);
		EQUAL(f.body[2], S_OK);
	}
	EQUAL(m.bus.voice.n, 2);
	EQUAL(m.bus.voice.played[1].addr, 0x18);
	EQUAL(m.bus.voice.replies_n, 1);
	EQUAL(m.bus.voice.replies[0].key_n, 2);
	EQUAL(m.bus.voice.replies[0].n, 8);
	EQUAL(m.bus.voice.played[1].queue_n, 0); /* cleared */
	EQUAL(fake.outputs, 1);
	EQUAL(m.out.safe, 2);
	EQUAL(m.out.after, 10000000);
}

/* Random bytes, and good frames with a byte changed, harm nothing; after them a
 * good frame is understood. */
TEST(anything_may_come)
{
	unsigned seed = 1;
	fresh();
	m.confirmed = true;
	for (unsigned round = 0; round < 20000; round++) {
		uint8_t b[300];
		size_t n;
		if (draw(&seed, 2) == 0) {
			n = draw(&seed, sizeof b);
			for (size_t i = 0; i < n; i++)
				b[i] = (uint8_t)draw(&seed, 256);
		} else {
			/* A well-formed frame of any type with any body. */
			uint8_t body[FRAME_BODY];
			size_t k = draw(&seed, 4) == 0 ? draw(&seed, FRAME_BODY + 1) : draw(&seed, 24);
			for (size_t i = 0; i < k; i++)
				body[i] = (uint8_t)draw(&seed, draw(&seed, 2) == 0 ? 256 : 8);
			uint8_t type = (uint8_t)(0x80 + draw(&seed, 0x18));
			n = frame_encode(b, type, (uint8_t)round, body, k);
			if (draw(&seed, 3) == 0)
				b[draw(&seed, (unsigned)n)] ^= (uint8_t)(1 << draw(&seed, 8));
		}
		module_bytes(&m, LINK_UART, b, n, 1000 + round);
		module_tick(&m, 1000 + round, round);
		fake.sent_n = 0;
	}
	module_bytes(&m, LINK_UART, (const uint8_t *)"", 1, 30000);
	struct frame f;
	fake_reset();
	const struct row *ping = row("PING");
	module_bytes(&m, LINK_UART, ping->wire, ping->wire_n, 7000321);
	CHECK(next_frame(&f));
	EQUAL(f.type, T_PONG);
}

TEST(cobs_of_anything)
{
	unsigned seed = 5;
	for (unsigned round = 0; round < 5000; round++) {
		uint8_t raw[FRAME_MAX], wire[FRAME_WIRE];
		size_t n = draw(&seed, FRAME_MAX + 1);
		for (size_t i = 0; i < n; i++)
			raw[i] = (uint8_t)draw(&seed, 3);
		size_t k = cobs_encode(wire, raw, n);
		EQUAL(k, n + 2);
		CHECK(memchr(wire, 0, k) == wire + k - 1);
		EQUAL(cobs_decode(wire, k - 1), n);
		CHECK(n == 0 || memcmp(wire, raw, n) == 0);
		if (failures > 10)
			return;
	}
}

void frame_tests(const char *table)
{
	read_table(table);
	RUN(check_values);
	RUN(every_row_both_ways);
	RUN(frames_of_the_module);
	RUN(frames_of_the_host);
	RUN(cobs_of_anything);
	RUN(anything_may_come);
}
