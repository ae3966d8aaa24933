#include "check.h"
#include "hardware.h"

static uint8_t file[SLOT_SIZE];

/* make puts an image of a size and version into file and gives its length. */
static uint32_t make(uint32_t size, uint8_t patch)
{
	memset(file, patch, sizeof file);
	put32(file, IMAGE_MAGIC);
	put32(file + 4, IMAGE_LOAD);
	put32(file + 8, size);
	put32(file + 12, crc32(0, file + IMAGE_HEADER, size));
	put32(file + 16, IMAGE_LOAD + 4);
	file[20] = 1;
	file[21] = 0;
	file[22] = patch;
	file[23] = 1;
	put32(file + 24, 0);
	put32(file + 28, crc32(0, file, 28));
	return size + IMAGE_HEADER;
}

static void flashed(uint8_t slot, uint32_t n) { memcpy(fake.flash + SLOT_AT + slot * (uint32_t)SLOT_SIZE, file, n); }

static uint8_t boot(void)
{
	struct choice c;
	return choice_boot(&c);
}

static uint8_t load(uint8_t running, uint32_t n)
{
	struct update u = {0};
	uint8_t s = update_begin(&u, running, n, crc32(0, file, n), file + 20);
	for (uint32_t at = 0; s == S_OK && at < n; at += 200)
		s = update_data(&u, at, file + at, n - at < 200 ? n - at : 200);
	return s == S_OK ? update_commit(&u) : s;
}

static void installed(void)
{
	fake_reset();
	flashed(0, make(1000, 1));
	EQUAL(boot(), 0);
}

TEST(trial_confirmed_or_over)
{
	installed();
	EQUAL(load(0, make(3000, 2)), S_OK);
	EQUAL(boot(), 1);
	choice_write((struct choice){1, NO_SLOT, false, false});
	EQUAL(boot(), 1);
	EQUAL(load(1, make(3001, 3)), S_OK);
	EQUAL(boot(), 0);
	EQUAL(boot(), 1); /* nobody confirmed it */
	CHECK(choice_read().failed);
	EQUAL(boot(), 1);
	EQUAL(load(1, make(60000, 4)), S_OK);
	EQUAL(boot(), 0);
}

TEST(an_image_on_trial_takes_no_other)
{
	installed();
	EQUAL(load(0, make(3000, 2)), S_OK);
	EQUAL(boot(), 1);
	EQUAL(load(1, make(3000, 3)), S_BUSY);
}

TEST(headers)
{
	struct image im;
	fake_reset();
	uint32_t n = make(1000, 1);
	CHECK(image_header(file, &im));
	EQUAL(im.size, 1000);
	for (unsigned i = 0; i < 32; i++) {
		file[i] ^= 1;
		CHECK(!image_header(file, &im));
		file[i] ^= 1;
	}
	flashed(1, n);
	CHECK(slot_good(1, &im));
	CHECK(!slot_good(0, &im));
	CHECK(!slot_good(NO_SLOT, &im));
	fake.flash[SLOT_AT + SLOT_SIZE + 500] ^= 1;
	CHECK(!slot_good(1, &im));
	EQUAL(boot(), NO_SLOT);
}

/* Power fails at any operation of flash: what runs afterwards is a whole image,
 * the old or the new one, and the next update goes through. */
TEST(power_fails_anywhere)
{
	for (unsigned at = 1; at < 40; at++) {
		installed();
		uint32_t n = make(4500, 2);
		fake.fail_after = at;
		uint8_t s = load(0, n);
		fake.fail_after = 0;
		uint8_t slot = boot();
		CHECK(slot == 0 || slot == 1);
		struct image im;
		CHECK(slot_good(slot, &im));
		CHECK(slot == 0 || im.version[2] == 2);
		/* Without power there was no answer either; an image that was entered is
		 * tried, another one never. */
		(void)s;
		if (slot == 1)
			choice_write((struct choice){1, NO_SLOT, false, false});
		EQUAL(load(slot, make(2000, 5)), S_OK);
		EQUAL(boot(), 1 - slot);
	}
}

/* The journal goes round its two sectors, and loses nothing when power fails in
 * the middle of any of its writes. */
TEST(the_journal_goes_round)
{
	fake_reset();
	for (unsigned i = 0; i < 3000; i++) {
		struct choice was = choice_read(), c = {(uint8_t)(i & 1), NO_SLOT, false, (i & 2) != 0};
		if (i % 7 == 3) {
			fake.fail_after = 1 + i % 2;
			choice_write(c);
			fake.fail_after = 0;
			struct choice is = choice_read();
			CHECK(i == 3 || (is.active == was.active && is.failed == was.failed) || (is.active == c.active && is.failed == c.failed));
		}
		choice_write(c);
		struct choice is = choice_read();
		EQUAL(is.active, c.active);
		EQUAL(is.failed, c.failed);
		if (failures > 20)
			return;
	}
	CHECK(fake.erased > 5);
}

TEST(refusals)
{
	struct update u = {0};
	installed();
	uint32_t n = make(3000, 2);
	EQUAL(update_commit(&u), S_MODE);
	EQUAL(update_data(&u, 0, file, 100), S_MODE);
	EQUAL(update_begin(&u, 0, 10, 0, file + 20), S_VALUE);
	EQUAL(update_begin(&u, 0, SLOT_SIZE + 1, 0, file + 20), S_VALUE);
	EQUAL(update_begin(&u, 0, n, 0, file + 20), S_OK);
	EQUAL(update_data(&u, 0, file, 0), S_LENGTH);
	EQUAL(update_data(&u, 0, file, 201), S_LENGTH);
	EQUAL(update_data(&u, 1, file, 100), S_VALUE);
	EQUAL(update_data(&u, 0, file, 100), S_OK);
	EQUAL(update_data(&u, 0, file, 100), S_OK);
	EQUAL(update_data(&u, 50, file + 50, 100), S_VALUE);
	EQUAL(update_data(&u, 0xFFFFFF00, file, 100), S_VALUE);
	EQUAL(update_commit(&u), S_VERIFY);
	/* All there, but not what FW_BEGIN said. */
	EQUAL(update_begin(&u, 0, n, crc32(0, file, n) ^ 1, file + 20), S_OK);
	for (uint32_t at = 0; at < n; at += 200)
		EQUAL(update_data(&u, at, file + at, n - at < 200 ? n - at : 200), S_OK);
	EQUAL(update_commit(&u), S_VERIFY);
	EQUAL(boot(), 0);
}

void slots_tests(void)
{
	RUN(headers);
	RUN(trial_confirmed_or_over);
	RUN(an_image_on_trial_takes_no_other);
	RUN(power_fails_anywhere);
	RUN(the_journal_goes_round);
	RUN(refusals);
}
