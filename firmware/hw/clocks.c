#include "board.h"
#include "regs.h"

/* 12 MHz crystal; PLL_USB: 1200 MHz / 5 / 5 = 48 MHz for processor, USB and
 * UART: 48 MHz / (16 * 9600) is exact in a PIO divider. */
void clocks_start(void)
{
	REG(XOSC + 0x0C) = 282; /* 6 ms for the crystal to settle */
	REG(XOSC) = 0x00FABAA0;
	while ((REG(XOSC + 4) >> 31) == 0)
		;
	REG(CLOCKS + 0x3C) = 0; /* clk_sys from clk_ref while the PLL changes */
	while ((REG(CLOCKS + 0x44) & 1) == 0)
		;
	REG(CLOCKS + 0x30) = 2; /* clk_ref from the crystal */
	while ((REG(CLOCKS + 0x38) & 4) == 0)
		;
	SET(RESETS) = 1 << 13;
	CLR(RESETS) = 1 << 13;
	while ((REG(RESETS + 8) & 1 << 13) == 0)
		;
	REG(PLL_USB) = 1;
	REG(PLL_USB + 8) = 100;
	CLR(PLL_USB + 4) = 1 << 0 | 1 << 5;
	while ((REG(PLL_USB) >> 31) == 0)
		;
	REG(PLL_USB + 0x0C) = 0x00055000;
	CLR(PLL_USB + 4) = 1 << 3;
	REG(CLOCKS + 0x40) = 0x100;
	REG(CLOCKS + 0x3C) = 1 << 5;
	REG(CLOCKS + 0x3C) = 1 << 5 | 1;
	while ((REG(CLOCKS + 0x44) & 2) == 0)
		;
	REG(CLOCKS + 0x48) = 1 << 11;
	REG(CLOCKS + 0x54) = 1 << 11;
	REG(CLOCKS + 0x60) = 1 << 11; /* clk_adc from PLL_USB */
	REG(WATCHDOG + 0x2C) = 1 << 9 | 12;

	const uint32_t used = 1 << 0 | 1 << 5 | 1 << 6 | 1 << 8 | 1 << 10 | 1 << 11 | 1 << 21 | 1 << 22 | 1 << 24;
	SET(RESETS) = used & ~(1u << 6 | 1u << 21);
	CLR(RESETS) = used;
	while ((REG(RESETS + 8) & used) != used)
		;
}

uint64_t time_now(void)
{
	for (;;) {
		uint32_t high = TIME_HIGH, low = TIME_LOW;
		if (high == TIME_HIGH)
			return (uint64_t)high << 32 | low;
	}
}
