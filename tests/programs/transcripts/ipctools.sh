# Debian's ipcs, ipcmk, ipcrm and lsipc over a scene of objects, every option of theirs. Runs in an IPC namespace of
# its own, so that ids are the same everywhere; hidden is only what must differ: process numbers, the time, random keys.
cd "$(dirname "$0")" || exit 1
work=$(mktemp -d)
key=0xnone____

# The process that makes the scene and stands in it; its messages go to $work/said.
mkfifo "$work/end"
/usr/bin/perl ipctools_scene.pl <"$work/end" >"$work/said" &
exec 9>"$work/end"
until grep -q ready "$work/said"; do sleep 0.05; done
# All at once, at the end: times, process numbers, and the space before headings of columns of those, which are as wide.
hide()
{
	pids=$(sed -n 's/^pids //p' "$work/said" | tr ' ' '|')
	sed -E -e "s/([\"=])($pids)\\>/\\1PID/g" -e "s/ *\\<($pids)\\> */ PID /g" -e "s/$key/0xrandom__/g" \
		-e 's/ +(PID|[CL]PID|L[SR]PID)\>/ \1/g' \
		-e 's/((Mon|Tue|Wed|Thu|Fri|Sat|Sun) )?(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) [ 0-9][0-9] ([0-9:]{8})( [0-9]{4})?/DATE/g' \
		-e 's/[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}[-+][0-9:]{5,6}/DATE/g' -e 's/\<[0-2][0-9]:[0-5][0-9]\>/HH:MM/g'
}
section()
{
	echo "== $1"
}
# Shows commands and what they print, and the status where it is not 0.
show()
{
	for command; do
		echo "\$ $command"
		eval "$command" 2>&1
		status=$?
		[ $status = 0 ] || echo "status $status"
	done
}
# as_nobody COMMAND...
as_nobody()
{
	/usr/bin/perl -e '$( = 65534; $) = "65534 65534"; $< = $> = 65534; exec @ARGV' "$@"
}
ipcs() { /usr/bin/ipcs "$@"; }
ipcmk() { /usr/bin/ipcmk "$@"; }
ipcrm() { /usr/bin/ipcrm "$@"; }
lsipc() { /usr/bin/lsipc "$@"; }

exec 3>&1 >"$work/shown"

section list
show 'ipcs' 'ipcs -a -s' 'ipcs -m -q'
section list_time
show 'ipcs -t' 'ipcs -m -t'
section list_pid
show 'ipcs -p' 'ipcs -q -p'
section list_creator
show 'ipcs -c' 'ipcs -s -c'
section list_sizes
show 'ipcs --human' 'ipcs --bytes'
section limits
show 'ipcs -l' 'ipcs -l --human' 'ipcs -l -b'
section summary
show 'ipcs -u' 'ipcs -u --human' 'ipcs -q -u -b'
section details_of_segments
show 'ipcs -m -i 0' 'ipcs -m -i 1' 'ipcs -m -i 2' 'ipcs -m -i 3 --human'
section details_of_queues
show 'ipcs -q -i 0' 'ipcs -q -i 1' 'ipcs -q -i 0 --human'
section details_of_sets
show 'ipcs -s -i 0' 'ipcs -s -i 1'
section details_of_nothing
show 'ipcs -m -i 77' 'ipcs -q -i 77' 'ipcs -s -i 77' 'ipcs -i 0' 'ipcs -m -i x' \
	'ipcs -m -i 32768' 'ipcs --none'
section seen_by_another_user
show 'as_nobody /usr/bin/ipcs' 'as_nobody /usr/bin/ipcs -q -i 0' 'as_nobody /usr/bin/ipcs -s -i 1' \
	'as_nobody /usr/bin/ipcs -m -i 3' 'as_nobody /usr/bin/ipcs -u' 'as_nobody /usr/bin/lsipc -m'

section lsipc_limits
show 'lsipc' 'lsipc -g -m' 'lsipc -g -q' 'lsipc -g -s' 'lsipc -b' 'lsipc --json' 'lsipc -y -e' 'lsipc -o RESOURCE,LIMIT,USED,USE%,DESCRIPTION'
# tr: the columns of process numbers are as wide as those.
section lsipc_segments
show 'lsipc -m | tr -s " "' 'lsipc -m -b | tr -s " "' 'lsipc -m -t -r' 'lsipc -m -c -r' 'lsipc -m -P -r' \
	'lsipc -m --noheadings --notruncate -r' 'lsipc -m -J' 'lsipc -m -y -e' 'lsipc -m -n' 'lsipc -m -l -i 0'
section lsipc_segment_columns
show 'lsipc -m -r -o KEY,ID,OWNER,PERMS,CUID,CUSER,CGID,CGROUP,UID,USER,GID,GROUP,CTIME' \
	'lsipc -m -r -o ID,SIZE,NATTCH,STATUS,ATTACH,DETACH,COMMAND,CPID,LPID' \
	'lsipc -m -o KEY,ID,OWNER,PERMS,CUID,CUSER,CGID,CGROUP,UID,USER,GID,GROUP,SIZE,NATTCH,STATUS'
section lsipc_queues
show 'lsipc -q | tr -s " "' 'lsipc -q -b -c -r' 'lsipc -q -t | tr -s " "' 'lsipc -q -P -r' 'lsipc -q -J' \
	'lsipc -q -o KEY,ID,OWNER,PERMS,CUID,CUSER,CGID,CGROUP,UID,USER,GID,GROUP,CTIME' \
	'lsipc -q -r -o ID,USEDBYTES,MSGS,SEND,RECV,LSPID,LRPID' 'lsipc -q -o ID,USEDBYTES,MSGS,SEND,RECV'
section lsipc_sets
show 'lsipc -s' 'lsipc -s -t -c' 'lsipc -s -P' 'lsipc -s -J' 'lsipc -s -e' \
	'lsipc -s -r -o KEY,ID,OWNER,PERMS,CUID,CUSER,CGID,CGROUP,UID,USER,GID,GROUP,CTIME' \
	'lsipc -s -o ID,NSEMS,OTIME'
section lsipc_details
show 'lsipc -m -i 0' 'lsipc -m -i 1' 'lsipc -q -i 0' 'lsipc -q -i 1' 'lsipc -s -i 0' 'lsipc -s -i 1' \
	'lsipc -s -i 0 -J'
section lsipc_time_formats
show 'lsipc -s -t --time-format=short' 'lsipc -q -t --time-format=full | tr -s " "' \
	'lsipc -q -r -t --time-format=iso' 'lsipc -q -t --time-format=none'
section lsipc_errors
show 'lsipc -m -i 77' 'lsipc -q -i 77' 'lsipc -s -i 77' 'lsipc -o NONE' 'lsipc -i 0' 'lsipc -m -q' 'lsipc -m -J -r'

section make
show 'ipcmk -M 4097' 'ipcmk -M 1MiB -p 0600' 'ipcmk -Q' 'ipcmk -S 32000 -p 0' 'ipcs -m | grep -c ^0x' 'lsipc -g' \
	'ipcrm -m 4 -m 5 -q 2 -s 2' 'ipcs -m'
section make_errors
show 'ipcmk' 'ipcmk -M 0' 'ipcmk -S 0' 'ipcmk -S 32001' 'ipcmk -M x' 'ipcmk -S -1' 'ipcmk -M 1 -p 999' 'ipcmk --none'
section made_under_a_random_key
id=$(ipcmk -Q -p 0640 | sed 's/.*: //')
key=$(ipcs -q | awk -v id="$id" '$2 == id { print $1 }')
show 'ipcs -q' 'ipcrm -v -Q $key' 'ipcrm -Q $key'
section remove_by_key
show 'ipcrm -M 0x1002' 'ipcrm -v -Q 0x2002 -S 0x3002' 'ipcs' 'ipcrm -M 0x1002' 'ipcrm -M 0' 'ipcrm -Q 0x7777' \
	'ipcrm -S nonsense'
section remove_by_id
id=$(ipcmk -S 1 | sed 's/.*: //')
show 'ipcrm -v -s $id' 'ipcrm -s $id' 'ipcrm -m 77' 'ipcrm -q 77' 'ipcrm -m x' 'ipcrm' 'ipcrm --none' 'ipcrm -m'
section remove_in_the_old_way
show 'ipcrm sem 77' 'ipcrm msg 77 78' 'ipcrm shm' 'ipcrm nothing 0' 'ipcmk -Q >/dev/null' \
	'ipcrm msg $(ipcs -q | awk "\$1 != \"0x00002001\" && \$2 ~ /[0-9]/ { print \$2 }")' 'ipcs -q'
section remove_as_another_user
show 'as_nobody /usr/bin/ipcrm -q 0' 'as_nobody /usr/bin/ipcrm -s 0' 'as_nobody /usr/bin/ipcrm -m 0' \
	'as_nobody /usr/bin/ipcrm -Q 0x2001' 'as_nobody /usr/bin/ipcrm -m 3' 'as_nobody /usr/bin/ipcrm -a'
section remove_all
show 'ipcrm -a sem' 'ipcs -s' 'ipcrm -v -a msg' 'ipcs -q' 'ipcrm -a nonsense' 'ipcrm -a' 'ipcs -m'
section after_the_last_detach
exec 9>&-
wait
show 'ipcs -m' 'ipcs -u' 'lsipc'
hide <"$work/shown" >&3
rm -rf "$work"
