#include "module.h"

/* All in us. */
static const uint64_t safe_after = 10000000, host_gone = 30000000, trial_over = 60000000, stuck_after = 1000000;
static const uint16_t supply_lost = 15000, supply_back = 18000; /* mV; mdb 4.1: 20 V at least */

static void dropped(void *ctx, uint8_t tag, uint8_t result, uint8_t tries);

void module_init(struct module *m, const struct identity *is, struct kept *room, uint32_t size, uint64_t now)
{
	memset(m, 0, sizeof *m);
	m->is = *is;
	ring_init(&m->ring, room, size);
	m->bus.voice.dropped = dropped;
	m->bus.voice.ctx = m;
	m->link = NO_LINK;
	m->host_at = now;
	m->out.after = safe_after;
	m->confirmed = !is->trial;
	m->beat_at = now + 1000000;
	port_outputs(m->out.value);
	if (is->boot_reason == BOOT_WATCHDOG)
		module_event(m, now, E_WATCHDOG, 0xFF, 0);
	tell_hello(m, LINK_UART, now);
}

static void note(struct module *m, uint8_t type, const uint8_t *body, size_t n)
{
	if (m->note_n == NOTES) {
		m->note_at = (m->note_at + 1) % NOTES;
		m->note_n--;
	}
	struct note *x = &m->notes[(m->note_at + m->note_n++) % NOTES];
	x->type = type;
	x->n = (uint8_t)n;
	memcpy(x->body, body, n);
}

void module_event(struct module *m, uint64_t t, uint8_t code, uint8_t line, uint16_t arg)
{
	uint8_t b[8];
	put16(put8(put8(put32(b, (uint32_t)t), code), line), arg);
	note(m, T_EVENT, b, sizeof b);
}

static void dropped(void *ctx, uint8_t tag, uint8_t result, uint8_t tries)
{
	struct module *m = ctx;
	uint8_t b[7];
	put8(put32(put8(put8(b, tag), result), (uint32_t)m->bus.tx_at), tries);
	note(m, T_TX_REPORT, b, sizeof b);
}

static struct module *of(struct bus *b) { return (struct module *)((char *)b - offsetof(struct module, bus)); }

void bus_say(struct bus *b, const uint16_t *words, size_t n, uint64_t at)
{
	(void)b;
	port_say(words, n, at);
}

bool bus_master_busy(struct bus *b)
{
	(void)b;
	return port_master_busy();
}

bool bus_locked(struct bus *b)
{
	if (!port_interlock())
		return false;
	struct module *m = of(b);
	module_event(m, b->heard, E_INTERLOCK, LINE_SLAVE, b->block[0]);
	/* Told once: somebody set the jumper while we spoke. */
	voice_set_mode(&b->voice, 0, NULL, 0);
	module_event(m, b->heard, E_MODE, 0xFF, 0);
	return true;
}

void bus_collision(struct bus *b, uint64_t t, uint16_t heard) { module_event(of(b), t, E_COLLISION, LINE_SLAVE, heard); }

/* spared says that the ring must last: no host takes its words. */
static bool spared(const struct module *m, uint64_t now)
{
	uint64_t n = m->ring.next - m->ring.first;
	return n >= m->ring.size / 2 || (n >= m->ring.size / 8 && now - m->host_at > host_gone);
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
		m->host_at = now;
		m->out.fell = false;
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
		module_event(m, now, E_SUPPLY_LOST, 0xFF, mv);
	} else if (!m->supply_good && mv >= supply_back) {
		m->supply_good = true;
		module_event(m, now, E_SUPPLY_BACK, 0xFF, mv);
	}
}

static void outputs(struct module *m, uint64_t now)
{
	if (m->out.fell || now - m->host_at < m->out.after)
		return;
	m->out.fell = true;
	m->out.value = m->out.safe;
	port_outputs(m->out.value);
}

static void stuck(struct module *m, uint64_t now)
{
	for (uint8_t i = 0; i < LINES; i++) {
		struct line *l = &m->lines[i];
		if (!l->broken || l->stuck || now - l->broke < stuck_after)
			continue;
		l->stuck = true;
		module_event(m, now, E_STUCK, i, 0);
	}
}

static void notes(struct module *m, uint64_t now)
{
	while (m->note_n > 0 && m->link != NO_LINK && now - m->host_at < host_gone && port_room(m->link) >= FRAME_WIRE) {
		struct note *x = &m->notes[m->note_at];
		tell(m, m->link, x->type, x->body, x->n);
		m->note_at = (m->note_at + 1) % NOTES;
		m->note_n--;
	}
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
	outputs(m, now);
	notes(m, now);
	next = sooner(next, tell_words(m, now, heard));
	if (now >= m->beat_at) {
		m->beat_at = now + 1000000;
		tell_heartbeat(m, now);
	}
	if (m->reboot != 0 && now >= m->reboot_at)
		port_reboot((uint8_t)(m->reboot - 1));
	if (!m->confirmed && now > trial_over)
		port_reboot(0); /* the boot stage takes the image before */
	return sooner(next, m->reboot != 0 ? m->reboot_at : m->beat_at);
}
