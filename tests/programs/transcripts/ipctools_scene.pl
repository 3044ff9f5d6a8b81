# The scene of ipctools.sh: segments, queues and sets under fixed keys, with waiters; lasts until standard input ends.
use strict;
use warnings;
use IPC::SysV qw(IPC_PRIVATE IPC_CREAT IPC_RMID IPC_STAT IPC_SET IPC_NOWAIT SETALL GETNCNT GETZCNT shmat memwrite);
use constant { SHM_LOCK => 11, NOBODY => 65534 };
$| = 1;

# Gives an object away: IPC_SET with uid and gid of nobody (struct ipc_perm: key, uid, gid, ...).
sub give_away {
	my ($control, $id) = @_;
	my $data = '';
	$control->($id, IPC_STAT, $data) or die "stat: $!";
	substr($data, 4, 8) = pack 'LL', NOBODY, NOBODY;
	$control->($id, IPC_SET, $data) or die "set: $!";
}

# Process numbers must not be taken for any other number that the tools print.
sub number { my $pid = fork // die "fork: $!"; exit 0 if !$pid; waitpid $pid, 0; return $pid; }
while (number() !~ /^(?!1048576$|12289$|16384$|3200[01]$|3276[78]$|65534$)(1[1-8]\d|2[0-4]\d|[1-3]\d\d\d|\d{5,})$/) { }
if (my $pid = fork // die "fork: $!") { waitpid $pid, 0; exit; }

my @segments = (
	shmget(0x1001, 3 * 4096 + 1, IPC_CREAT | 0640), shmget(IPC_PRIVATE, 1 << 20, IPC_CREAT | 0600),
	shmget(0x1002, 100, IPC_CREAT | 0600), shmget(-2, 8192, IPC_CREAT));
my @at = map { shmat($_, undef, 0) // die "shmat: $!" } @segments[0, 0, 1];
memwrite($at[0], 'text', 0, 4);
memwrite($at[0], 'text', 8192, 4);
shmctl($segments[1], IPC_RMID, 0) or die "shmctl: $!";
shmctl($segments[2], SHM_LOCK, 0) or die "SHM_LOCK: $!";
give_away(sub { shmctl($_[0], $_[1], $_[2]) }, $segments[3]);

my @queues = (msgget(0x2001, IPC_CREAT | 0620), msgget(0x2002, IPC_CREAT | 0444));
msgsnd($queues[0], pack('l! a*', $_, 'x' x (50 * $_)), 0) or die "msgsnd: $!" for 1 .. 4;
msgrcv($queues[0], my $message, 100, 1, 0) or die "msgrcv: $!";
give_away(sub { msgctl($_[0], $_[1], $_[2]) }, $queues[1]);

my @sets = (semget(0x3001, 4, IPC_CREAT | 0640), semget(0x3002, 10, IPC_CREAT));
semctl($sets[0], 0, SETALL, pack('S*', 1, 2, 32767, 0)) or die "semctl: $!";
my @waiters;
for my $op ([3, -1, 0], [3, -2, 0], [0, 0, 0]) {
	my $pid = fork // die "fork: $!";
	if (!$pid) { semop($sets[0], pack 's*', @$op); exit 0; }
	push @waiters, $pid;
}
select undef, undef, undef, 0.01
	until semctl($sets[0], 3, GETNCNT, 0) == 2 && semctl($sets[0], 0, GETZCNT, 0) == 1;
give_away(sub { semctl($_[0], 0, $_[1], $_[2]) }, $sets[1]);

print "pids $$ @waiters\nready\n";
<STDIN>;
waitpid $_, 0 for @waiters;
