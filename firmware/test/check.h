/* The few words the host tests are written in. */
#ifndef CHEKOMAT_CHECK_H
#define CHEKOMAT_CHECK_H

#include <stdio.h>
#include <stdlib.h>

extern const char *test_name;
extern int failures;

#define TEST(name) \
	static void name(void)
#define RUN(name) \
	do { \
		test_name = #name; \
		name(); \
	} while (0)
#define CHECK(x) \
	do { \
		if (!(x)) { \
			failures++; \
			printf("%s:%d: %s: %s\n", __FILE__, __LINE__, test_name, #x); \
		} \
	} while (0)
#define EQUAL(a, b) \
	do { \
		long long a_ = (long long)(a), b_ = (long long)(b); \
		if (a_ != b_) { \
			failures++; \
			printf("%s:%d: %s: %s is %lld, want %lld\n", __FILE__, __LINE__, test_name, #a, a_, b_); \
		} \
	} while (0)

/* A reproducible source of numbers below n. */
static inline unsigned draw(unsigned *seed, unsigned n)
{
	*seed = *seed * 1664525u + 1013904223u;
	return (unsigned)((unsigned long long)*seed * n >> 32);
}

void frame_tests(const char *table);
void ring_tests(void);
void voice_tests(void);
void slots_tests(void);
void module_tests(void);
void fuzz_tests(void);

extern unsigned fuzz_rounds;

#endif
