# Rules for one variant of the kernel: $(call kernel,build-directory,compiler,flags).
define kernel
$(1)/obj/%.c.o: %.c
	@mkdir -p $$(@D)
	$$(Q)$(2) $$(KFLAGS) $$(KFLAGS_$(2)) $(3) $$(INCLUDES) -MMD -MP -c $$< -o $$@
$(1)/obj/%.S.o: %.S
	@mkdir -p $$(@D)
	$$(Q)$(2) $$(KFLAGS) $$(KFLAGS_$(2)) $(3) $$(INCLUDES) -MMD -MP -c $$< -o $$@
$(1)/halyard: $$(SRCS:%=$(1)/obj/%.o) linker.ld
	@echo "  LD      $$@"
	$$(Q)scripts/link $(2) $$@ $$(filter %.o,$$^)
-include $$(SRCS:%=$(1)/obj/%.d)
endef

$(eval $(call kernel,build,gcc,$(RELEASE_FLAGS)))
$(eval $(call kernel,build/debug,gcc,$(DEBUG_FLAGS)))
$(eval $(call kernel,build/clang,clang,$(RELEASE_FLAGS)))

all: build/halyard build/halyard.iso
# Every object, without linking: gcc release, gcc debug, clang.
objs: $(foreach v,build build/debug build/clang,$(SRCS:%=$(v)/obj/%.o))
.PHONY: all objs
