# Debian's perl, dynamically linked, with its built-in semget, semop, semctl, msgget, msgsnd and msgrcv.
#: perl.version
#: perl.values
#: perl.stat
#: perl.nowait
#: perl.meeting
#: perl.undo
#: perl.removal
#: perl.fork_and_pipe
#: perl.messages
#: perl.message_errors
#: perl.message_to_a_waiter
#: perl.sort
use strict;
use warnings;

my ($IPC_PRIVATE, $CREAT, $RMID, $STAT, $NOWAIT, $UNDO) = (0, 01000, 0, 2, 04000, 010000);
my ($GETNCNT, $GETVAL, $GETALL, $SETVAL, $SETALL) = (14, 12, 13, 16, 17);
my ($EAGAIN, $EIDRM) = (11, 43);
my $number = 0;
$| = 1;

sub wanted {
	my ($name) = @_;
	my $pattern = $ENV{PATTERN} // '';
	return 1 if $pattern eq '';
	my $re = join '', map { $_ eq '*' ? '.*' : $_ eq '?' ? '.' : quotemeta } split //, $pattern;
	return grep { /^$re$/ } "perl.$name", 'perl', $name;
}

sub is {
	my ($name, $expected, $code) = @_;
	return unless wanted($name);
	$number++;
	my $got = eval { $code->() };
	$got = "died: $@" if $@;
	$got = 'undef' unless defined $got;
	print "# expected: $expected\n# got: $got\n# once more, alone: make test T=perl.$name\nnot " if $got ne $expected;
	print "ok $number - perl.$name\n";
}
sub set { my ($n) = @_; return semget($IPC_PRIVATE, $n, $CREAT | 0600) // die "semget: $!"; }
sub op { my ($id, @ops) = @_; return semop($id, pack 's*', @ops); }
sub value { my ($id, $n) = @_; return 0 + semctl($id, $n, $GETVAL, 0); }

is version => 'v5', sub { sprintf 'v%d', $^V =~ /^v(\d+)/ };
is values => '5 0 7', sub {
	my $id = set(3);
	semctl($id, 0, $SETALL, pack 'S*', 5, 0, 6);
	op($id, 2, 1, 0);
	my $all = '';
	semctl($id, 0, $GETALL, $all);
	semctl($id, 0, $RMID, 0);
	return join ' ', unpack 'S*', $all;
};
is stat => '2 600', sub {
	my $id = set(2);
	my $data = '';
	semctl($id, 0, $STAT, $data);
	semctl($id, 0, $RMID, 0);
	my $mode = unpack 'x20 S', $data;
	my $count = unpack 'x80 Q', $data;
	return sprintf '%d %o', $count, $mode;
};
is nowait => $EAGAIN, sub {
	my $id = set(1);
	my $done = op($id, 0, -1, $NOWAIT);
	my $error = $! + 0;
	semctl($id, 0, $RMID, 0);
	return $done ? 'done' : $error;
};
is meeting => '0 0 0', sub {
	my $id = set(2);
	my $pid = fork // die;
	if (!$pid) { exit !(op($id, 0, -1, 0) && op($id, 1, 1, 0)); }
	op($id, 0, 1, 0);
	op($id, 1, -1, 0);
	waitpid $pid, 0;
	my $r = join ' ', $?, value($id, 0), value($id, 1);
	semctl($id, 0, $RMID, 0);
	return $r;
};
is undo => '0 1 1', sub {
	my $id = set(1);
	semctl($id, 0, $SETVAL, 1);
	my $pid = fork // die;
	if (!$pid) { op($id, 0, -1, $UNDO); kill 9, $$; sleep 100; }
	waitpid $pid, 0;
	my $status = $? == 9 ? 0 : $?;
	my $ok = op($id, 0, -1, $NOWAIT) ? 1 : 0;
	op($id, 0, 1, 0);
	my $r = join ' ', $status, $ok, value($id, 0);
	semctl($id, 0, $RMID, 0);
	return $r;
};
is removal => $EIDRM, sub {
	my $id = set(1);
	my $pid = fork // die;
	if (!$pid) { op($id, 0, -1, 0); exit $! + 0; }
	select undef, undef, undef, 0 until semctl($id, 0, $GETNCNT, 0) == 1;
	semctl($id, 0, $RMID, 0);
	waitpid $pid, 0;
	return $? >> 8;
};
is fork_and_pipe => '1000', sub {
	my $sum = 0;
	for my $i (1 .. 10) {
		my $pid = open(my $from, '-|') // die "fork: $!";
		if (!$pid) { print "100\n"; exit 0; }
		$sum += <$from>;
		close $from;
	}
	return $sum;
};
is sort => '1 49999', sub {
	my @n = sort { $a <=> $b } map { ($_ * 7919) % 50000 } 1 .. 49999;
	return "$n[0] $n[-1]";
};
my ($NOMSG, $TOOBIG, $NOERROR) = (42, 7, 010000);
sub queue { return msgget($IPC_PRIVATE, $CREAT | 0600) // die "msgget: $!"; }
sub post { my ($id, $type, $text) = @_; return msgsnd($id, pack('l! a*', $type, $text), 0); }
sub take {
	my ($id, $type, $flags, $size) = @_;
	my $data = '';
	return $! + 0 unless msgrcv($id, $data, $size // 100, $type, $flags // 0);
	my ($got, $text) = unpack 'l! a*', $data;
	return "$got:$text";
}
is messages => '2:two 1:one 3:three', sub {
	my $id = queue();
	post($id, 3, 'three');
	post($id, 1, 'one');
	post($id, 2, 'two');
	my $r = join ' ', take($id, 2), take($id, -3), take($id, 0);
	msgctl($id, $RMID, 0);
	return $r;
};
is message_errors => "$NOMSG $TOOBIG 1:lo", sub {
	my $id = queue();
	my @r = take($id, 0, $NOWAIT);
	post($id, 1, 'long');
	push @r, take($id, 0, $NOWAIT, 2), take($id, 0, $NOWAIT | $NOERROR, 2);
	msgctl($id, $RMID, 0);
	return join ' ', @r;
};
is message_to_a_waiter => '0 7', sub {
	my ($id, $back) = (queue(), queue());
	my $pid = fork // die;
	if (!$pid) { my $got = take($id, 7); post($back, 7, $got); exit($got eq '7:ping' ? 0 : 1); }
	post($id, 8, 'not this');
	post($id, 7, 'ping');
	my ($type) = split /:/, take($back, 0);
	waitpid $pid, 0;
	msgctl($_, $RMID, 0) for $id, $back;
	return "$? $type";
};
