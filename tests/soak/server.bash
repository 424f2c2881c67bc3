# shellcheck shell=bash
# server.bash: the backup server of the soak: aoed, kept alive as its unit would
# keep it, sshd with validate-ssh, a rotation now and then, and an operator who
# looks at all of it.
#
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The backshelf authors

HOSTNAMES=()		# the clients' names, from 1
KEEP=3			# rotate.conf's keep-last

# by_clock CLOCK: set BY to what runs a command by that clock, "server" or
# "clients".
by_clock() {
	BY=(env "SOAK_CLOCK=$T/clock.$1" "LD_PRELOAD=$T/clock.so"
	    ASAN_OPTIONS=verify_asan_link_order=0)
}

clocks_make() {
	cp "$B/tests/soak/clock.so" "$T"
	head -c 8 /dev/zero | tee "$T/clock.server" >"$T/clock.clients"
	chmod 644 "$T"/clock.*
}

# clock_set CLOCK SECONDS: this far ahead, from now on, for all that runs.
clock_set() {
	python3 -c '
import struct, sys
with open(sys.argv[1], "r+b") as f:
    f.write(struct.pack("q", int(sys.argv[2])))' "$T/clock.$1" "$2"
}

# The clock's seconds, as the programs see them.
clock_now() {
	echo $(($(date +%s) + $(od -An -t d8 "$T/clock.$1")))
}

# server_make: stores, policies, table, keys, interfaces.
server_make() {
	local k h
	clocks_make
	aoe_net "$SOAK_CLIENTS"
	server_address
	mkdir -p "$T/disks/state" "$T/store/root" "$T/keys"
	chown "$ACCOUNT_ID:$ACCOUNT_ID" "$T/store/root"
	{
		echo "root = \"$T/store/root\""
		echo 'pull = true'
		echo 'timeout = "20s"'
		echo "log = \"$T/home/$ACCOUNT/guard.log\""
	} >"$T/sshguard.conf"
	for ((k = 1; k <= SOAK_CLIENTS; k++)); do
		h=${HOSTNAMES[k]}
		truncate -s "$((BLOCKS * 4))K" "$T/disks/$h.img"
		echo "0 $T/disks/$h.img $(client_mac "$k") aoe0 $h"
		echo "client \"$h\" {}" >>"$T/sshguard.conf"
	done >"$T/aoed.conf"
	truncate -s 1M "$T/disks/spare.img"
	chmod -R go+rX "$T/disks"
	printf '%s\n' "root = \"$T/store/root\"" "keep-last = $KEEP" \
	    'push-age = "1h"' >"$T/rotate.conf"
	server_sshd
}

# Addresses for ssh, on the interfaces that AoE goes over as well.
server_address() {
	local k
	ip -n "$AOE_NET-s" link set lo up
	ip -n "$AOE_NET-s" addr add 10.77.0.254/24 dev aoe0
	for ((k = 1; k <= SOAK_CLIENTS; k++)); do
		client_address "$k"
	done
}

client_address() {
	ip -n "$AOE_NET-$1" addr add "10.77.0.$1/24" dev aoe0
}

# shellcheck disable=SC2034 # for helpers.bash
server_sshd() {
	local k h
	SSHD_ADDRESS=10.77.0.254
	SSHD_SPACE=(ip netns exec "$AOE_NET-s")
	start_sshd
	by_clock server
	for ((k = 1; k <= SOAK_CLIENTS; k++)); do
		h=${HOSTNAMES[k]}
		ssh-keygen -q -t ed25519 -N '' -C "$h" -f "$T/keys/$h"
		SSH_KEY=$T/keys/$h
		authorize_command \
		    "${BY[*]} $BIN/validate-ssh -f $T/sshguard.conf $h"
	done
}

# aoed_kept: what systemd does for the unit, Restart=on-failure with a pause of
# 200 ms.  It notes the process's id, and how each one ended.
aoed_kept() {
	local rc pid
	by_clock server
	while [ ! -e "$T/stop.aoed" ]; do
		"${BY[@]}" ip netns exec "$AOE_NET-s" "$BIN/aoed" -d \
		    -f "$T/aoed.conf" -s "$T/aoed.sock" -S "$T/disks/state" \
		    </dev/null >>"$T/aoed.log" 2>&1 &
		pid=$!
		echo "$pid" >"$T/aoed.pid"
		rc=0
		wait "$pid" 2>/dev/null || rc=$?
		note "aoed: ended with $rc"
		echo "$rc" >>"$T/aoed.ends"
		sleep 0.2
	done
}

# aoed_serves: the id of the process that serves; the others below the parent
# are root's.
aoed_serves() {
	ps -o pid=,ruid= --ppid "$(cat "$T/aoed.pid")" |
	    awk '$2 != 0 { print $1; exit }'
}

aoed_serves_all() {
	aoectl --json status | jq -e --argjson n "$SOAK_CLIENTS" \
	    '[.exports[] | select(.state == "serving")] | length >= $n'
}

# rotate_once PAUSE: rotate, and hold against the rules what went; killed after
# PAUSE seconds, unless they are "-".  How each ended is in $T/rotations.
rotate_once() (
	exec 8>>"$T/lock.rotation"
	flock 8
	rc=0
	now=$(clock_now server)
	store_list >"$T/rotate.before"
	by_clock server
	setpriv --reuid "$ACCOUNT_ID" --regid "$ACCOUNT_ID" --clear-groups -- \
	    "${BY[@]}" "$BIN/irsync-rotate" -f "$T/rotate.conf" \
	    >>"$T/rotate.log" 2>&1 8>&- &
	if [ "$1" != - ]; then
		sleep "$1"
		kill -9 $! && threw "after $1 s"
	fi
	wait $! || rc=$?
	store_list >"$T/rotate.after"
	echo "$rc" >>"$T/rotations"
	# What it took the time for is not known if the clock has jumped.
	case $(($(clock_now server) - now)) in
	-* | ????*) now=jumped ;;
	esac
	python3 "$SOAK/retain.py" "$KEEP" "$now" \
	    "$T/rotate.before" "$T/rotate.after" "$T/removed" \
	    >>"$T/wrong.rotate" 2>&1 ||
	    note "irsync-rotate removed what it should have kept"
	exit $rc
)

# store_list: "HOST STAMP STATUS STARTED" for each snapshot.
store_list() {
	local dir record
	for dir in "$T"/store/root/*.snaps/2*; do
		[ -d "$dir" ] || continue
		record=${dir%/*}/.meta/${dir##*/}.json
		[ -e "$record" ] || continue
		echo "$(basename "${dir%/*}" .snaps) ${dir##*/} $(sed -E \
		    's/.*"status": *"([a-z]*)".*"started": *(-?[0-9]*).*/\1 \2/' \
		    "$record" 2>/dev/null)"
	done
}

rotations() {
	local end
	while [ ! -e "$T/stop" ]; do
		end=$((SECONDS + ROTATE_EVERY))
		while [ "$SECONDS" -lt "$end" ] && [ ! -e "$T/stop" ]; do
			sleep 1
		done
		rotate_once - || true
	done
}

# operator: what people and monitors ask all night long.  An export whose disk
# has failed is started again, as its manual says.
operator() {
	local k h i=0
	while [ ! -e "$T/stop" ]; do
		k=$((1 + i % SOAK_CLIENTS))
		h=${HOSTNAMES[k]}
		case $((i % 7)) in
		0) aoectl status ;;
		1) aoectl --json stats ;;
		2) aoectl check ;;
		3) aoe "$k" -t 1 discover ;;
		4) client_irsync "$k" list ;;
		5) as_account "$BIN/irsync-rotate" usage -f "$T/rotate.conf" ;;
		6) client_irsync "$k" status ;;
		esac
		aoectl --json status | jq -r '.exports[] |
		    select(.state == "failed") | .alias' |
		    while read -r h; do
			note "operator: $h has failed, restarted"
			aoectl restart "$h"
		done
		i=$((i + 1))
		sleep 3
	done >>"$T/operator.log" 2>&1
}
