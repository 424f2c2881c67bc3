#!/usr/bin/env bats
# Stamps from the future: the clock is wrong, or was.  Such a snapshot stays until
# its time has come; the others are rotated as if it were not there.

load helpers
load rotate_helpers
setup() {
	rotate_setup
	make_days web 20
	make_days db 20
}
teardown() { run_cleanup; }

@test "one from the future stays, and stops nobody" {
	local ahead
	ahead=$(stamp '400 days')
	make_snapshot web "$ahead"
	run rotate
	[ "$status" = 1 ]
	[[ $output == *"web: 1 of 21 snapshots come from the future, up to "* ]]
	[ "$(snapshots web | wc -l)" = 16 ]
	snapshots web | grep -qx "$ahead"
	[ "$(snapshots db | wc -l)" = 15 ]
	# A client that is silent is so since its last day, not since then.
	rm -rf "$T"/root/web.*
	make_snapshot web "$(days_ago 40)"
	make_snapshot web "$ahead"
	run rotate -n
	[[ $output == *"web: no complete snapshot for 40 d, since $(days_ago 40): "* ]]
}

@test "what is pushed after it counts by the clock that its record has" {
	local ahead i
	ahead=$(date -u -d '400 days' +%s)
	rm -rf "$T"/root/web.*
	make_snapshot web "$(stamp "@$ahead")"
	for ((i = 30; i >= 0; i--)); do
		make_snapshot web "$(stamp "@$((ahead + 31 - i))")"
		make_record web "$(stamp "@$((ahead + 31 - i))")" complete \
		    "$(date -u -d "$THIS_HOUR $i days ago" +%s)"
	done
	run rotate -n
	[ "$status" = 1 ]
	[[ $output == *"web: 16 kept, 16 to go"* ]]
	rotate || true
	[ "$(snapshots web | wc -l)" = 16 ]
	snapshots web | grep -qx "$(stamp "@$ahead")"
	[ "$(snapshots web | tail -n 1)" = "$(stamp "@$((ahead + 31))")" ]
}

@test "a clock that is behind removes nothing" {
	local i
	rm -rf "$T"/root/*
	for ((i = 1; i < 30; i++)); do
		make_snapshot web "$(stamp "$i days")"
	done
	run rotate
	[ "$status" = 1 ]
	[ "$(snapshots web | wc -l)" = 29 ]
}

@test "a few minutes ahead are nothing" {
	make_snapshot web "$(stamp '5 minutes')"
	run rotate
	[ "$status" = 0 ]
	[[ $output != *"future"* ]]
	[ "$(snapshots web | wc -l)" -le 16 ]
}
