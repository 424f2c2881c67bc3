#!/usr/bin/env bats
# A restore never overwrites anything, and goes on after an interruption.

load helpers
load irsync_helpers

setup() {
	setup_tmp
	need jq setfacl setfattr
	irsync_conf_local "$T/src"
	source_make "$T/src"
	irsync backup
}
teardown() { run_cleanup; }

@test "only a new or empty folder is restored into" {
	mkdir "$T/full" "$T/empty" "$T/disk" "$T/disk/lost+found"
	echo precious >"$T/full/file"
	run -1 irsync restore --to "$T/full"
	[[ $output == *"$T/full: not empty"* ]]
	[ "$(ls -A "$T/full")" = file ]
	run -1 irsync restore --to "$T/full/file"
	run -1 irsync restore --to "$T/no/such/parent"
	# Nor into the history, where a folder would be empty at first.
	for to in full full/x "snaps/$(newest)$T/src/empty" snaps/x; do
		run -1 irsync restore --to "$T/store/client.example.net.$to"
		[[ $output == *"in the storage's snapshots"* ]]
	done
	irsync restore --to "$T/empty"
	irsync restore --to "$T/disk"
	python3 "$SAMETREE" "$T/src" "$T/empty$T/src"
	# Once more would be over what stands there now.
	run -1 irsync restore --to "$T/empty"
	cd "$T"
	irsync restore
	python3 "$SAMETREE" "$T/src" "$T/restored-$(newest)$T/src"
	mkdir 'a:b'
	irsync restore --to 'a:b' "$T/src/same"
	[ -f "a:b$T/src/same" ]
}

@test "an interrupted restore goes on, and only that one" {
	head -c 30000000 /dev/urandom >"$T/src/huge"
	irsync backup
	conf_set 'bwlimit = "2M"'
	"$BIN/irsync" -f "$CONF" restore --to "$T/out" 3>&- &
	pid=$!
	wait_until 20 compgen -G "$T/out$T/src/.huge.*"
	kill "$pid"
	rc=0
	wait "$pid" || rc=$?
	[ "$rc" = 143 ]
	[ -e "$T/out/.~irsync-restore~" ]
	[ ! -e "$T/out$T/src/huge" ]
	run -1 irsync restore --to "$T/out" "$T/src/same"
	[[ $output == *"not empty"* ]]
	conf_set 'bwlimit = "0"'
	run -0 irsync restore --to "$T/out"
	[[ $output == *"going on with an interrupted restore"* ]]
	python3 "$SAMETREE" "$T/src" "$T/out$T/src"
	[ ! -e "$T/out/.~irsync-restore~" ]
	[ -z "$(find "$T/out" -name '.~*')" ]
}

@test "a disk that fills up says so, and the restore can go on elsewhere" {
	mkdir "$T/small"
	mount -t tmpfs -o size=2M small "$T/small"
	on_exit umount "$T/small"
	run -73 irsync restore --to "$T/small"
	[[ ${lines[-1]} == *"no space is left"* ]]
	[ -e "$T/small/.~irsync-restore~" ]
	mount -o remount,size=20M "$T/small"
	run -0 irsync restore --to "$T/small"
	python3 "$SAMETREE" "$T/src" "$T/small$T/src"
}

@test "what is not in the snapshot is told" {
	run -1 irsync restore latest /no/such/file --to "$T/out"
	[[ $output == *'link_stat "'*'no/such/file" failed'* ]]
	[[ $output == *"nothing of that is in it"* ]]
	run -23 irsync restore latest /no/such/file "$T/src/same" --to "$T/out"
	[ -f "$T/out$T/src/same" ]
	run -1 irsync restore 2001-01-01T000000Z --to "$T/out2"
	[[ $output == *"there is no snapshot of that name"* ]]
	run -64 irsync restore latest relative --to "$T/out2"
	run -64 irsync restore /etc/../etc/passwd --to "$T/out2"
	[ ! -e "$T/out2" ]
}
