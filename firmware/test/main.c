#include "check.h"

const char *test_name;
int failures;
unsigned fuzz_rounds = 1500;

int main(int argc, char **argv)
{
	if (argc != 2 && argc != 3) {
		fprintf(stderr, "usage: %s frames.txt [rounds of the fuzz test]\n", argv[0]);
		return 2;
	}
	if (argc == 3)
		fuzz_rounds = (unsigned)atoi(argv[2]);
	frame_tests(argv[1]);
	ring_tests();
	voice_tests();
	slots_tests();
	module_tests();
	fuzz_tests();
	printf(failures == 0 ? "core: all good\n" : "core: %d failures\n", failures);
	return failures != 0;
}
