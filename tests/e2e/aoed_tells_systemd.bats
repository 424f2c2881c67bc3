#!/usr/bin/env bats
# What the service manager hears: ready, reloading, the state of the rows, that
# all threads are alive, stopping; and the unit that goes with it.

load helpers
load aoenet

setup() {
	setup_tmp
	need python3
	aoe_net 1
	truncate -s 1M "$T/disk"
	echo "0 $T/disk $(client_mac 1) aoe0 one" >"$T/table"
}

teardown() {
	run_cleanup
}

# listen SOCKET: each message on a line of its own in $T/heard, with | for a
# new line.  The daemon is given $NOTIFY_SOCKET.  Abstract names belong to the
# network's name space.
listen() {
	ip netns exec "$AOE_NET-s" python3 -c '
import os, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind("\0" + sys.argv[1][1:] if sys.argv[1][0] == "@" else sys.argv[1])
print("listening", flush=True)
while True:
    print(s.recv(4096).decode().replace("\n", "|"), flush=True)
' "$1" </dev/null >"$T/heard" 2>&1 3>&- &
	on_exit kill_now $!
	wait_until 5 grep -q listening "$T/heard"
	export NOTIFY_SOCKET=$1
}

heard() {
	grep -Eq "$1" "$T/heard"
}

# heard_alive N: so often at least.
heard_alive() {
	[ "$(grep -c WATCHDOG=1 "$T/heard")" -ge "$1" ]
}

# Nothing more comes in three times the time in which it ought to.
no_more_alive() {
	local n
	n=$(grep -c WATCHDOG=1 "$T/heard")
	sleep 0.6
	! heard_alive $((n + 1))
}

# The n-th message is that one.
nth() {
	sed -n "$((1 + $1))p" "$T/heard" | grep -Eqx "$2"
}

@test "ready when it serves, reloading, status, stopping, in that order" {
	listen "$T/notify"
	echo "1 $T/missing $(client_mac 1) aoe0 two" >>"$T/table"
	start_aoed "$T/table"
	wait_until 5 heard '^STATUS'
	nth 1 'READY=1'
	nth 2 'STATUS=2 rows: 1 serving, 0 waiting, 0 stopped, 1 failed'
	sed -i 2d "$T/table"
	kill -HUP "$AOED_PID"
	wait_until 5 heard 'STATUS=1 rows: 1 serving'
	nth 3 'RELOADING=1\|MONOTONIC_USEC=[0-9]+'
	nth 4 'READY=1'
	stop_aoed
	wait_until 5 heard '^STOPPING=1'
	run grep WATCHDOG "$T/heard"
	[ "$status" = 1 ]
}

@test "the watchdog hears of us while all threads turn, and not when one hangs" {
	listen "@backshelf$$"
	export WATCHDOG_USEC=400000
	start_aoed "$T/table" -j 2
	wait_until 5 heard_alive 4
	# Stop one of the workers.
	server=$(pgrep -P "$AOED_PID" -f 'aoed: serve')
	kill -STOP "$server"
	wait_until 5 no_more_alive
	n=$(grep -c WATCHDOG=1 "$T/heard")
	kill -CONT "$server"
	wait_until 5 heard_alive $((n + 1))
	# A watchdog of somebody else's.
	stop_aoed
	: >"$T/heard"
	WATCHDOG_PID=1 start_aoed "$T/table"
	wait_until 5 heard READY
	sleep 0.5
	run grep WATCHDOG "$T/heard"
	[ "$status" = 1 ]
}

@test "a socket that is not there is said, and the daemon serves" {
	NOTIFY_SOCKET=$T/nowhere start_aoed "$T/table"
	grep -q 'NOTIFY_SOCKET: No such file' "$T/aoed.log"
	aoe 1 identify 0.0 | grep -qx 'sectors 2048'
}
