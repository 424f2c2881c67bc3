#!/usr/bin/env bats
# A client may push into a folder below HOST.full, under every name for it; the
# rest of the snapshot stays.

load helpers
load guard

setup() {
	guard_setup
	mkdir -p "$T/src/etc" "$T/src/home"
	echo one >"$T/src/etc/one"
	echo two >"$T/src/home/two"
	push "$T/src/" server:
}

teardown() {
	run_cleanup
}

@test "a folder alone is pushed, and the rest is kept" {
	for way in overlay linkdest; do
		policy "way = '$way'"
		echo "$way" >"$T/src/etc/new-$way"
		rm -f "$T/src/etc/one"
		push --delete "$T/src/etc/" "server:$CLIENT.full/etc/"
		run cat "$FULL/home/two" "$FULL/etc/new-$way"
		[ "$output" = "two"$'\n'"$way" ]
		[ ! -e "$FULL/etc/one" ]
	done
	snapshot_count 3
	confined
}

@test "every name of the folder is the same folder" {
	local n=1 name
	for name in "$CLIENT.full" "$CLIENT.full/" "/$CLIENT.full" "" . / \
	    "./$CLIENT.full/." "$STORE/$CLIENT.full" "$STORE//$CLIENT.full/"; do
		echo "$name" >"$T/src/home/name"
		push -I "$T/src/" "server:$name"
		n=$((n + 1))
		snapshot_count "$n"
		[ "$(cat "$FULL/home/name")" = "$name" ]
		[ "$(ls "$FULL")" = $'etc\nhome' ]
	done
}

@test "a single file, a new folder, and one with blanks in its name" {
	push "$T/src/etc/one" "server:$CLIENT.full/etc/copy"
	[ "$(cat "$FULL/etc/copy")" = one ]
	push "$T/src/etc/" "server:$CLIENT.full/a b;c"
	[ "$(cat "$FULL/a b;c/one")" = one ]
	push -R "$T/src/./home/two" "server:$CLIENT.full/deep"
	[ "$(cat "$FULL/deep/home/two")" = two ]
	push --mkpath "$T/src/etc/" "server:$CLIENT.full/x/y/z/"
	[ "$(cat "$FULL/x/y/z/one")" = one ]
	[ "$(cat "$FULL/home/two")" = two ]
}
