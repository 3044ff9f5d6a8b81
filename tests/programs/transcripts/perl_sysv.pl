# What Debian's perl says of System V IPC: its built-in functions, and IPC::SysV, IPC::Msg, IPC::Semaphore,
# IPC::SharedMem. Hidden is only the time.
use strict;
use warnings;
use IPC::SysV qw(:all);
use IPC::Msg;
use IPC::Semaphore;
use IPC::SharedMem;
use constant MSG_COPY => 040000;
$| = 1;

sub section { print "== $_[0]\n"; }
# say_of WHAT, RESULT...: the results, or why not
sub say_of {
	my ($what, @results) = @_;
	print "$what: ", (join ' ', map { defined $_ ? $_ eq '' ? "''" : $_ : "undef ($!)" } @results), "\n";
}
# The functions that return whether they succeeded.
sub ok { return $_[0] ? 'done' : "$!"; }
# What a child says, in order after what was said before it.
sub child {
	my ($code) = @_;
	my $pid = fork // die "fork: $!";
	if (!$pid) { $code->(); exit 0; }
	return $pid;
}
sub reap { waitpid $_, 0 for @_; return $? >> 8 || $? & 127; }
sub as_nobody { my ($code) = @_; reap(child(sub { $( = $) = 65534; $< = $> = 65534; $code->(); })); }
sub nap { select undef, undef, undef, 0.005; }
sub now { my ($time) = @_; return !$time ? 'never' : abs(time - $time) < 60 ? 'now' : "at $time"; }

section 'segments';
my $id = shmget(0x51, 10000, IPC_CREAT | 0640);
say_of 'shmget', $id;
say_of 'again', shmget(0x51, 5000, 0), shmget(0x51, 10000, IPC_CREAT);
say_of 'exclusively', shmget(0x51, 1, IPC_CREAT | IPC_EXCL);
say_of 'larger', shmget(0x51, 10001, 0);
say_of 'unknown key', shmget(0x52, 1, 0);
say_of 'of no bytes', shmget(IPC_PRIVATE, 0, IPC_CREAT);
my $text;
say_of 'shmwrite', ok(shmwrite($id, 'hello', 9995, 5)), ok(shmwrite($id, 'abcdef', 0, 3));
say_of 'shmread', ok(shmread($id, $text, 9990, 10)), unpack('H*', $text), ok(shmread($id, $text, 0, 4)), unpack('H*', $text);
say_of 'beyond the end', ok(shmread($id, $text, 9996, 5));
say_of 'shmwrite beyond', ok(shmwrite($id, 'x', 10000, 1));
say_of 'padded', ok(shmwrite($id, 'x', 0, 4)), ok(shmread($id, $text, 0, 5)), unpack('H*', $text);
say_of 'of another process', reap(child(sub { shmread($id, my $there, 9995, 5); exit($there eq 'hello' ? 0 : 1); }));
sub segment { shmctl($_[0], $_[1] // IPC_STAT, my $data = '') // return 'undef'; return IPC::SharedMem::stat::->new->unpack($data); }
my $stat = segment($id);
say_of 'stat', map { $_ // 'undef' } $stat->uid, $stat->gid, $stat->cuid, $stat->cgid, sprintf('%o', $stat->mode), $stat->segsz, $stat->nattch;
say_of 'creator', $stat->cpid == $$ ? 'me' : $stat->cpid, 'times', now($stat->atime), now($stat->dtime), now($stat->ctime);
as_nobody(sub {
	say_of 'nobody reads', ok(shmread($id, my $there, 0, 1));
	say_of 'nobody gets', shmget(0x51, 0, 0), shmget(0x51, 0, 0400);
	say_of 'nobody asks', shmctl($id, IPC_STAT, my $data = '');
	say_of 'nobody removes', shmctl($id, IPC_RMID, 0);
});
say_of 'bad id', ok(shmread(77, $text, 0, 1));
say_of 'bad command', shmctl($id, 99, 0);
say_of 'removal', shmctl($id, IPC_RMID, 0);
say_of 'removed', shmctl($id, IPC_RMID, 0);

section 'segments_attached';
$id = shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0600);
my $at = shmat($id, undef, 0);
my $read_only = shmat($id, undef, SHM_RDONLY);
say_of 'attached', map { defined $_ ? 'yes' : 'no' } $at, $read_only;
say_of 'memwrite', memwrite($at, 'some text', 100, 9);
say_of 'memread', memread($read_only, $text, 100, 9), $text;
say_of 'attached', segment($id)->nattch;
my $pid = child(sub { memwrite($at, 'child', 0, 5); say_of 'in the child', segment($id)->nattch; });
reap($pid);
say_of 'after it', segment($id)->nattch, memread($read_only, $text, 0, 5), $text, segment($id)->lpid == $pid ? 'the child' : 'another';
say_of 'removed', shmctl($id, IPC_RMID, 0);
say_of 'still there', sprintf('%o', segment($id)->mode), memread($at, $text, 0, 5), $text;
say_of 'attached again', defined(my $third = shmat($id, undef, 0)) ? segment($id)->nattch : 'no';
say_of 'shmdt', map { shmdt($_) } $at, $read_only, $third;
say_of 'gone', defined shmat($id, undef, 0) ? 'no' : "$!";
say_of 'shmdt of nothing', shmdt(pack 'J', 4096);

section 'queues';
my $queue = msgget(0x61, IPC_CREAT | 0600);
say_of 'msgget', $queue, msgget(0x61, 0), msgget(0x61, IPC_CREAT);
say_of 'exclusively', msgget(0x61, IPC_CREAT | IPC_EXCL);
say_of 'unknown', msgget(0x62, 0);
sub post { my ($type, $body, $flags) = @_; return ok(msgsnd($queue, pack('l! a*', $type, $body), $flags // 0)); }
sub take {
	my ($type, $flags, $size) = @_;
	msgrcv($queue, my $data = '', $size // 1000, $type, $flags // IPC_NOWAIT) or return "$!";
	return sprintf '%d:%s', unpack 'l! a*', $data;
}
say_of 'nothing there', take(0);
say_of 'sent', map { post(@$_) } [3, 'three'], [1, 'one'], [2, 'two'], [3, 'three again'], [5, ''];
say_of 'of type 3', take(3);
say_of 'up to 2', take(-2), take(-2), take(-2);
say_of 'copy', take($_, IPC_NOWAIT | MSG_COPY) for 0, 1, 2;
say_of 'too long', take(0, IPC_NOWAIT, 5);
say_of 'cut off', take(0, IPC_NOWAIT | MSG_NOERROR, 5), take(0);
say_of 'type 0', post(0, 'x');
say_of 'type -1', post(-1, 'x');
say_of 'as long as can be', post(1, 'x' x 8192), post(1, 'x' x 8192);
say_of 'full', post(1, '', IPC_NOWAIT), post(1, 'x', IPC_NOWAIT);
say_of 'too long a message', post(1, 'x' x 8193);
say_of 'lengths', map { length take(0, IPC_NOWAIT, 8192) } 1 .. 3;

section 'queue_status';
sub queue_stat { msgctl($_[0], IPC_STAT, my $data = '') // return; return IPC::Msg::stat::->new->unpack($data); }
post(7, 'x' x 10);
$stat = queue_stat($queue);
say_of 'stat', map { $_ // 'undef' } $stat->uid, $stat->gid, $stat->cuid, $stat->cgid, sprintf('%o', $stat->mode), $stat->qnum, $stat->qbytes;
say_of 'who', map { $_ == $$ ? 'me' : $_ } $stat->lspid, $stat->lrpid;
say_of 'when', map { now($_) } $stat->stime, $stat->rtime, $stat->ctime;
reap($pid = child(sub { take(0); }));
$stat = queue_stat($queue);
say_of 'then', $stat->qnum, $stat->lspid == $$ ? 'me' : $stat->lspid, $stat->lrpid == $pid ? 'the child' : $stat->lrpid;
as_nobody(sub {
	say_of 'nobody sends', post(1, 'x');
	say_of 'nobody receives', take(0);
	say_of 'nobody gets', msgget(0x61, 0), msgget(0x61, 0400);
	say_of 'nobody removes', msgctl($queue, IPC_RMID, 0);
});
say_of 'bad command', msgctl($queue, 99, 0);

section 'queue_waiting';
sub receivers { open my $f, '<', "/proc/$_[0]/stat"; return scalar <$f> =~ /\) S /; }
$pid = child(sub { say_of 'received', take(4, 0); });
nap() until receivers($pid);
post(3, 'not this');
post(4, 'this');
reap($pid);
say_of 'left', take(0);
$pid = child(sub { say_of 'in vain', take(0, 0); });
nap() until receivers($pid);
my $removed = msgctl($queue, IPC_RMID, 0);
reap($pid);
say_of 'removal', $removed;
$queue = msgget(IPC_PRIVATE, 0600);
$pid = child(sub { local $SIG{USR1} = sub { }; say_of 'signalled', take(0, 0); });
nap() until receivers($pid);
kill 'USR1', $pid;
reap($pid);
say_of 'removal', msgctl($queue, IPC_RMID, 0);

section 'sets';
my $set = semget(0x71, 5, IPC_CREAT | 0600);
say_of 'semget', $set, semget(0x71, 5, 0), semget(0x71, 0, 0), semget(0x71, 3, IPC_CREAT);
say_of 'too many', semget(0x71, 6, 0);
say_of 'of none', semget(IPC_PRIVATE, 0, IPC_CREAT);
say_of 'exclusively', semget(0x71, 5, IPC_CREAT | IPC_EXCL);
sub values_of { semctl($set, 0, GETALL, my $all = ''); return unpack 's*', $all; }
sub op { return ok(semop($set, pack 's*', @_)); }
say_of 'values', values_of();
say_of 'setall', semctl($set, 0, SETALL, pack 's*', 1 .. 5), values_of();
say_of 'setval', semctl($set, 4, SETVAL, 32767), semctl($set, 4, SETVAL, 32768);
say_of 'semop', op(0, -1, 0, 1, -2, 0, 2, 1, 0), values_of();
say_of 'would wait', op(1, 1, IPC_NOWAIT, 0, -1, IPC_NOWAIT), values_of();
say_of 'out of range', op(1, 1, 0, 4, 1, 0);
say_of 'none such', op(5, 1, 0);
say_of 'for zero', op(0, 0, 0, 1, 0, IPC_NOWAIT);
say_of 'many', op((3, 1, 0) x 500), semctl($set, 3, GETVAL, 0);
say_of 'too many', op((3, 1, 0) x 501);
say_of 'ncnt zcnt', semctl($set, 0, GETNCNT, 0), semctl($set, 0, GETZCNT, 0);
say_of 'pid', map { semctl($set, $_, GETPID, 0) == $$ ? 'me' : 'another' } 0 .. 4;
say_of 'bad number', semctl($set, 5, GETVAL, 0);

section 'set_undo';
semctl($set, 0, SETALL, pack 's*', (3) x 5);
reap(child(sub { op(0, -2, SEM_UNDO, 1, 4, SEM_UNDO); say_of 'in the child', values_of(); }));
say_of 'given back', values_of();
reap($pid = child(sub { op(2, -3, SEM_UNDO); kill 'KILL', $$; nap() while 1; }));
say_of 'killed', values_of(), semctl($set, 2, GETPID, 0) == $pid ? 'the dead' : 'another';
$pid = child(sub { op(3, -4, 0); say_of 'woken', values_of(); });
nap() until semctl($set, 3, GETNCNT, 0) == 1;
op(3, 1, 0);
reap($pid);
$pid = child(sub { say_of 'removed under it', op(3, -1, 0); });
nap() until semctl($set, 3, GETNCNT, 0) == 1;
my $removal = semctl($set, 0, IPC_RMID, 0);
reap($pid);
say_of 'removal', $removal;

section 'modules';
my $sem = IPC::Semaphore->new(IPC_PRIVATE, 3, S_IRUSR | S_IWUSR | IPC_CREAT);
say_of 'semaphore', $sem->id, $sem->setall(1, 2, 3), $sem->getall, $sem->setval(1, 9), $sem->getval(1);
say_of 'counts', $sem->getncnt(0), $sem->getzcnt(0), $sem->getpid(1) == $$ ? 'me' : 'another';
say_of 'op', ok($sem->op(0, -1, IPC_NOWAIT, 2, 1, 0)), $sem->getall, ok($sem->op(0, -1, IPC_NOWAIT));
my $semstat = $sem->stat;
say_of 'stat', $semstat->nsems, sprintf('%o', $semstat->mode), now($semstat->otime), now($semstat->ctime);
say_of 'set', defined $sem->set(mode => 0640, uid => 65534) ? (sprintf('%o', $sem->stat->mode), $sem->stat->uid) : undef;
say_of 'remove', $sem->remove, defined $sem->stat ? 'there' : "$!";
my $msg = IPC::Msg->new(IPC_PRIVATE, S_IRUSR | S_IWUSR);
say_of 'queue', $msg->id, $msg->snd(5, 'text'), $msg->rcv($text, 100, 5), $text, ok($msg->rcv($text, 100, 0, IPC_NOWAIT));
say_of 'set', $msg->set(qbytes => 4096, mode => 0400) ? ($msg->stat->qbytes, sprintf '%o', $msg->stat->mode) : undef;
say_of 'remove', $msg->remove, ok($msg->snd(1, 'x'));
my $shm = IPC::SharedMem->new(IPC_PRIVATE, 8, S_IRWXU);
say_of 'memory', $shm->id, $shm->write('pack', 2, 4), unpack('H*', $shm->read(0, 8)), $shm->attach ? 'attached' : "$!";
say_of 'memory', $shm->write('more', 4, 4), unpack('H*', $shm->read(0, 8)), $shm->stat->nattch, $shm->detach, $shm->stat->nattch;
say_of 'remove', $shm->remove, defined $shm->stat ? 'there' : "$!";

section 'key_of_a_file';
say_of 'ftok', defined ftok('/proc/self/none') ? 'a key' : 'none', (ftok('/', 1) // 0) >> 24, (ftok('/', 255) // 0) >> 24 & 255;

section 'lists';
for my $family ('shm', 'msg', 'sem') {
	open my $list, '<', "/proc/sysvipc/$family" or die "$family: $!";
	print "$family: $_" while <$list>;
}
