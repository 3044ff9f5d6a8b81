<?php
// sysv.php CASE - one use of php's System V extensions (sysvsem, sysvshm, sysvmsg, shmop) between processes; prints what
// came of it, which `cases` compares.

// The child of a fork runs the function and leaves with what it returns.
function child(callable $work): int
{
	$pid = pcntl_fork();
	if ($pid === 0)
		exit($work());
	return $pid;
}
function status(int $pid): int
{
	pcntl_waitpid($pid, $status);
	return pcntl_wifexited($status) ? pcntl_wexitstatus($status) : 100 + pcntl_wtermsig($status);
}
function key_of(string $project): int
{
	return ftok(__FILE__, $project);
}

$cases = [
	// Four processes raise a number in shared memory, each with the semaphore acquired. Another dies with it.
	'semaphore_guards_shared_memory' => function () {
		$sem = sem_get(key_of('s'), 1, 0600);
		$shm = shm_attach(key_of('m'), 10000, 0600);
		shm_put_var($shm, 1, 0);
		$crew = [];
		for ($i = 0; $i < 4; $i++)
			$crew[] = child(function () use ($sem, $shm) {
				for ($n = 0; $n < 100; $n++) {
					if (!sem_acquire($sem))
						return 1;
					shm_put_var($shm, 1, shm_get_var($shm, 1) + 1);
					if (!sem_release($sem))
						return 2;
				}
				return 0;
			});
		$failed = array_sum(array_map('status', $crew));
		status(child(fn() => posix_kill(getmypid(), sem_acquire($sem) ? SIGKILL : SIGTERM)));
		$free = sem_acquire($sem, true);
		$busy = status(child(fn() => sem_acquire($sem, true) ? 1 : 2));
		$said = [shm_get_var($shm, 1), $failed, $free, $busy, shm_has_var($shm, 2) ? 'two' : 'one'];
		shm_remove_var($shm, 1);
		$said[] = shm_has_var($shm, 1) ? 'there' : 'gone';
		array_push($said, sem_release($sem), sem_remove($sem), shm_remove($shm), shm_detach($shm));
		return $said;
	},
	'values_in_shared_memory' => function () {
		$shm = shm_attach(key_of('v'), 4096, 0600);
		$pid = child(function () {
			$mine = shm_attach(key_of('v'));
			shm_put_var($mine, 7, ['list' => [1, 2.5, null], 'text' => str_repeat('x', 1000)]);
			return @shm_put_var($mine, 8, str_repeat('y', 5000)) ? 1 : 2;
		});
		$full = status($pid);
		$value = shm_get_var($shm, 7);
		shm_put_var($shm, 7, 'short');
		$said = [$full, $value['list'][1], strlen($value['text']), shm_get_var($shm, 7)];
		shm_remove($shm);
		return $said;
	},
	'queue' => function () {
		$existed = msg_queue_exists(key_of('q')) ? 'old' : 'new';
		$queue = msg_get_queue(key_of('q'), 0600);
		$pid = child(function () use ($queue) {
			msg_receive($queue, 9, $type, 1000, $value);
			return $type === 9 && $value === ['nine' => 9] ? 0 : 1;
		});
		foreach ([3 => 'three', 9 => ['nine' => 9], 2 => 'two'] as $type => $value)
			msg_send($queue, $type, $value);
		$bad = status($pid);
		$left = msg_stat_queue($queue)['msg_qnum'];
		msg_receive($queue, 3, $type, 1000, $except, true, MSG_EXCEPT);
		$small = msg_receive($queue, 3, $type, 1, $no, false, 0, $error) ? 'fits' : posix_strerror($error);
		msg_receive($queue, -5, $type, 1000, $lowest);
		$empty = msg_receive($queue, 0, $none, 1000, $no, true, MSG_IPC_NOWAIT, $error) ? 'one' : $error === MSG_ENOMSG;
		msg_set_queue($queue, ['msg_qbytes' => 20]);
		$sent = 0;
		while (@msg_send($queue, 1, 'four', false, false, $error))
			$sent++;
		return [$existed, $bad, $left, $except, $small, $lowest, $type, $empty, $sent, $error === MSG_EAGAIN,
			msg_remove_queue($queue), msg_queue_exists(key_of('q')) ? 'there' : 'gone'];
	},
	'segments' => function () {
		$new = shmop_open(key_of('o'), 'n', 0600, 5000);
		$again = @shmop_open(key_of('o'), 'n', 0600, 5000) ? 'twice' : 'once';
		shmop_write($new, 'from the parent', 4000);
		$pid = child(function () {
			$mine = shmop_open(key_of('o'), 'w', 0, 0);
			$text = shmop_read($mine, 4000, 15);
			shmop_write($mine, 'from the child ', 4000);
			return $text === 'from the parent' && shmop_size($mine) === 5000 ? 0 : 1;
		});
		$bad = status($pid);
		$read_only = shmop_open(key_of('o'), 'a', 0, 0);
		$text = shmop_read($read_only, 4000, 15);
		try {
			shmop_write($read_only, 'x', 0);
			$refused = 'written';
		} catch (Error $problem) {
			$refused = 'refused';
		}
		shmop_delete($new);
		return [$again, $bad, $text, $refused, @shmop_open(key_of('o'), 'a', 0, 0) ? 'there' : 'gone'];
	},
];

$said = $cases[$argv[1]]();
echo implode(' ', array_map(fn($one) => is_bool($one) ? ($one ? 'yes' : 'no') : $one, $said)), "\n";
