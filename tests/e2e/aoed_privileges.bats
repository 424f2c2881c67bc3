#!/usr/bin/env bats
# The process that serves has no rights; the one that has them reads nothing
# from the network; neither outlives the other.

load helpers
load aoenet

setup() {
	setup_tmp
	aoe_net 1
	truncate -s 1M "$T/disk"
	echo "0 $T/disk $(client_mac 1) aoe0 one" >"$T/table"
}

teardown() {
	run_cleanup
}

# The child of $AOED_PID, in $SERVER.
find_server() {
	wait_until 5 pgrep -P "$AOED_PID" -f 'aoed: serve'
	SERVER=$(pgrep -P "$AOED_PID" -f 'aoed: serve')
}

# status_of PID KEY: a line of /proc/PID/status.
status_of() {
	awk -v key="$2:" '$1 == key { $1 = ""; print substr($0, 2) }' \
	    "/proc/$1/status"
}

@test "every thread that serves has no capability, another user, seccomp" {
	start_aoed "$T/table" -j 3
	find_server
	aoe 1 write 0.0 0 < <(head -c 4096 /dev/urandom)
	user=$(id -u _aoed 2>/dev/null || id -u nobody)
	[ "$(find "/proc/$SERVER/task" -mindepth 1 -maxdepth 1 | wc -l)" -ge 4 ]
	for task in "/proc/$SERVER/task"/*; do
		pid=$SERVER/task/${task##*/}
		for set in CapInh CapPrm CapEff CapAmb; do
			[ "$(status_of "$pid" $set)" = 0000000000000000 ]
		done
		[ "$(status_of "$pid" Uid)" = "$user $user $user $user" ]
		[ -z "$(status_of "$pid" Groups)" ]
		[ "$(status_of "$pid" NoNewPrivs)" = 1 ] || [ -n "${SAN:-}" ]
		[ "$(status_of "$pid" Seccomp)" = 2 ] || [ -n "${SAN:-}" ]
	done
	# Net_raw, net_admin, dac_override, dac_read_search and kill at most.
	[ $((0x$(status_of "$AOED_PID" CapPrm) & ~0x3026)) = 0 ]
	[ "$(status_of "$AOED_PID" NoNewPrivs)" = 1 ]
	# Of descriptors, it has nothing but what it serves from.
	run find "/proc/$SERVER/fd" -lname '/*' ! -lname "$T/disk" \
	    ! -lname /dev/null ! -lname "$T/aoed.log" ! -lname '/memfd*' \
	    -printf '%l\n'
	echo "$output"
	[ -z "$output" ]
	run grep 'refused' "$T/aoed.log"
	[ "$status" = 1 ]
}

@test "net_raw, dac_read_search and changing the user are enough" {
	mkdir -m 0700 "$T/private"
	truncate -s 1M "$T/private/disk"
	chown "$ACCOUNT_ID" "$T/private"
	echo "1 $T/private/disk $(client_mac 1) aoe0 two" >>"$T/table"
	caps=-all,+net_raw,+dac_read_search,+setuid,+setgid
	mkdir -p "$T/state"
	ip netns exec "$AOE_NET-s" setpriv --bounding-set "$caps" \
	    --inh-caps "$caps" "$BIN/aoed" \
	    -d -f "$T/table" -s "$T/aoed.sock" -S "$T/state" \
	    </dev/null >>"$T/aoed.log" 2>&1 3>&- &
	pid=$!
	on_exit kill_now "$pid"
	wait_until 10 aoectl status
	head -c 8192 /dev/urandom >"$T/data"
	for disk in 0.0 0.1; do
		aoe 1 write $disk 0 <"$T/data"
		aoe 1 read $disk 0 16 | cmp - "$T/data"
		# What it remembers is kept, too.
		aoe 1 raw "$(printf '10000000%s01000000070000000000030002%s' \
		    "0${disk#*.}" 6869)" | grep -q '^18'
	done
	[ "$(cd "$T/state" && echo *.json)" = 'one.json two.json' ]
	kill_wait "$pid"
	[ ! -e "$T/aoed.sock" ]
}

@test "the parent killed: the server ends, and the next one serves" {
	start_aoed "$T/table"
	find_server
	kill -9 "$AOED_PID"
	wait_until 5 pid_is_gone "$SERVER"
	start_aoed "$T/table"
	aoe 1 identify 0.0 | grep -qx 'sectors 2048'
}

@test "the server killed: the parent says so, cleans up and fails" {
	start_aoed "$T/table"
	find_server
	kill -9 "$SERVER"
	status=0
	wait "$AOED_PID" || status=$?
	[ "$status" = 1 ]
	grep -q 'serving process was ended by signal 9' "$T/aoed.log"
	[ ! -e "$T/aoed.sock" ]
	start_aoed "$T/table"
	aoe 1 identify 0.0 | grep -qx 'sectors 2048'
}

@test "-u: that user, and not root or nobody that is known" {
	start_aoed "$T/table" -u daemon
	find_server
	[ "$(status_of "$SERVER" Uid | cut -d' ' -f1)" = "$(id -u daemon)" ]
	for user in root no-such-user; do
		run "$BIN/aoed" -d -f "$T/table" -s "$T/sock2" -S "$T/state" \
		    -u $user
		[ "$status" = 78 ]
		[[ $output = *"user $user"* ]]
	done
}
