# shellcheck shell=bash
# story.bash: how the demo speaks.  An act tells, shows commands as a user would
# type them, with what they really printed, and checks.  The first check or
# command that does not do what was said ends the demo, which then names the
# act, the file and the line.
#
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The backshelf authors

if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
	BOLD=$'\e[1m' DIM=$'\e[2m' GREEN=$'\e[32m' RED=$'\e[31m' PLAIN=$'\e[0m'
else
	BOLD='' DIM='' GREEN='' RED='' PLAIN=''
fi

ACT=0
CHECKS=0
WIDTH=98		# columns of a command's output; what is longer is folded

# act NUMBER TITLE: begin an act.
act() {
	act_ends
	ACT=$1
	ACT_CHECKS=0
	HOST_NET=()
	ACT_START=${EPOCHREALTIME/./}
	printf '\n%s=== Act %s: %s ===%s\n' "$BOLD" "$1" "$2" "$PLAIN"
}

# shown WHAT WHOSE: a row of the closing table, for the act that is on.  Its
# result is the number of checks that held since the last row.
shown() {
	local now=${EPOCHREALTIME/./}
	printf '%s\t%s\t%s\tok, checks: %d\t%d.%d\n' "$ACT" "$1" "$2" \
	    "$ACT_CHECKS" $(((now - ACT_START) / 1000000)) \
	    $(((now - ACT_START) / 100000 % 10)) >>"$T/table"
	ACT_CHECKS=0
	ACT_START=$now
}

# An act that checked something after its last row forgot a row.
act_ends() {
	[ "$ACT" = 0 ] || [ "$ACT_CHECKS" = 0 ] ||
	    fail "act $ACT checked what its rows do not tell"
}

# tell: a paragraph from stdin.
tell() {
	echo
	fmt -w 78
}

# fail TEXT: end the demo, naming the innermost line of an act's file.
fail() {
	local i where=
	for ((i = 1; i < ${#BASH_SOURCE[@]}; i++)); do
		case ${BASH_SOURCE[i]} in
		*/story.bash) ;;
		*)
			where="${BASH_SOURCE[i]#"$TOP"/}:${BASH_LINENO[i - 1]}"
			break
			;;
		esac
	done
	printf '\n%sFAILED%s in act %s, %s: %s\n' "$RED" "$PLAIN" "$ACT" \
	    "$where" "$1" >&2
	exit 1
}

# The network namespaces of the hosts that have one in this act:
# HOST_NET[name]=namespace.
declare -A HOST_NET=()

# show [-n LINES] [-e STATUS] HOST COMMAND: print one command line as it is typed
# on HOST, and run it there, in $T.  What it prints is kept in $T/out and shown,
# at most LINES of it.  It must end with STATUS (0; "x": any but 0).
show() {
	local lines=12 want=0 status=0 opt OPTIND=1
	while getopts n:e: opt; do
		case $opt in
		n) lines=$OPTARG ;;
		e) want=$OPTARG ;;
		*) fail "show: bad option" ;;
		esac
	done
	shift $((OPTIND - 1))
	printf '\n  %s%s$ %s%s\n' "$BOLD" "$1" "$2" "$PLAIN"
	host_run "$1" "$2" >"$T/out" 2>&1 || status=$?
	indent "$lines" <"$T/out"
	case $want in
	x) [ "$status" != 0 ] || fail "this was to fail: $2" ;;
	*) [ "$status" = "$want" ] ||
		fail "ended with status $status instead of $want: $2" ;;
	esac
}

# host_run HOST COMMAND: without a word.
host_run() {
	local enter=()
	[ -z "${HOST_NET[$1]:-}" ] || enter=(ip netns exec "${HOST_NET[$1]}")
	"${enter[@]}" bash -c "cd '$T' && $2"$'\n''exit $?' </dev/null
}

# indent LINES: stdin as a command's output, folded; the rest of it is counted,
# or not told of if LINES is 0.
indent() {
	tr -d '\r' | LC_ALL=C tr -c '\11\12\40-\176\200-\377' '?' | expand |
	    fold -s -w "$WIDTH" |
	    awk -v most="$1" -v dim="$DIM" -v plain="$PLAIN" '
		{ sub(/ +$/, "") }
		NR <= most { print $0 == "" ? "" : "  " dim $0 plain }
		END {
			if (NR > most && most > 0)
				print "  " dim "[and " NR - most " more]" plain
		}'
}

# not COMMAND...: for a check.
not() {
	! "$@"
}

# check TEXT COMMAND...: one thing that must be so.
check() {
	local text=$1
	shift
	if ! (trap - ERR && "$@") >"$T/check" 2>&1 </dev/null; then
		indent 20 <"$T/check" >&2
		fail "$text"
	fi
	CHECKS=$((CHECKS + 1))
	ACT_CHECKS=$((ACT_CHECKS + 1))
	printf '  %s[ok]%s %s\n' "$GREEN" "$PLAIN" "$text"
}

# The closing table.
table() {
	printf '\n%sWhat was shown%s\n\n' "$BOLD" "$PLAIN"
	{
		printf 'act\tshown\twith\tresult\tseconds\n'
		cat "$T/table"
	} | awk -F '\t' '
		{
			rows = NR
			for (i = 1; i <= NF; i++) {
				cell[NR, i] = $i
				if (length($i) > wide[i])
					wide[i] = length($i)
			}
			fields = NF
		}
		END {
			for (r = 1; r <= rows; r++) {
				line = ""
				rule = ""
				for (i = 1; i <= fields; i++) {
					fmt = i == fields ? "%" : "%-"
					line = line (i > 1 ? "  " : "") \
					    sprintf(fmt wide[i] "s", cell[r, i])
					dashes = sprintf("%" wide[i] "s", "")
					gsub(/ /, "-", dashes)
					rule = rule (i > 1 ? "  " : "") dashes
				}
				print line
				if (r == 1)
					print rule
			}
		}'
}
