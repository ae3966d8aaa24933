/* The part of the module that speaks on MDB by itself (docs/link.md, "Speaking
 * on MDB"): ACK, JUST RESET, static answers and a queue for POLL at up to four
 * addresses. It decides nothing; what it says was told by the host beforehand. */
#ifndef CHEKOMAT_VOICE_H
#define CHEKOMAT_VOICE_H

#include "bytes.h"

enum {
	BLOCK_MAX = 36,     /* mdb 2.2, address and checksum included */
	VOICE_ADDRESSES = 4,
	VOICE_REPLIES = 48, /* of all addresses */
	VOICE_QUEUE = 12,   /* of each address */
};

enum vmc_reply { VMC_ACK = 0x00, VMC_RET = 0xAA, VMC_NAK = 0xFF };

struct queued {
	uint8_t tag, tries, n;
	uint8_t data[BLOCK_MAX];
};

struct reply {
	uint8_t key_n, n;
	uint8_t key[BLOCK_MAX], data[BLOCK_MAX];
};

enum voice_said { SAID_NOTHING, SAID_RESET, SAID_REPLY, SAID_QUEUED };

struct played {
	uint8_t addr;
	bool reset;              /* JUST RESET is to be said */
	uint8_t said;            /* what an ACK of the VMC would accept */
	uint8_t queue_at, queue_n;
	uint8_t open_n;          /* 0: no static answer waits for the VMC's ACK */
	uint8_t last_n;
	uint8_t open[BLOCK_MAX];
	uint8_t last[BLOCK_MAX]; /* what was said last, for RET */
	struct queued queue[VOICE_QUEUE];
};

struct voice {
	struct played played[VOICE_ADDRESSES];
	uint8_t n;
	uint8_t replies_n;
	struct reply replies[VOICE_REPLIES];
	/* dropped hears of each queue entry that is not said any more, or was
	 * accepted; result is a link_tx. */
	void (*dropped)(void *ctx, uint8_t tag, uint8_t result, uint8_t tries);
	void *ctx;
};

/* The commands of the host give a link_status. */
uint8_t voice_set_mode(struct voice *v, uint8_t mode, const uint8_t *addr, size_t n);
uint8_t voice_set_reply(struct voice *v, const uint8_t *key, size_t key_n, const uint8_t *data, size_t n);
uint8_t voice_clear(struct voice *v, uint8_t addr);
uint8_t voice_enqueue(struct voice *v, uint8_t tag, const uint8_t *data, size_t n, uint8_t addr);

/* voice_ours says whether a block that starts with this byte is for us. */
bool voice_ours(const struct voice *v, uint8_t first);

/* voice_ask gives the whole answer to a block of the VMC, checksum included: one
 * byte is ACK, NULL silence. */
const uint8_t *voice_ask(struct voice *v, const uint8_t *block, size_t n, size_t *answer_n);

/* voice_hear takes the VMC's reply to our answer; after RET it gives what is
 * to be said again. */
const uint8_t *voice_hear(struct voice *v, uint8_t first, uint8_t what, size_t *again_n);

/* voice_bus_reset is a break of 100 ms: every peripheral resets. */
void voice_bus_reset(struct voice *v);

#endif
