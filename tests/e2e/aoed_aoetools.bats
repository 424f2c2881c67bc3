#!/usr/bin/env bats
# Debian's aoetools, in user space, with aoed.

load helpers
load aoenet

setup() {
	need aoeping
	setup_tmp
	aoe_net 2
	truncate -s 4M "$T/disk"
	echo "0.2 $T/disk $(client_mac 1) aoe0 one" >"$T/aoed.conf"
	start_aoed "$T/aoed.conf"
}

teardown() {
	run_cleanup
}

# ping K ARGUMENT...: aoeping waits for ever where nobody answers.
ping() {
	local k=$1
	shift
	client "$k" timeout "${WAIT:-60}" aoeping "$@" aoe0
}

@test "aoeping has its config answered" {
	ping 1 0 2
}

@test "aoeping shows what the disk says of itself" {
	run ping 1 -I 0 2
	[ "$status" = 0 ]
	[[ $output = *'model: backshelf aoed'* ]]
}

@test "aoeping's SMART commands are done, or aborted where there is nothing" {
	local smart
	for smart in enable return_status read_data read_log:0 \
	    read_log:1; do
		ping 1 -S "$smart" 0 2
	done
	for smart in offline_immediate:1 read_log:6; do
		run ping 1 -S "$smart" 0 2
		[ "$status" != 0 ]
		[[ $output = *abort* ]]
	done
	run ping 1 -S write_log:128 0 2 < <(head -c 512 /dev/zero)
	[[ $output = *abort* ]]
	ping 1 -S disable 0 2
	# It says by itself that there is no SMART then.
	run ping 1 -S read_data 0 2
	[ "$status" != 0 ]
}

# cfg K ARGUMENT...: aoecfg, which waits for ever too.
cfg() {
	local k=$1
	shift
	client "$k" timeout "${WAIT:-60}" aoecfg "$@" 0 2 aoe0
}

@test "aoecfg sets the config string and reads it" {
	cfg 1 -c set -s 'rack 7'
	cfg 1 | grep -q 'rack 7'
	cfg 1 -c test -s 'rack 7' | grep -q 'rack 7'
	cfg 1 -c prefix -s rack | grep -q 'rack 7'
	cfg 1 -c set -s 'rack 8' || true
	cfg 1 | grep -q 'rack 7'
	cfg 1 -c fset -s 'rack 8'
	cfg 1 | grep -q 'rack 8'
	WAIT=1 run cfg 1 -c test -s 'rack 7'
	[ "$status" = 124 ]
}

@test "aoeping of a client that the table does not name waits in vain" {
	WAIT=1 run ping 2 0 2
	[ "$status" = 124 ]
}
