/* Storms: random steps from a seed, the same every time, and processes that are killed at any moment. */
#pragma once
#include "harness.h"

static inline uint32_t draw(uint32_t *state)
{
	*state = *state * 1664525 + 1013904223;
	return *state >> 8;
}
static inline void some_time(uint32_t *state, uint32_t most)
{
	for (uint32_t turns = draw(state) % most; turns; turns--)
		sched_yield();
}

/* Up to `victims` processes, each with a seed of its own, live until they are killed, or can no longer. */
static inline void storm_of_kills(int victims, int kills, uint32_t turns_between,
                                  void (*life)(uint32_t seed))
{
	pid_t pids[victims];
	uint32_t state = 4711;
	memset(pids, 0, sizeof pids);
	for (int n = 0; n < kills + victims; n++) {
		int v = n < kills ? (int)(draw(&state) % (uint32_t)victims) : n - kills;
		if (pids[v]) {
			kill(pids[v], SIGKILL);
			int how = reap(pids[v]);
			YES(how == SIGKILL || how == 0);
		}
		pids[v] = 0;
		if (n >= kills)
			continue;
		CHILD(pids[v])
		{
			life((uint32_t)n * 7919 + 1);
		}
		some_time(&state, turns_between);
	}
}
