/* All that the module knows. */
#ifndef CHEKOMAT_STATE_H
#define CHEKOMAT_STATE_H

#include "bus.h"
#include "frame.h"
#include "idle.h"
#include "link.h"
#include "notes.h"
#include "outputs.h"
#include "port.h"
#include "ring.h"
#include "update.h"

enum { NO_LINK = 0xFF };

/* What the module is; given at the start. */
struct identity {
	uint8_t hardware, revision;
	uint8_t version[3];
	uint8_t boot_reason; /* BOOT_... */
	uint8_t slot;        /* the program runs from */
	bool trial;          /* it has to be confirmed */
	uint8_t id[8];
	uint64_t boot;       /* id of this run, not 0 */
};

/* What was counted on a line. */
struct line {
	uint32_t words;
	uint16_t framing, breaks, overruns;
	bool broken;     /* in a break */
	bool stuck;      /* and it was told that the line is stuck */
	uint64_t broke;
};

/* A link to a host; each has its own sequence of frames. */
struct host {
	struct splitter in;
	uint8_t seq;
};

struct module {
	struct identity is;
	struct ring ring;
	struct idle idle;
	struct bus bus;
	struct line lines[LINES];
	struct host hosts[LINKS];
	struct outputs out;
	struct update update;
	struct notes notes;

	uint8_t link;        /* of the host that spoke last, or NO_LINK */
	bool resumed;        /* words flow */
	uint64_t next;       /* number of the word to send next */
	uint64_t told;       /* time last told by NOW */
	uint64_t beat_at, now_at;
	uint16_t frames_dropped;

	uint16_t supply;     /* mV */
	bool supply_known, supply_good;
	bool confirmed;
	uint8_t reboot;      /* 0 none, else 1 + how, at reboot_at */
	uint64_t reboot_at;
};

#endif
