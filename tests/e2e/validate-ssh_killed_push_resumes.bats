#!/usr/bin/env bats
# Whatever is killed in the middle of a push: no snapshot comes of it, nothing
# runs on, and the next push goes on from there.

load helpers
load guard

setup() {
	need pgrep
	guard_setup
	mkdir -p "$T/src"
	local i
	for i in 1 2 3 4 5 6 7 8; do
		head -c 200000 /dev/urandom >"$T/src/file$i"
	done
}

teardown() {
	run_cleanup
}

# The guard's and rsync's processes of this test, and of no other.
guards() {
	pgrep -u "$ACCOUNT_ID" -f "validate-ssh -f $T/"
}

# The oldest is not always the one with the lowest number.
the_guard() {
	pgrep -o -u "$ACCOUNT_ID" -f "validate-ssh -f $T/"
}

rsyncs() {
	local p
	for p in $(guards); do
		pgrep -P "$p"
	done
}

upper_has() {
	[ -n "$(find "$SNAPS/.push" -name "$1")" ]
}

start_push() {
	rsync -e "$RSH" -aHAX --bwlimit=300 "$T/src/" server: \
	    >"$T/out" 2>&1 3>&- &
	pid=$!
	on_exit kill -9 "$pid"
	wait_until 10 upper_has file2
}

finish() {
	wait "$pid" || true
	wait_until 15 no_guards
	snapshot_count 0
	run push --stats "$T/src/" server:
	[ "$status" = 0 ]
	snapshot_count 1
	# What had arrived was not sent again.
	local sent
	sent=$(sed -n 's/^Number of regular files transferred: //p' <<<"$output")
	[ "$sent" -lt 8 ]
	push "server:$CLIENT.full/" "$T/back/"
	python3 "$BATS_TEST_DIRNAME/sametree.py" -T "$T/src" "$T/back"
	confined
}

no_guards() {
	[ -z "$(guards)" ]
}

@test "rsync is killed" {
	start_push
	rsyncs | xargs kill -9
	finish
}

@test "validate-ssh is killed, and rsync dies with it" {
	start_push
	victims=$(rsyncs)
	[ -n "$victims" ]
	the_guard | xargs kill -9
	local v
	for v in $victims; do
		wait_until 5 pid_is_gone "$v"
	done
	finish
}

@test "validate-ssh is asked to end" {
	start_push
	the_guard | xargs kill -TERM
	finish
	grep -q 'is kept for the next' "$GUARD_LOG"
}

@test "the client's connection breaks" {
	start_push
	kill -9 "$pid"
	finish
}

@test "a big file that was cut goes on where it stopped" {
	rm "$T/src"/file*
	head -c 3000000 /dev/urandom >"$T/src/big"
	rsync -e "$RSH" -aHAX --bwlimit=500 "$T/src/" server: \
	    >"$T/out" 2>&1 3>&- &
	pid=$!
	on_exit kill -9 "$pid"
	wait_until 10 big_temp_file
	the_guard | xargs kill -TERM
	wait "$pid" || true
	wait_until 15 no_guards
	upper_has big
	# Not even --delete takes what is kept for it.
	run push --stats --delete "$T/src/" server:
	[ "$status" = 0 ]
	[ "$(sed -n 's/^Matched data: \([0-9,]*\) bytes/\1/p' <<<"$output" | tr -d ,)" -gt 500000 ]
	cmp "$T/src/big" "$FULL/big"
	[ -z "$(find "$FULL/" -name '.~*')" ]
}

@test "a folder that is gone at the client takes its cut file with it" {
	mkdir "$T/src/gone"
	mv "$T/src"/file* "$T/src/gone"
	push "$T/src/" server:
	head -c 3000000 /dev/urandom >"$T/src/gone/big"
	rsync -e "$RSH" -aHAX --bwlimit=500 "$T/src/" server: \
	    >"$T/out" 2>&1 3>&- &
	pid=$!
	on_exit kill -9 "$pid"
	wait_until 10 big_temp_file
	the_guard | xargs kill -TERM
	wait "$pid" || true
	wait_until 15 no_guards
	rm -r "$T/src/gone"
	echo x >"$T/src/x"
	run push --delete "$T/src/" server:
	[ "$status" = 0 ]
	[ "$(ls -A "$FULL/")" = x ]
}

big_temp_file() {
	[ -n "$(find "$SNAPS/.push" -name '.big.*' -size +1000k)" ]
}
