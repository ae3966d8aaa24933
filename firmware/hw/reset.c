/* The watchdog, which also starts the module anew by command. */
#include "board.h"
#include "handover.h"

void watchdog_start(void) { watchdog_arm(3000000); }

void watchdog_feed(void) { REG(WATCHDOG_LOAD) = 6000000; }

void port_reboot(uint8_t how)
{
	irq_off();
	if (how == 1)
		usb_boot();
	SCRATCH(0) = REBOOT_BY_COMMAND;
	watchdog_arm(1000);
	for (;;)
		;
}
