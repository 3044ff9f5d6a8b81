# Programs of Debian that print what they see of System V IPC, compared line by line with what they printed on Linux
# 6.1: transcripts/NAME.linux, in sections "== CASE". Each program runs in an IPC namespace of its own.
#	transcripts.sh			compares; each section is a test, NAME.CASE
#	transcripts.sh --record NAME	writes NAME.linux anew, on Linux
here=$(cd "$(dirname "$0")" && pwd)/transcripts
export LC_ALL=C TZ=UTC COLUMNS=200

# run NAME: its output
run()
{
	for program in "$here/$1".*; do
		case $program in
		*.sh) unshare -i sh "$program" ;;
		*.pl) unshare -i /usr/bin/perl "$program" ;;
		*.php) unshare -i /usr/bin/php "$program" ;;
		esac </dev/null 2>&1
	done
}
section()
{
	awk -v name="== $1" '/^== / { on = $0 == name; next } on' "$2"
}
wanted()
{
	[ -n "${PATTERN:-}" ] || return 0
	case $1 in $PATTERN) return 0 ;; esac
	case ${1%.*} in $PATTERN) return 0 ;; esac
	case ${1#*.} in $PATTERN) return 0 ;; esac
	return 1
}

if [ "${1:-}" = --record ]; then
	run "$2" >"$here/$2.linux"
	exit
fi
number=0
work=$(mktemp -d)
for expected in "$here"/*.linux; do
	name=$(basename "$expected" .linux)
	cases=$(for case in $(sed -n 's/^== //p' "$expected"); do wanted "$name.$case" && echo "$case"; done)
	[ -n "$cases" ] || continue
	run "$name" >"$work/got"
	for case in $cases; do
		number=$((number + 1))
		section "$case" "$expected" >"$work/linux"
		section "$case" "$work/got" >"$work/here"
		if cmp -s "$work/linux" "$work/here"; then
			echo "ok $number - $name.$case"
		else
			echo "# what differs from Linux (-), here (+):"
			diff -U 0 "$work/linux" "$work/here" | sed -n '3,$s/^/# /p' | head -n 40
			echo "# once more, alone: make test T=$name.$case"
			echo "not ok $number - $name.$case"
		fi
	done
done
rm -rf "$work"
