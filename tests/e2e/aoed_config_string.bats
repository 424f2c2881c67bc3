#!/usr/bin/env bats
# The config string of Query Config: read, tested, set and kept.

load helpers
load aoenet

setup() {
	setup_tmp
	aoe_net 1
	truncate -s 1M "$T/disk"
	echo "0 $T/disk $(client_mac 1) aoe0 one" >"$T/table"
	start_aoed "$T/table"
}

teardown() {
	run_cleanup
}

# ask CCMD HEXSTRING: the answer's flags and error, then its string.
ask() {
	local got
	got=$(aoe 1 -t "${WAIT:-60}" raw "$(printf '1000%04x%02x01%08x0000000000%s%s%04x%s' \
	    0 0 7 1 "$1" $((${#2} / 2)) "$2")") || return
	[ $((16#${got:32:4})) = 0 ] || printf '%s ' "${got:36:2*16#${got:32:4}}"
	echo "${got:0:4}"
}

@test "it is set once, forced, tested and read back after a kill -9" {
	[ "$(ask 0 '')" = 1800 ]
	[ "$(ask 3 6869)" = '6869 1800' ]
	[ "$(ask 3 6869)" = '6869 1800' ]
	[[ "$(ask 3 7878)" = *1c04 ]]
	[ "$(ask 1 6869)" = '6869 1800' ]
	WAIT=0.4 run ask 1 68
	[ "$status" = 1 ]
	[ "$(ask 2 68)" = '6869 1800' ]
	[ "$(ask 4 7a7a7a)" = '7a7a7a 1800' ]
	kill_now "$AOED_PID" || true
	start_aoed "$T/table"
	[ "$(ask 0 '')" = '7a7a7a 1800' ]
	[[ "$(ask 3 6869)" = *1c04 ]]
}

@test "a string that cannot be kept is not set: AoE error 3" {
	mv "$T/state" "$T/gone"
	[[ "$(ask 3 6869)" = *1c03 ]]
	[ "$(ask 0 '')" = 1800 ]
	for _ in 1 2 3 4; do
		ask 4 6869
	done
	[ "$(grep -c 'one: config string' "$T/aoed.log")" = 1 ]
}

@test "Debian's aoeping reads it and the disk's identity" {
	need aoeping
	[ "$(ask 3 6869)" = '6869 1800' ]
	client 1 aoeping -v -s 2 0 0 aoe0 >"$T/ping"
	grep -q '68 69' "$T/ping"
	grep -q "found e0.0 with mac ${SERVER_MAC//:/}" "$T/ping"
	client 1 aoeping -I -s 2 0 0 aoe0 | grep -q 'model: backshelf aoed'
}
