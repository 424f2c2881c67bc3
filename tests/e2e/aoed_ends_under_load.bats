#!/usr/bin/env bats
# The daemon ends in order, and quickly, while clients write and others send
# garbage; what it acknowledged is in the image, and the next one serves.

load helpers
load aoenet

setup() {
	setup_tmp
	aoe_net 3
	truncate -s 8M "$T/one" "$T/two"
	cat >"$T/aoed.conf" <<-TABLE
	0 $T/one $(client_mac 1) aoe0 one
	0 $T/two $(client_mac 2) aoe0 two sync=none
	TABLE
}

teardown() {
	run_cleanup
}

@test "SIGTERM under load ends the daemon in order, and clients ride it out" {
	head -c 8M /dev/urandom >"$T/data"
	start_aoed "$T/aoed.conf"
	client 2 "$TOOLS/aoegarbage" -i aoe0 -d "$SERVER_MAC" 60000 "$RANDOM" \
	    <"$BATS_TEST_DIRNAME/data/aoe_requests.hex" &
	garbage=$!
	aoe 1 -t 300 -n 1 -c 4 write 0.0 0 <"$T/data" &
	writer=$!
	for _ in 1 2 3; do
		wait_until 10 aoectl status
		kill "$AOED_PID"
		status=0
		wait "$AOED_PID" || status=$?
		[ "$status" = 0 ]
		start_aoed "$T/aoed.conf"
	done
	wait "$writer"
	wait "$garbage"
	cmp "$T/one" "$T/data"
	run grep -E 'ERROR: AddressSanitizer|runtime error|Bad file' "$T/aoed.log"
	[ "$status" = 1 ]
}
