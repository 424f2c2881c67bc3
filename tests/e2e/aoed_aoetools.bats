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
	client "$k" timeout 3 aoeping "$@" aoe0
}

@test "aoeping has its config answered" {
	ping 1 0 2
}

@test "aoeping shows what the disk says of itself" {
	run ping 1 -I 0 2
	[ "$status" = 0 ]
	[[ $output = *'model: backshelf aoed'* ]]
}

@test "aoeping's SMART commands are answered, done or refused" {
	local command
	for command in enable disable status read_data; do
		run ping 1 -S "$command" 0 2
		# An alarm or a time-out is no answer.
		[ "$status" -lt 124 ]
	done
}

@test "aoeping of a client that the table does not name waits in vain" {
	run ping 2 0 2
	[ "$status" = 124 ]
}
