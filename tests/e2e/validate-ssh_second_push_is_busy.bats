#!/usr/bin/env bats
# While one push of a client runs, a second one is told so; other clients push.

load helpers
load guard

setup() {
	guard_setup
	mkdir "$T/src"
	head -c 3000000 /dev/urandom >"$T/src/big"
}

teardown() {
	run_cleanup
}

@test "the second push fails with a status of its own" {
	rsync -e "$RSH" -aHAX --bwlimit=100 "$T/src/" server: 3>&- &
	pid=$!
	on_exit kill "$pid"
	wait_until 10 grep -q 'ssh command accepted' "$GUARD_LOG"
	wait_until 10 test -e "$SNAPS/.push"
	run push "$T/src/" server:
	[[ $output = *"another push of this client is running"* ]]
	[ "$status" != 0 ]
	run guard rsync --server -r . "$CLIENT.full"
	[ "$status" = 75 ]
	# Nobody else waits for it.
	GUARD_AS=zeus.example.net push --bwlimit=0 --exclude=big "$T/src/" server:
	[ -L "$STORE/zeus.example.net.full" ]
	kill -9 "$pid"
	wait "$pid" || true
	wait_until 10 grep -q 'is kept for the next' "$GUARD_LOG"
	push "$T/src/" server:
	snapshot_count 1
	cmp "$T/src/big" "$FULL/big"
}
