#!/usr/bin/env bats
# Three backups over a real sshd and validate-ssh, with every kind of change
# between; the list; the middle one and parts of it restored.

load helpers
load irsync_helpers

setup() {
	setup_tmp
	need jq setfacl setfattr
	server_make
	irsync_conf "$T/src"
}
teardown() { run_cleanup; }

# Every inode and attribute of the snapshots.
state() {
	find "$T/store/client.example.net.snaps/"2* -printf '%i %n %T@ %C@ %p\0' |
	    sort -z | base64
}

# bats test_tags=every_store
@test "three backups, and the middle one restored as it was" {
	source_make "$T/src"
	run -0 --separate-stderr irsync backup
	[[ $output == *"snapshot "*" complete: "*" new, 0 changed, 0 deleted"* ]]
	[ -z "$stderr" ]
	source_second "$T/src"
	cp -a "$T/src" "$T/then"
	run -0 irsync backup
	[[ $output == *"complete: "* ]]
	source_third "$T/src"
	run -0 irsync backup

	# The server is an ordinary account.
	[ "$(stat -c %u "$T/store/client.example.net.snaps")" = "$ACCOUNT_ID" ]

	run -0 irsync list
	[ "${#lines[@]}" = 5 ]
	[[ ${lines[1]} == *" complete" ]]
	[[ ${lines[3]} == *" complete, latest" ]]
	[[ ${lines[4]} == "3 snapshots, "* ]]

	middle=$(irsync list --json | jq -r '.snapshots[1].stamp')
	run -0 irsync restore "$middle" --to "$T/out"
	python3 "$SAMETREE" "$T/then" "$T/out$T/src"

	# Parts of it: what is above them is as it was, too.
	run -0 irsync restore "$middle" "$T/src/dir" "$T/src/caf"$'\303\251' \
	    "$T/src/*?[a]" "$T/src/-dash" "$T/src/new"$'\n'line --to "$T/part"
	python3 "$SAMETREE" "$T/then/dir/deeper" "$T/part$T/src/dir/deeper"
	[ "$(find "$T/part$T/src" -mindepth 1 -maxdepth 1 -printf x)" = xxxxx ]
	cmp "$T/then/*?[a]" "$T/part$T/src/*?[a]"
	[ "$(stat -c '%a %u %y' "$T/then")" = \
	    "$(stat -c '%a %u %y' "$T/part$T/src")" ]

	# The newest holds what is here; what is on the server's disk is whole.
	run -0 irsync verify
	run -0 "$BIN/irsync" --store "$T/store" verify
	[[ $output == *': all good' ]]
}

@test "before the first backup there is nothing to list or to restore" {
	mkdir "$T/src"
	: >"$T/src/file"
	run -0 irsync list
	[ "$output" = "0 snapshots, 0 B on disk" ]
	run -1 irsync restore --to "$T/out"
	[ "$output" = "irsync: latest: there are no snapshots" ]
	run -0 irsync -n backup
	run -0 irsync list
	[ "$output" = "0 snapshots, 0 B on disk" ]
	irsync_conf_local "$T/src"
	mkdir "$T/disk"
	conf_set "storage = \"$T/disk\""
	run -0 irsync list
	[ "$output" = "0 snapshots, 0 B on disk" ]
	conf_set "storage = \"$T/none\""
	run -1 irsync list
}

@test "holes stay holes; --sparse is left out where there are none" {
	local blocks
	mkdir -p "$T/src/below"
	head -c 100000 /dev/urandom >"$T/src/below/whole"
	run -0 irsync -v backup
	[[ $output != *--sparse* ]]
	run -0 irsync -v restore --to "$T/out"
	[[ $output != *--sparse* ]]
	truncate -s 5M "$T/src/below/holes"
	echo end >>"$T/src/below/holes"
	blocks=$(stat -c %b "$T/src/below/holes")
	irsync backup
	rm -r "$T/out"
	irsync restore --to "$T/out"
	[ "$(stat -c %b "$T/out$T/src/below/holes")" -le "$blocks" ]
	# The same, in a first push.
	install -d -o "$ACCOUNT_ID" -g "$ACCOUNT_ID" "$T/store/second"
	sed -i "s|^root = .*|root = \"$T/store/second\"|" "$T/sshguard.conf"
	conf_set "storage = \"server:$T/store/second\""
	rm -r "$T/state"* "$T/out"
	irsync backup
	irsync restore --to "$T/out"
	[ "$(stat -c %b "$T/out$T/src/below/holes")" -le "$blocks" ]
	cmp "$T/src/below/holes" "$T/out$T/src/below/holes"
}

@test "nothing changed: nothing is sent, and the snapshot shares every file" {
	source_make "$T/src"
	irsync backup
	run -0 irsync --json backup
	[ "$(jq -c '[.new, .changed, .deleted, .exit]' <<<"$output")" = \
	    '[0,0,0,0]' ]
	[ "$(jq '.sent < 10000' <<<"$output")" = true ]
	run -0 irsync list --json
	[ "$(jq -c '.snapshots[1] | [.moved, .latest]' <<<"$output")" = \
	    '[0,true]' ]
	# Between subvolumes, blocks are shared and not names.
	only_fs ext4 xfs
	cd "$T/store/client.example.net.snaps"
	[ "$(stat -c %h ./*/"$T"/src/big | sort -u)" = 2 ]
}

@test "snapshots are found by time" {
	source_make "$T/src"
	irsync backup
	first=$(newest)
	irsync backup
	run -0 irsync restore "$(date -d tomorrow +%F)" "$T/src/same" --to "$T/a"
	[[ $output == "$(newest) to "* ]]
	run -0 irsync restore "$(date -d "$(sed -E \
	    's/(..)(..)(..)Z$/\1:\2:\3Z/; s/T/ /' <<<"$first")" \
	    '+%F %T')" "$T/src/same" --to "$T/b"
	[[ $output == "$first to "* ]]
	run -1 irsync restore "2001-01-01 00:00" --to "$T/c"
	[[ $output == *"no complete snapshot that old"* ]]
	[ ! -e "$T/c" ]
}

@test "what is no longer configured, or is excluded, is not in the next one" {
	source_make "$T/src/one"
	source_make "$T/src/two"
	irsync_conf "$T/src/one" "$T/src/two"
	irsync backup
	irsync_conf "$T/src/two"
	echo "exclude = { \"$T/src/two/dir/\", \"+ *.o\", \"big\" }" >>"$CONF"
	: >"$T/src/two/big.o"
	irsync backup --allow-shrink
	cd "$T/store/client.example.net.full$T/src"
	[ ! -e one ]
	[ ! -e two/dir ]
	[ ! -e two/big ]
	[ -e two/big.o ]
	[ -e two/same ]
}

@test "a dry run shows what would change, and changes nothing" {
	source_make "$T/src"
	irsync backup
	source_second "$T/src"
	state >"$T/before"
	run -0 irsync -n backup
	[[ $output == *"*deleting"*"$T/src/deleted"* ]] ||
	    [[ $output == *"*deleting   ${T#/}/src/deleted"* ]]
	[[ $output == *"<f+++++++++ $T/src/new-name"* ]]
	[[ $output == *".f...p..... $T/src/mode-only"* ]]
	[[ ${lines[-1]} == *"dry run complete"* ]]
	run -0 irsync list
	[ "${#lines[@]}" = 3 ]
	state | diff "$T/before" -
}
