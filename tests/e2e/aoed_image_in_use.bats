#!/usr/bin/env bats
# One image is not served by two programs.  Windows of one file do not clash,
# rows of one table that do are named in the log.

load helpers
load aoenet

setup() {
	setup_tmp
	aoe_net 2
	truncate -s 2M "$T/disk"
	echo "0 $T/disk $(client_mac 1) aoe0 one length=2048" >"$T/table"
	start_aoed "$T/table"
}

teardown() {
	run_cleanup
}

# second ROW: another daemon, with sockets and a state of its own.
second() {
	echo "$1" >"$T/table2"
	mkdir -p "$T/state2"
	ip netns exec "$AOE_NET-s" "$BIN/aoed" -d -f "$T/table2" \
	    -s "$T/aoed2.sock" -S "$T/state2" </dev/null >"$T/aoed2.log" 2>&1 3>&- &
	on_exit kill_now $!
	wait_until 10 eval 'aoectl2 status >/dev/null'
}

aoectl2() {
	"$BIN/aoectl" -s "$T/aoed2.sock" "$@"
}

@test "a second daemon does not serve it, reading or writing, until it is free" {
	second "1 $T/disk $(client_mac 2) aoe0 two ro"
	grep -q "two: not served: $T/disk: another program has locked it" \
	    "$T/aoed2.log"
	run aoectl2 start two
	[ "$status" = 1 ]
	[[ $output = *'another program has locked it'* ]]
	aoectl check
	aoectl restart one
	aoectl stop one
	aoectl2 start two
	aoe 2 identify 0.1 | grep -qx 'sectors 4096'
	run aoectl start one
	[ "$status" = 1 ]
}

# flood: write until the test says that it is enough, whoever answers.
flood() {
	while [ ! -e "$T/enough" ]; do
		aoe 1 -t 1 -c 64 write 0.0 0 <"$T/data" || true
	done >"$T/out" 2>&1
}

@test "what was killed under load is in nobody's way" {
	head -c 1M /dev/urandom >"$T/data"
	sed -i 's/$/,direct,buffers=256/' "$T/table"
	aoectl reload
	flood 3>&- & writers=$!
	flood 3>&- & writers="$writers $!"
	for _ in {1..12}; do
		wait_until 9 eval 'aoectl --json status |
		    jq -e ".exports[0].writes > 300"'
		kill_now "$AOED_PID" || true
		start_aoed "$T/table"
		aoectl --json status | jq -e '.exports[0].state == "serving"'
	done
	: >"$T/enough"
	# shellcheck disable=SC2086 # one or more
	wait $writers
}

@test "windows of one file are free to be served by two" {
	second "1 $T/disk $(client_mac 2) aoe0 two offset=2048"
	aoe 2 identify 0.1 | grep -qx 'sectors 2048'
}

@test "two that only read may share" {
	echo "0 $T/disk $(client_mac 1) aoe0 one ro" >"$T/table"
	aoectl reload
	wait_until 5 eval 'aoe 1 identify 0.0 | grep -qx "sectors 4096"'
	second "1 $T/disk $(client_mac 2) aoe0 two ro"
	aoe 2 identify 0.1 | grep -qx 'sectors 4096'
}

@test "two rows of one table that overlap are served, with a warning" {
	echo "1 $T/disk $(client_mac 2) aoe0 two offset=2048" >>"$T/table"
	echo "2 $T/disk $(client_mac 2) aoe0 three offset=2040" >>"$T/table"
	aoectl reload
	wait_until 5 eval 'aoe 2 identify 0.2 | grep -qx "sectors 2056"'
	[ "$(grep -c 'serves the same sectors' "$T/aoed.log")" = 1 ]
	grep -q "three: $T/disk: one serves the same sectors" "$T/aoed.log"
	# The one that came first ends: the other's lock takes its place.
	aoectl stop one two
	second "0 $T/disk $(client_mac 1) aoe0 one offset=2048"
	grep -q 'another program has locked it' "$T/aoed2.log"
}
