#!/bin/bash
# run.sh [unit|e2e|vm|stores|FILE.bats|TEST_NAME]...: run the tests and count
# them.  "stores" is every test of the store on each file system, in each way of
# the store that it allows; e2e does that with some of them.
# $B is the build folder.  Without arguments all three kinds run.  Each kind
# closes with "KIND: N passed, N failed, N skipped"; the exit status is
# non-zero if any failed or if none ran.
set -u
# Where it was started with signals ignored, by nohup or in the background, a
# test could not try what they do.
if [ -z "${SIGNALS_RESET-}" ]; then
	SIGNALS_RESET=1 exec env --default-signal "$0" "$@"
fi
cd "$(dirname "$0")/.." || exit 1
: "${B:=$PWD/build}"
export B BIN=$B/bin TOOLS=$B/tests/tools
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
# What sanitizers find in any process, daemons too, is a file there.
if [ "${B##*/}" = san ]; then
	chmod 711 "$out"
	mkdir -m 1777 "$out/san"
	export ASAN_OPTIONS=log_path=$out/san/log${ASAN_OPTIONS:+:$ASAN_OPTIONS}
fi
total_failed=0
total_run=0

# count KIND FILE: sum up the TAP lines of FILE.
count() {
	local passed failed skipped
	skipped=$(grep -Ec '^ok .*# [Ss][Kk][Ii][Pp]' "$2")
	passed=$(($(grep -Ec '^ok ' "$2") - skipped))
	failed=$(grep -Ec '^(not ok |Bail out)' "$2")
	grep -E '^ok .*# [Ss][Kk][Ii][Pp]' "$2" | sed 's/^ok [0-9]* */skipped: /'
	echo
	echo "$1: $passed passed, $failed failed, $skipped skipped"
	echo
	total_failed=$((total_failed + failed))
	total_run=$((total_run + passed + failed))
}

# sanitized FILE: what sanitizers have found is shown and fails.
sanitized() {
	local log
	for log in "$out"/san/*; do
		[ -s "$log" ] || continue
		cat "$log"
		echo "not ok $(grep -m 1 -E 'ERROR|runtime error' "$log")" |
		    tee -a "$1"
		rm -f "$log"
	done
}

run_unit() {
	local t
	: >"$out/unit"
	for t in "$@"; do
		CMOCKA_MESSAGE_OUTPUT=TAP "$t" >"$out/one" 2>&1
		local rc=$?
		grep -v '^ok ' "$out/one" | grep -vE '^(1\.\.|#|TAP)' |
		    sed "s|^|${t##*/}: |"
		cat "$out/one" >>"$out/unit"
		# A program that died before it said "not ok" failed too.
		if [ $rc != 0 ] && ! grep -q '^not ok' "$out/one"; then
			echo "not ok ${t##*/} ended with status $rc" |
			    tee -a "$out/unit"
		fi
	done
	sanitized "$out/unit"
	count unit "$out/unit"
}

# End-to-end tests wait more than they work, and each has folders, ports and
# namespaces of its own: so one more at once than there are cores.  A virtual
# machine takes a core for itself.
run_bats() {
	local kind=$1 jobs=()
	shift
	mkdir -p "$out/frames"
	export AOE_CAPTURE=$out/frames
	if [ "$kind" = e2e ] && command -v parallel >/dev/null; then
		jobs=(--jobs $(($(nproc) + 1)))
	fi
	bats --tap "${jobs[@]}" "$@" 2>&1 | tee "$out/$kind" |
	    grep -vE '^1\.\.'
	local rc=${PIPESTATUS[0]}
	if [ "$rc" != 0 ] && ! grep -q '^not ok' "$out/$kind"; then
		echo "not ok bats ended with status $rc" | tee -a "$out/$kind"
	fi
	if [ -n "$(ls "$out/frames")" ]; then
		tests/dissect.sh "$out/frames" | tee -a "$out/$kind"
		rm -rf "$out/frames"
	fi
	sanitized "$out/$kind"
	count "$kind" "$out/$kind"
}

# File systems and the ways of the store (tests/e2e/store.bash) that they allow.
PAIRS='ext4,overlay ext4,linkdest xfs,overlay xfs,linkdest
    btrfs,btrfs btrfs,overlay btrfs,linkdest'
# And these do it by irsync, through sshd.
BY_IRSYNC=tests/e2e/irsync_backup_list_restore.bats

# run_pair FS,WAY NUMBER [bats options or files]: the tests of the store, each told
# by its pair, so many of them at once.
run_pair() {
	local pair=$1 at_once=$2
	shift 2
	STORE_FS=${pair%,*} STORE_WAY=${pair#*,} bats --tap --jobs "$at_once" \
	    "$@" tests/e2e/store_*.bats 2>&1 |
	    grep -vE '^1\.\.|^ok .* # skip a matter of: ' |
	    sed -E "s/^((not )?ok [0-9]+) /\1 $pair: /" | tee -a "$out/stores"
	[ "${PIPESTATUS[0]}" = 0 ] || grep -q "^not ok .*$pair" "$out/stores" ||
	    echo "not ok $pair: bats failed" | tee -a "$out/stores"
}

# run_stores all|some: all tests on each pair that STORE_FS and STORE_WAY leave;
# or all of linkdest, which e2e is without, and on the others a choice of them,
# shorter, all pairs at once.
run_stores() {
	local pair
	: >"$out/stores"
	for pair in $PAIRS; do
		# shellcheck disable=SC2053
		[[ $pair = ${STORE_FS:-*},${STORE_WAY:-*} ]] || continue
		case $1,$pair in
		some,ext4,overlay) ;;
		some,ext4,linkdest) ROUNDS=${ROUNDS:-20} run_pair "$pair" 2 & ;;
		some,*) STEP=${STEP:-17} ROUNDS=${ROUNDS:-8} run_pair "$pair" 1 \
		    --filter-tags every_store "$BY_IRSYNC" & ;;
		all,*) run_pair "$pair" $(($(nproc) + 1)) "$BY_IRSYNC" ;;
		esac
	done
	wait
	sanitized "$out/stores"
	count stores "$out/stores"
}

[ $# -gt 0 ] || set -- unit e2e vm
if [ "$(id -u)" != 0 ]; then
	echo 'make check needs root: namespaces, loop devices and accounts' >&2
	exit 1
fi
for what in "$@"; do
	case $what in
	unit)
		programs=(tests/unit/test_*.c)
		programs=("${programs[@]/#/$B/}")
		run_unit "${programs[@]%.c}"
		;;
	e2e)
		run_bats e2e tests/e2e/*.bats
		run_stores some
		;;
	stores) run_stores all ;;
	vm) run_bats vm tests/vm/*.bats ;;
	*.bats) run_bats e2e "$what" ;;
	*) run_unit "$B/tests/unit/$what" ;;
	esac
done
if [ "$total_run" = 0 ]; then
	echo 'no test ran' >&2
	exit 1
fi
[ "$total_failed" = 0 ]
