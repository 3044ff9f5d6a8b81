# The deterministic simulation of the IPC module (tests/sim): one program, all interleavings.
SIM_SRCS := $(shell find kernel/ipc tests/sim tests/port -name '*.c' ! -name '*_test.c') tests/sim/sim_test.c \
	$(filter-out %_test.c kernel/lib/string.c kernel/lib/printf.c kernel/lib/log.c kernel/lib/panic.c, \
		$(wildcard kernel/lib/*.c)) arch/x86_64/switch.S
SIM_FLAGS := -std=gnu17 -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=undefined \
	-fno-omit-frame-pointer -DHALYARD_DEBUG=1 $(WARN) -I. -Itests/sim

build/sim/%.c.o: %.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(SIM_FLAGS) -MMD -MP -c $< -o $@
build/sim/%.S.o: %.S
	@mkdir -p $(@D)
	$(Q)$(CC) $(SIM_FLAGS) -c $< -o $@
build/sim/run: $(SIM_SRCS:%=build/sim/%.o)
	@echo "  LD      $@"
	$(Q)$(CC) -fsanitize=address,undefined -o $@ $^
-include $(SIM_SRCS:%=build/sim/%.d)

sim-test: build/sim/run
	$(Q)ASAN_OPTIONS=detect_leaks=0 build/sim/run
.PHONY: sim-test
