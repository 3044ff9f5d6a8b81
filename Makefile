# Halyard. `make help` lists what can be asked of this file.
#
# build/halyard          the kernel (release)          build/debug/halyard  with lock checks and leak report
# Every .c and .S below the kernel's rooms belongs to the image; nothing is registered here.

.DEFAULT_GOAL := all
MAKEFLAGS += --no-builtin-rules -j$(shell nproc)
Q := $(if $(V),,@)

ROOMS := arch/x86_64 kernel syscalls
SRCS := $(shell find $(ROOMS) -name '*.c' -o -name '*.S' | sort)
INCLUDES := -I. -Iarch/x86_64/include -Ikernel/port
WARN := -Wall -Wextra -Werror -Wswitch-enum -Wmissing-prototypes -Wstrict-prototypes -Wvla \
	-Wpointer-arith -Wundef -Wno-unused-parameter -Wno-sign-compare
KFLAGS := -std=gnu17 -ffreestanding -fno-pic -mcmodel=kernel -mno-red-zone -mgeneral-regs-only \
	-fno-stack-protector -fno-strict-aliasing -fwrapv -fno-common -fno-delete-null-pointer-checks \
	-fasynchronous-unwind-tables \
	-ffunction-sections -fdata-sections -g $(WARN)
# The kernel uses no SSE: stacks need no 16-byte alignment.
KFLAGS_gcc := -Wjump-misses-init -mpreferred-stack-boundary=3
KFLAGS_clang := -mstack-alignment=8 -Wno-unused-command-line-argument
RELEASE_FLAGS := -O2
DEBUG_FLAGS := -O1 -DHALYARD_DEBUG=1
CC := gcc

include $(sort $(wildcard scripts/*.mk))
