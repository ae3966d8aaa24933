/* The interface module without its hardware: words in, frames out, commands
 * carried out. One thread calls it; times are us since boot. port_... is what it
 * needs of the hardware (hw/) or of a test. */
#ifndef CHEKOMAT_MODULE_H
#define CHEKOMAT_MODULE_H

#include "bus.h"
#include "frame.h"
#include "idle.h"
#include "link.h"
#include "ring.h"
#include "update.h"

enum { LINKS = 2, LINK_UART = 0, LINK_USB = 1, NO_LINK = 0xFF, NOTES = 64 };

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

struct line {
	uint32_t words;
	uint16_t framing, breaks, overruns;
	bool broken;     /* in a break */
	bool stuck;      /* and it was told that the line is stuck */
	uint64_t broke;
};

struct note {
	uint8_t type, n;
	uint8_t body[8];
};

/* A link to a host; each has its own sequence of frames. */
struct host {
	struct splitter in;
	uint8_t seq;
};

struct outputs {
	uint8_t value, safe;
	uint64_t after; /* us of silence until the safe state */
	bool fell;
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

	uint8_t link;        /* of the host that spoke last, or NO_LINK */
	uint64_t host_at;    /* when a host was heard last */
	bool resumed;        /* words flow */
	uint64_t next;       /* number of the word to send next */
	uint64_t told;       /* time last told by NOW */
	uint64_t beat_at, now_at;
	uint16_t frames_dropped;

	struct note notes[NOTES];
	uint8_t note_at, note_n;

	uint16_t supply;     /* mV */
	bool supply_known, supply_good;
	bool confirmed;
	uint8_t reboot;      /* 0 none, else 1 + how, at reboot_at */
	uint64_t reboot_at;
};

/* module_init starts a module with room for size words, a power of two. */
void module_init(struct module *m, const struct identity *is, struct kept *room, uint32_t size, uint64_t now);

/* module_word takes a word in the order of completion. */
void module_word(struct module *m, struct word w);

/* module_bytes takes what a host sent. */
void module_bytes(struct module *m, uint8_t link, const uint8_t *p, size_t n, uint64_t now);

/* module_opened says that a host opened a link: it is greeted. */
void module_opened(struct module *m, uint8_t link, uint64_t now);

/* module_supply takes a measurement of the bus supply. */
void module_supply(struct module *m, uint16_t mv, uint64_t now);

/* module_tick does what time brings. heard says up to when every word that
 * began has been handed over. It gives when it wants to be called again at the
 * latest. */
uint64_t module_tick(struct module *m, uint64_t now, uint64_t heard);

/* module_event tells the host of something. */
void module_event(struct module *m, uint64_t t, uint8_t code, uint8_t line, uint16_t arg);

/* Between the files of the core. */
uint8_t command(struct module *m, const struct frame *f, uint64_t now);
bool tell(struct module *m, uint8_t link, uint8_t type, const uint8_t *body, size_t n);
void tell_hello(struct module *m, uint8_t link, uint64_t now);
void tell_resumed(struct module *m, uint64_t lost, uint8_t reason);
uint64_t tell_words(struct module *m, uint64_t now, uint64_t heard);
void tell_heartbeat(struct module *m, uint64_t now);

/* The hardware. */
size_t port_room(uint8_t link);                               /* bytes a link takes now */
void port_send(uint8_t link, const uint8_t *p, size_t n);     /* n <= port_room */
void port_say(const uint16_t *words, size_t n, uint64_t at);  /* MDB, first start bit at */
bool port_interlock(void);                                    /* the jumper is set */
bool port_master_busy(void);                                  /* line 0 is inside a word */
void port_outputs(uint8_t value);
bool port_line(uint8_t line, uint8_t flags, uint32_t baud);   /* false: cannot be */
void port_reboot(uint8_t how);                                /* 0 program, 1 USB boot */

#endif
