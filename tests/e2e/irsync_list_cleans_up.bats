#!/usr/bin/env bats
# Listing over ssh takes a temporary folder and leaves nothing of it, also where
# that lies on a file system of its own.

load helpers
load irsync_helpers

setup() {
	setup_tmp
	server_make
	irsync_conf "$T/src"
}
teardown() { run_cleanup; }

@test "a listing says nothing on stderr and leaves no folder behind" {
	mkdir "$T/src" "$T/tmp"
	echo one >"$T/src/file"
	irsync backup
	mount -t tmpfs tmpfs "$T/tmp"
	on_exit umount "$T/tmp"
	export TMPDIR=$T/tmp
	run -0 --separate-stderr irsync list
	[ "${#lines[@]}" = 3 ]
	[ -z "$stderr" ]
	[ -z "$(ls -A "$T/tmp")" ]
	# What a killed run has left goes with the next; what another one is
	# using, what is young, and what is no such folder, stay.
	mkdir -m 700 "$T/tmp/irsync."{killed,livesX,youngX} "$T/tmp/other"
	mkdir -m 755 "$T/tmp/irsync.shared"
	ln -s other "$T/tmp/irsync.a-link"
	: >"$T/tmp/irsync.killed/record"
	touch -d '-2 min' "$T/tmp/irsync."{killed,livesX,shared} "$T/tmp/other"
	run -0 flock "$T/tmp/irsync.livesX" "$BIN/irsync" -f "$CONF" list
	[ "$(cd "$T/tmp" && echo *)" = \
	    'irsync.a-link irsync.livesX irsync.shared irsync.youngX other' ]
}
