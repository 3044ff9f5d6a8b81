/* The vDSO, built by scripts/vdso.mk, as data of the kernel. */
	.section .rodata, "a"
	.balign 4096
	.globl vdso_image_start, vdso_image_end
vdso_image_start:
	.incbin "build/vdso/vdso.so"
vdso_image_end:
	.balign 4096
	.section .note.GNU-stack, "", @progbits
