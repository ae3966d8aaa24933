/* The boot stage: which of the two images runs. It starts from flash, copies
 * itself to RAM, has no interrupts and is never updated over the link. */
#include "../core/link.h"
#include "../core/slots.h"
#include "../hw/handover.h"

void usb_boot(void);

static uint32_t reason(const struct choice *was, const struct choice *is)
{
	bool command = SCRATCH(0) == REBOOT_BY_COMMAND, watchdog = (REG(WATCHDOG_REASON) & 3) != 0;
	if (was->trial != NO_SLOT && is->trial == NO_SLOT)
		return BOOT_ROLLBACK;
	if (is->trial != NO_SLOT)
		return BOOT_TRIAL;
	if (command)
		return BOOT_COMMAND;
	return watchdog ? BOOT_WATCHDOG : BOOT_POWER;
}

void boot_main(void)
{
	struct choice was = choice_read(), c;
	uint8_t slot = choice_boot(&c);
	if (slot == NO_SLOT)
		usb_boot();
	uint32_t why = reason(&was, &c);
	if (why == BOOT_POWER)
		SCRATCH(2) = 0;
	SCRATCH(0) = 0;
	SCRATCH(1) = HANDOVER | why << 12 | (c.trial != NO_SLOT ? 1u << 8 : 0) | slot;
	SCRATCH(2) = SCRATCH(2) + 1;

	struct image im;
	const uint8_t *p = flash_at(SLOT_AT + slot * (uint32_t)SLOT_SIZE);
	image_header(p, &im);
	uint32_t *to = (uint32_t *)IMAGE_LOAD;
	const uint32_t *from = (const uint32_t *)(uintptr_t)(p + IMAGE_HEADER);
	for (uint32_t i = 0; i < (im.size + 3) / 4; i++)
		to[i] = from[i];
	/* An image that hangs before it sets its own: back here. */
	REG(WATCHDOG_TICK) = 1 << 9 | 12;
	watchdog_arm(8000000);
	VTOR = IMAGE_LOAD;
	__asm volatile("msr msp, %0\n bx %1" : : "r"(to[0]), "r"(im.entry | 1));
	__builtin_unreachable();
}
