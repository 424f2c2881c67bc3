#!/usr/bin/env bats
# The newest complete snapshot is never removed, whatever the rules, the clock
# and mtimes say; HOST.full still leads to it.

load helpers
load rotate_helpers
setup() { rotate_setup; }
teardown() { run_cleanup; }

@test "age keeps what its days hold, and removes the rest with its records" {
	make_days web 30
	run rotate
	[ "$status" = 0 ]
	[ "$(snapshots web | wc -l)" = 15 ]
	[ "$(snapshots web | head -n 1)" = "$(days_ago 14)" ]
	[ "$(find "$T/root/web.snaps/.meta" -name '*.json' | wc -l)" = 15 ]
	[ "$(expired web)" = 0 ]
	[ "$(cat "$T/root/web.full/etc/stamp")" = "$(days_ago 0)" ]
	[[ $output == *"15 kept, 15 removed"* ]]
}

@test "mtimes decide nothing" {
	make_days web 20
	touch -d '1999-01-01' "$T"/root/web.snaps/*Z
	touch "$T/root/web.snaps/$(days_ago 19)"
	rotate
	[ "$(snapshots web | wc -l)" = 15 ]
	[ "$(snapshots web | head -n 1)" = "$(days_ago 14)" ]
}

@test "the only complete one stays, however old and however many partial ones follow" {
	make_snapshot web "$(days_ago 400)"
	for i in {30..0}; do
		make_snapshot web "$(days_ago "$i")" partial
	done
	echo 'keep-last = 1' >"$T/rotate.conf"
	run rotate
	[ "$status" = 1 ]
	[[ $output == *"no complete snapshot for 400 d"* ]]
	[ "$(snapshots web | wc -l)" = 2 ]
	[ -e "$T/root/web.snaps/$(days_ago 400)/file" ]
	[ -e "$T/root/web.snaps/$(days_ago 0)/file" ]
}

@test "what is not a snapshot of ours is not touched" {
	make_days web 20
	local snaps=$T/root/web.snaps
	mkdir "$snaps/2020-01-01T000000Z" "$snaps/2020-01-01" "$snaps/lost+found" \
	    "$snaps/.expired.x" "$snaps/2020-02-30T000000Z"
	echo >"$snaps/2020-01-03T000000Z"
	ln -s . "$snaps/2020-01-04T000000Z"
	ln -s "$T" "$T/root/evil.snaps"
	mkdir "$T/root/plain" "$T/2020-01-01T000000Z"
	run rotate
	[ "$status" = 1 ]
	[[ $output == *"1 of 21 snapshots have no readable record"* ]]
	for f in 2020-01-01T000000Z 2020-01-01 lost+found .expired.x \
	    2020-02-30T000000Z 2020-01-03T000000Z 2020-01-04T000000Z; do
		[ -e "$snaps/$f" ]
	done
	[ -d "$T/2020-01-01T000000Z" ]
	[ "$(snapshots web | wc -l)" = 19 ]
}
