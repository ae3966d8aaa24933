#include "check.h"

const char *test_name;
int failures;

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: %s frames.txt\n", argv[0]);
		return 2;
	}
	frame_tests(argv[1]);
	ring_tests();
	voice_tests();
	slots_tests();
	module_tests();
	printf(failures == 0 ? "core: all good\n" : "core: %d failures\n", failures);
	return failures != 0;
}
