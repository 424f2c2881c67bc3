#!/usr/bin/env bats
# A dissector that others wrote takes apart every frame of a session, refusals
# included, and finds none malformed.

load helpers
load aoenet

setup() {
	need tshark
	setup_tmp
	aoe_net 2
	truncate -s 4M "$T/disk"
	cat >"$T/aoed.conf" <<-TABLE
	0   $T/disk $(client_mac 1) aoe0 one
	3.7 $T/disk $(client_mac 1) aoe0 two ro
	TABLE
}

teardown() {
	run_cleanup
}

start_capture() {
	ip netns exec "$AOE_NET-s" tshark -q -i aoe0 -w "$T/capture" \
	    -f 'ether proto 0x88a2' >"$T/tshark.log" 2>&1 3>&- &
	CAPTURE=$!
	on_exit kill_now "$CAPTURE"
	# It says that it captures before it does; a frame tells.
	wait_until 20 captured_one
}

captured_one() {
	aoe 2 -t 0.1 discover || true
	[ -s "$T/capture" ] && [ "$(shown eth)" -gt 0 ]
}

# shown FILTER: how many frames of the capture it shows.
shown() {
	tshark -r "$T/capture" -Y "$1" 2>/dev/null | wc -l
}

@test "tshark finds no malformed frame in a session" {
	start_aoed "$T/aoed.conf"
	start_capture
	wait_until 10 aoe 1 -t 0.5 discover
	aoe 1 identify 3.7
	head -c 1M /dev/urandom | aoe 1 write 0.0 5
	aoe 1 read 0.0 0 4096 >"$T/read"
	aoe 1 -b -n 1 read 0.0 0 64 >"$T/read"
	aoe 1 flush 0.0
	run aoe 1 read 0.0 9000 1
	[ "$status" = 2 ]
	run aoe 1 write 3.7 0 <"$T/read"
	[ "$status" = 2 ]
	grep -v '^#' "$BATS_TEST_DIRNAME/data/aoe_requests.hex" |
	    while read -r request; do
		aoe 1 -t 0.05 raw "$request" </dev/null || true
	done
	wait_until 10 last_is_captured
	kill_wait "$CAPTURE"
	[ "$(shown "aoe.response == 1")" -gt 400 ]
	[ "$(shown _ws.malformed)" = 0 ]
	# Padded to what Ethernet asks for.
	[ "$(shown "eth.src == $SERVER_MAC && frame.len < 60")" = 0 ]
}

# A question of known tag, and its answer, are at the end of the capture.
last_is_captured() {
	aoe 1 -t 2 raw 10000000000180654321 || true
	[ "$(shown "aoe.tag == 0x80654321")" -gt 0 ]
}
