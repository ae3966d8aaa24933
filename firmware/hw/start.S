/* Vectors and reset of the program; it was copied to RAM by the boot stage. */
	.syntax unified
	.cpu cortex-m0plus
	.thumb

	.section .vectors, "a"
	.global vectors
vectors:
	.word stack_top
	.word reset
	.word fault             /* NMI */
	.word fault             /* HardFault */
	.rept 12
	.word fault
	.endr
	.word isr_timer0        /* 0 */
	.word isr_timer1        /* 1 */
	.word fault, fault, fault
	.word isr_usb           /* 5 */
	.word fault
	.word isr_pio0          /* 7 */
	.word fault
	.word isr_pio1          /* 9 */
	.word fault, fault, fault
	.word isr_gpio          /* 13 */
	.rept 6
	.word fault
	.endr
	.word isr_uart0         /* 20 */
	.rept 5
	.word fault
	.endr

	.section .text.reset, "ax"
	.thumb_func
	.global reset
reset:
	ldr r0, =bss_start
	ldr r1, =bss_end
	movs r2, #0
1:	cmp r0, r1
	bhs 2f
	str r2, [r0]
	adds r0, #4
	b 1b
2:	bl main
	/* main never returns; a fault waits for the watchdog. */
	.thumb_func
	.global fault
fault:
	b fault
