#!/usr/bin/env bats
# A hundred thousand (LONG=1: a million) damaged requests leave the daemon serving, the same
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

# garbage N: that many damaged frames from client 1, made from those on stdin.
garbage() {
	client 1 "$TOOLS/aoegarbage" -i aoe0 -d "$SERVER_MAC" "$1" "$RANDOM" \
	    >>"$T/garbage"
}

# What is made from a mask list or a reservation may well shut its sender out.
forget() {
	aoectl stop one
	rm -f "$T/state/one.json"
	aoectl start one
}

@test "damaged frames leave the daemon serving" {
	local seeds=$BATS_TEST_DIRNAME/data/aoe_requests.hex i
	start_aoed "$T/aoed.conf"
	grep -v '^10000000000[23]' "$seeds" >"$T/seeds"
	for i in 1 2 3 4 5; do
		garbage "$(for_long 18000 190000)" <"$T/seeds"
		forget
	done
	grep '^10000000000[23]' "$seeds" >"$T/seeds"
	for ((i = 0; i < $(for_long 50 250); i++)); do
		garbage 200 <"$T/seeds"
		forget
	done
	grep -Eq ', [1-9][0-9]+ answers' "$T/garbage"
	[ "$(awk '{ n += $1 } END { print n }' "$T/garbage")" -ge \
	    "$(for_long 100000 1000000)" ]
	kill -0 "$AOED_PID"
	head -c 1M /dev/urandom >"$T/data"
	aoe 1 write 0.0 100 <"$T/data"
	aoe 1 read 0.0 100 2048 | cmp - "$T/data"
	aoe 2 read 0.0 0 16384 | cmp - "$T/two.before"
	cmp "$T/two" "$T/two.before"
	stop_aoed
	run grep -E 'ERROR: AddressSanitizer|runtime error' "$T/aoed.log"
	[ "$status" = 1 ]
}
