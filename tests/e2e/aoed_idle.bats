#!/usr/bin/env bats
# Nobody is woken while there is nothing to do, however many exports there are.
# What remains is the watchdog's sign of life, where there is one.

load helpers
load aoenet

setup() {
	setup_tmp
	aoe_net 1
}

teardown() {
	run_cleanup
}

# How often all threads have gone to sleep or been taken off, so far.
switches() {
	local pid
	for pid in "$AOED_PID" $(pgrep -P "$AOED_PID"); do
		cat "/proc/$pid"/task/*/status
	done | awk '/ctxt_switches/ { n += $2 } END { print n }'
}

# In its long form the time is longer than the half minute between questions to
# the network who else serves its addresses.
quiet_seconds() {
	local before
	before=$(switches)
	sleep "$(for_long 3 40)"
	[ "$(switches)" = "$before" ]
}

reading_is_seen() {
	aoe 1 read 0.53 0 2048 | cmp -n 1048576 - /dev/zero
	aoectl --json stats disk53 |
	    jq -e '[.. | .read_rate? // empty] | add > 100000'
}

@test "54 exports, idle: nothing wakes up; served again at once" {
	for ((i = 0; i < 54; i++)); do
		truncate -s 1M "$T/$i"
		echo "$i $T/$i $(client_mac 1) aoe0 disk$i" >>"$T/table"
	done
	start_aoed "$T/table"
	aoe 1 read 0.53 0 8 | cmp -n 4096 - /dev/zero
	wait_until "$(for_long 20 100)" quiet_seconds
	# The rates that aoectl shows begin anew with the first frame.
	wait_until 5 reading_is_seen
}
