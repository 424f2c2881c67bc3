#!/usr/bin/env bats
# Three clients, three rows, all of them slot 0: each client finds and reaches
# its own disk and no other.

load helpers
load aoenet

setup() {
	setup_tmp
	aoe_net 3
	for k in 1 2 3; do
		truncate -s ${k}M "$T/disk$k"
		echo "0 $T/disk$k $(client_mac $k) aoe0 client$k" >>"$T/table"
	done
}

teardown() {
	run_cleanup
}

@test "each client discovers one disk and writes to it alone" {
	start_aoed "$T/table"
	for k in 1 2 3; do
		wait_until 5 eval "aoe $k -t 0.5 discover >'$T/seen'"
		mapfile -t lines <"$T/seen"
		[ "${#lines[@]}" = 1 ]
		[[ ${lines[0]} = "e0.0 $SERVER_MAC 64 17 "* ]]
		aoe $k identify 0.0 | grep -qx "sectors $((k * 2048))"
		head -c 1M /dev/urandom >"$T/data$k"
		aoe $k write 0.0 0 <"$T/data$k"
	done
	for k in 1 2 3; do
		cmp -n 1048576 "$T/data$k" "$T/disk$k"
		aoe $k read 0.0 0 2048 | cmp - "$T/data$k"
	done
}

@test "every client has a serial number of its own, the same next time" {
	start_aoed "$T/table"
	aoe 1 identify 0.0 | grep serial >"$T/one"
	aoe 2 identify 0.0 | grep serial >"$T/two"
	run cmp -s "$T/one" "$T/two"
	[ "$status" = 1 ]
	stop_aoed
	start_aoed "$T/table"
	aoe 1 identify 0.0 | grep serial | cmp - "$T/one"
}

@test "another client's frames get no answer" {
	echo "1 $T/disk3 $(client_mac 3) aoe0 only3" >>"$T/table"
	start_aoed "$T/table"
	aoe 3 identify 0.1 | grep -q sectors
	run aoe 1 -t 0.5 identify 0.1
	[ "$status" = 1 ]
}

@test "a row that names the client stands before the one for all" {
	truncate -s 9M "$T/disk9"
	echo "0 $T/disk9 FF:FF:FF:FF:FF:FF aoe0 rest" >"$T/table"
	echo "0 $T/disk2 $(client_mac 2) aoe0 two" >>"$T/table"
	start_aoed "$T/table"
	aoe 1 identify 0.0 | grep -qx "sectors $((9 * 2048))"
	aoe 2 identify 0.0 | grep -qx "sectors $((2 * 2048))"
	wait_until 5 eval "aoe 2 -t 0.5 discover >'$T/seen'"
	[ "$(wc -l <"$T/seen")" = 1 ]
}

# The program that the kernel steers by and our own arithmetic must agree, or
# every other frame takes the way round.
@test "the kernel gives each frame to the worker that owns its export" {
	start_aoed "$T/table" -j 4
	for k in 1 2 3; do
		aoe $k read 0.0 0 512 >/dev/null
	done
	aoectl --json stats | jq -e '[.workers[].handed] | add == 0'
	aoectl --json stats | jq -e '.workers | length == 4'
}

@test "frames for an export for all come to its owner, whoever sends them" {
	echo "0 $T/disk1 FF:FF:FF:FF:FF:FF aoe0 all" >"$T/table"
	echo "0 $T/disk2 $(client_mac 2) aoe0 two" >>"$T/table"
	start_aoed "$T/table" -j 4
	for m in 11 12 13 14 15; do
		aoe 1 -s 02:00:00:00:01:$m read 0.0 0 256 |
		    cmp - <(head -c 131072 "$T/disk1")
	done
	aoe 2 read 0.0 0 256 | cmp - <(head -c 131072 "$T/disk2")
	aoectl --json stats | jq -e '[.workers[].handed] | add == 0'
}

# Two rows, of 24 clients each: some of these cannot be told apart by the
# kernel's program.
@test "an export is reached whichever worker a frame comes to" {
	local k m macs
	for k in 1 2; do
		macs=$(printf ",02:00:00:00:0$k:%02x" {16..39})
		echo "0 $T/disk$k ${macs#,} aoe0 many$k" >>"$T/rows"
	done
	start_aoed "$T/rows" -j 4
	for k in 1 2; do
		for m in {16..39}; do
			aoe $k -s "$(printf "02:00:00:00:0$k:%02x" "$m")" \
			    read 0.0 0 16 | cmp - <(head -c 8192 "$T/disk$k")
		done
	done
	aoectl --json stats | jq -e '[.workers[].handed] | add > 0'
}
