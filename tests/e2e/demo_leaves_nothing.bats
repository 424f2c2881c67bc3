#!/usr/bin/env bats
# However the demo ends, the machine is afterwards as it was before.

load helpers

DEMO=$HELPERS_DIR/../demo.sh

setup() {
	setup_tmp
	export TMPDIR=$T/tmp
	mkdir -m 1777 "$TMPDIR"
	before=$(state)
}

teardown() {
	run_cleanup
}

# What the demo could leave: mounts, loop devices, files and processes that have
# to do with its folder, the namespaces of its network, which is the first
# process's, and interfaces.  Other tests may run meanwhile.
state() {
	grep -F "$TMPDIR" /proc/self/mountinfo
	losetup -a | grep -F "$TMPDIR"
	find "$TMPDIR" -mindepth 1
	grep -lsF "$TMPDIR/backshelf-demo" /proc/[0-9]*/environ
	ip netns list | grep '^bs1-'
	ip -o link | cut -d: -f2
	sha256sum /etc/passwd
	return 0
}

same_state() {
	local after
	after=$(state)
	diff <(echo "$before") <(echo "$after")
}

# demo_until TEXT SIGNAL [ACT]...: start the demo as a terminal would, in a group
# of its own, and signal the group when TEXT has come.
demo_until() {
	local text=$1 signal=$2
	shift 2
	set -m
	"$DEMO" "$@" >"$T/log" 2>&1 3>&- &
	pid=$!
	set +m
	on_exit kill -KILL "$pid"
	wait_until 120 demo_said "$text"
	cat "$T/log"
	grep -q "$text" "$T/log"
	kill "-$signal" -- "-$pid"
	status=0
	wait "$pid" || status=$?
}

demo_said() {
	grep -q "$1" "$T/log" || pid_is_gone "$pid"
}

@test "interrupted at the beginning" {
	demo_until '' INT 1
	[ "$status" = 130 ]
	same_state
}

@test "interrupted while the daemon serves" {
	demo_until 'one daemon serves' INT 1
	[ "$status" = 130 ]
	grep -q 'interrupted by SIGINT' "$T/log"
	same_state
}

@test "interrupted while the virtual machine boots" {
	demo_until 'mail boots' INT 1
	[ "$status" = 130 ]
	same_state
}

@test "terminated while it shows something" {
	demo_until 'A fourth machine' TERM 1
	[ "$status" = 143 ]
	same_state
}

@test "interrupted during a backup" {
	demo_until 'Tuesday\.' INT 2
	[ "$status" = 130 ]
	same_state
}

@test "a failure names the act and the line" {
	cp -R "$BIN" "$T/broken"
	printf '#!/bin/sh\necho no table today\nexit 1\n' >"$T/broken/aoectl"
	BIN=$T/broken run "$DEMO" 1
	[ "$status" = 1 ]
	[[ $output = *"FAILED in act 1, tests/demo/act1_disks.bash:"* ]]
	same_state
}

@test "without root it says in one line what it needs" {
	run unshare --user "$DEMO"
	[ "$status" = 1 ]
	[ "${#lines[@]}" = 1 ]
	[[ $output = *"needs root"* ]]
}
