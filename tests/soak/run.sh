#!/bin/bash
# run.sh: a night of a backup server in a few minutes, with everything going
# wrong that can; in the morning, what was promised is looked for.
#
#	SOAK_MINUTES=20 SOAK_SEED=N SOAK_CLIENTS=20 tests/soak/run.sh
#
# Clients write their disks over AoE through an aoed, push their folders
# through an sshd and validate-ssh, and irsync-rotate makes room, while faults
# are thrown by a schedule that follows from the seed.  Then all is well again,
# and verdict.bash says what has become of it.  SOAK_SECONDS goes before
# SOAK_MINUTES; SOAK_KEEP=1 keeps the folder with all logs.
#
# As in the demo, what runs lives in mount, process and network namespaces of
# its own, made by the outer half of this script: nothing is left behind.
#
#	schedule.awk	which fault is thrown when
#	disks.bash	file systems that can be slow, halted, full
#	server.bash	the programs, kept running
#	clients.bash	who writes and pushes
#	faults.bash	what goes wrong
#	watch.bash	descriptors and memory
#	verdict.bash	what must hold, and the table
#
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The backshelf authors
set -uE
SOAK=$(cd "$(dirname "$0")" && pwd)
TOP=$(cd "$SOAK/../.." && pwd)
: "${B:=$TOP/build}"
: "${BIN:=$B/bin}"
: "${TOOLS:=$B/tests/tools}"
: "${SOAK_MINUTES:=20}"
: "${SOAK_SEED:=$((RANDOM * 32768 + RANDOM))}"
: "${SOAK_CLIENTS:=20}"
export B BIN TOOLS SOAK_MINUTES SOAK_SEED SOAK_CLIENTS
# shellcheck source=tests/e2e/helpers.bash
. "$TOP/tests/e2e/helpers.bash"

# The outer half.

main() {
	if [ "$(id -u)" != 0 ]; then
		echo 'make soak needs root: it makes namespaces, accounts' \
		    'and file systems of its own' >&2
		exit 1
	fi
	SOAK_TMP=$(mktemp -d "$(roomy_tmp)/backshelf-soak.XXXXXX")
	chmod 711 "$SOAK_TMP"
	export SOAK_TMP
	inner=
	trap 'undo; exit 130' INT TERM HUP
	trap undo EXIT
	setpriv --pdeathsig KILL -- env --default-signal=ALRM \
	    unshare --mount --propagation private --net --ipc --uts \
	    --pid --fork --kill-child --mount-proc \
	    bash "$SOAK/run.sh" --inside </dev/null &
	inner=$!
	wait "$inner"
}

undo() {
	trap '' INT TERM HUP
	trap - EXIT
	[ -z "$inner" ] || kill_namespace "$inner" || true
	if [ -n "${SOAK_KEEP-}" ]; then
		echo "kept: $SOAK_TMP" >&2
	else
		rm -rf --one-file-system "$SOAK_TMP"
	fi
}

# The inner half.

# In short nights all comes oftener.
# shellcheck disable=SC2034 # for the parts
paces() {
	: "${SOAK_SECONDS:=$((SOAK_MINUTES * 60))}"
	PUSH_EVERY=60
	ROTATE_EVERY=120
	FAULT_EVERY=8
	AOE_PAUSE=100		# ms between an answer and the next request
	BLOCKS=512		# of each client's disk
	if [ "$SOAK_SECONDS" -lt 600 ]; then
		PUSH_EVERY=25
		ROTATE_EVERY=30
		FAULT_EVERY=4
		AOE_PAUSE=250
	fi
}

night() {
	local k
	for ((k = 1; k <= SOAK_CLIENTS; k++)); do
		HOSTNAMES[k]=$(printf 'h%02d' "$k")
	done
	touch "$T/thrown" "$T/removed" "$T/rotations" "$T/aoed.ends"
	disk_make disks 128
	disk_make store 384
	server_make
	for ((k = 1; k <= SOAK_CLIENTS; k++)); do
		client_make "$k"
	done
	BEGAN=$SECONDS
	aoed_kept &
	wait_until 20 aoed_serves_all || { cat "$T/aoed.log"; return 1; }
	awk -v seed="$SOAK_SEED" -v seconds="$SOAK_SECONDS" \
	    -v every="$FAULT_EVERY" -v clients="$SOAK_CLIENTS" \
	    -f "$SOAK/schedule.awk" >"$T/schedule"
	BEGAN=$SECONDS
	for ((k = 1; k <= SOAK_CLIENTS; k++)); do
		initiator_kept "$k" &
		LOOPS+=($!)
		pushes "$k" &
		LOOPS+=($!)
	done
	rotations &
	LOOPS+=($!)
	operator &
	LOOPS+=($!)
	watch_daemon &
	(faults "$T/schedule")
	while [ $((SECONDS - BEGAN)) -lt "$SOAK_SECONDS" ]; do
		sleep 0.5
	done
	morning
}

# Nobody begins anything new; what goes on ends.
morning() {
	local h
	note 'morning'
	: >"$T/stop"
	for h in "${HOSTNAMES[@]}"; do
		kill "$(cat "$T/c/$h/aoesoak.pid")" 2>/dev/null || true
	done
	wait "${LOOPS[@]}"
	note 'all is quiet'
}

# sshd and its sessions; the disks once more, past every cache.
server_ends() {
	kill_namespace "$SSHD_PID" || true
}

disks_again() {
	local name
	for name in disks store; do
		disk_end "$name" || return
		e2fsck -fn "$T/disk.$name/file" || return
		mount -o loop "$T/disk.$name/file" "$T/$name" || return
	done
}

inside() {
	local part
	trap - INT TERM HUP EXIT
	for part in disks server clients faults watch verdict; do
		# shellcheck source=/dev/null
		. "$SOAK/$part.bash"
	done
	# shellcheck source=tests/e2e/aoenet.bash
	. "$TOP/tests/e2e/aoenet.bash"
	declare -ga LOOPS=()
	unset AOE_CAPTURE
	export TMPDIR=$SOAK_TMP
	mkdir -p /run/netns
	mount -t tmpfs run /run/netns
	ip link set lo up
	setup_tmp
	paces
	echo "seed $SOAK_SEED, $SOAK_SECONDS seconds, $SOAK_CLIENTS clients"
	night || return
	verdict
	table
	if [ "$FAILED" -gt 0 ]; then
		echo "$FAILED checks FAILED; the last of the log:"
		tail -n 40 "$T/log"
		return 1
	fi
	echo "all checks held, $((SECONDS - BEGAN)) s; SOAK_SEED=$SOAK_SEED" \
	    "makes the same schedule"
}

if [ "${1:-}" = --inside ]; then
	inside
else
	main
fi
