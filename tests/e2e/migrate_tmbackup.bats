#!/usr/bin/env bats
# backshelf-migrate rsync-time-backup: dated folders of one path become snapshots
# in which it has its full name; what was being made is partial.
# shellcheck disable=SC2154 # stderr is run's

bats_require_minimum_version 1.5.0
load helpers
load guard
load migrate

setup() {
	need rsync jq strace
	guard_setup
	OLD=$T/old
	SRC=$T/alice
	mkdir -p "$SRC/docs" "$OLD"
	echo same >"$SRC/docs/same"
	chown -R 1000:1000 "$SRC"
	: >"$OLD/backup.marker"
	export TZ=UTC
}

teardown() {
	run_cleanup
}

# old_run DATE: as rsync_tmbackup.sh does.
old_run() {
	local link=()
	[ ! -L "$OLD/latest" ] || link=(--link-dest="$OLD/latest/")
	mkdir "$OLD/$1"
	echo $$ >"$OLD/backup.inprogress"
	rsync --archive --hard-links --numeric-ids --delete "${link[@]}" \
	    "$SRC/" "$OLD/$1/"
	ln -sfn "$1" "$OLD/latest"
	rm "$OLD/backup.inprogress"
}

@test "for an account's store, with the path in front, and back again" {
	old_run 2026-11-20-040201
	old_run 2026-11-21-040201
	mkdir "$OLD/2026-11-22-040201"
	: >"$OLD/backup.inprogress"
	: >"$OLD/2026-11-19-040201"
	args=(-r "$STORE" -p /home/alice rsync-time-backup "$OLD" "$CLIENT")
	run -0 migrate -n "${args[@]}"
	[[ $output == *"move     2026-11-20-040201 -> $CLIENT.snaps/2026-11-20T040201Z/home/alice  complete, 2 names, 5 B"* ]]
	[[ $output == *"leave    2026-11-22-040201: half made"* ]]
	[[ $output == *"leave    2026-11-19-040201: not a folder"* ]]
	run -0 migrate -n --partial 2026-11-22-040201 "${args[@]}"
	[[ $output == *"2026-11-22T040201Z/home/alice  partial, "* ]]
	was=$(inode "$OLD/latest/docs/same")
	tree_names "$OLD" >"$T/names"

	run -0 migrate "${args[@]}"
	[ "$(readlink "$FULL")" = "$CLIENT.snaps/2026-11-21T040201Z" ]
	[ "$(inode "$FULL/home/alice/docs/same")" = "$was" ]
	mkdir "$T/root"
	mkdir -p "$T/root/home/alice"
	cp -a "$SRC/." "$T/root/home/alice"
	push --delete "$T/root/" server:
	[ "$(snapshots | wc -l)" = 3 ]
	[ "$(inode "$FULL/home/alice/docs/same")" = "$was" ]
	[ "$(stat -c %u "$T/root/home/alice/docs/same")" = 1000 ]

	migrate undo "$OLD"/.backshelf-migrated.*
	[ "$(readlink "$OLD/latest")" = 2026-11-21-040201 ]
	[ "$(inode "$OLD/latest/docs/same")" = "$was" ]
	tree_names "$OLD" | cut -d' ' -f1 | diff <(cut -d' ' -f1 "$T/names") -
	[ "$(snapshots | wc -l)" = 1 ]
	[ -d "$FULL/home/alice" ]
}

@test "kill -9 between the two renames, and no marker" {
	chown 0:0 "$STORE"
	old_run 2026-11-20-040201
	args=(-r "$STORE" -p /home/alice rsync-time-backup "$OLD" "$CLIENT")
	for at in mkdirat:4 renameat2:1 renameat2:2; do
		run strace -f -qq -o /dev/null -e trace="${at%:*}" \
		    -e inject="${at%:*}:signal=KILL:when=${at#*:}" \
		    "$BIN/backshelf-migrate" "${args[@]}"
		[ "$status" = 137 ]
		migrate "${args[@]}"
		[ -f "$FULL/home/alice/docs/same" ]
		[ "$(snapshots | wc -l)" = 1 ]
		[ ! -e "$SNAPS/.migrate" ]
		migrate undo "$OLD"/.backshelf-migrated.*
	done
	rm "$OLD/backup.marker"
	run -1 migrate "${args[@]}"
	[[ $output == *'backup.marker: not there'* ]]
	run -64 migrate "${args[@]::5}"
	run -64 migrate -r "$STORE" -p home rsync-time-backup "$OLD" "$CLIENT"
	run -64 migrate -r "$STORE" -p /a/../b rsync-time-backup "$OLD" "$CLIENT"
}
