/* The firmware's version, as HELLO and the image's header tell it. */
#define VERSION_MAJOR 1
#define VERSION_MINOR 0
#define VERSION_PATCH 0
#define HARDWARE 1 /* 1: RP2040, four lines, the front end of firmware/hardware */
