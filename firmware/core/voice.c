#include "voice.h"
#include "link.h"

static struct played *at(struct voice *v, uint8_t addr)
{
	for (unsigned i = 0; i < v->n; i++)
		if (v->played[i].addr == addr)
			return &v->played[i];
	return NULL;
}

static uint8_t sum(const uint8_t *p, size_t n)
{
	uint8_t s = 0;
	while (n-- > 0)
		s = (uint8_t)(s + *p++);
	return s;
}

static void drop_queue(struct voice *v, struct played *p, uint8_t result)
{
	for (; p->queue_n > 0; p->queue_n--) {
		struct queued *q = &p->queue[p->queue_at];
		v->dropped(v->ctx, q->tag, result, q->tries);
		p->queue_at = (uint8_t)((p->queue_at + 1) % VOICE_QUEUE);
	}
}

uint8_t voice_set_mode(struct voice *v, uint8_t mode, const uint8_t *addr, size_t n)
{
	if (mode == 0)
		n = 0;
	else if (mode != 1 || n == 0 || n > VOICE_ADDRESSES)
		return S_VALUE;
	for (size_t i = 0; i < n; i++) {
		if ((addr[i] & 7) != 0 || addr[i] == 0)
			return S_VALUE;
		for (size_t j = 0; j < i; j++)
			if (addr[i] == addr[j])
				return S_VALUE;
	}
	/* Who is not in the new list falls silent, the others keep their places. */
	for (unsigned i = 0; i < v->n;) {
		bool stays = false;
		for (size_t j = 0; j < n; j++)
			stays = stays || addr[j] == v->played[i].addr;
		if (stays) {
			i++;
			continue;
		}
		drop_queue(v, &v->played[i], TX_CLEARED);
		v->n--;
		memmove(&v->played[i], &v->played[i + 1], (v->n - i) * sizeof v->played[0]);
	}
	for (size_t j = 0; j < n; j++) {
		struct played *p = at(v, addr[j]);
		if (p == NULL) {
			p = &v->played[v->n++];
			memset(p, 0, sizeof *p);
			p->addr = addr[j];
			p->reset = true;
		}
		if (j == 0 && p != &v->played[0]) {
			/* The first of the list is the one POLL_QUEUE means without an address. */
			static struct played first;
			first = *p;
			memmove(&v->played[1], &v->played[0], (size_t)(p - v->played) * sizeof first);
			v->played[0] = first;
		}
	}
	return S_OK;
}

uint8_t voice_set_reply(struct voice *v, const uint8_t *key, size_t key_n, const uint8_t *data, size_t n)
{
	if (key_n == 0 || key_n >= BLOCK_MAX || n >= BLOCK_MAX)
		return S_VALUE;
	struct reply *r = NULL;
	for (unsigned i = 0; i < v->replies_n && r == NULL; i++)
		if (v->replies[i].key_n == key_n && memcmp(v->replies[i].key, key, key_n) == 0)
			r = &v->replies[i];
	if (r == NULL) {
		if (v->replies_n == VOICE_REPLIES)
			return S_BUSY;
		r = &v->replies[v->replies_n++];
	}
	r->key_n = (uint8_t)key_n;
	r->n = (uint8_t)n;
	memcpy(r->key, key, key_n);
	if (n > 0)
		memcpy(r->data, data, n);
	return S_OK;
}

uint8_t voice_clear(struct voice *v, uint8_t addr)
{
	unsigned kept = 0;
	for (unsigned i = 0; i < v->replies_n; i++)
		if (addr != 0 && (v->replies[i].key[0] & 0xF8) != addr) {
			if (kept != i)
				v->replies[kept] = v->replies[i];
			kept++;
		}
	v->replies_n = (uint8_t)kept;
	for (unsigned i = 0; i < v->n; i++) {
		struct played *p = &v->played[i];
		if (addr != 0 && p->addr != addr)
			continue;
		drop_queue(v, p, TX_CLEARED);
		p->open_n = 0;
		p->said = SAID_NOTHING;
	}
	return S_OK;
}

uint8_t voice_enqueue(struct voice *v, uint8_t tag, const uint8_t *data, size_t n, uint8_t addr)
{
	struct played *p = addr != 0 ? at(v, addr) : v->n > 0 ? &v->played[0] : NULL;
	if (p == NULL)
		return S_MODE;
	if (n == 0 || n >= BLOCK_MAX)
		return S_VALUE;
	if (p->queue_n == VOICE_QUEUE)
		return S_BUSY;
	struct queued *q = &p->queue[(p->queue_at + p->queue_n++) % VOICE_QUEUE];
	*q = (struct queued){.tag = tag, .n = (uint8_t)n};
	memcpy(q->data, data, n);
	return S_OK;
}

bool voice_ours(const struct voice *v, uint8_t first)
{
	for (unsigned i = 0; i < v->n; i++)
		if (v->played[i].addr == (first & 0xF8))
			return true;
	return false;
}

static const uint8_t *ack(struct played *p, size_t *n)
{
	p->last[0] = 0;
	*n = p->last_n = 1;
	return p->last;
}

static const uint8_t *say(struct played *p, uint8_t what, const uint8_t *data, size_t len, size_t *n)
{
	p->said = what;
	memcpy(p->last, data, len);
	p->last[len] = sum(data, len);
	*n = p->last_n = (uint8_t)(len + 1);
	return p->last;
}

static const uint8_t *polled(struct played *p, size_t *n)
{
	static const uint8_t just_reset = 0;
	if (p->reset)
		return say(p, SAID_RESET, &just_reset, 1, n);
	if (p->open_n > 0)
		return say(p, SAID_REPLY, p->open, p->open_n, n);
	if (p->queue_n > 0) {
		struct queued *q = &p->queue[p->queue_at];
		if (q->tries < 255)
			q->tries++;
		return say(p, SAID_QUEUED, q->data, q->n, n);
	}
	return ack(p, n);
}

const uint8_t *voice_ask(struct voice *v, const uint8_t *block, size_t len, size_t *n)
{
	*n = 0;
	if (len < 2 || len > BLOCK_MAX || sum(block, len - 1) != block[len - 1])
		return NULL;
	struct played *p = at(v, block[0] & 0xF8);
	if (p == NULL)
		return NULL;
	p->said = SAID_NOTHING;
	bool three = p->addr == 0x08 || p->addr == 0x30 || p->addr == 0x58 || p->addr == 0x70;
	if (len == 2 && (block[0] & 7) == 0) {
		drop_queue(v, p, TX_RESET);
		p->reset = true;
		p->open_n = 0;
		return ack(p, n);
	}
	if (len == 2 && (block[0] & 7) == (three ? 3 : 2))
		return polled(p, n);
	const struct reply *best = NULL;
	for (unsigned i = 0; i < v->replies_n; i++) {
		const struct reply *r = &v->replies[i];
		if (r->key_n <= len - 1 && (best == NULL || r->key_n > best->key_n) && memcmp(block, r->key, r->key_n) == 0)
			best = r;
	}
	if (best == NULL || (best->n == 1 && best->data[0] == 0))
		return ack(p, n);
	if (best->n == 0)
		return NULL;
	p->open_n = best->n;
	memcpy(p->open, best->data, best->n);
	return say(p, SAID_REPLY, p->open, p->open_n, n);
}

const uint8_t *voice_hear(struct voice *v, uint8_t first, uint8_t what, size_t *n)
{
	*n = 0;
	struct played *p = at(v, first & 0xF8);
	if (p == NULL)
		return NULL;
	if (what == VMC_RET) {
		*n = p->last_n;
		return p->last_n > 0 ? p->last : NULL;
	}
	if (what != VMC_ACK)
		return NULL;
	struct queued *q = &p->queue[p->queue_at];
	switch (p->said) {
	case SAID_RESET:
		p->reset = false;
		break;
	case SAID_REPLY:
		p->open_n = 0;
		break;
	case SAID_QUEUED:
		p->queue_at = (uint8_t)((p->queue_at + 1) % VOICE_QUEUE);
		p->queue_n--;
		v->dropped(v->ctx, q->tag, TX_ACCEPTED, q->tries);
		break;
	}
	p->said = SAID_NOTHING;
	return NULL;
}

void voice_bus_reset(struct voice *v)
{
	for (unsigned i = 0; i < v->n; i++) {
		struct played *p = &v->played[i];
		drop_queue(v, p, TX_RESET);
		p->reset = true;
		p->open_n = 0;
		p->said = SAID_NOTHING;
	}
}
