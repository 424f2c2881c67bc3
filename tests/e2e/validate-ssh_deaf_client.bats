#!/usr/bin/env bats
# A client that reads nothing of what rsync says holds nothing up for longer
# than the policy lets a silent one.

load helpers
load guard

setup() {
	guard_setup
	mkdir "$T/src"
	(cd "$T/src" && touch {1..4000})
}

teardown() {
	run_cleanup
}

@test "errors that nobody reads" {
	policy 'timeout = "3s"'
	# Descriptor 2 of the guard is a pipe that is open and never read.
	mkfifo "$T/deaf"
	exec 8<>"$T/deaf"
	cat >"$T/deafrsh" <<-SCRIPT
	#!/bin/sh
	exec "$RSH" "\$@" 2>"$T/deaf"
	SCRIPT
	chmod 755 "$T/deafrsh"
	run timeout 300 rsync -e "$T/deafrsh" -a -M--msgs2stderr -vvvv \
	    "$T/src/" server:
	[ "$status" != 124 ]
	run timeout 300 rsync -e "$T/deafrsh" -a --msgs2stderr -vvvv \
	    "$T/src/" server:
	[ "$status" != 124 ]
	# The lock is free.
	push "$T/src/" server:
}

@test "who reads gets it all" {
	timeout 300 rsync -e "$RSH" -a --msgs2stderr -vvvv "$T/src/" server: \
	    >"$T/out" 2>&1
	[ "$(grep -c '^recv_file_name\|^recv_generator(.*[0-9],' "$T/out")" -ge 4000 ]
	grep -q '^backshelf: snapshot' "$T/out"
}
