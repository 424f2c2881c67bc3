#!/usr/bin/env bats
# A file that gets one more name stays one file under all its names, and takes no
# more room for it.  overlayfs would tear the new name and the one it was made
# from off the others.

load helpers
load guard

setup() {
	guard_setup
	S=$T/source
	mkdir -p "$S"/{a,b,c,d}
	head -c 3M /dev/urandom >"$S/file"
	ln "$S/file" "$S/b/file"
	ln -s target "$S/link"
	ln "$S/link" "$S/b/link"
	setfattr -n user.color -v red "$S/file"
	send
}

teardown() {
	run_cleanup
}

# send [OPTION]...: push the source.  Its times are of another second than that
# of the restore: rsync looks at no more than seconds.
send() {
	find "$S" -exec touch -h -d '2001-02-03 04:05:06.789' {} +
	push "$@" "$S/" server:
}

# restored: what comes back is what was sent.
restored() {
	mkdir "$T/back"
	push "server:$CLIENT.full/" "$T/back/"
	"$HELPERS_DIR/sametree.py" "$S" "$T/back"
}

# inodes NAME...: how many files of the newest snapshot these names are.
inodes() {
	(cd "$FULL/" && stat -c %i "$@" | sort -u | wc -l)
}

@test "a new name for a file of the last snapshot" {
	only_fs ext4 xfs
	base=$(snapshots)
	ln "$S/file" "$S/d/file"
	ln "$S/link" "$S/d/link"
	send
	snapshot_count 2
	[ "$(inodes file b/file d/file)" = 1 ]
	[ "$(inodes link b/link d/link)" = 1 ]
	# And it is the old snapshot's.
	[ "$SNAPS/$base/file" -ef "$FULL/d/file" ]
	restored
}

@test "a new name in a new folder, and an old one gone" {
	mkdir -p "$S/new/er"
	ln "$S/file" "$S/new/er/file"
	rm "$S/b/file"
	ln "$S/file" "$S/c/file"
	send --delete
	[ "$(inodes file c/file new/er/file)" = 1 ]
	restored
}

@test "a new name and a new owner at once" {
	ln "$S/file" "$S/d/file"
	chown 12:34 "$S/file"
	base=$(snapshots)
	send
	[ "$(inodes file b/file d/file)" = 1 ]
	[ ! "$SNAPS/$base/file" -ef "$FULL/d/file" ]
	restored
}
