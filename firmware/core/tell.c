#include "tell.h"

/* Words wait for company: 16 of them, or 2.5 ms since the newest began, or 15
 * ms since the oldest. All in us. */
static const uint64_t newest_wait = 2500, oldest_wait = 15000, now_every = 50000;

enum { FEW = 16, ENTRIES = (FRAME_BODY - 16) / 4 };

bool tell(struct module *m, uint8_t link, uint8_t type, const uint8_t *body, size_t n)
{
	uint8_t wire[FRAME_WIRE];
	size_t len = frame_encode(wire, type, m->hosts[link].seq++, body, n);
	if (len == 0 || len > port_room(link)) {
		m->frames_dropped = more16(m->frames_dropped);
		return false;
	}
	port_send(link, wire, len);
	return true;
}

static uint8_t mode(const struct module *m) { return m->bus.voice.n > 0 ? 1 : 0; }

void tell_hello(struct module *m, uint8_t link, uint64_t now)
{
	uint8_t b[56], *p = b;
	p = put8(put8(p, LINK_MAJOR), LINK_MINOR);
	p = put8(put8(p, m->is.hardware), m->is.revision);
	p = put8(put8(put8(p, m->is.version[0]), m->is.version[1]), m->is.version[2]);
	p = put8(p, m->is.boot_reason);
	p = put32(p, CAP_LISTEN_MDB | CAP_SPEAK_MDB | CAP_LISTEN_EXE | CAP_OUTPUTS | CAP_SUPPLY | CAP_UPDATE | CAP_USB_BOOT);
	for (unsigned i = 0; i < 8; i++)
		p = put8(p, m->is.id[i]);
	p = put32(put32(p, (uint32_t)(now / 1000)), (uint32_t)now);
	p = put8(put8(put8(put8(p, mode(m)), m->out.value), LINES), FRAME_MAX);
	put64(put64(put64(p, m->is.boot), m->ring.first), m->ring.next);
	tell(m, link, T_HELLO, b, sizeof b);
}

void tell_resumed(struct module *m, uint64_t lost, uint8_t reason)
{
	uint8_t b[25];
	put8(put64(put64(put64(b, m->is.boot), m->next), lost), reason);
	tell(m, m->link, T_RESUMED, b, sizeof b);
}

void tell_heartbeat(struct module *m, uint64_t now)
{
	uint8_t b[58], *p = b;
	uint8_t link = m->link == NO_LINK ? LINK_UART : m->link;
	p = put32(put32(p, (uint32_t)now), (uint32_t)(now / 1000000));
	for (unsigned i = 0; i < LINES; i++) {
		const struct line *l = &m->lines[i];
		p = put16(put16(put16(put32(p, l->words), l->framing), l->breaks), l->overruns);
	}
	p = put16(p, m->ring.over > 0xFFFF ? 0xFFFF : (uint16_t)m->ring.over);
	uint32_t dropped = (uint32_t)m->frames_dropped + m->notes.lost;
	p = put16(put16(p, dropped > 0xFFFF ? 0xFFFF : (uint16_t)dropped), m->hosts[link].in.bad);
	put16(put8(put8(p, mode(m)), m->out.value), m->supply);
	tell(m, link, T_HEARTBEAT, b, sizeof b);
}

void tell_notes(struct module *m)
{
	const struct note *x;
	while (m->link != NO_LINK && port_room(m->link) >= FRAME_WIRE && (x = notes_take(&m->notes)) != NULL)
		tell(m, m->link, x->type, x->body, x->n);
}

/* one sends a frame of words from m->next on. */
static void one(struct module *m)
{
	uint8_t b[FRAME_BODY], *p = b + 16;
	uint64_t seq = m->next, t = ring_at(&m->ring, seq).t;
	put64(put64(b, seq), t);
	for (unsigned n = 0; n < ENTRIES && m->next < m->ring.next; n++) {
		struct word w = ring_at(&m->ring, m->next);
		if (w.t < t || w.t - t > 0xFFFF)
			break;
		p = put16(put16(p, (uint16_t)(w.t - t)), w.w);
		t = w.t;
		m->next++;
	}
	if (t > m->told)
		m->told = t;
	tell(m, m->link, T_WORDS_AT, b, (size_t)(p - b));
}

uint64_t tell_words(struct module *m, uint64_t now, uint64_t heard)
{
	const struct ring *r = &m->ring;
	uint64_t never = now + now_every;
	if (!m->resumed || m->link == NO_LINK)
		return never;
	if (m->next < r->first) {
		uint64_t lost = r->first - m->next;
		if (port_room(m->link) < FRAME_WIRE)
			return never;
		m->next = r->first;
		tell_resumed(m, lost, R_OVERRUN);
	}
	while (m->next < r->next) {
		uint64_t oldest = ring_at(r, m->next).t, newest = ring_at(r, r->next - 1).t;
		if (r->next - m->next < FEW && now < newest + newest_wait && now < oldest + oldest_wait)
			return newest + newest_wait < oldest + oldest_wait ? newest + newest_wait : oldest + oldest_wait;
		if (port_room(m->link) < FRAME_WIRE)
			return never; /* the link's own progress wakes us */
		one(m);
	}
	/* A silent bus: the host's time-outs run on our clock. What is staged was
	 * heard and has no number yet. */
	if (m->idle.n > 0 && heard >= m->idle.stage[0].t)
		heard = m->idle.stage[0].t - 1;
	if (now < m->now_at)
		return m->now_at;
	if (heard > m->told && heard - m->told >= now_every - 5000 && port_room(m->link) >= FRAME_WIRE) {
		uint8_t b[16];
		put64(put64(b, heard), m->next);
		m->told = heard;
		m->now_at = now + now_every;
		tell(m, m->link, T_NOW, b, sizeof b);
	}
	return now + 5000;
}
