/* The second stage the mask ROM loads: 252 bytes and their checksum (written by
 * tools/image.mjs). Sets the flash up for command 03h, which every SPI NOR
 * knows, and starts the boot stage behind it. */
	.syntax unified
	.cpu cortex-m0plus
	.thumb
	.section .boot2, "ax"
	.global boot2
boot2:
	ldr r0, =0x18000000     /* SSI */
	movs r1, #0
	str r1, [r0, #0x08]     /* SSIENR: off while it changes */
	movs r1, #4
	str r1, [r0, #0x14]     /* BAUDR: 12 MHz at 48 */
	ldr r1, =0x001F0300     /* CTRLR0: 32-bit frames, EEPROM read */
	str r1, [r0, #0x00]
	ldr r1, =0x03000218     /* SPI_CTRLR0: command 03h, 24 address bits, one lane */
	movs r2, #0xF4
	str r1, [r0, r2]
	movs r1, #0
	str r1, [r0, #0x04]     /* CTRLR1: one frame */
	movs r1, #1
	str r1, [r0, #0x08]
	ldr r0, =0x10000100
	ldr r1, =0xE000ED08
	str r0, [r1]            /* VTOR */
	ldm r0!, {r1, r2}
	msr msp, r1
	bx r2
	.ltorg
	.org 252
	.word 0
