#!/usr/bin/env bats
# A hundred thousand damaged requests leave the daemon serving, the same
# process, and another client's disk as it was.

load helpers
load aoenet

setup() {
	setup_tmp
	aoe_net 2
	truncate -s 8M "$T/one"
	head -c 8M /dev/urandom >"$T/two"
	cp "$T/two" "$T/two.before"
	cat >"$T/aoed.conf" <<-TABLE
	0 $T/one $(client_mac 1) aoe0 one sync=none
	0 $T/two $(client_mac 2) aoe0 two
	TABLE
}

teardown() {
	run_cleanup
}

@test "damaged frames leave the daemon serving" {
	start_aoed "$T/aoed.conf"
	client 1 "$TOOLS/aoegarbage" -i aoe0 -d "$SERVER_MAC" 100000 "$RANDOM" \
	    <"$BATS_TEST_DIRNAME/data/aoe_requests.hex" | tee "$T/garbage"
	grep -Eq ', [1-9][0-9]+ answers' "$T/garbage"
	kill -0 "$AOED_PID"
	head -c 1M /dev/urandom >"$T/data"
	aoe 1 write 0.0 100 <"$T/data"
	aoe 1 read 0.0 100 2048 | cmp - "$T/data"
	aoe 2 read 0.0 0 16384 | cmp - "$T/two.before"
	cmp "$T/two" "$T/two.before"
	stop_aoed
	run grep -E 'Sanitizer|runtime error' "$T/aoed.log"
	[ "$status" = 1 ]
}
