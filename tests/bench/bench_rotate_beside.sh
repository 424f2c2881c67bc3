#!/bin/bash
# bench_rotate_beside.sh: what a client of aoed feels of a rotation on the same
# disk.  One client writes 4 KiB, each acknowledged from stable storage, and then
# reads at random, one request at a time:
#
#	alone		nothing else happens
#	rotation	irsync-rotate deletes snapshots, idle as it always is
#	--rate		the same with --rate 10000
#	rm -rf		as a cron job would do it
#
# FILES in the environment: how many are in each snapshot (60000).
#
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The backshelf authors
set -euE
# shellcheck source=tests/e2e/helpers.bash
. "$TOP/tests/e2e/helpers.bash"
# shellcheck source=tests/e2e/aoenet.bash
. "$TOP/tests/e2e/aoenet.bash"
FILES=${FILES:-60000}
SECONDS_EACH=${SECONDS_EACH:-1}
LOAD=$B/tests/bench/aoeload
trap 'echo "bench_rotate_beside.sh:$LINENO: $BASH_COMMAND failed" >&2' ERR
setup_tmp
trap run_cleanup EXIT

# record STAMP: say that it is a snapshot.
record() {
	cat >"$T/root/host.snaps/.meta/$1.json" <<-END
	{"version": 1, "stamp": "$1", "status": "complete", "way": "overlay",
	 "client": "local", "base": "", "started": 0, "ended": 0,
	 "rsync_exit": 0, "entries": $FILES, "linked": 0, "moved": 0,
	 "dropped": 0, "copied": 0, "bytes": 0, "bytes_new": 0,
	 "overlay_xattrs": false}
	END
}

# Nine snapshots that share their files; eight are to go.
fill() {
	local d day snaps=$T/root/host.snaps
	mkdir -p "$snaps/.meta"
	if [ ! -d "$snaps/2026-11-19T040200Z" ]; then
		for ((d = 0; d < FILES / 100; d++)); do
			mkdir -p "$snaps/2026-11-19T040200Z/$d"
			(cd "$snaps/2026-11-19T040200Z/$d" && seq 100 | xargs touch)
		done
	fi
	rm -rf "$snaps"/.expired.* "$snaps"/2026-11-1[0-8]*
	for day in 11 12 13 14 15 16 17 18; do
		cp -al "$snaps/2026-11-19T040200Z" "$snaps/2026-11-${day}T040200Z"
		record "2026-11-${day}T040200Z"
	done
	record 2026-11-19T040200Z
	sync -f "$T"
}

# latency read|write: "p50 p99" in microseconds.
latency() {
	client 1 "$LOAD" -i aoe0 -n 1 -S 64 -t "$SECONDS_EACH" -w 1 \
	    -l "$1" -o rand -b 4096 | jq -r '"\(.p50_us) \(.p99_us)"'
}

# beside NAME COMMAND...: a line of the table.
beside() {
	local name=$1 pid='' row='' what
	shift
	for what in write read; do
		if [ $# -gt 0 ]; then
			fill
			"$@" >/dev/null 2>&1 &
			pid=$!
		fi
		row+=" $(latency $what)"
		if [ -n "$pid" ]; then
			pid_is_gone "$pid" && name="$name (ended)"
			kill_wait "$pid"
		fi
	done
	# shellcheck disable=SC2086
	printf '%-12s %10.0f %10.0f %10.0f %10.0f\n' "$name" $row
}

aoe_net 1
truncate -s 64M "$T/image"
"$LOAD" -m "$T/image" -k 0 -S 64
echo "1.0 $T/image FF:FF:FF:FF:FF:FF aoe0 bench" >"$T/table"
start_aoed "$T/table"
echo 'keep-last = 1' >"$T/conf"
echo "microseconds of one request of an aoed client, median and 99th percentile:"
printf '%-12s %10s %10s %10s %10s\n' beside 'write p50' p99 'read p50' p99
beside alone
beside rotation "$BIN/irsync-rotate" -f "$T/conf" "$T/root"
beside --rate "$BIN/irsync-rotate" -f "$T/conf" --rate 10000 "$T/root"
# shellcheck disable=SC2016
beside 'rm -rf' sh -c 'exec rm -rf "$0"/2026-11-1[0-8]*' \
    "$T/root/host.snaps"
