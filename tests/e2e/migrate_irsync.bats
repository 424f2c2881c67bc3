#!/usr/bin/env bats
# backshelf-migrate irsync: the trees that irsync 1.1 has made by rsync and
# cp -al, in the account's store, become snapshots where they are; from whatever
# instant it is cut off at, it goes on.
# shellcheck disable=SC2154,SC2153 # stderr is run's; SNAPS is guard_setup's

bats_require_minimum_version 1.5.0
load helpers
load guard
load migrate

setup() {
	need rsync jq strace
	guard_setup
	SRC=$T/machine
	mkdir -p "$SRC/etc" "$SRC/home"
	echo same >"$SRC/etc/same"
	echo secret >"$SRC/etc/shadow"
	chmod 0 "$SRC/etc/shadow"
	echo $'odd' >"$SRC/home/"$'\xff\n$(touch x)'
	touch -d '2020-02-02 02:02:02' "$SRC"/etc/* "$SRC"/home/*
	export TZ=Europe/Berlin
}

teardown() {
	run_cleanup
}

# old_run HOST DATE: what irsync 1.1 did on the server, as the account.
old_run() {
	local to=$STORE/$1.full copies=$STORE/$1.snaps
	as_account mkdir -p "$to" "$copies"
	# Over ssh, the client reads as root what the account then owns.
	rsync -qaHx --numeric-ids --delete --rsync-path="setpriv --reuid \
	    $ACCOUNT_ID --regid $ACCOUNT_ID --clear-groups rsync" \
	    -e "$T/ssh" "$SRC/etc" "$SRC/home" "server:$to"
	as_account touch -m -d "${2%.*} ${2:11:2}:${2:13:2}:${2:15}" "$to"
	as_account cp -al "$to" "$copies/$2"
}

make_old() {
	printf '#!/bin/sh\nshift\nexec sh -c "$*"\n' >"$T/ssh"
	chmod 755 "$T/ssh"
	echo 1 >"$SRC/etc/changes"
	old_run "$CLIENT" 2010-05-04.052908
	echo 2 >"$SRC/etc/changes"
	touch -d 2021-02-02 "$SRC/etc/changes"
	old_run "$CLIENT" 2010-11-05.052908
	[ "${1-}" = one ] || old_run zeus.example.net 2010-11-05.060000
}

@test "what irsync has kept is listed, pulled, pushed onto and rotated" {
	make_old
	mkdir "$STORE/lost+found" "$SNAPS/by hand"
	tree_state "$STORE" >"$T/before"
	run -0 migrate -n -o 0:0 irsync "$STORE"
	# Local time, and what cp -al has made of the newest.
	[[ $output == *"move     $CLIENT.snaps/2010-05-04.052908 -> $CLIENT.snaps/2010-05-04T032908Z  complete, 6 names, "* ]]
	[[ $output == *"move     $CLIENT.full -> $CLIENT.snaps/2010-11-05T042909Z"* ]]
	[[ $output == *"leave    $CLIENT.snaps/by hand: not a date"* ]]
	tree_state "$STORE" | diff "$T/before" -
	was=$(inode "$FULL/etc/same")

	run -0 migrate -o 0:0 irsync "$STORE"
	[ "$(snapshots | xargs)" = '2010-05-04T032908Z 2010-11-05T042908Z 2010-11-05T042909Z' ]
	[ -d "$STORE/zeus.example.net.full/etc" ]
	run -0 rsync -e "$RSH" --list-only "server:$CLIENT.snaps/"
	[[ $output == *2010-05-04T032908Z* ]]
	rsync -e "$RSH" -aHAX --numeric-ids \
	    "server:$CLIENT.snaps/2010-05-04T032908Z/" "$T/pulled/"
	[ "$(cat "$T/pulled/etc/changes")" = 1 ]
	[ "$(stat -c %a:%U "$T/pulled/etc/shadow")" = 0:root ]
	push --delete "$SRC/etc" "$SRC/home" server:
	[ "$(snapshots | wc -l)" = 4 ]
	[ "$(inode "$FULL/etc/same")" = "$was" ]
	[ "$(inode "$FULL/home/"$'\xff\n$(touch x)')" = \
	    "$(inode "$SNAPS/2010-05-04T032908Z/home/"$'\xff\n$(touch x)')" ]
	printf 'root = "%s"\nage = 14\nkeep-monthly = 1\n' "$STORE" \
	    >"$T/rotate.conf"
	# It warns of the other client, which has been silent since.
	run -1 as_account "$BIN/irsync-rotate" -n -f "$T/rotate.conf"
	[[ $output == *"drop        2010-05-04T032908Z"* ]]
	[[ $output == *"$CLIENT: 3 kept, 1 to go"* ]]
	# Again: there is nothing left to do.
	run -0 migrate irsync "$STORE"
	[[ $output == *'nothing to move' ]]
}

@test "where HOST.full and the newest differ, somebody must say which is whole" {
	make_old one
	rm "$FULL/etc/same"
	tree_state "$STORE" >"$T/before"
	run -1 --separate-stderr migrate irsync "$STORE"
	[[ $stderr == *"$CLIENT.full: not the same as the newest snapshot, $CLIENT.snaps/2010-11-05.052908"* ]]
	tree_state "$STORE" | diff "$T/before" -
	run -0 migrate --partial "$CLIENT.full" irsync "$STORE"
	[ "$(readlink "$FULL")" = "$CLIENT.snaps/2010-11-05T042908Z" ]
	jq -e '.status == "partial"' "$SNAPS/.meta/2010-11-05T042909Z.json"
	run -1 migrate --partial nonsense irsync "$STORE"
	[[ $output == *'nonsense: nothing of that name was found'* ]]
}

@test "kill -9 at any step, and the next run goes on; or undo goes back" {
	make_old one
	tree_names "$STORE" >"$T/names"
	cp -a "$STORE" "$T/pristine"
	# And a disk that is full, when a note or a plan is to be written.  A
	# sanitizer cannot look for leaks under strace.
	export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0
	for at in 137=fsetxattr:signal=KILL:when={1,4} \
	    73=fsetxattr:error=ENOSPC:when=3 73=fsync:error=ENOSPC:when=1 \
	    137={fchmod:signal=KILL:when=2,symlinkat:signal=KILL:when=1} \
	    137=renameat:signal=KILL:when={1,2,5} \
	    137=renameat2:signal=KILL:when={1,2,3}; do
		call=${at#*=}
		run strace -f -qq -o /dev/null -e trace="${call%%:*}" \
		    -e inject="$call" \
		    "$BIN/backshelf-migrate" -o 0:0 irsync "$STORE"
		[ "$status" = "${at%%=*}" ] || { echo "$at: $status"; false; }
		if [[ $at = *renameat2:*=2 ]]; then
			# With other options it would be another move.
			run migrate irsync "$STORE"
			[ "$status" = 1 ]
			[[ $output == *'another move was begun, irsync in '* ]]
			migrate undo "$STORE/.backshelf-migrate"
			[ -d "$STORE/$CLIENT.full" ] && [ ! -L "$STORE/$CLIENT.full" ]
		fi
		migrate -o 0:0 irsync "$STORE"
		[ "$(snapshots | wc -l)" = 3 ]
		[ "$(readlink "$FULL")" = "$CLIENT.snaps/2010-11-05T042909Z" ]
		[ "$(find "$SNAPS/.meta" -name '*.json' | wc -l)" = 3 ]
		migrate undo "$STORE"/.backshelf-migrated.*
		[ "$(ledgers "$STORE")" = 0 ]
		cmp "$STORE/$CLIENT.full/etc/same" "$SRC/etc/same"
		[ "$(inode "$FULL/etc/same")" = \
		    "$(inode "$SNAPS/2010-05-04.052908/etc/same")" ]
		rm -rf "$STORE"
		cp -a "$T/pristine" "$STORE"
	done
}

@test "trees on two file systems, a clash of times, a client's bad name" {
	make_old one
	# shellcheck disable=SC2016
	run -1 unshare --mount sh -c 'mount -t tmpfs none "$1/home" &&
	    exec "$2" irsync "$3"' sh "$SNAPS/2010-05-04.052908" \
	    "$BIN/backshelf-migrate" "$STORE"
	[[ $output == *"2010-05-04.052908/home: holds another file system"* ]]
	mkdir "$SNAPS/2010-03-28.023000" "$STORE/bad name.full"
	run -1 migrate irsync "$STORE"
	[[ $output == *'bad name: no name that a client can have'* ]]
	run -0 migrate -n irsync "$STORE" "$CLIENT"
	# Clocks went from 2 to 3 o'clock that night.
	[[ $output == *'leave    '*'2010-03-28.023000: not a date'* ]]
	mkdir "$SNAPS/2010-11-05T042908Z"
	run -1 migrate irsync "$STORE" "$CLIENT"
	[[ $output == *"$CLIENT.snaps/2010-11-05T042908Z is there already"* ]]
	rmdir "$SNAPS/2010-11-05T042908Z"
	# Another run holds it; a ledger that is none.
	run -75 flock "$STORE" "$BIN/backshelf-migrate" irsync "$STORE" "$CLIENT"
	echo '{"version": 1}' >"$STORE/.backshelf-migrate"
	run -1 migrate irsync "$STORE" "$CLIENT"
	[[ $output == *'.backshelf-migrate:1: not what backshelf-migrate has written'* ]]
	# A plan that the account has put there is not root's to carry out.
	chown "$ACCOUNT_ID" "$STORE/.backshelf-migrate"
	run -1 migrate irsync "$STORE" "$CLIENT"
	[[ $output == *".backshelf-migrate: another's plan"* ]]
	run -1 migrate undo "$STORE/.backshelf-migrate"
	[[ $output == *".backshelf-migrate: another's plan"* ]]
	[ -d "$SNAPS/2010-05-04.052908" ]
}
