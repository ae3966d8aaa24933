#include "check.h"
#include "hardware.h"

static struct voice v;
static struct {
	uint8_t tag, result, tries;
} reports[256];
static unsigned reports_n;

static void report(void *ctx, uint8_t tag, uint8_t result, uint8_t tries)
{
	(void)ctx;
	reports[reports_n].tag = tag;
	reports[reports_n].result = result;
	reports[reports_n++ % 255].tries = tries;
}

static void fresh(void)
{
	memset(&v, 0, sizeof v);
	v.dropped = report;
	reports_n = 0;
}

#define BYTES(...) (const uint8_t[]){__VA_ARGS__}, sizeof(const uint8_t[]){__VA_ARGS__}

/* asked gives whether a block (checksum added) gets these bytes; data has its
 * checksum checked and taken off, a lone 00 is ACK. */
static bool asked(const uint8_t *block, size_t n, bool data, const uint8_t *want, size_t want_n)
{
	uint8_t b[BLOCK_MAX], sum = 0;
	size_t got_n;
	for (size_t i = 0; i < n; i++)
		sum = (uint8_t)(sum + (b[i] = block[i]));
	b[n] = sum;
	const uint8_t *got = voice_ask(&v, b, n + 1, &got_n);
	if (want == NULL)
		return got == NULL;
	if (got == NULL || got_n != want_n + (data ? 1 : 0) || memcmp(got, want, want_n) != 0)
		return false;
	sum = 0;
	for (size_t i = 0; i < want_n; i++)
		sum = (uint8_t)(sum + want[i]);
	return !data || got[want_n] == sum;
}

#define ACKS(...) CHECK(asked(BYTES(__VA_ARGS__), false, BYTES(0)))
#define SILENT(...) CHECK(asked(BYTES(__VA_ARGS__), false, NULL, 0))

static void hear(uint8_t addr, uint8_t what)
{
	size_t n;
	voice_hear(&v, addr, what, &n);
}

TEST(just_reset_until_acked)
{
	fresh();
	EQUAL(voice_set_mode(&v, 1, BYTES(0x60, 0x18)), S_OK);
	CHECK(asked(BYTES(0x62), true, BYTES(0)));
	CHECK(asked(BYTES(0x62), true, BYTES(0)));
	hear(0x60, VMC_NAK);
	CHECK(asked(BYTES(0x62), true, BYTES(0)));
	hear(0x60, VMC_ACK);
	ACKS(0x62);
	CHECK(asked(BYTES(0x1A), true, BYTES(0)));
	hear(0x18, VMC_ACK);
	ACKS(0x60);
	CHECK(asked(BYTES(0x62), true, BYTES(0)));
	hear(0x60, VMC_ACK);
	SILENT(0x12);
	ACKS(0x63, 5, 1, 2, 0, 3);
	size_t n;
	CHECK(voice_ask(&v, BYTES(0x62, 0x63), &n) == NULL);
	EQUAL(voice_set_mode(&v, 1, BYTES(0x60, 0x18)), S_OK);
	ACKS(0x62);
	EQUAL(voice_set_mode(&v, 1, BYTES(0x18)), S_OK);
	SILENT(0x62);
	ACKS(0x1A);
	EQUAL(voice_set_mode(&v, 0, BYTES(0)), S_OK);
	SILENT(0x1A);
}

TEST(the_longest_key)
{
	fresh();
	voice_set_mode(&v, 1, BYTES(0x60));
	voice_set_reply(&v, BYTES(0x61, 0), BYTES(1, 1));
	voice_set_reply(&v, BYTES(0x61, 0, 3), BYTES(1, 3));
	voice_set_reply(&v, BYTES(0x67, 0), NULL, 0);
	voice_set_reply(&v, BYTES(0x64), BYTES(0));
	voice_set_reply(&v, BYTES(0x63, 4), BYTES(7));
	CHECK(asked(BYTES(0x62), true, BYTES(0)));
	hear(0x60, VMC_ACK);
	CHECK(asked(BYTES(0x61, 0, 2, 0, 0, 0), true, BYTES(1, 1)));
	hear(0x60, VMC_ACK);
	CHECK(asked(BYTES(0x61, 0, 3, 0, 0, 0), true, BYTES(1, 3)));
	hear(0x60, VMC_ACK);
	SILENT(0x67, 0, 1);
	ACKS(0x64, 1);
	CHECK(asked(BYTES(0x63, 4), true, BYTES(7)));
	hear(0x60, VMC_NAK);
	CHECK(asked(BYTES(0x62), true, BYTES(7)));
	hear(0x60, VMC_ACK);
	ACKS(0x62);
	size_t n;
	CHECK(voice_hear(&v, 0x60, VMC_RET, &n) != NULL);
	EQUAL(n, 1);
	EQUAL(voice_clear(&v, 0x60), S_OK);
	ACKS(0x63, 4);
}

TEST(offers_until_acked)
{
	fresh();
	voice_set_mode(&v, 1, BYTES(0x60, 0x18));
	asked(BYTES(0x62), true, BYTES(0));
	hear(0x60, VMC_ACK);
	EQUAL(voice_enqueue(&v, 11, BYTES(3, 0xFF, 0xFF), 0), S_OK);
	EQUAL(voice_enqueue(&v, 12, BYTES(2), 0x18), S_OK);
	EQUAL(voice_enqueue(&v, 13, BYTES(4), 0x60), S_OK);
	for (unsigned i = 0; i < 10; i++)
		CHECK(asked(BYTES(0x62), true, BYTES(3, 0xFF, 0xFF)));
	hear(0x60, VMC_ACK);
	ACKS(0x60);
	voice_clear(&v, 0);
	EQUAL(reports_n, 3);
	EQUAL(reports[0].tag * 100 + reports[0].result * 10 + (reports[0].tries == 10), 1101);
	EQUAL(reports[1].tag * 100 + reports[1].result, 1301);
	EQUAL(reports[2].tag * 100 + reports[2].result, 1202);
}

TEST(refuses)
{
	fresh();
	EQUAL(voice_set_mode(&v, 1, BYTES(0x61)), S_VALUE);
	EQUAL(voice_set_mode(&v, 1, BYTES(0x60, 0x60)), S_VALUE);
	EQUAL(voice_set_mode(&v, 1, BYTES(0)), S_VALUE);
	EQUAL(voice_set_mode(&v, 2, BYTES(0x60)), S_VALUE);
	EQUAL(voice_enqueue(&v, 1, BYTES(4), 0), S_MODE);
	EQUAL(voice_set_reply(&v, NULL, 0, BYTES(1)), S_VALUE);
	voice_set_mode(&v, 1, BYTES(0x60));
	EQUAL(voice_enqueue(&v, 1, BYTES(4), 0x18), S_MODE);
	EQUAL(voice_enqueue(&v, 1, NULL, 0, 0), S_VALUE);
	for (unsigned i = 0; i <= VOICE_QUEUE; i++)
		EQUAL(voice_enqueue(&v, (uint8_t)i, BYTES(4), 0), i == VOICE_QUEUE ? S_BUSY : S_OK);
	for (unsigned i = 0; i <= VOICE_REPLIES; i++)
		EQUAL(voice_set_reply(&v, BYTES(0x61, (uint8_t)i), BYTES(4)), i == VOICE_REPLIES ? S_BUSY : S_OK);
}

TEST(the_first_of_the_list)
{
	fresh();
	voice_set_mode(&v, 1, BYTES(0x60, 0x18, 0x10));
	voice_enqueue(&v, 1, BYTES(4), 0x18);
	EQUAL(voice_set_mode(&v, 1, BYTES(0x18, 0x60)), S_OK);
	EQUAL(v.n, 2);
	EQUAL(v.played[0].addr, 0x18);
	EQUAL(v.played[0].queue_n, 1);
	EQUAL(reports_n, 0);
}

/* No sequence of commands and blocks harms; an answer is a whole block. */
TEST(anything)
{
	unsigned seed = 3;
	fresh();
	for (unsigned round = 0; round < 200000; round++) {
		uint8_t b[64], sum = 0;
		size_t n = draw(&seed, 40), k;
		for (size_t i = 0; i < n; i++)
			b[i] = (uint8_t)(draw(&seed, 3) == 0 ? draw(&seed, 256) : (0x60 | draw(&seed, 8)) - (draw(&seed, 2) ? 0x48 : 0));
		reports_n = 0;
		switch (draw(&seed, 7)) {
		case 0:
			voice_set_mode(&v, 1, b, n % 6);
			break;
		case 1:
			voice_set_reply(&v, b, n / 2, b + n / 2, n - n / 2);
			break;
		case 2:
			voice_enqueue(&v, b[0], b, n, draw(&seed, 2) ? 0x60 : 0);
			break;
		case 3:
			hear(b[0], (uint8_t[]){VMC_ACK, VMC_NAK, VMC_RET}[n % 3]);
			break;
		case 4:
			if (draw(&seed, 50) == 0)
				voice_clear(&v, draw(&seed, 2) ? 0x18 : 0);
			break;
		default:
			if (n >= BLOCK_MAX)
				n = BLOCK_MAX - 1;
			for (size_t i = 0; i < n; i++)
				sum = (uint8_t)(sum + b[i]);
			b[n] = sum;
			const uint8_t *a = voice_ask(&v, b, n + 1, &k);
			sum = 0;
			for (size_t i = 0; a != NULL && i + 1 < k; i++)
				sum = (uint8_t)(sum + a[i]);
			CHECK(a == NULL || k == 1 || (k <= BLOCK_MAX && a[k - 1] == sum));
		}
	}
}

void voice_tests(void)
{
	RUN(just_reset_until_acked);
	RUN(the_longest_key);
	RUN(offers_until_acked);
	RUN(refuses);
	RUN(the_first_of_the_list);
	RUN(anything);
}
