#!/usr/bin/env bats
# A client that makes no snapshots any more does not age into nothing.

load helpers
load rotate_helpers
setup() { rotate_setup; }
teardown() { run_cleanup; }

@test "all that its rules kept on its last day stays, and the run says so" {
	for i in {400..360}; do
		make_snapshot web "$(days_ago "$i")"
	done
	run rotate
	[ "$status" = 1 ]
	[[ $output == *"web: no complete snapshot for 360 d, since $(days_ago 360): what it has stays"* ]]
	[ "$(snapshots web | wc -l)" = 15 ]
	[ "$(snapshots web | head -n 1)" = "$(days_ago 374)" ]
	run rotate
	[ "$status" = 1 ]
	[ "$(snapshots web | wc -l)" = 15 ]
}

@test "a client that comes back does not lose what it had at its first push" {
	for i in {114..100}; do
		make_snapshot web "$(days_ago "$i")"
	done
	make_snapshot web "$(days_ago 0)"
	run rotate
	[ "$status" = 0 ]
	[[ $output != *"no complete snapshot"* ]]
	# The pause counts for half of the 14 days.
	[ "$(snapshots web | wc -l)" = 9 ]
	[ "$(snapshots web | head -n 1)" = "$(days_ago 107)" ]
}
