/* USB-CDC device, full speed: endpoint 1 IN for notifications (none are sent),
 * endpoint 2 both ways for data. */
#include "board.h"
#include "regs.h"

enum {
	EP0_IN = USB_RAM + 0x80, EP0_OUT = USB_RAM + 0x84, EP1_IN = USB_RAM + 0x88, EP2_IN = USB_RAM + 0x90, EP2_OUT = USB_RAM + 0x94,
	EP0_BUF = USB_RAM + 0x100, EP1_AT = 0x180, EP2_IN_AT = 0x1C0, EP2_OUT_AT = 0x200,
	MAIN_CTRL = USB + 0x40, SIE_CTRL = USB + 0x4C, SIE_STATUS = USB + 0x50, BUFF_STATUS = USB + 0x58,
	STALL_ARM = USB + 0x68, MUXING = USB + 0x74, POWER = USB + 0x78, INTE = USB + 0x90, INTS = USB + 0x98,
	FULL = 1 << 15, DATA1 = 1 << 13, STALL = 1 << 11, AVAILABLE = 1 << 10,
};
enum { PACKET = 64, IN = 1024, OUT = 8192 };

static const uint8_t device[] = {18, 1, 0x00, 0x02, 2, 0, 0, PACKET, 0x09, 0x12, 0x01, 0x00, 0x00, 0x01, 1, 2, 3, 1};

static const uint8_t configuration[] = {
	9, 2, 67, 0, 2, 1, 0, 0x80, 50,
	9, 4, 0, 0, 1, 2, 2, 1, 0,          /* communication interface, ACM */
	5, 0x24, 0, 0x10, 0x01,             /* header 1.10 */
	5, 0x24, 1, 0, 1,                   /* call management: none */
	4, 0x24, 2, 2,                      /* ACM: line coding and state */
	5, 0x24, 6, 0, 1,                   /* union of 0 and 1 */
	7, 5, 0x81, 3, 8, 0, 16,
	9, 4, 1, 0, 2, 10, 0, 0, 0,         /* data interface */
	7, 5, 0x02, 2, PACKET, 0, 0,
	7, 5, 0x82, 2, PACKET, 0, 0,
};

static const char *const texts[] = {"", "Chekomat", "Chekomat interface module"};
static char serial[17];

static uint8_t coding[7] = {0x00, 0x08, 0x07, 0x00, 0, 0, 8}; /* 460800 8N1; means nothing here */
static uint8_t in[IN], out[OUT];
static volatile uint32_t in_head, in_tail, out_head, out_tail;
static volatile bool configured, dtr, opened, sending, listening;
static bool in_toggle, out_toggle, ended_full;
static uint8_t address, control_out; /* control_out: a request whose data comes */
static bool address_set;
static const uint8_t *rest;          /* of a descriptor going out */
static size_t rest_n;
static bool ep0_toggle;
static uint8_t scratch[2 + 2 * 32];

static void arm(uint32_t control, uint32_t value)
{
	REG(control) = value; /* AVAILABLE comes some cycles after the rest */
	__asm volatile("nop\n nop\n nop\n nop\n nop\n nop");
	REG(control) = value | AVAILABLE;
}

static void copy(uint32_t to, const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		*(volatile uint8_t *)(uintptr_t)(to + i) = p[i];
}

static void ep0_send(const uint8_t *p, size_t n)
{
	copy(EP0_BUF, p, n);
	arm(EP0_IN, FULL | (ep0_toggle ? DATA1 : 0) | n);
	ep0_toggle = !ep0_toggle;
}

static void ep0_more(void)
{
	size_t n = rest_n > PACKET ? PACKET : rest_n;
	const uint8_t *p = rest;
	rest += n;
	rest_n -= n;
	ep0_send(p, n);
}

static void answer(const uint8_t *p, size_t n, size_t wanted)
{
	rest = p;
	rest_n = n < wanted ? n : wanted;
	ep0_more();
	arm(EP0_OUT, DATA1); /* the status stage */
}

static void done(void) { ep0_send(scratch, 0); }

static void refuse(void)
{
	REG(STALL_ARM) = 3;
	REG(EP0_IN) = STALL;
	REG(EP0_OUT) = STALL;
}

static void text(unsigned i, size_t wanted)
{
	if (i == 0) {
		static const uint8_t english[] = {4, 3, 0x09, 0x04};
		answer(english, sizeof english, wanted);
		return;
	}
	const char *s = i == 3 ? serial : i < 3 ? texts[i] : "";
	size_t n = 2;
	for (; *s != 0 && n < sizeof scratch; s++) {
		scratch[n++] = (uint8_t)*s;
		scratch[n++] = 0;
	}
	scratch[0] = (uint8_t)n;
	scratch[1] = 3;
	answer(scratch, n, wanted);
}

static void listen(void)
{
	if (!configured || IN - (in_head - in_tail) < PACKET) {
		listening = false;
		return;
	}
	listening = true;
	arm(EP2_OUT, (out_toggle ? DATA1 : 0) | PACKET);
	out_toggle = !out_toggle;
}

static void pump(void)
{
	if (!configured || !dtr || sending)
		return;
	size_t n = out_head - out_tail;
	if (n == 0 && !ended_full)
		return; /* a full last packet is followed by an empty one */
	if (n > PACKET)
		n = PACKET;
	for (size_t i = 0; i < n; i++)
		*(volatile uint8_t *)(uintptr_t)(USB_RAM + EP2_IN_AT + i) = out[(out_tail + i) % OUT];
	out_tail += n;
	ended_full = n == PACKET;
	sending = true;
	arm(EP2_IN, FULL | (in_toggle ? DATA1 : 0) | n);
	in_toggle = !in_toggle;
}

static void closed(void)
{
	dtr = false;
	out_tail = out_head;
	ended_full = false;
}

static void configure(bool on)
{
	closed();
	configured = on;
	sending = listening = in_toggle = out_toggle = false;
	if (!on)
		return;
	REG(USB_RAM + 0x08) = 1u << 31 | 1 << 29 | 3 << 26 | EP1_AT;
	REG(USB_RAM + 0x10) = 1u << 31 | 1 << 29 | 2 << 26 | EP2_IN_AT;
	REG(USB_RAM + 0x14) = 1u << 31 | 1 << 29 | 2 << 26 | EP2_OUT_AT;
	listen();
}

static void descriptor(uint8_t type, uint8_t index, size_t wanted)
{
	if (type == 1)
		answer(device, sizeof device, wanted);
	else if (type == 2)
		answer(configuration, sizeof configuration, wanted);
	else if (type == 3 && index <= 3)
		text(index, wanted);
	else
		refuse();
}

/* unhalt: an endpoint whose halt the host clears goes on with DATA0. */
static void unhalt(uint8_t endpoint)
{
	if (endpoint == 0x82)
		in_toggle = false;
	if (endpoint != 0x02 || !configured)
		return;
	out_toggle = false;
	listen();
}

static void standard(uint8_t type, uint8_t request, uint16_t value, uint16_t index, uint16_t wanted)
{
	switch (request) {
	case 0: /* GET_STATUS */
		scratch[0] = scratch[1] = 0;
		answer(scratch, 2, wanted);
		return;
	case 1: /* CLEAR_FEATURE */
		if (type == 2)
			unhalt((uint8_t)index);
		done();
		return;
	case 3:
	case 11:
		done();
		return;
	case 5:
		address = (uint8_t)value;
		address_set = true;
		done();
		return;
	case 6:
		descriptor((uint8_t)(value >> 8), (uint8_t)value, wanted);
		return;
	case 8:
		scratch[0] = configured ? 1 : 0;
		answer(scratch, 1, wanted);
		return;
	case 9:
		configure(value == 1);
		done();
		return;
	case 10:
		scratch[0] = 0;
		answer(scratch, 1, wanted);
		return;
	}
	refuse();
}

static void class(uint8_t request, uint16_t value, uint16_t wanted)
{
	switch (request) {
	case 0x20: /* SET_LINE_CODING: seven bytes follow */
		control_out = request;
		arm(EP0_OUT, DATA1 | PACKET);
		return;
	case 0x21:
		answer(coding, sizeof coding, wanted);
		return;
	case 0x22: /* SET_CONTROL_LINE_STATE; some hosts address the device, not the interface */
		if ((value & 1) != 0 && !dtr)
			opened = true;
		if ((value & 1) == 0)
			closed();
		dtr = (value & 1) != 0;
		done();
		pump();
		return;
	}
	refuse();
}

static void setup(void)
{
	const volatile uint8_t *p = (const volatile uint8_t *)USB_RAM;
	uint8_t type = p[0], request = p[1];
	uint16_t value = (uint16_t)(p[2] | p[3] << 8), index = (uint16_t)(p[4] | p[5] << 8);
	uint16_t wanted = (uint16_t)(p[6] | p[7] << 8);
	REG(SIE_STATUS) = 1 << 17;
	ep0_toggle = true;
	rest_n = 0;
	control_out = 0;
	if ((type & 0x60) == 0x20)
		class(request, value, wanted);
	else
		standard(type, request, value, index, wanted);
}

static void ep0_out(void)
{
	if (control_out != 0x20)
		return;
	for (unsigned i = 0; i < sizeof coding; i++)
		coding[i] = *(volatile uint8_t *)(uintptr_t)(EP0_BUF + i);
	control_out = 0;
	ep0_toggle = true;
	done();
}

static void received(void)
{
	uint32_t n = REG(EP2_OUT) & 0x3FF;
	for (uint32_t i = 0; i < n && i < PACKET; i++)
		in[in_head++ % IN] = *(volatile uint8_t *)(uintptr_t)(USB_RAM + EP2_OUT_AT + i);
	listen();
}

static void buffers(void)
{
	uint32_t what = REG(BUFF_STATUS);
	REG(BUFF_STATUS) = what;
	if ((what & 1 << 0) != 0) {
		if (address_set) {
			REG(USB) = address;
			address_set = false;
		}
		if (rest_n > 0)
			ep0_more();
	}
	if ((what & 1 << 1) != 0)
		ep0_out();
	if ((what & 1 << 4) != 0) {
		sending = false;
		pump();
	}
	if ((what & 1 << 5) != 0)
		received();
}

void isr_usb(void)
{
	uint32_t what = REG(INTS);
	if ((what & 1 << 12) != 0) {
		REG(SIE_STATUS) = 1 << 19;
		REG(USB) = 0;
		address_set = false;
		configure(false);
	}
	if ((what & 1 << 16) != 0)
		setup();
	if ((what & 1 << 4) != 0)
		buffers();
}

void usb_start(const uint8_t id[8])
{
	for (unsigned i = 0; i < 16; i++) {
		unsigned x = id[i / 2] >> (i % 2 == 0 ? 4 : 0) & 15;
		serial[i] = (char)(x < 10 ? '0' + x : 'A' + x - 10);
	}
	for (uint32_t a = USB_RAM; a < USB_RAM + 0x100; a += 4)
		REG(a) = 0;
	REG(MUXING) = 9;
	REG(POWER) = 0xC;
	REG(MAIN_CTRL) = 1;
	REG(SIE_CTRL) = 1 << 29;
	REG(INTE) = 1 << 4 | 1 << 12 | 1 << 16;
	NVIC_PRIORITY(IRQ_USB) |= 0xC0u << 8 * (IRQ_USB % 4);
	NVIC_ENABLE = 1 << IRQ_USB;
	SET(SIE_CTRL) = 1 << 16;
}

bool usb_empty(void) { return in_head == in_tail && !opened; }

bool usb_opened(void)
{
	bool was = opened;
	opened = false;
	return was;
}

size_t usb_take(uint8_t *p, size_t n)
{
	size_t got = 0;
	while (got < n && in_head != in_tail)
		p[got++] = in[in_tail++ % IN];
	if (!listening && configured) {
		irq_off();
		if (!listening)
			listen();
		irq_on();
	}
	return got;
}

size_t usb_room(void) { return configured && dtr ? OUT - (out_head - out_tail) : 0; }

void usb_send(const uint8_t *p, size_t n)
{
	irq_off();
	for (size_t i = 0; i < n; i++)
		out[(out_head + i) % OUT] = p[i];
	out_head += n;
	pump();
	irq_on();
}
