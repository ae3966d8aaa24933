/* What the boot stage tells the program, in watchdog scratch registers: they
 * outlive every reset but a loss of power. */
#ifndef CHEKOMAT_HANDOVER_H
#define CHEKOMAT_HANDOVER_H

#include "regs.h"

#define SCRATCH(n) REG(WATCHDOG + 0x0C + 4 * (n))

/* Scratch 0: written by the program before it reboots by command. */
#define REBOOT_BY_COMMAND 0xC0FFEE01u
/* Scratch 1: written by the boot stage: magic, reason << 12, trial << 8, slot. */
#define HANDOVER 0x5C0D0000u
/* Scratch 2: counts starts since power came. */

enum { WATCHDOG_CTRL = WATCHDOG, WATCHDOG_LOAD = WATCHDOG + 4, WATCHDOG_REASON = WATCHDOG + 8, WATCHDOG_TICK = WATCHDOG + 0x2C };

/* All but the oscillators start anew. */
static inline void watchdog_arm(uint32_t us)
{
	REG(PSM + 8) = 0x0001FFFC;
	REG(WATCHDOG_CTRL) = 0;
	REG(WATCHDOG_LOAD) = us > 8000000 ? 16000000 : us * 2; /* counts twice a us (RP2040-E1) */
	REG(WATCHDOG_CTRL) = 1u << 30;
}

#endif
