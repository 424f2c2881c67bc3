#!/usr/bin/env bats
# What would spoil a history is refused, and each guard has its own flag.

load helpers
load irsync_helpers

setup() {
	setup_tmp
	mkdir -p "$T/src/data" "$T/src/other"
	echo x >"$T/src/other/file"
	echo y >"$T/src/data/file"
	irsync_conf_local "$T/src/data" "$T/src/other"
}
teardown() { run_cleanup; }

count() { irsync list --json | jq '.snapshots | length'; }

# in_uts NAME COMMAND...: as a machine of that name.
in_uts() {
	# shellcheck disable=SC2016
	unshare --uts bash -c 'hostname "$1"; shift; "$@"' uts "$@"
}

@test "a path that is empty is refused, unless it was so before" {
	rm "$T/src/data/file"
	run -77 irsync backup
	[[ $output == *"$T/src/data: there is nothing in it"*--allow-empty* ]]
	[[ ${lines[-1]} == *"refused"* ]]
	run -77 irsync --allow-missing --allow-unmounted --allow-shrink backup
	[ "$(count)" = 0 ]
	irsync --allow-empty backup
	irsync backup
	[ "$(count)" = 2 ]
}

@test "a path that was mounted and is not any more is refused" {
	truncate -s 8M "$T/fs"
	mkfs.ext4 -q "$T/fs"
	mount -o loop "$T/fs" "$T/src/data"
	on_exit umount "$T/src/data"
	echo mounted >"$T/src/data/file"
	irsync backup
	umount "$T/src/data"
	run -77 irsync backup
	[[ $output == *"$T/src/data: nothing is mounted there"*--allow-unmounted* ]]
	run -77 irsync --allow-empty --allow-missing backup
	[ "$(count)" = 1 ]
	irsync --allow-unmounted backup
	# From now on that is how it is.
	irsync backup
}

@test "another machine's name is refused: a copy must not go on its origin's history" {
	in_uts one "$BIN/irsync" -f "$CONF" backup
	run -77 in_uts two "$BIN/irsync" -f "$CONF" backup
	[[ $output == *"this machine is two"*"were of one"*--allow-other-host* ]]
	in_uts two "$BIN/irsync" -f "$CONF" --allow-other-host backup
	in_uts two "$BIN/irsync" -f "$CONF" backup
}

@test "a clock that went back is refused" {
	irsync backup
	sed -i "s/\"clock\": *[0-9]*/\"clock\":$(($(date +%s) + 3600))/" \
	    "$T/state/client.example.net.facts.json"
	run -77 irsync backup
	[[ $output == *"the clock has gone back by "*--allow-clock-back* ]]
	irsync --allow-clock-back backup
	irsync backup
}

@test "more than half of the entries gone is refused, also piece by piece" {
	mkdir "$T/src/data/many"
	touch "$T/src/data/many/"{1..100}
	irsync backup
	mv "$T/src/data/many" "$T/away"
	run -77 irsync backup
	[[ $output == *"more than half of the "*--allow-shrink* ]]
	[ "$(count)" = 1 ]
	# What the first try has deleted in the unfinished push does not make
	# the second one pass.
	run -77 irsync backup
	[ "$(count)" = 1 ]
	# Back again: all is well.
	mv "$T/away" "$T/src/data/many"
	irsync backup
	[ "$(count)" = 2 ]
	rm -r "$T/src/data/many"
	irsync --allow-shrink backup
	[ "$(count)" = 3 ]
	irsync backup
}

@test "the same on a server, also after a push that was killed" {
	server_make
	irsync_conf "$T/src"
	mkdir "$T/src/many"
	# So many that the push cannot end before they are counted.
	touch "$T/src/many/"{1..1000}
	irsync backup
	mv "$T/src/many" "$T/away"
	run -77 irsync backup
	[[ $output == *--allow-shrink* ]]
	run -77 irsync backup
	# As kill -9 leaves the memory: begun, and never ended.
	state=$T/state/client.example.net.json
	jq -c '.storages[0].runs |= (.[0:1] + [.[0] |
	    .ended = 0 | .exit = -1 | .snapshot = "" | .gone = 0])' \
	    "$state" >"$T/new"
	cp "$T/new" "$state"
	run -77 irsync backup
	[[ $output == *--allow-shrink* ]]
	[ "$(count)" = 1 ]
	irsync --allow-shrink backup
	[ "$(count)" = 2 ]
}

@test "a server by --link-dest: its marks are no loss; a loss is told afterwards" {
	STORE_WAY=linkdest server_make
	irsync_conf "$T/src"
	mkdir -p "$T/src/"{a,b,c,d,e,f,g}/h
	touch "$T/src/a/"{1..50}
	irsync backup
	run -0 irsync -v backup
	[[ $output == *" 0 new, 0 changed, 0 deleted"* ]]
	[[ $output != *deleting* ]]
	rm "$T/src/a/"[1-9]*
	run -0 irsync backup
	[[ $output == *"are gone, and snapshot "*" is made"* ]]
	[ "$(count)" = 3 ]
}

@test "the same for a user of its own, where rsync does not tell what is gone" {
	mkdir "$T/mine" "$T/mine/many" "$T/store2"
	touch "$T/mine/many/"{1..100}
	irsync_conf "$T/mine"
	sed -i "s|^storage = .*|storage = \"$T/store2\"|; s|$T/state|$T/home/$ACCOUNT/state|
	    s|$T/lock|$T/home/$ACCOUNT/lock|" "$CONF"
	chown -R "$ACCOUNT_ID:$ACCOUNT_ID" "$T/mine" "$T/store2" "$CONF"
	as_account "$BIN/irsync" -f "$CONF" backup
	mv "$T/mine/many" "$T/mine/few"
	touch "$T/mine/few/one"
	as_account "$BIN/irsync" -f "$CONF" backup
	rm "$T/mine/few/"?*
	run -77 as_account "$BIN/irsync" -f "$CONF" backup
	[[ $output == *--allow-shrink* ]]
	run -77 as_account "$BIN/irsync" -f "$CONF" backup
	as_account "$BIN/irsync" -f "$CONF" --allow-shrink backup
}
