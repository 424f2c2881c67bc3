#!/usr/bin/env bats
# backshelf-migrate rsnapshot: what the real rsnapshot has made goes on living in
# a store, renamed and not copied, for a local irsync and for one that pushes.
# shellcheck disable=SC2154 # stderr is run's

bats_require_minimum_version 1.5.0
load helpers
load guard
load migrate

setup() {
	need rsnapshot rsync jq
	guard_setup
	OLD=$T/snapshots
	SRC=$T/machine
	make_old
}

teardown() {
	run_cleanup
}

# make_old: four runs of rsnapshot over a machine that changes: two hourly ones
# and two daily ones.
make_old() {
	mkdir -p "$SRC/etc" "$SRC/home/al ice" "$OLD"
	echo same >"$SRC/etc/same"
	echo 1 >"$SRC/etc/changes"
	ln -s same "$SRC/etc/link"
	mkfifo "$SRC/etc/pipe"
	echo secret >"$SRC/etc/shadow"
	chmod 0 "$SRC/etc/shadow"
	chown 1000:1000 "$SRC/home/al ice"
	echo mine >"$SRC/home/al ice/"$'odd\nname'
	chown 1000:1000 "$SRC/home/al ice/"$'odd\nname'
	chmod 4755 "$SRC/etc/same"
	touch -d '2020-02-02 02:02:02' "$SRC"/etc/* "$SRC/home/al ice"/*
	printf '%s\t%s\n' config_version 1.2 snapshot_root "$OLD/" \
	    cmd_rsync /usr/bin/rsync lockfile "$T/rsnapshot.pid" \
	    retain "hourly	2" retain "daily	3" verbose 1 \
	    rsync_long_args "--delete --numeric-ids" \
	    backup "$SRC/	localhost/" >"$T/rsnapshot.conf"
	old_run hourly '2026-11-20 04:00'
	old_run hourly '2026-11-20 08:00'
	old_run daily '2026-11-20 04:00'
	# rsync takes what has the same size and second for the same.
	echo 2 >"$SRC/etc/changes"
	touch -d '2021-02-02' "$SRC/etc/changes"
	old_run hourly '2026-11-21 04:00'
	old_run daily '2026-11-20 08:00'
	echo 3 >"$SRC/etc/changes"
	touch -d '2022-02-02' "$SRC/etc/changes"
	old_run hourly '2026-11-21 08:00'
}

# old_run LEVEL TIME: run rsnapshot; the folder gets the time it would have had.
old_run() {
	rsnapshot -c "$T/rsnapshot.conf" "$1"
	touch -d "$2 UTC" "$OLD/$1.0"
}

@test "for a store of root's: the plan, the move, irsync on it, and back" {
	chown 0:0 "$STORE"
	echo note >"$OLD/README"
	: >"$OLD/hourly.0/file"
	touch -d "2026-11-21 08:00 UTC" "$OLD/hourly.0"
	tree_state "$OLD" >"$T/before"
	tree_names "$OLD" >"$T/names"
	run -0 migrate -n -r "$STORE" rsnapshot "$OLD" \
	    client.example.net=localhost
	[[ $output == *"move     daily.0/localhost -> client.example.net.snaps/2026-11-20T080000Z  complete, "* ]]
	[[ $output == *"leave    README: not a level of rsnapshot"* ]]
	[[ $output == *"leave    hourly.0/file: not asked for"* ]]
	tree_state "$OLD" | diff "$T/before" -
	[ -z "$(ls -A "$STORE")" ]
	migrate -n --json -r "$STORE" rsnapshot "$OLD" \
	    client.example.net=localhost | jq -e '.ok and
	    (.moves | map(.stamp)) == ["2026-11-20T040000Z",
	    "2026-11-20T080000Z", "2026-11-21T040000Z", "2026-11-21T080000Z"]'
	was=$(inode "$OLD/hourly.0/localhost/etc/same")

	run -0 migrate -r "$STORE" rsnapshot "$OLD" \
	    client.example.net=localhost
	undo=${output##* }
	[ "$(cat "$STORE/client.example.net.full/etc/changes")" = 3 ]
	[ "$(inode "$STORE/client.example.net.full/etc/same")" = "$was" ]
	cat >"$T/irsync.conf" <<-CONF
	storage = "$STORE"
	host = "client.example.net"
	paths = { "/etc", "/home" }
	state = "$T/state"
	lock = "$T/lock"
	CONF
	chmod 600 "$T/irsync.conf"
	run -0 "$BIN/irsync" -f "$T/irsync.conf" list
	[[ $output == *2026-11-20T040000Z*2026-11-21T080000Z* ]]
	"$BIN/irsync" -f "$T/irsync.conf" restore --to "$T/back" \
	    2026-11-20T080000Z /etc
	[ "$(cat "$T/back/etc/changes")" = 1 ]
	# The next backup links to it.
	# shellcheck disable=SC2016
	unshare --mount sh -c 'mount --bind "$1/etc" /etc &&
	    mount --bind "$1/home" /home && exec "$2" -f "$3" backup \
	    --allow-other-host' sh "$SRC" "$BIN/irsync" "$T/irsync.conf"
	[ "$(find "$STORE/client.example.net.snaps" -maxdepth 1 -name '2*' |
	    wc -l)" = 5 ]
	[ "$(inode "$STORE/client.example.net.full/etc/same")" = "$was" ]
	printf 'root = "%s"\nkeep-last = 2\n' "$STORE" >"$T/rotate.conf"
	run -0 "$BIN/irsync-rotate" -n -f "$T/rotate.conf"
	[[ $output == *2026-11-20T040000Z* ]]

	# And back, without what came later.
	run -0 migrate undo "$undo"
	tree_names "$OLD" | diff "$T/names" -
	[ "$(ledgers "$OLD")" = 0 ]
	[ -d "$STORE/client.example.net.full/etc" ]
}

@test "for an account's store: owners are kept, and a push links to it" {
	migrate -r "$STORE" rsnapshot "$OLD" "$CLIENT=localhost"
	[ "$(snapshots | wc -l)" = 4 ]
	[ -z "$(find "$STORE" ! -uid "$ACCOUNT_ID")" ]
	was=$(inode "$FULL/etc/same")
	pulled=$T/pulled
	rsync -e "$RSH" -aHAX --numeric-ids "server:$CLIENT.full/" "$pulled/"
	rsync -naHAXi --numeric-ids --delete "$SRC/" "$pulled/" >"$T/differs"
	# The owner of a symbolic link is all that is not kept.
	[ "$(cut -c 12- "$T/differs")" = ' etc/link -> same' ]
	push --delete -v "$SRC/" "server:" >"$T/said" 2>&1
	[ "$(snapshots | wc -l)" = 5 ]
	[ "$(inode "$FULL/etc/same")" = "$was" ]
	[ "$(inode "$FULL/home/al ice/"$'odd\nname')" = \
	    "$(inode "$SNAPS/2026-11-20T040000Z/home/al ice/"$'odd\nname')" ]
	[ "$(inode "$FULL/etc/shadow")" = \
	    "$(inode "$SNAPS/2026-11-20T040000Z/etc/shadow")" ]
	confined
}
