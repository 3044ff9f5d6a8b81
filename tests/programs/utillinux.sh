# Debian's ipcs, ipcmk, ipcrm and lsipc (util-linux), dynamically linked, on semaphores and message queues.
#: utillinux.make_list_remove
#: utillinux.limits
#: utillinux.details
#: utillinux.unknown_id
#: utillinux.queue_make_list_remove
#: utillinux.queue_limits
#: utillinux.queue_details
#: utillinux.queue_lsipc
#: utillinux.queue_by_key
number=0
is()
{
	if [ -n "${PATTERN:-}" ]; then
		case "utillinux.$1" in $PATTERN) ;; *) case utillinux in $PATTERN) ;; *) case $1 in $PATTERN) ;; *) return ;; esac ;; esac ;; esac
	fi
	number=$((number + 1))
	got=$(eval "$3" 2>&1)
	if [ "$got" = "$2" ]; then
		echo "ok $number - utillinux.$1"
	else
		echo "# expected: $2"
		echo "# got: $got" | head -n 12 | sed '2,$s/^/# /'
		echo "# once more, alone: make test T=utillinux.$1"
		echo "not ok $number - utillinux.$1"
	fi
}
ipcs=/usr/bin/ipcs ipcmk=/usr/bin/ipcmk ipcrm=/usr/bin/ipcrm lsipc=/usr/bin/lsipc

is make_list_remove "3 640 0" 'id=$($ipcmk -S 3 -p 640 | sed "s/.*: //")
	$ipcs -s | awk -v id=$id "\$2 \"\" == id { print \$5, \$4, \$6 }" | awk "{ printf \"%s %s \", \$1, \$2 }"
	$ipcrm -s $id; $ipcs -s | awk -v id=$id "\$2 \"\" == id" | wc -l'
is limits "$(printf 'max number of arrays = 32000\nmax semaphores per array = 32000\nmax ops per semop call = 500\nsemaphore max value = 32767')" \
	'$ipcs -s -l | grep "^max number\|per array\|per semop\|max value" ; $ipcs -s -l | grep "^semaphore max value" | grep -v . '
is details "2" 'id=$($ipcmk -S 2 | sed "s/.*: //"); $ipcs -s -i $id | awk "/^nsems/ { print \$3 }"; $ipcrm -s $id'
is unknown_id "1" '$ipcrm -s 2000000000 2>/dev/null; echo $?'
is queue_make_list_remove "640 0 0 0" 'id=$($ipcmk -Q -p 640 | sed "s/.*: //")
	$ipcs -q | awk -v id=$id "\$2 \"\" == id { printf \"%s %s %s \", \$4, \$5, \$6 }"
	$ipcrm -q $id; $ipcs -q | awk -v id=$id "\$2 \"\" == id" | wc -l'
is queue_limits "$(printf 'max queues system wide = 32000\nmax size of message (bytes) = 8192\ndefault max size of queue (bytes) = 16384')" \
	'$ipcs -q -l | grep ='
is queue_details "$(printf 'uid=0\tgid=0\tcuid=0\tcgid=0\tmode=0644\ncbytes=0\tqbytes=16384\tqnum=0\tlspid=0\tlrpid=0\nsend_time=Not set                   \nrcv_time=Not set                   ')" \
	'id=$($ipcmk -Q | sed "s/.*: //"); $ipcs -q -i $id | grep "^uid\|^cbytes\|^send\|^rcv"; $ipcrm -q $id'
is queue_lsipc "rw-r----- 0 0" 'id=$($ipcmk -Q -p 640 | sed "s/.*: //")
	$lsipc -q -r -b -o ID,PERMS,USEDBYTES,MSGS --noheadings | awk -v id=$id "\$1 \"\" == id { print \$2, \$3, \$4 }"
	$ipcrm -q $id'
is queue_by_key "1 0" 'id=$($ipcmk -Q | sed "s/.*: //"); key=$($ipcs -q | awk -v id=$id "\$2 \"\" == id { print \$1 }")
	$ipcs -q | grep -c "^$key" | tr "\n" " "; $ipcrm -Q $key; $ipcs -q | grep -c "^$key"'
