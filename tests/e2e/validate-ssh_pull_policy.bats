#!/usr/bin/env bats
# A client reads its own snapshots back if the policy lets it, and sees nothing
# else of the store.

load helpers
load guard

setup() {
	guard_setup
	mkdir -p "$T/src/etc"
	echo one >"$T/src/etc/one"
	push "$T/src/" server:
	FIRST=$(snapshots)
	echo second >"$T/src/etc/one"
	push "$T/src/" server:
	SECOND=$(snapshots | tail -n 1)
}

teardown() {
	run_cleanup
}

@test "no pull unless the policy says so" {
	policy ''
	run rsync -e "$RSH" -a "server:$CLIENT.full/" "$T/back/"
	[ "$status" != 0 ]
	[[ $output = *"a pull; allowed is rsync to $CLIENT.full"* ]]
	policy 'push = false  pull = true'
	run push "$T/src/" server:
	[[ $output = *"a push; allowed is rsync from $CLIENT.full"* ]]
	snapshot_count 2
}

@test "the newest, an older one, a single file, several at once" {
	rsync -e "$RSH" -a "server:$CLIENT.full/" "$T/a/"
	[ "$(cat "$T/a/etc/one")" = second ]
	rsync -e "$RSH" -a "server:$CLIENT.snaps/$FIRST/" "$T/b/"
	[ "$(cat "$T/b/etc/one")" = one ]
	rsync -e "$RSH" -a "server:$STORE/$CLIENT.full/etc/one" "$T/c"
	[ "$(cat "$T/c")" = second ]
	rsync -e "$RSH" -aR "server:$CLIENT.snaps/./$FIRST/etc" \
	    "server:$CLIENT.snaps/./$SECOND/etc" "$T/d/"
	[ "$(cat "$T/d/$FIRST/etc/one" "$T/d/$SECOND/etc/one")" = $'one\nsecond' ]
	rsync -e "$RSH" -a server: "$T/e/"
	[ "$(cat "$T/e/etc/one")" = second ]
	echo etc/one >"$T/list"
	rsync -e "$RSH" -a --files-from="$T/list" "server:$CLIENT.snaps/$FIRST" "$T/f/"
	[ "$(cat "$T/f/etc/one")" = one ]
	confined
}

@test "the list of snapshots and their records" {
	run rsync -e "$RSH" "server:$CLIENT.snaps/"
	[ "$status" = 0 ]
	[ "$(awk '{ print $NF }' <<<"$output" | paste -sd' ')" = ". $FIRST $SECOND" ]
	rsync -e "$RSH" -a "server:$CLIENT.snaps/.meta/" "$T/meta/"
	[ -s "$T/meta/$FIRST.json" ]
	[ -s "$T/meta/$SECOND.json" ]
}

@test "a name of any bytes is read as it is written" {
	local name
	for name in 'a b' 'ä[1]' "it's" 'semi;colon' 'new
line' '#hash' '~tilde' 'back\slash'; do
		echo "$name" >"$T/src/$name"
	done
	push "$T/src/" server:
	for name in 'a b' "it's" 'semi;colon' 'new
line' '#hash' '~tilde' 'back\slash'; do
		rsync -e "$RSH" -a "server:$CLIENT.full/$name" "$T/got"
		[ "$(cat "$T/got")" = "$name" ]
	done
}

@test "a pull writes nothing" {
	manifest "$STORE" >"$T/before"
	rsync -e "$RSH" -a "server:$CLIENT.snaps/" "$T/all/"
	manifest "$STORE" | cmp "$T/before" -
}

@test "before the first push there is nothing, and it says so" {
	rm -rf "${STORE:?}"/*
	run rsync -e "$RSH" -a "server:$CLIENT.full/" "$T/a/"
	[ "$status" != 0 ]
	[[ $output = *"no snapshots yet"* ]]
	[ ! -e "$SNAPS" ]
}

@test "more snapshots at once than a process may usually have files open" {
	local i
	for i in {10..59}; do
		as_account mkdir "$SNAPS/2020-01-01T0000${i}Z"
	done
	sed -i 's/^cd /ulimit -Sn 40; cd /' "$RSH"
	rsync -e "$RSH" -a "server:$CLIENT.snaps/" "$T/all/"
	[ -d "$T/all/2020-01-01T000059Z" ]
	[ "$(cat "$T/all/$FIRST/etc/one")" = one ]
	confined
}
