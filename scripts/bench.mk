# make bench [G='null sem']: what one operation costs, in instructions, against Linux and the goals.

IPCBENCH ?= $(firstword $(wildcard /work/shared/bench/ipcbench.c) tests/bench/ipcbench.c)

build/bench/ipcbench: $(IPCBENCH)
	@mkdir -p $(@D)
	@$(SETUP) initramfs
	$(Q)musl-gcc -O2 -static -o $@ $<

# ipcbench is /init and alone.
build/bench.cpio: build/bench/ipcbench
	$(Q)rm -rf build/bench/root && mkdir -p build/bench/root/dev build/bench/root/proc
	$(Q)cp $< build/bench/root/init
	$(Q)cd build/bench/root && find . | cpio --quiet -o -H newc -R 0:0 >../../bench.cpio

bench: build/halyard build/bench.cpio
	@$(SETUP) qemu test
	@scripts/bench build/halyard build/bench.cpio $(G)

# The same, and the table of docs/performance.md made anew.
bench-document: build/halyard build/bench.cpio
	@scripts/bench --document build/halyard build/bench.cpio

.PHONY: bench bench-document
