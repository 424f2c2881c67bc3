#!/bin/bash
# bench_guard.sh: what the guard adds to a connection.
#
#	/bin/true	the forced command that does least
#	validate-ssh	ours, with a policy of 50 clients and a log file
#	rrsync		rsync's own, a Python script
#
# A client asks for `true`, which both guards answer, through one real sshd, by
# turns.  Each key has a connection that stays open, and what is measured is a
# session on it: the key exchange, which is the same for all and takes most of
# the time, would only add noise.  What counts is the difference of the medians.
#
# ROUNDS in the environment: 100.
#
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The backshelf authors
set -euE
# shellcheck source=tests/e2e/helpers.bash
. "$TOP/tests/e2e/helpers.bash"
ROUNDS=${ROUNDS:-100}
KINDS=(true validate-ssh rrsync)
trap 'echo "bench_guard.sh:$LINENO: $BASH_COMMAND failed" >&2' ERR
RRSYNC=$(command -v rrsync) || {
	echo 'rrsync is not installed' >&2
	exit 1
}
setup_tmp
trap run_cleanup EXIT

make_policy() {
	local i
	{
		echo "root = '$T/home/$ACCOUNT'"
		echo "log = '$T/home/$ACCOUNT/guard.log'"
		for ((i = 0; i < 50; i++)); do
			echo "client 'client$i' { from = { '127.0.0.0/8' } }"
		done
	} >"$T/sshguard.conf"
}

# Each kind has a key and a connection of its own.
open_connections() {
	local kind
	for kind in "${KINDS[@]}"; do
		ssh-keygen -q -t ed25519 -N '' -f "$T/$kind"
		SSH_KEY=$T/$kind
		case $kind in
		true) authorize_command /bin/true ;;
		validate-ssh) authorize client25 ;;
		rrsync) authorize_command "$RRSYNC $T/home/$ACCOUNT" ;;
		esac
		ssh -F "$SSH_CONF" -i "$T/$kind" -o ControlMaster=yes \
		    -o ControlPath="$T/$kind.mux" -N server \
		    </dev/null >/dev/null 2>&1 &
		on_exit kill_now $!
		wait_until 20 test -S "$T/$kind.mux"
	done
}

# session KIND: microseconds of one session.
session() {
	local t0 t1
	t0=${EPOCHREALTIME/./}
	ssh -F "$SSH_CONF" -o ControlPath="$T/$1.mux" server true </dev/null
	t1=${EPOCHREALTIME/./}
	echo $((t1 - t0)) >>"$T/$1.us"
}

median() {
	sort -n "$T/$1.us" | sed -n "$(((ROUNDS + 1) / 2))p"
}

start_sshd
sed -i '/IdentityFile/d' "$SSH_CONF"
make_policy
open_connections
for ((i = 0; i < 5; i++)); do
	for kind in "${KINDS[@]}"; do session "$kind"; done
done
rm "$T"/*.us
for ((i = 0; i < ROUNDS; i++)); do
	for kind in "${KINDS[@]}"; do session "$kind"; done
done
base=$(median true)
guard=$(($(median validate-ssh) - base))
rrsync=$(($(median rrsync) - base))
awk -v b="$base" -v g="$guard" -v r="$rrsync" -v n="$ROUNDS" 'BEGIN {
	printf "a session that answers \"true\", median of %d:\n", n
	printf "%-14s %8s %12s\n", "", "ms", "adds ms"
	printf "%-14s %8.2f %12s\n", "/bin/true", b / 1000, "-"
	printf "%-14s %8.2f %12.2f\n", "validate-ssh", (b + g) / 1000, g / 1000
	printf "%-14s %8.2f %12.2f\n", "rrsync", (b + r) / 1000, r / 1000
	printf "validate-ssh adds %.3f of what rrsync adds (may: 0.1), ", g / r
	printf "and %.2f ms (may: 5)\n", g / 1000
	exit !(g < 5000 && g < r / 10)
}'
