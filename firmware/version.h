/* The firmware's version, as HELLO and the image's header tell it. The Makefile
 * reads it here, too. */
#define VERSION_MAJOR 1
#define VERSION_MINOR 0
#ifndef VERSION_PATCH
#define VERSION_PATCH 0
#endif
#define HARDWARE 1 /* 1: RP2040, four lines, the front end of firmware/hardware */
