# make check: what can be judged without booting. make help: what can be asked of the Makefile.

FORMATTED = $(shell git ls-files '*.c' '*.h' | grep -v '^tests/bench/')

check: check-build
	@$(SETUP) check
	@echo "  CHECK   who includes whom"; scripts/check-includes
	@echo "  CHECK   idioms"; scripts/check-idioms
	@echo "  CHECK   lengths"; scripts/check-lengths
	@echo "  CHECK   docs/locks.md"; scripts/gen-locks --check
	@echo "  CHECK   docs/coverage.md"; scripts/check-coverage; scripts/gen-unsupported --check
	@echo "  CHECK   format"; clang-format --dry-run -Werror $(FORMATTED)
	@echo "all checks passed"

# Everything with -Werror: the kernel by gcc (release, debug) and clang, and the hosted programs.
check-build: | check-setup
check-setup:
	@$(SETUP) build check
check-build: objs build/halyard $(USER_PROGRAMS) $(TEST_PROGRAMS)

help:
	@echo "make              build/halyard, the kernel, and build/halyard.iso, the image that GRUB boots"
	@echo "make run          boot the image in QEMU to a shell (SMP=2 MEM=512M); exit powers off"
	@echo "make run-direct   the same without GRUB: QEMU's -kernel and -initrd"
	@echo "make test         all tests: here, on the host and in QEMU; T=pattern runs what matches alone"
	@echo "make soak         Debian's programs alone, SOAK=20 times as much of each; T=pattern selects"
	@echo "make test-linux   the conformance programs on this machine's Linux only"
	@echo "make host-test    the IPC module on pthreads under the sanitizers (host-tsan: races)"
	@echo "make sim-test     the IPC module in the simulation: every interleaving of small tests"
	@echo "make check        gcc and clang with -Werror, include rules, lengths, idioms, format, docs"
	@echo "make bench        instructions per operation, against Linux and the goals (G='sem proc')"
	@echo "make debug        QEMU waits for gdb, with locks checked and symbols"
	@echo "make objs iso initramfs clean     parts of the above;  V=1 shows the commands"

clean:
	rm -rf build

.PHONY: check check-build check-setup help clean
