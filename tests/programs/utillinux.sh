# Debian's ipcs, ipcmk and ipcrm (util-linux), dynamically linked, on semaphores.
#: utillinux.make_list_remove
#: utillinux.limits
#: utillinux.details
#: utillinux.unknown_id
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
ipcs=/usr/bin/ipcs ipcmk=/usr/bin/ipcmk ipcrm=/usr/bin/ipcrm

is make_list_remove "3 640 0" 'id=$($ipcmk -S 3 -p 640 | sed "s/.*: //")
	$ipcs -s | awk -v id=$id "\$2 \"\" == id { print \$5, \$4, \$6 }" | awk "{ printf \"%s %s \", \$1, \$2 }"
	$ipcrm -s $id; $ipcs -s | awk -v id=$id "\$2 \"\" == id" | wc -l'
is limits "$(printf 'max number of arrays = 32000\nmax semaphores per array = 32000\nmax ops per semop call = 500\nsemaphore max value = 32767')" \
	'$ipcs -s -l | grep "^max number\|per array\|per semop\|max value" ; $ipcs -s -l | grep "^semaphore max value" | grep -v . '
is details "2" 'id=$($ipcmk -S 2 | sed "s/.*: //"); $ipcs -s -i $id | awk "/^nsems/ { print \$3 }"; $ipcrm -s $id'
is unknown_id "1" '$ipcrm -s 2000000000 2>/dev/null; echo $?'
