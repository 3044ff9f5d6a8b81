# make test [T=pattern]: everything, natively, in QEMU and on the host. make test KERNEL=vmlinuz runs
# the booted part on another kernel.

TEST_PROGRAMS := $(patsubst tests/user/%.c,build/tests/%,$(wildcard tests/user/*.c))
TEST_CFLAGS := -std=gnu17 -O2 -g -Wall -Wextra -Werror -static -Itests/user
# The same sources linked to glibc: the second C library, with its own way of making threads.
GLIBC_PROGRAMS := build/tests/glibc_unix_rights build/tests/glibc_unix_ids build/tests/glibc_unix_stream build/tests/glibc_thread build/tests/glibc_posix_sem build/tests/glibc_mutexes build/tests/glibc_sem_op build/tests/glibc_sem_wait build/tests/glibc_mq_libc
TEST_SCRIPTS := $(wildcard tests/programs/*.*)
TRANSCRIPTS := $(wildcard tests/programs/transcripts/*)

build/tests/%: tests/user/%.c $(wildcard tests/user/*.h)
	@mkdir -p $(@D)
	@$(SETUP) initramfs
	$(Q)musl-gcc $(TEST_CFLAGS) -o $@ $<

build/tests/glibc_%: tests/user/%.c $(wildcard tests/user/*.h)
	@mkdir -p $(@D)
	@$(SETUP) build
	$(Q)gcc $(TEST_CFLAGS) -o $@ $<

# What Debian's perl and python3 need of their libraries to call semget, and no more.
PERL_BASE := $(firstword $(wildcard /usr/lib/*/perl-base))
PYTHON_LIB := $(lastword $(sort $(wildcard /usr/lib/python3.*)))
build/test.cpio: $(USER_PROGRAMS) $(USER_FILES) $(TEST_PROGRAMS) $(GLIBC_PROGRAMS) $(TEST_SCRIPTS) $(TRANSCRIPTS) tests/programs/all scripts/collect
	@$(SETUP) initramfs test
	@echo "  CPIO    $@"
	$(Q)scripts/initramfs $@ $(foreach p,$(USER_PROGRAMS),$(p)=bin/$(notdir $(p))) \
		$(foreach p,$(TEST_PROGRAMS) $(GLIBC_PROGRAMS),$(p)=tests/bin/$(notdir $(p))) \
		$(foreach s,$(TEST_SCRIPTS),$(s)=tests/programs/$(notdir $(s))) tests/programs/all=tests/all \
		tests/programs/transcripts=tests/programs/transcripts \
		$$(scripts/collect)

build/programs.cpio: $(USER_FILES) $(wildcard tests/programs/debian/*) scripts/collect-programs
	@$(SETUP) initramfs programs
	@echo "  CPIO    $@"
	$(Q)scripts/initramfs $@ tests/programs/debian=tests/debian $$(scripts/collect-programs)

TEST_NEEDS := build/initramfs.cpio build/test.cpio build/programs.cpio
ifndef KERNEL
TEST_NEEDS += build/halyard build/debug/halyard build/halyard.iso build/host/run build/sim/run
endif
test: $(TEST_NEEDS)
	@$(SETUP) qemu test
	@KERNEL=$(KERNEL) tests/qemu/run $(if $(T),'$(T)')

# Debian's programs for minutes each, on 1, 2 and 4 processors and on the debug image: SOAK times as much
# of everything, T=pattern selects.
soak: SOAK ?= 20
soak: $(TEST_NEEDS)
	@$(SETUP) qemu test
	@KERNEL=$(KERNEL) SOAK=$(SOAK) tests/qemu/run $(if $(T),'$(T)')

# The conformance programs on this machine's Linux only.
test-linux: $(TEST_PROGRAMS) $(GLIBC_PROGRAMS)
	@$(SETUP) test
	@unshare --ipc tests/programs/all $(if $(T),'$(T)') | grep -v '^ok\|^1\.\.' || echo "all of it passed"

.PHONY: test soak test-linux
