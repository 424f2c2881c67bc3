#!/usr/bin/env bats
# Stamps from the future: the clock is wrong, or was.  Nothing of that client
# goes, and the run says so; the other clients are rotated.

load helpers
load rotate_helpers
setup() {
	rotate_setup
	make_days web 20
	make_days db 20
}
teardown() { run_cleanup; }

@test "a stamp that is ahead of the clock stops its client only" {
	local ahead
	ahead=$(stamp '2 hours')
	make_snapshot web "$ahead"
	run rotate
	[ "$status" = 0 ]
	[[ $output == *"web: newest snapshot $ahead lies"*"in the future: nothing is removed"* ]]
	[ "$(snapshots web | wc -l)" = 21 ]
	[ "$(snapshots db | wc -l)" = 15 ]
}

@test "a few minutes ahead are nothing" {
	make_snapshot web "$(stamp '5 minutes')"
	run rotate
	[ "$status" = 0 ]
	[[ $output != *"nothing is removed"* ]]
	[ "$(snapshots web | wc -l)" -le 16 ]
}
