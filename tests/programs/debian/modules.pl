# modules.pl CASE - one use of perl's own modules for IPC; prints what came of it, which `cases` compares.
use strict;
use warnings;
use Fcntl;
use POSIX qw(:sys_wait_h :errno_h);

# The child of a fork runs the block and leaves with what it returns.
sub child(&) {
	my ($work) = @_;
	my $pid = fork // die "fork: $!";
	return $pid if $pid;
	POSIX::_exit(eval { $work->() } // 99);
}
sub status { my ($pid) = @_; waitpid $pid, 0; return $? >> 8; }

my %cases = (
	# A counter in shared memory that four processes raise, each time with the semaphore lowered.
	semaphore_guards_shared_memory => sub {
		require IPC::SysV; require IPC::Semaphore; require IPC::SharedMem;
		my $flags = IPC::SysV::S_IRUSR() | IPC::SysV::S_IWUSR() | IPC::SysV::IPC_CREAT();
		my $sem = IPC::Semaphore->new(IPC::SysV::IPC_PRIVATE(), 2, $flags) // die "semget: $!";
		my $shm = IPC::SharedMem->new(IPC::SysV::IPC_PRIVATE(), 4096, $flags) // die "shmget: $!";
		$sem->setall(1, 0);
		$shm->write(pack('N', 0), 0, 4);
		my @crew = map { child {
			for (1 .. 100) {
				$sem->op(0, -1, IPC::SysV::SEM_UNDO()) or return 1;
				$shm->write(pack('N', 1 + unpack 'N', $shm->read(0, 4)), 0, 4);
				$sem->op(0, 1, IPC::SysV::SEM_UNDO()) or return 2;
			}
			$sem->op(1, 1, 0);
			return 0;
		} } 1 .. 4;
		$sem->op(1, -4, 0);
		my @status = map { status($_) } @crew;
		my $stat = $shm->stat;
		my $r = join ' ', unpack('N', $shm->read(0, 4)), @status, $stat->nattch, $sem->stat->nsems, $sem->getall;
		$sem->remove; $shm->remove;
		return $r;
	},
	shared_memory_attached => sub {
		require IPC::SysV;
		IPC::SysV->import(qw(shmat shmdt memread memwrite ftok IPC_CREAT IPC_RMID IPC_PRIVATE));
		my $id = shmget(0, 8192, 01600) // die "shmget: $!";
		my $at = IPC::SysV::shmat($id, undef, 0) // die "shmat: $!";
		IPC::SysV::memwrite($at, 'from the parent', 0, 15);
		my $pid = child {
			my ($mine, $text) = (IPC::SysV::shmat($id, undef, 0), '');
			IPC::SysV::memread($mine, $text, 0, 15);
			IPC::SysV::memwrite($mine, 'from the child ', 0, 15);
			return $text eq 'from the parent' ? 0 : 1;
		};
		my $bad = status($pid);
		my $text = '';
		IPC::SysV::memread($at, $text, 0, 15);
		IPC::SysV::shmdt($at);
		shmread($id, my $again, 9, 5) or die "shmread: $!";
		shmctl($id, 0, 0);
		return "$bad $text|$again|" . (shmget(0, 0, 01600) // $! + 0);
	},
	message_queue => sub {
		require IPC::SysV; require IPC::Msg;
		my $q = IPC::Msg->new(IPC::SysV::IPC_PRIVATE(), 01600) // die "msgget: $!";
		my $pid = child { my $b; my $t = $q->rcv($b, 100, 9, 0); return $b eq 'nine' && $t == 9 ? 0 : 1; };
		$q->snd(3, 'three'); $q->snd(9, 'nine'); $q->snd(2, 'two');
		my $bad = status($pid);
		my $stat = $q->stat;
		my ($first, $second);
		my @types = ($q->rcv($first, 100, -3, 0), $q->rcv($second, 100, 0, 0));
		my $none = $q->rcv($first, 100, 0, IPC::SysV::IPC_NOWAIT()) // $!{ENOMSG} ? 'ENOMSG' : $!;
		my $r = join ' ', $bad, $stat->qnum, @types, $first, $second, $none;
		$q->remove;
		return $r;
	},
	keys => sub {
		require IPC::SysV;
		my $file = "/tmp/key.$$";
		open my $out, '>', $file or die; close $out;
		my $key = IPC::SysV::ftok($file, 7);
		my ($a, $b) = (semget($key, 1, 01600), semget($key, 1, 0));
		my $again = semget($key, 1, 03600) // $!{EEXIST} ? 'EEXIST' : $!;
		semctl($a, 0, 0, 0); unlink $file;
		my $gone = semget($key, 1, 0) // $!{ENOENT} ? 'ENOENT' : $!;
		return ($a == $b ? 'same' : 'other') . " $again $gone";
	},
	open3 => sub {
		require IPC::Open3; require Symbol;
		my ($in, $out, $err) = (undef, undef, Symbol::gensym());
		my $pid = IPC::Open3::open3($in, $out, $err, 'sh', '-c', 'tr a-z A-Z; echo wrong >&2; exit 3');
		print $in "some words\n"; close $in;
		chomp(my $o = <$out>); chomp(my $e = <$err>);
		return "$o $e " . status($pid);
	},
	open2_select => sub {
		require IPC::Open2; require IO::Select;
		my @all;
		for my $n (1 .. 5) {
			my $pid = IPC::Open2::open2(my $out, my $in, 'cat');
			push @all, [$pid, $in, $out];
		}
		my $select = IO::Select->new(map { $_->[2] } @all);
		my $silent = () = $select->can_read(0);
		for (reverse @all) { print { $_->[1] } "$_->[0]\n"; close $_->[1]; }
		my $right = 0;
		while ($select->count) {
			for my $from ($select->can_read) {
				my $line = <$from>;
				if (!defined $line) { $select->remove($from); next; }
				my ($owner) = grep { $_->[2] == $from } @all;
				++$right if $line == $owner->[0];
			}
		}
		return join ' ', $silent, $right, map { status($_->[0]) } @all;
	},
	poll => sub {
		require IO::Poll; require IO::Pipe;
		my $pipe = IO::Pipe->new;
		my $pid = child { $pipe->writer; syswrite $pipe, 'x'; return 0; };
		$pipe->reader;
		my $poll = IO::Poll->new;
		$poll->mask($pipe => IO::Poll::POLLIN());
		my $n = $poll->poll(60);
		my $in = $poll->events($pipe) & IO::Poll::POLLIN() ? 1 : 0;
		status($pid);
		sysread $pipe, my $text, 10;
		$poll->poll(60);
		return "$n $in $text " . ($poll->events($pipe) & IO::Poll::POLLHUP() ? 'hup' : 'no hup');
	},
	threads => sub {
		require threads; require threads::shared; require Thread::Queue; require Thread::Semaphore;
		my ($jobs, $results) = (Thread::Queue->new, Thread::Queue->new);
		my $one = Thread::Semaphore->new(1);
		threads::shared::share(\my $total);
		$total = 0;
		my @crew = map { threads->create(sub {
			while (defined(my $n = $jobs->dequeue)) {
				$one->down; $total += $n; $one->up;
				$results->enqueue($n * $n);
			}
			return threads->tid;
		}) } 1 .. 4;
		$jobs->enqueue(1 .. 200); $jobs->end;
		my %ids = map { $_->join => 1 } @crew;
		my $squares = 0;
		while (defined(my $s = $results->dequeue_nb)) { $squares += $s; }
		return join ' ', $total, $squares, scalar keys %ids;
	},
	thread_conditions => sub {
		require threads; require threads::shared;
		my $turn = 0;
		threads::shared::share(\$turn);
		my $other = threads->create(sub {
			for (1 .. 50) {
				lock $turn;
				threads::shared::cond_wait(\$turn) until $turn % 2;
				++$turn;
				threads::shared::cond_signal(\$turn);
			}
			lock $turn;
			return threads::shared::cond_timedwait(\$turn, time - 1) ? 'woken' : 'timed out';
		});
		for (1 .. 50) {
			lock $turn;
			++$turn;
			threads::shared::cond_signal(\$turn);
			threads::shared::cond_wait(\$turn) while $turn % 2;
		}
		return $turn . ' ' . $other->join;
	},
	signals => sub {
		my @got;
		my $all = POSIX::SigSet->new(POSIX::SIGUSR1(), POSIX::SIGUSR2(), POSIX::SIGALRM());
		my $old = POSIX::SigSet->new;
		POSIX::sigprocmask(POSIX::SIG_BLOCK(), $all, $old);
		POSIX::sigaction($_, POSIX::SigAction->new(sub { push @got, $_[0] }, $all, POSIX::SA_RESTART())) for POSIX::SIGUSR1(), POSIX::SIGUSR2();
		kill USR2 => $$; kill USR1 => $$; kill USR1 => $$;
		my $pending = POSIX::SigSet->new;
		POSIX::sigpending($pending);
		my $before = join ',', map { $pending->ismember($_) } POSIX::SIGUSR1(), POSIX::SIGUSR2(), POSIX::SIGALRM();
		POSIX::sigprocmask(POSIX::SIG_SETMASK(), $old);
		return "$before @got";
	},
	timers => sub {
		require Time::HiRes;
		my $count = 0;
		local $SIG{ALRM} = sub { ++$count };
		Time::HiRes::setitimer(Time::HiRes::ITIMER_REAL(), 0.01, 0.01);
		Time::HiRes::sleep(60) while $count < 5;
		Time::HiRes::setitimer(Time::HiRes::ITIMER_REAL(), 0);
		my $start = Time::HiRes::clock_gettime(Time::HiRes::CLOCK_MONOTONIC());
		Time::HiRes::nanosleep(20_000_000);
		my $slept = Time::HiRes::clock_gettime(Time::HiRes::CLOCK_MONOTONIC()) - $start;
		return ($count >= 5 ? 'five' : $count) . ($slept >= 0.02 ? ' slept' : " only $slept");
	},
	locks => sub {
		my $file = "/tmp/lock.$$";
		sysopen my $f, $file, O_RDWR | O_CREAT or die;
		flock $f, Fcntl::LOCK_EX() or die;
		pipe my $from, my $to or die;
		my $pid = child {
			open my $g, '+<', $file or return 1;
			my $busy = flock($g, Fcntl::LOCK_EX() | Fcntl::LOCK_NB()) ? 2 : $!{EWOULDBLOCK} ? 0 : 3;
			syswrite $to, 'r';
			flock $g, Fcntl::LOCK_EX() or return 4;
			return $busy;
		};
		sysread $from, my $ready, 1;
		flock $f, Fcntl::LOCK_UN();
		my $r = status($pid);
		unlink $file;
		return "$r";
	},
	fifo => sub {
		my $path = "/tmp/fifo.$$";
		POSIX::mkfifo($path, 0600) or die "mkfifo: $!";
		my $pid = child {
			open my $out, '>', $path or return 1;
			print $out "$_\n" for 1 .. 1000;
			return close $out ? 0 : 2;
		};
		open my $in, '<', $path or die "open: $!";
		my $sum = 0;
		while (<$in>) { $sum += $_; }
		my $r = "$sum " . status($pid);
		unlink $path;
		return $r;
	},
	exit_statuses => sub {
		my @pids = map { my $n = $_; child { return $n } } 0 .. 9;
		my %left = map { $_ => 1 } @pids;
		my $sum = 0;
		while (%left) { my $pid = waitpid -1, 0; $sum += $? >> 8; delete $left{$pid}; }
		my $none = waitpid(-1, WNOHANG) . ($!{ECHILD} ? ' ECHILD' : '');
		system 'kill -9 $$';
		return "$sum $none " . ($? & 127) . ' ' . `echo back` =~ tr/a-z//cdr;
	},
);

my $name = shift // '';
my $case = $cases{$name} or die "no case '$name'";
print $case->(), "\n";
