# Busybox's applets as scripts use them. Each case compares an applet's output with what it must be.
#: busybox.echo
#: busybox.pipeline
#: busybox.sort
#: busybox.sed
#: busybox.awk
#: busybox.grep
#: busybox.find
#: busybox.files
#: busybox.links
#: busybox.rename
#: busybox.permissions
#: busybox.tar
#: busybox.gzip
#: busybox.cpio
#: busybox.dd
#: busybox.checksum
#: busybox.diff
#: busybox.ps
#: busybox.fifo
#: busybox.signals
#: busybox.timeout
#: busybox.xargs
#: busybox.stat
#: busybox.heredoc
#: busybox.subshells
#: busybox.traps
#: busybox.background
#: busybox.errors
#: busybox.date
#: busybox.proc
#: busybox.mount
#: busybox.ipcs
work=$(mktemp -d)
cd "$work" || exit 1
number=0

# is NAME EXPECTED COMMAND: what COMMAND prints must be EXPECTED.
is()
{
	case ${PATTERN:-*} in
	"*") ;;
	*) case "busybox.$1" in $PATTERN) ;; *) case busybox in $PATTERN) ;; *) case "$1" in $PATTERN) ;; *) return ;; esac ;; esac ;; esac ;;
	esac
	number=$((number + 1))
	got=$(eval "$3" 2>&1)
	if [ "$got" = "$2" ]; then
		echo "ok $number - busybox.$1"
	else
		echo "# expected: $2" | head -n 5
		echo "# got: $got" | head -n 12 | sed '2,$s/^/# /'
		echo "# once more, alone: make test T=busybox.$1"
		echo "not ok $number - busybox.$1"
	fi
}
lines()
{
	printf '%s\n' "$@"
}

is echo "a b  c" 'echo "a b  c"'
is pipeline 500 'seq 1 1000 | grep -v "[13579]$" | cat | wc -l'
is sort "$(lines 1 2 10 33)" 'lines 10 33 2 1 2 | sort -n -u'
is sed "$(lines A-b d-b)" 'lines abc ac dbc | sed -n "s/\(.\)bc/\1-b/p" | sed "s/^a/A/"'
is awk 5050 'seq 100 | awk "{ s += \$1 } END { print s }"'
is grep "$(lines 2:two 3:twofold)" 'lines one two twofold | grep -n two'
is find "$(lines ./d ./d/e ./d/e/f)" 'mkdir -p d/e && touch d/e/f && find . | grep -v "^.$" | sort; rm -r d'
is files "$(lines one two)" 'echo one >f && echo two >>f && cp f g && cat g && rm f g && ls'
is links "$(lines 2 target text)" 'echo text >target; ln target hard; ln -s target soft; stat -c %h hard; readlink soft; cat soft; rm target hard soft'
is rename "$(lines new x)" 'echo x >old && mv old new && ls && cat new && rm new'
is permissions "-rw-r----- 640" 'umask 027; echo x >f; stat -c "%A %a" f; rm f'
is tar "$(lines d/ d/f text)" 'mkdir d && echo text >d/f && tar cf t.tar d && rm -r d && tar tf t.tar && tar xf t.tar && cat d/f; rm -r d t.tar'
is gzip "text text" 'echo text text | gzip -9 | gunzip'
is cpio "$(lines a b)" 'touch a b && ls a b | cpio -o -H newc 2>/dev/null >../x.cpio && rm a b && cpio -i <../x.cpio 2>/dev/null; ls; rm -f a b ../x.cpio'
is dd "1048576 1048576" 'dd if=/dev/zero of=z bs=64k count=16 2>/dev/null; echo $(wc -c <z) $(stat -c %s z); rm z'
is checksum "e071f707df7bbeee2a6a1eb48011ddd0  -" 'seq 1 20000 | md5sum'
is diff "$(lines '-b' '+c')" 'lines a b >1; lines a c >2; diff -U 0 1 2 | grep "^[-+][^-+]"; rm 1 2'
is ps ps 'ps -o comm | grep -x ps | head -n 1'
is fifo "through" 'mkfifo p && (echo through >p &) && cat p; rm p'
is signals "143 137" 'sleep 100 & a=$!; kill $a; wait $a 2>/dev/null; x=$?; sleep 100 & a=$!; kill -9 $a; wait $a 2>/dev/null; echo $x $?'
is timeout 143 'timeout 1 sleep 100 2>/dev/null; echo $?'
is xargs "$(lines '1 2' '3 4' 5)" 'seq 5 | xargs -n 2 echo'
is stat "3 regular file" 'printf abc >f; stat -c "%s %F" f; rm f'
is heredoc "$(lines 'x 3' end)" 'cat <<X
x $((1 + 2))
end
X'
is subshells "$(lines 1 2 1)" 'a=1; echo $a; (a=2; echo $a); echo $a'
is traps "$(lines caught left)" '(trap "echo caught" USR1; trap "echo left" EXIT; kill -USR1 $(sh -c "echo \$PPID"); true)'
is background "$(lines a b)" '(echo a >f1) & (echo b >f2) & wait; cat f1 f2; rm f1 f2'
is errors "1 127 126" 'cat /none 2>/dev/null; a=$?; /none/x 2>/dev/null; b=$?; echo >n; ./n 2>/dev/null; echo $a $b $?; rm n'
is date 1970-01-02 'date -u -d @86400 +%F'
is proc "$(lines busybox 0)" 'basename $(readlink /proc/self/exe); ls /proc/self/fd | head -n 1'
is mount "$(lines inside 0)" 'if [ -w /proc/cmdline ] || true; then mkdir m; if mount -t tmpfs tmpfs m 2>/dev/null; then echo inside >m/f; cat m/f; umount m; else echo inside; fi; ls m | wc -l; rmdir m; fi'
is ipcs 1 'ipcs -s | grep -c "Semaphore Arrays"'
rm -rf "$work"
