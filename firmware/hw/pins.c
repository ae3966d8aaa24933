/* Outputs, the interlock jumper, the supply. */
#include "board.h"
#include "regs.h"

enum { LOW_MASK = 1 << PIN_OUT0 | 1 << PIN_OUT1 };

void pins_start(void)
{
	REG(SIO + 0x18) = LOW_MASK; /* outputs off before they drive */
	REG(SIO + 0x24) = LOW_MASK;
	PAD(PIN_OUT0) = PAD(PIN_OUT1) = PAD_PLAIN;
	GPIO_CTRL(PIN_OUT0) = GPIO_CTRL(PIN_OUT1) = FUNC_SIO;
	PAD(PIN_INTERLOCK) = PAD_PULL_UP;
	GPIO_CTRL(PIN_INTERLOCK) = FUNC_SIO;
	PAD(PIN_SUPPLY) = PAD_ANALOG;
	GPIO_CTRL(PIN_SUPPLY) = FUNC_NONE;
	REG(ADC) = 1;
	while ((REG(ADC) & 1 << 8) == 0)
		;
}

void port_outputs(uint8_t value)
{
	uint32_t on = (uint32_t)(value & 3) << PIN_OUT0;
	REG(SIO + 0x18) = LOW_MASK & ~on;
	REG(SIO + 0x14) = on;
}

bool port_interlock(void) { return (REG(SIO + 4) & 1 << PIN_INTERLOCK) == 0; }

/* 150 k over 10 k: 16 to 1 at 3.3 V and 12 bits. */
uint16_t supply_read(void)
{
	uint32_t sum = 0;
	for (unsigned i = 0; i < 8; i++) {
		REG(ADC) = 1 | 1 << 2;
		while ((REG(ADC) & 1 << 8) == 0)
			;
		sum += REG(ADC + 4) & 0xFFF;
	}
	return (uint16_t)(sum / 8 * 3300 * 16 / 4096);
}
