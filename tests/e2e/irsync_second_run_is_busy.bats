#!/usr/bin/env bats
# One backup at a time.

load helpers
load irsync_helpers

setup() {
	setup_tmp
	mkdir "$T/src"
	head -c 2000000 /dev/urandom >"$T/src/file"
	irsync_conf_local "$T/src"
}
teardown() { run_cleanup; }

@test "a second backup says so and ends with 75; listing does not wait" {
	# Longer than the store waits for its lock.
	echo 'bwlimit = "300K"' >>"$CONF"
	"$BIN/irsync" -f "$CONF" backup 3>&- &
	pid=$!
	wait_until 10 compgen -G \
	    "$T/store/client.example.net.snaps/.push/upper$T/src/.file.*"
	run -75 irsync backup
	[[ ${lines[0]} == *"$T/lock: another backup is running" ]]
	# With a lock of its own it is the store that says so.
	sed "s,^lock.*,lock = \"$T/lock2\"," "$CONF" >"$T/second.conf"
	run -75 "$BIN/irsync" -f "$T/second.conf" backup
	[[ $output == *"another backup of client.example.net is running"* ]]
	run -0 irsync list
	[ "$output" = "0 snapshots, 0 B on disk" ]
	wait "$pid"
	run -0 irsync list
	[[ ${lines[-1]} == "1 snapshot, "* ]]
}

@test "a lock that was left behind keeps nobody out" {
	: >"$T/lock"
	irsync backup
	rm "$T/lock"
	ln -s "$T/elsewhere" "$T/lock"
	run -1 irsync backup
	[ ! -e "$T/elsewhere" ]
}
