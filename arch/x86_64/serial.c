/* The first serial port, a 16550: COM1, IRQ 4. */
#include "arch/console.h"
#include "arch/x86_64/internal.h"
#include "arch/x86_64/trap_entry.h"
#include "kernel/sched/softirq.h"

enum { COM1 = 0x3f8, DATA = 0, IER = 1, FCR = 2, LCR = 3, MCR = 4, LSR = 5 };
enum { LSR_DATA = 1, LSR_TRANSMIT_EMPTY = 0x20, LSR_ABSENT = 0xff, IER_RECEIVE = 1, COM1_IRQ = 4 };

/* Received bytes: the interrupt handler writes at head, the tty's softirq on the same processor reads at
 * tail. What does not fit is lost, as on every serial line. */
enum { RING_SIZE = 4096 };
static struct {
	char bytes[RING_SIZE];
	u32 head, tail; /* [a] free-running */
} ring;

void serial_init(void)
{
	outb(COM1 + IER, 0);
	outb(COM1 + LCR, 0x80); /* divisor 1: 115200 baud */
	outb(COM1 + DATA, 1);
	outb(COM1 + IER, 0);
	outb(COM1 + LCR, 3);    /* 8N1 */
	outb(COM1 + FCR, 0xc7); /* FIFOs on and empty, threshold 14 */
	outb(COM1 + MCR, 0x0b); /* DTR, RTS, and OUT2, which gates the interrupt */
}

void serial_enable_input(void)
{
	ioapic_route(COM1_IRQ, VECTOR_SERIAL, lapic_id());
	outb(COM1 + IER, IER_RECEIVE);
}

void serial_write(const char *s, size_t n)
{
	for (; n; n--) {
		while (!(inb(COM1 + LSR) & LSR_TRANSMIT_EMPTY))
			cpu_relax();
		outb(COM1 + DATA, (u8)*s++);
	}
}

size_t serial_read_ring(char *buf, size_t n)
{
	u32 head = load_acquire(&ring.head), tail = ring.tail;
	size_t got = 0;
	while (got < n && tail != head)
		buf[got++] = ring.bytes[tail++ % RING_SIZE];
	store_release(&ring.tail, tail); /* pairs with the handler's acquire: the slots are free */
	return got;
}

void irq_serial(void)
{
	u8 status;
	while (((status = inb(COM1 + LSR)) & LSR_DATA) && status != LSR_ABSENT) {
		char c = (char)inb(COM1 + DATA);
		if (ring.head - load_acquire(&ring.tail) == RING_SIZE)
			continue;
		ring.bytes[ring.head % RING_SIZE] = c;
		store_release(&ring.head, ring.head + 1);
	}
	softirq_raise(SOFTIRQ_SERIAL);
	lapic_eoi();
}
