#include "outputs.h"
#include "link.h"
#include "port.h"

enum { ALL = 3, TENTH = 100000, AFTER = 100 * TENTH }; /* us */

void outputs_init(struct outputs *o, uint64_t now)
{
	*o = (struct outputs){.after = AFTER, .heard = now};
	port_outputs(0);
}

static void become(struct outputs *o, uint8_t value)
{
	o->value = value;
	port_outputs(value);
}

uint8_t outputs_set(struct outputs *o, uint8_t mask, uint8_t value)
{
	become(o, (uint8_t)((o->value & ~mask) | (value & mask)) & ALL);
	return S_OK;
}

uint8_t outputs_safe(struct outputs *o, uint8_t value, uint16_t after)
{
	if (value > ALL || after == 0)
		return S_VALUE;
	o->safe = value;
	o->after = (uint64_t)after * TENTH;
	return S_OK;
}

void outputs_heard(struct outputs *o, uint64_t now)
{
	o->heard = now;
	o->fell = false;
}

void outputs_tick(struct outputs *o, uint64_t now)
{
	if (!o->fell && now - o->heard >= o->after)
		outputs_fall(o);
}

void outputs_fall(struct outputs *o)
{
	o->fell = true;
	become(o, o->safe);
}
