# shellcheck shell=bash
# faults.bash: what goes wrong in the night.  Each function fault_NAME is given
# a client's number and a number from 0 to 999, and returns when all is well
# again, or when there was nothing to do.  What it did, it says by `threw`.
#
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The backshelf authors

WITHIN=25	# seconds to wait for a process that is to be killed

# note TEXT...: a line of the soak's log.
note() {
	printf '%4d %s\n' $((SECONDS - BEGAN)) "$*" >>"$T/log"
}

# threw TEXT...: the fault is one that has happened.
threw() {
	note "$FAULT: $*"
	echo "$FAULT" >>"$T/thrown"
}

# faults SCHEDULE: throw them when their time has come.  None waits for another,
# but none is thrown a second time while it lasts.
faults() {
	local at client dice
	while read -r at FAULT client dice; do
		while [ $((SECONDS - BEGAN)) -lt "$at" ]; do
			sleep 0.2
		done
		(
			fault_alone "$FAULT" || exit 0
			"fault_$FAULT" "$client" "$dice"
		) </dev/null >>"$T/faults.log" 2>&1 &
	done <"$1"
	wait
}

# fault_alone NAME: hold a lock on what the fault is about, until this shell
# ends.
fault_alone() {
	local fd
	exec {fd}>>"$T/lock.$1"
	flock -n "$fd" || { note "$FAULT: $1 is at fault already"; return 1; }
}

# processes COMMAND OWNER [PARENT]: the ids of those of that name, of root or
# of the account, whose parent has that name; the names are patterns.
processes() {
	local uid=0
	[ "$2" = root ] || uid=$ACCOUNT_ID
	ps -e -o pid=,ruid=,ppid=,comm= | awk -v uid="$uid" -v name="^($1)$" \
	    -v parent="^(${3:-.*})$" '
		{ comm[$1] = $4; ruid[$1] = $2; ppid[$1] = $3 }
		END {
			for (p in comm)
				if (comm[p] ~ name && ruid[p] == uid &&
				    comm[ppid[p]] ~ parent)
					print p
		}' | sort -n
}

# kill_one DICE COMMAND OWNER [PARENT]: wait until there is one, the first time
# a little more, so that it is met at any moment of its life, and kill it.
kill_one() {
	local dice=$1 end=$((SECONDS + WITHIN)) found pid
	local later
	later=0.$(printf %03d $((dice * 7 % 500)))
	shift
	while [ "$SECONDS" -lt "$end" ]; do
		mapfile -t found < <(processes "$@")
		if [ ${#found[@]} -gt 0 ]; then
			sleep "$later"
			later=0
			pid=${found[dice % ${#found[@]}]}
			if kill -9 "$pid" 2>/dev/null; then
				threw "$1 of $2 ($pid)"
				return
			fi
		fi
		sleep 0.1
	done
	note "$FAULT: no $1 of $2 was there"
}

# aoed_ends SIGNAL PID: the daemon's parent ends then, whichever process it was.
# A second one is not sent before that: an end has one cause.
aoed_ends() {
	local parent
	parent=$(cat "$T/aoed.pid")
	fault_alone aoed || return 0
	kill "$1" "$2" && threw "$2" && wait_until 60 pid_is_gone "$parent"
}

# The daemon's two processes, and what the parent opens files by.
fault_kill_aoed_parent() { aoed_ends -KILL "$(cat "$T/aoed.pid")"; }
fault_kill_aoed_serve() { aoed_ends -KILL "$(aoed_serves)"; }
fault_stop_aoed() { aoed_ends -TERM "$(cat "$T/aoed.pid")"; }

# A helper lives for as long as a file takes to open: all are opened anew.
fault_kill_aoed_helper() {
	local parent serves pid end=$((SECONDS + 3))
	parent=$(cat "$T/aoed.pid")
	serves=$(aoed_serves)
	aoectl restart &
	while [ "$SECONDS" -lt "$end" ]; do
		for pid in $(<"/proc/$parent/task/$parent/children"); do
			[ "$pid" != "$serves" ] || continue
			kill -9 "$pid" || continue
			threw "$pid"
			return
		done
	done
	note "$FAULT: none was there"
}

fault_kill_initiator() {
	kill -9 "$(cat "$T/c/${HOSTNAMES[$1]}/aoesoak.pid")" && threw "$1"
}

fault_kill_sshd() { kill_one "$2" 'sshd.*' account; }
fault_kill_guard() { kill_one "$2" validate-ssh account 'sshd.*|sh|bash|dash'; }
fault_kill_guard_child() { kill_one "$2" validate-ssh account validate-ssh; }
fault_kill_rsync_server() { kill_one "$2" rsync account; }
fault_kill_rsync_client() { kill_one "$2" rsync root; }
fault_kill_ssh() { kill_one "$2" ssh root; }
fault_kill_irsync() { kill_one "$2" irsync root; }

# Rotations are short and rare: one of its own is met.
fault_kill_rotate() {
	rotate_once "0.0$(printf %03d "$2")" || true
}

# pause DICE LOW HIGH: seconds
pause() {
	echo $(($2 + $1 % ($3 - $2 + 1)))
}

fault_full_disks() {
	threw "$(pause "$2" 3 9) s"
	disk_full disks "$(pause "$2" 3 9)"
}

fault_full_store() {
	threw "$(pause "$2" 5 20) s"
	disk_full store "$(pause "$2" 5 20)"
}

fault_slow_disks() {
	threw "$(pause "$2" 5 15) s"
	disk_slow disks "$(pause "$2" 5 15)"
}

fault_slow_store() {
	threw "$(pause "$2" 5 15) s"
	disk_slow store "$(pause "$2" 5 15)"
}

fault_hang_disks() {
	threw "$(pause "$2" 1 6) s"
	disk_hang disks "$(pause "$2" 1 6)"
}

fault_hang_store() {
	threw "$(pause "$2" 1 6) s"
	disk_hang store "$(pause "$2" 1 6)"
}

# The cable is pulled: at the server, at the switch, at the client.
fault_unplug_server() {
	fault_alone server || return 0
	ip -n "$AOE_NET-s" link set aoe0 down && threw "$(pause "$2" 1 6) s"
	sleep "$(pause "$2" 1 6)"
	ip -n "$AOE_NET-s" link set aoe0 up
}

fault_unplug_switch() {
	fault_alone "client$1" || return 0
	ip -n "$AOE_NET-w" link set "p$1" down &&
	    threw "$1, $(pause "$2" 1 12) s"
	sleep "$(pause "$2" 1 12)"
	ip -n "$AOE_NET-w" link set "p$1" up
}

fault_unplug_client() {
	fault_alone "client$1" || return 0
	ip -n "$AOE_NET-$1" link set aoe0 down &&
	    threw "$1, $(pause "$2" 1 12) s"
	sleep "$(pause "$2" 1 12)"
	ip -n "$AOE_NET-$1" link set aoe0 up
}

# The interface itself goes, and another of its name comes.
remake() {
	local space=$1 port=$2 mac=$3 address=$4
	{ ip -n "$AOE_NET-$space" link del aoe0 && threw "$space"; } || true
	sleep "$5"
	{
		echo "link add p$port mtu 9000 type veth peer name aoe0" \
		    "mtu 9000 address $mac netns $AOE_NET-$space"
		echo "link set p$port master br0"
		echo "link set p$port up"
	} | ip -n "$AOE_NET-w" -batch -
	ip -n "$AOE_NET-$space" link set aoe0 up
	ip -n "$AOE_NET-$space" addr add "$address/24" dev aoe0
}

fault_remake_server() {
	fault_alone server || return 0
	remake s 0 "$SERVER_MAC" 10.77.0.254 "$(pause "$2" 0 4)"
}

fault_remake_client() {
	fault_alone "client$1" || return 0
	remake "$1" "$1" "$(client_mac "$1")" "10.77.0.$1" "$(pause "$2" 0 4)"
}

# An hour, a day or a year, ahead or behind; and back again, which is a jump
# too.
clock_jumps() {
	local far=(3600 86400 31536000 -3600 -86400 -31536000)
	clock_set "$1" "${far[$2 % 6]}"
	threw "${far[$2 % 6]} s, for $(pause "$2" 5 40) s"
	sleep "$(pause "$2" 5 40)"
	clock_set "$1" 0
}

fault_clock_server() { clock_jumps server "$2"; }
fault_clock_clients() { clock_jumps clients "$2"; }

# A row comes or goes; a table with a fault changes nothing.
fault_table_changes() {
	local row="1 $T/disks/spare.img FF:FF:FF:FF:FF:FF aoe0 spare"
	case $(($2 % 3)) in
	0) sed -i '/ spare$/d' "$T/aoed.conf" ;;
	1)
		sed -i '/ spare$/d' "$T/aoed.conf"
		echo "$row" >>"$T/aoed.conf"
		;;
	2)
		cp "$T/aoed.conf" "$T/aoed.conf.good"
		echo '1 not-absolute x y z' >>"$T/aoed.conf"
		aoectl reload
		mv "$T/aoed.conf.good" "$T/aoed.conf"
		;;
	esac
	aoectl reload
	threw "$(($2 % 3))"
}

fault_export_stops() {
	local h=${HOSTNAMES[$1]}
	case $(($2 % 3)) in
	0)
		aoectl stop "$h"
		sleep "$(pause "$2" 1 5)"
		aoectl start "$h"
		;;
	1) aoectl restart "$h" ;;
	2) aoectl restart ;;
	esac
	threw "$h $(($2 % 3))"
}
