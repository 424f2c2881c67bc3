#!/usr/bin/env bats
# Power fails in a server under writes: what was acknowledged is there.  The
# same cuts do lose what sync=none acknowledged, or they would prove nothing.

load ../e2e/helpers
load ../e2e/aoenet
load vm
load powercut

setup() {
	setup_tmp
	vm_build
	need nbdkit
	aoe_net 1
}

teardown() {
	run_cleanup
}

@test "sync=always: no acknowledged write is lost in power cuts" {
	local i n
	n=$(for_long 1 20)
	cut_prepare always
	for ((i = 0; i < n; i++)); do
		cut_once
		cut_lost
	done
}

@test "sync=none: the same power cut does lose acknowledged writes" {
	cut_prepare none
	cut_once
	run cut_lost
	echo "$output"
	[ "$status" = 1 ]
	[[ "$output" != "0 of "* ]]
}

@test "sync=none: what was answered before an answered FLUSH CACHE is kept" {
	local i n
	n=$(for_long 1 5)
	cut_prepare none
	for ((i = 0; i < n; i++)); do
		cut_once -f
		cut_lost
	done
}
