# shellcheck shell=bash
# clients.bash: the clients of the soak.  Client K has a disk over AoE, which
# aoesoak writes, and a folder that irsync pushes.
#
#	$T/c/HOST/ledger	what aoesoak was promised
#	$T/c/HOST/src		the folder
#	$T/c/HOST/gen/N		what a restore of its Nth state would bring
#	$T/c/HOST/seen/STAMP	what the snapshot was when it was first seen
#	$T/c/HOST/pushes	a line for each push: state, exit status, stamp
#
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The backshelf authors

client_make() {
	local h=${HOSTNAMES[$1]} dir=$T/c/${HOSTNAMES[$1]}
	mkdir -p "$dir"/{gen,seen,state,tmp}
	cat >"$dir/irsync.conf" <<-CONF
	storage = "server:$T/store/root"
	host = "$h"
	identity = "$T/keys/$h"
	ssh_config = "$SSH_CONF"
	ssh_options = { "ServerAliveInterval=5", "ServerAliveCountMax=3" }
	paths = { "$dir/src" }
	bwlimit = "1M"
	retries = 1
	retry_pause = "2s"
	timeout = "20s"
	lock = "$dir/lock"
	state = "$dir/state"
	CONF
}

# initiator_kept K: aoesoak, started again when it was killed.
initiator_kept() {
	local h=${HOSTNAMES[$1]} rc pid
	while [ ! -e "$T/stop" ]; do
		ip netns exec "$AOE_NET-$1" "$TOOLS/aoesoak" -i aoe0 \
		    -d "$SERVER_MAC" -a 0.0 -e "$1" -l "$T/c/$h/ledger" \
		    -n "$BLOCKS" -p "$AOE_PAUSE" -s "$SOAK_SEED$1$SECONDS" \
		    </dev/null >>"$T/c/$h/aoesoak.log" 2>&1 &
		pid=$!
		echo "$pid" >"$T/c/$h/aoesoak.pid"
		rc=0
		wait "$pid" 2>/dev/null || rc=$?
		case $rc in
		0 | 137) ;;
		*) echo "aoesoak of $h ended with $rc" >>"$T/wrong.initiators" ;;
		esac
		sleep 0.2
	done
}

# client_irsync K ARGUMENT...: irsync as that client.
client_irsync() {
	local k=$1 dir=$T/c/${HOSTNAMES[$1]}
	shift
	by_clock clients
	TMPDIR=$dir/tmp "${BY[@]}" ip netns exec "$AOE_NET-$k" \
	    "$BIN/irsync" -f "$dir/irsync.conf" "$@"
}

# push_once K: change the folder, push it, and look at what there is in the
# store then.
push_once() {
	local k=$1 h=${HOSTNAMES[$1]} dir=$T/c/${HOSTNAMES[$1]} g rc=0 stamp
	g=$(($(cat "$dir/generation" 2>/dev/null || echo 0) + 1))
	echo "$g" >"$dir/generation"
	python3 "$SOAK/tree.py" change "$dir/src" "$SOAK_SEED $h" "$g"
	python3 "$SOAK/tree.py" meant "$dir/src" >"$dir/gen/$g"
	client_irsync "$k" --json backup >"$dir/out" 2>"$dir/err" || rc=$?
	# What the operator says when the clock was set back.
	if [ $rc = 77 ] && grep -q 'allow-clock-back' "$dir/err"; then
		cat "$dir/err" >>"$dir/log"
		echo "$g clock-back -" >>"$dir/pushes"
		rc=0
		client_irsync "$k" --json --allow-clock-back backup \
		    >"$dir/out" 2>"$dir/err" || rc=$?
	fi
	stamp=$(jq -r '.snapshot // "-"' "$dir/out" 2>/dev/null || echo -)
	cat "$dir/out" "$dir/err" >>"$dir/log"
	snapshots_see "$h"
	echo "$g $rc ${stamp:--}" >>"$dir/pushes"
	if [ $rc = 0 ]; then
		snapshot_is "$h" "$stamp" "$g"
	fi
	return $rc
}

# snapshot_is HOST STAMP GENERATION: a push that reported success has made it.
snapshot_is() {
	local name=$T/c/$1/seen/$2
	if [ ! -e "$name" ]; then
		echo "$1 $2 was reported, and is not there"
	elif [ "$(cat "$name.generation")" != "$3" ]; then
		echo "$1 $2 was reported for state $3, and holds" \
		    "$(cat "$name.generation")"
	fi >>"$T/wrong.pushes"
}

# snapshots_see HOST: write down each snapshot that was not there before, and
# hold it against the states that the folder has had.
snapshots_see() {
	local dir stamp seen=$T/c/$1/seen
	for dir in "$T/store/root/$1.snaps"/2*; do
		stamp=${dir##*/}
		[ -d "$dir" ] || continue
		[ ! -e "$seen/$stamp" ] || continue
		python3 "$SOAK/tree.py" stored "$dir" >"$seen/.new" &&
		    snapshot_meant "$1" "$dir" "$stamp" &&
		    mv "$seen/.new" "$seen/$stamp"
	done
}

# snapshot_meant HOST DIR STAMP: is it one of the folder's states, whole?
snapshot_meant() {
	local g c=$T/c/$1 top
	top=$2$T/c/$1/src
	g=$(cat "$top/GENERATION" 2>/dev/null || echo none)
	if grep -q '"status": *"partial"' "${2%/*}/.meta/$3.json"; then
		g=partial
	elif ! python3 "$SOAK/tree.py" meant "$top" >"$c/meant" ||
	    ! diff "$c/gen/$g" "$c/meant" >"$c/difference"; then
		[ -d "$2" ] || return 1		# rotated meanwhile
		echo "$1 $3 is not state $g: $(head -c 500 "$c/difference")" \
		    >>"$T/wrong.snapshots"
	fi
	echo "$g" >"$c/seen/$3.generation"
}

# pushes K: one in PUSH_EVERY seconds, each client at a moment of its own.
pushes() {
	local next=$((SECONDS + ($1 - 1) * PUSH_EVERY / SOAK_CLIENTS))
	while [ ! -e "$T/stop" ]; do
		if [ "$SECONDS" -ge "$next" ]; then
			next=$((next + PUSH_EVERY))
			push_once "$1" || true
		else
			sleep 0.5
		fi
	done
}
