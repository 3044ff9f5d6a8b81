# What boots: programs of user/, the initramfs, the GRUB image; and the ways to start it.

SETUP := scripts/setup
SMP ?= 2
MEM ?= 512M
QEMU := qemu-system-x86_64 -accel tcg -smp $(SMP) -m $(MEM) -nographic -no-reboot
USER_CFLAGS := -std=gnu17 -O2 -Wall -Wextra -Werror -static -I.
USER_PROGRAMS := $(patsubst user/%.c,build/user/%,$(wildcard user/*.c))
# Debian's own, dynamically linked: what lists, makes and removes IPC objects from the shell.
IPC_TOOLS := @/usr/bin/ipcs @/usr/bin/ipcmk @/usr/bin/ipcrm @/usr/bin/lsipc
USER_FILES := $(wildcard user/init user/etc/*) scripts/initramfs

# A program is user/NAME.c, together with what is in user/NAME/ if there is such a directory.
build/user/tour: $(wildcard user/tour/*)
build/user/%: user/%.c
	@mkdir -p $(@D)
	@$(SETUP) initramfs
	$(Q)musl-gcc $(USER_CFLAGS) -o $@ $(filter %.c,$^)

initramfs: build/initramfs.cpio
build/initramfs.cpio: $(USER_PROGRAMS) $(USER_FILES)
	@$(SETUP) initramfs
	@echo "  CPIO    $@"
	$(Q)scripts/initramfs $@ $(foreach p,$(USER_PROGRAMS),$(p)=bin/$(notdir $(p))) $(IPC_TOOLS)

iso: build/halyard.iso
build/halyard.iso: build/halyard build/initramfs.cpio scripts/grub.cfg
	@$(SETUP) iso
	@echo "  ISO     $@"
	$(Q)rm -rf build/iso && mkdir -p build/iso/boot/grub
	$(Q)cp build/halyard build/iso/boot/halyard
	$(Q)strip -g build/iso/boot/halyard
	$(Q)cp build/initramfs.cpio build/iso/boot/
	$(Q)cp scripts/grub.cfg build/iso/boot/grub/
	$(Q)grub-mkrescue -o $@ build/iso >build/iso.log 2>&1 || { cat build/iso.log; exit 1; }

# The GRUB image on SMP processors; `exit` ends it, ^A x ends QEMU.
run: build/halyard.iso
	@$(SETUP) qemu
	@$(QEMU) -cdrom build/halyard.iso

# The same kernel without GRUB.
run-direct: build/halyard build/initramfs.cpio
	@$(SETUP) qemu
	@$(QEMU) -kernel build/halyard -initrd build/initramfs.cpio -append "console=ttyS0"

debug: build/debug/halyard build/initramfs.cpio
	@$(SETUP) qemu debug
	@echo "QEMU waits; in another terminal: gdb -ex 'target remote :1234' build/debug/halyard"
	@$(QEMU) -s -S -kernel build/debug/halyard -initrd build/initramfs.cpio -append "console=ttyS0"

.PHONY: initramfs iso run run-direct debug
