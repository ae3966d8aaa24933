/* The boot stage copies itself to RAM, for it writes flash. */
	.syntax unified
	.cpu cortex-m0plus
	.thumb
	.section .boot_vectors, "ax"
	.word boot_stack_top
	.word boot_reset + 1
	.rept 46
	.word boot_reset + 1
	.endr
	.type boot_reset, %function
boot_reset:
	ldr r0, =ram_load
	ldr r1, =ram_start
	ldr r2, =ram_end
1:	ldm r0!, {r3}
	stm r1!, {r3}
	cmp r1, r2
	blo 1b
	ldr r0, =boot_main
	bx r0
	.ltorg
