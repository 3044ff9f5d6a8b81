/* tour - a guided tour of Halyard's IPC, scene by scene: user/tour/. */
#include "user/tour/tour.h"
#include <string.h>

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(void);
	} tours[] = {{"sem", tour_sem},
	             {"msg", tour_msg},
	             {"shm", tour_shm},
	             {"posix", tour_posix},
	             {"events", tour_events}};
	for (size_t i = 0; argc == 2 && i < sizeof(tours) / sizeof(*tours); i++) {
		if (strcmp(argv[1], tours[i].name))
			continue;
		tours[i].run();
		printf("\n%s\n", all_was_right() ? "All of it as it should be."
		                                 : "Something was not as it should be.");
		return !all_was_right();
	}
	fputs("usage: tour sem|msg|shm|posix|events    a guided tour of System V semaphores, message "
	      "queues, shared memory, POSIX IPC, event descriptors\n",
	      stderr);
	return 2;
}
