# The vDSO: user code that the kernel carries as data (kernel/sched/vdso.h).

SRCS := $(filter-out arch/x86_64/vdso/%,$(SRCS))
VDSO_FLAGS := -std=gnu17 -O2 -fPIC -ffreestanding -fno-stack-protector -fcf-protection=none -mgeneral-regs-only \
	-fasynchronous-unwind-tables -fno-common $(WARN)

build/vdso/vdso.so: arch/x86_64/vdso/vdso.c arch/x86_64/vdso/vdso.lds kernel/sched/vdso.h abi/time.h abi/syscalls.h scripts/vdso.mk
	@mkdir -p $(@D)
	$(Q)gcc $(VDSO_FLAGS) $(INCLUDES) -c $< -o $(@D)/vdso.o
	$(Q)gcc -shared -nostdlib -Wl,-soname=linux-vdso.so.1,--hash-style=both,--eh-frame-hdr,--build-id=none \
		-Wl,-Bsymbolic,-z,max-page-size=4096,-z,noexecstack,--strip-all -Wl,-T,arch/x86_64/vdso/vdso.lds \
		-o $@ $(@D)/vdso.o

$(foreach v,build build/debug build/clang,$(v)/obj/arch/x86_64/vdso_image.S.o): build/vdso/vdso.so
