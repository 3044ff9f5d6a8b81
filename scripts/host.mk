# The hosted build of the IPC module (tests/host: pthreads), its unit tests, reference models and stress,
# under AddressSanitizer and UndefinedBehaviorSanitizer; host-tsan: under ThreadSanitizer.
HOST_SRCS := $(shell find kernel/ipc tests/host tests/port tests/model tests/unit -name '*.c') \
	$(filter-out kernel/lib/string.c kernel/lib/string_test.c kernel/lib/printf.c kernel/lib/printf_test.c \
		kernel/lib/log.c kernel/lib/panic.c,$(wildcard kernel/lib/*.c))
comma := ,
HOST_FLAGS := -std=gnu17 -O1 -g -fno-omit-frame-pointer -DHALYARD_DEBUG=1 -pthread $(WARN) -I. -Itests/host

# $(call host,directory,compiler,sanitizers)
define host
$(1)/%.c.o: %.c
	@mkdir -p $$(@D)
	$$(Q)$(2) $$(HOST_FLAGS) $(3) -MMD -MP -c $$< -o $$@
$(1)/run: $$(HOST_SRCS:%=$(1)/%.o)
	@echo "  LD      $$@"
	$$(Q)$(2) -pthread $(3) -o $$@ $$^
-include $$(HOST_SRCS:%=$(1)/%.d)
endef
$(eval $(call host,build/host,gcc,-fsanitize=address$(comma)undefined -fno-sanitize-recover=undefined))
$(eval $(call host,build/tsan,clang,-fsanitize=thread))

# make host-test [T=pattern]
host-test: build/host/run
	$(Q)build/host/run $(if $(T),'$(T)')
host-tsan: build/tsan/run
	$(Q)build/tsan/run $(if $(T),'$(T)')
.PHONY: host-test host-tsan
