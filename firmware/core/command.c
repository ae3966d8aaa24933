#include "command.h"
#include "tell.h"

static uint8_t resume(struct module *m, const uint8_t *b)
{
	uint64_t boot = get64(b), next = get64(b + 8), lost = 0;
	const struct ring *r = &m->ring;
	uint8_t reason = R_EXACT;
	m->next = r->first;
	if (boot == 0) {
		reason = R_START;
		lost = r->first;
	} else if (boot != m->is.boot) {
		reason = R_BOOT;
		lost = UINT64_MAX;
	} else if (next > r->next) {
		reason = R_AHEAD;
		lost = UINT64_MAX;
	} else if (next < r->first) {
		reason = R_OVERRUN;
		lost = r->first - next;
	} else {
		m->next = next;
	}
	m->resumed = true;
	m->told = 0;
	tell_resumed(m, lost, reason);
	return S_SILENT;
}

static uint8_t keep(struct module *m, const uint8_t *b)
{
	uint64_t next = get64(b + 8);
	if (get64(b) != m->is.boot || next > m->next || !m->resumed)
		return S_VALUE;
	ring_keep(&m->ring, next);
	return S_SILENT;
}

static uint8_t set_mode(struct module *m, const uint8_t *b, size_t n, uint64_t now)
{
	if (n > 1 + VOICE_ADDRESSES)
		return S_LENGTH;
	if (b[0] != 0 && port_interlock()) {
		note_event(&m->notes, now, E_INTERLOCK, LINE_SLAVE, 0);
		return S_INTERLOCK;
	}
	if (b[0] != 0 && m->update.open)
		return S_BUSY;
	uint8_t was = m->bus.voice.n, status = voice_set_mode(&m->bus.voice, b[0], b + 1, n - 1);
	if (status == S_OK && (was > 0) != (m->bus.voice.n > 0))
		note_event(&m->notes, now, E_MODE, 0xFF, b[0]);
	return status;
}

static uint8_t reply_set(struct module *m, const uint8_t *b, size_t n)
{
	size_t k = b[0];
	if (n < k + 2 || n != k + 2 + b[k + 1])
		return S_LENGTH;
	return voice_set_reply(&m->bus.voice, b + 1, k, b + k + 2, b[k + 1]);
}

static uint8_t poll_queue(struct module *m, const uint8_t *b, size_t n)
{
	size_t end = 2 + (size_t)b[1];
	uint8_t addr = 0;
	if (n == end + 1 && b[end] != 0)
		addr = b[end];
	else if (n != end)
		return S_LENGTH;
	return voice_enqueue(&m->bus.voice, b[0], b + 2, b[1], addr);
}

static uint8_t line_config(struct module *m, const uint8_t *b, uint64_t now)
{
	if (b[0] < LINES && b[1] <= 3 && port_line(b[0], b[1], get32(b + 2)))
		return S_OK;
	note_event(&m->notes, now, E_CONFIG, b[0], b[1]);
	return S_VALUE;
}

static uint8_t reboot(struct module *m, const uint8_t *b, uint64_t now)
{
	if (b[0] > 1)
		return S_VALUE;
	m->reboot = (uint8_t)(1 + b[0]);
	m->reboot_at = now + 20000; /* the answer goes out before */
	return S_OK;
}

static uint8_t fw_begin(struct module *m, const uint8_t *b)
{
	if (m->bus.voice.n > 0)
		return S_MODE;
	return update_begin(&m->update, m->is.slot, get32(b), get32(b + 4), b + 8);
}

static uint8_t pong(struct module *m, const uint8_t *b, uint64_t now)
{
	uint8_t r[8];
	memcpy(r, b, 4);
	put32(r + 4, (uint32_t)now);
	tell(m, m->link, T_PONG, r, sizeof r);
	return S_SILENT;
}

static uint8_t hello(struct module *m, uint64_t now)
{
	tell_hello(m, m->link, now);
	if (!m->confirmed) {
		/* A host talks to this image: it stays. */
		m->confirmed = true;
		choice_write((struct choice){m->is.slot, NO_SLOT, false, false});
	}
	return S_SILENT;
}

/* fits gives whether a body has a length its type can have; unknown types are
 * of no length. */
static uint8_t fits(const struct frame *f)
{
	static const struct {
		uint8_t type, least, most;
	} lengths[] = {
		{T_HELLO_REQ, 2, 2}, {T_SET_MODE, 2, FRAME_BODY}, {T_SET_OUTPUTS, 2, 2}, {T_PING, 4, 4},
		{T_REPLY_SET, 2, FRAME_BODY}, {T_REPLY_CLEAR, 0, 1}, {T_POLL_QUEUE, 2, FRAME_BODY}, {T_LINE_CONFIG, 6, 6},
		{T_RESUME, 16, 16}, {T_KEEP, 16, 16}, {T_SAFE_OUTPUTS, 3, 3}, {T_REBOOT, 1, 1}, {T_FW_BEGIN, 11, 11},
		{T_FW_DATA, 4, FRAME_BODY}, {T_FW_COMMIT, 0, 0}, {T_FW_ABORT, 0, 0},
	};
	for (unsigned i = 0; i < sizeof lengths / sizeof lengths[0]; i++)
		if (lengths[i].type == f->type)
			return f->n >= lengths[i].least && f->n <= lengths[i].most ? S_OK : S_LENGTH;
	return S_UNKNOWN;
}

uint8_t command(struct module *m, const struct frame *f, uint64_t now)
{
	const uint8_t *b = f->body;
	uint8_t status = fits(f);
	if (status != S_OK)
		return status;
	switch (f->type) {
	case T_HELLO_REQ:
		return hello(m, now);
	case T_SET_MODE:
		return set_mode(m, b, f->n, now);
	case T_SET_OUTPUTS:
		return outputs_set(&m->out, b[0], b[1]);
	case T_SAFE_OUTPUTS:
		return outputs_safe(&m->out, b[0], get16(b + 1));
	case T_PING:
		return pong(m, b, now);
	case T_REPLY_SET:
		return reply_set(m, b, f->n);
	case T_REPLY_CLEAR:
		return f->n == 1 && b[0] == 0 ? S_LENGTH : voice_clear(&m->bus.voice, f->n == 1 ? b[0] : 0);
	case T_POLL_QUEUE:
		return poll_queue(m, b, f->n);
	case T_LINE_CONFIG:
		return line_config(m, b, now);
	case T_RESUME:
		return resume(m, b);
	case T_KEEP:
		return keep(m, b);
	case T_REBOOT:
		return reboot(m, b, now);
	case T_FW_BEGIN:
		return fw_begin(m, b);
	case T_FW_DATA:
		return m->bus.voice.n > 0 ? S_MODE : update_data(&m->update, get32(b), b + 4, f->n - 4);
	case T_FW_COMMIT:
		return m->bus.voice.n > 0 ? S_MODE : update_commit(&m->update);
	case T_FW_ABORT:
		update_abort(&m->update);
		return S_OK;
	}
	return S_UNKNOWN;
}
