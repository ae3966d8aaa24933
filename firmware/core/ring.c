#include "ring.h"

void ring_init(struct ring *r, struct kept *buf, uint32_t size)
{
	*r = (struct ring){.buf = buf, .size = size};
}

void ring_add(struct ring *r, struct word w)
{
	if (r->next - r->first == r->size) {
		r->first++;
		r->over++;
	}
	r->buf[(uint32_t)r->next & (r->size - 1)] = (struct kept){(uint32_t)w.t, (uint16_t)(w.t >> 32), w.w};
	r->next++;
}

struct word ring_at(const struct ring *r, uint64_t seq)
{
	const struct kept *k = &r->buf[(uint32_t)seq & (r->size - 1)];
	return (struct word){k->lo | (uint64_t)k->hi << 32, k->w};
}

void ring_keep(struct ring *r, uint64_t seq)
{
	if (seq > r->first && seq <= r->next)
		r->first = seq;
}
