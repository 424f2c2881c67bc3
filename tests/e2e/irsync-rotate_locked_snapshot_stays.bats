#!/usr/bin/env bats
# A snapshot that somebody reads stays until it is read; a client that is being
# pushed is left to the next run.

load helpers
load rotate_helpers
setup() {
	rotate_setup
	need flock
	make_days web 20
	make_days db 20
}
teardown() { run_cleanup; }

# hold LOCK FLAGS: keep a lock as another process would; ends with the test.
hold() {
	# shellcheck disable=SC2016
	flock -F "$2" "$1" sh -c ': >"$0"; exec sleep 600' "$T/held" 3>&- &
	on_exit kill $!
	HOLDER=$!
	wait_until 5 test -e "$T/held"
	rm "$T/held"
}

release() {
	kill_wait "$HOLDER"
}

@test "one that a restore reads stays, and goes once that is over" {
	hold "$T/root/web.snaps/$(days_ago 17)" -s
	run rotate
	[ "$status" = 0 ]
	[[ $output == *"in use      $(days_ago 17)"* ]]
	[ "$(snapshots web | wc -l)" = 16 ]
	[ "$(snapshots web | head -n 1)" = "$(days_ago 17)" ]
	[ -e "$T/root/web.snaps/.meta/$(days_ago 17).json" ]
	[ "$(snapshots db | wc -l)" = 15 ]
	release
	rotate
	[ "$(snapshots web | wc -l)" = 15 ]
}

@test "a client that is being pushed is left alone, the others are not" {
	: >"$T/root/web.snaps/.lock"
	hold "$T/root/web.snaps/.lock" -x
	run rotate
	[ "$status" = 0 ]
	[[ $output == *"web: a push is running: left to the next run"* ]]
	[ "$(snapshots web | wc -l)" = 20 ]
	[ "$(snapshots db | wc -l)" = 15 ]
	release
	rotate
	[ "$(snapshots web | wc -l)" = 15 ]
}

@test "one run at a time; -n is none" {
	hold "$T/root" -x
	run rotate
	[ "$status" = 75 ]
	[[ $output == *"another rotation is at work"* ]]
	[ "$(snapshots web | wc -l)" = 20 ]
	run rotate -n
	[ "$status" = 0 ]
}
