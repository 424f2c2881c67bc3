#!/usr/bin/env bats
# What an unfinished push has left: kept while it may be taken up, with the
# snapshot it stands on; discarded after push-age.

load helpers
load rotate_helpers
setup() {
	rotate_setup
	need rsync jq
	mkdir "$T/source"
	echo one >"$T/source/file"
	push >/dev/null
	BASE=$(snapshots web)
	# The base is old, and many newer ones make it go by the rules; but
	# none of them, as a push would stand on the newest.
	echo 'keep-last = 1' >"$T/rotate.conf"
}
teardown() { run_cleanup; }

push() {
	"$TOOLS/storepush" "$@" "$T/root" web -- -a "$T/source/"
}

# interrupted: a push whose rsync failed after it had brought something.
interrupted() {
	echo more >"$T/source/arrived"
	cat >"$T/failing" <<-'END'
	#!/bin/sh
	rsync "$@"
	exit 30
	END
	chmod +x "$T/failing"
	! push -r "$T/failing" >/dev/null
	[ -d "$T/root/web.snaps/.push" ]
}

age_push() {
	touch -d "$1 days ago" "$T/root/web.snaps/.push/state"
}

@test "it stays while it is young, and so does its base" {
	interrupted
	for i in 3 2 1; do
		make_snapshot web "$(stamp "now + $((i * 10)) seconds")"
	done
	age_push 6
	run rotate
	[ "$status" = 0 ]
	[[ $output == *"keep        unfinished push"* ]]
	[[ $output == *"$BASE"*"base of an unfinished push"* ]]
	[ "$(snapshots web | wc -l)" = 2 ]
	[ -d "$T/root/web.snaps/$BASE" ]
	[ -e "$T/root/web.snaps/.push/state" ]
}

@test "it goes after push-age, and -n says so first" {
	interrupted
	age_push 8
	run rotate -n
	[[ $output == *"drop        unfinished push "*"push-age 7 d"* ]]
	[ -e "$T/root/web.snaps/.push/state" ]
	run rotate
	[ "$status" = 0 ]
	[[ $output == *"removed     unfinished push"* ]]
	[ ! -e "$T/root/web.snaps/.push" ]
	[ -z "$(find "$T/root" -name arrived)" ]
	[ "$(cat "$T/root/web.full/file")" = one ]
	# And the next push works.
	push | jq -e '.status == "complete"'
	[ "$(cat "$T/root/web.full/arrived")" = more ]
}

@test "push-age = 0 keeps it for ever" {
	interrupted
	age_push 4000
	echo 'push-age = "0"' >>"$T/rotate.conf"
	rotate
	[ -e "$T/root/web.snaps/.push/state" ]
}

@test "a commit that was interrupted is finished, not thrown away" {
	local new
	interrupted
	new=$(stamp '5 seconds')
	# As the store leaves it when it dies right after the first step.
	jq -c --arg stamp "$new" '{way, stamp: $stamp, base, subdir,
	    client: "local", deletes: false, resumed: false, started,
	    ended: (.started + 1), rsync_exit: 0}' \
	    "$T/root/web.snaps/.push/state" >"$T/commit"
	cp "$T/commit" "$T/root/web.snaps/.push/commit"
	touch -d '30 days ago' "$T/root/web.snaps/.push/"{commit,state}
	run rotate -n
	[[ $output == *"will be finished first"* ]]
	[[ $output == *"keep        unfinished push"* ]]
	[ "$(snapshots web)" = "$BASE" ]
	run rotate
	[ "$status" = 0 ]
	[ "$(snapshots web)" = "$new" ]
	[ "$(cat "$T/root/web.full/arrived")" = more ]
	[ "$(cat "$T/root/web.full/file")" = one ]
}

@test "what is left of a discarded push goes too" {
	mkdir -p "$T/root/web.snaps/.gone/upper/x"
	rotate
	[ ! -e "$T/root/web.snaps/.gone" ]
}
