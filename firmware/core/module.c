#include "module.h"
#include "command.h"
#include "tell.h"

/* All in us. */
static const uint64_t host_gone = 30000000, trial_over = 60000000, stuck_after = 1000000;
static const uint16_t supply_lost = 15000, supply_back = 18000; /* mV; mdb 4.1: 20 V at least */

void module_init(struct module *m, const struct identity *is, struct kept *room, uint32_t size, uint64_t now)
{
	memset(m, 0, sizeof *m);
	m->is = *is;
	ring_init(&m->ring, room, size);
	bus_init(&m->bus, &m->notes);
	outputs_init(&m->out, now);
	m->link = NO_LINK;
	m->confirmed = !is->trial;
	m->beat_at = now + 1000000;
	if (is->boot_reason == BOOT_WATCHDOG)
		note_event(&m->notes, now, E_WATCHDOG, 0xFF, 0);
	tell_hello(m, LINK_UART, now);
}

/* gone says that no host was heard for a while. A word may have begun before
 * the host was heard. */
static bool gone(const struct module *m, uint64_t now) { return now > m->out.heard + host_gone; }

/* spared says that the ring must last: no host takes its words. */
static bool spared(const struct module *m, uint64_t now)
{
	uint64_t n = m->ring.next - m->ring.first;
	return n >= m->ring.size / 2 || (n >= m->ring.size / 8 && gone(m, now));
}

static void count(struct line *l, struct word w)
{
	if ((w.w & W_BREAK_START) != 0) {
		l->breaks = more16(l->breaks);
		l->broken = true;
		l->broke = w.t;
	} else if ((w.w & W_BREAK_END) != 0) {
		l->broken = l->stuck = false;
	} else {
		l->words++;
	}
	if ((w.w & W_FRAMING) != 0)
		l->framing = more16(l->framing);
	if ((w.w & W_LOST) != 0)
		l->overruns = more16(l->overruns);
}

void module_word(struct module *m, struct word w)
{
	w = bus_word(&m->bus, w);
	count(&m->lines[w.w >> W_LINE_SHIFT & 3], w);
	if (spared(m, w.t)) {
		idle_word(&m->idle, &m->ring, w);
		return;
	}
	idle_flush(&m->idle, &m->ring);
	ring_add(&m->ring, w);
}

void module_bytes(struct module *m, uint8_t link, const uint8_t *p, size_t n, uint64_t now)
{
	struct host *h = &m->hosts[link];
	struct frame f;
	for (size_t i = 0; i < n; i++) {
		if (!splitter_push(&h->in, p[i], &f))
			continue;
		if (m->link != link) {
			/* A host on another link takes over; it has to say where it stands. */
			m->link = link;
			m->resumed = false;
		}
		outputs_heard(&m->out, now);
		uint8_t status = command(m, &f, now);
		if (status == S_SILENT)
			continue;
		uint8_t b[3] = {f.type, f.seq, status};
		tell(m, link, T_RESULT, b, sizeof b);
	}
}

void module_opened(struct module *m, uint8_t link, uint64_t now)
{
	m->hosts[link].in = (struct splitter){.bad = m->hosts[link].in.bad};
	if (m->link == link)
		m->resumed = false;
	tell_hello(m, link, now);
}

void module_supply(struct module *m, uint16_t mv, uint64_t now)
{
	m->supply = mv;
	if (!m->supply_known) {
		m->supply_known = true;
		m->supply_good = mv >= supply_lost;
	}
	if (m->supply_good && mv < supply_lost) {
		m->supply_good = false;
		note_event(&m->notes, now, E_SUPPLY_LOST, 0xFF, mv);
	} else if (!m->supply_good && mv >= supply_back) {
		m->supply_good = true;
		note_event(&m->notes, now, E_SUPPLY_BACK, 0xFF, mv);
	}
}

static void stuck(struct module *m, uint64_t now)
{
	for (uint8_t i = 0; i < LINES; i++) {
		struct line *l = &m->lines[i];
		if (!l->broken || l->stuck || now - l->broke < stuck_after)
			continue;
		l->stuck = true;
		note_event(&m->notes, now, E_STUCK, i, 0);
	}
}

static void reboot(struct module *m, uint8_t how)
{
	outputs_fall(&m->out);
	port_reboot(how);
}

static uint64_t sooner(uint64_t a, uint64_t b) { return a < b ? a : b; }

uint64_t module_tick(struct module *m, uint64_t now, uint64_t heard)
{
	uint64_t next = now + 50000;
	bus_tick(&m->bus, now, &next);
	idle_advance(&m->idle, &m->ring, now);
	if (!spared(m, now))
		idle_flush(&m->idle, &m->ring);
	stuck(m, now);
	outputs_tick(&m->out, now);
	if (!gone(m, now))
		tell_notes(m);
	next = sooner(next, tell_words(m, now, heard));
	if (now >= m->beat_at) {
		m->beat_at = now + 1000000;
		tell_heartbeat(m, now);
	}
	if (m->reboot != 0 && now >= m->reboot_at)
		reboot(m, (uint8_t)(m->reboot - 1));
	if (!m->confirmed && now > trial_over)
		reboot(m, 0); /* the boot stage takes the image before */
	return sooner(next, m->reboot != 0 ? m->reboot_at : m->beat_at);
}
