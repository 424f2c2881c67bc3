#!/usr/bin/env bats
# What a record says was linked, moved and dropped is what happened, also after a
# commit that was cut off.
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The backshelf authors

# KILLAT is read by as_who of store.bash.
# shellcheck disable=SC2034
load helpers
load store
teardown() { run_cleanup; }

make_source() {
	local i
	for i in 1 2 3 4 5 6; do
		some_files "$SRC/dir$i/sub/deep" 5 $((i * 700))
		some_files "$SRC/dir$i/sub" 5 300
		ln "$SRC/dir$i/sub/file0" "$SRC/dir$i/hard"
		ln -s target "$SRC/dir$i/link"
	done
	mkdir "$SRC/becomes-file" "$SRC/empty"
	some_files "$SRC/becomes-file/x" 3 100
	echo file >"$SRC/becomes-folder"
	age "$SRC"
}

# Something for every branch of the merge.
change_source() {
	echo more >>"$SRC/dir1/sub/file1"
	chmod 600 "$SRC/dir1/sub/deep/file2"
	rm -r "$SRC/dir2/sub"
	rm "$SRC/dir3/sub/file2" "$SRC/dir3/link"
	ln "$SRC/dir1/sub/file1" "$SRC/dir4/another"
	rm -r "$SRC/dir5"
	mkdir -p "$SRC/dir5/sub/new"
	echo new >"$SRC/dir5/sub/new/file"
	echo new >"$SRC/dir5/sub/file1"
	rm -r "$SRC/becomes-file" "$SRC/becomes-folder"
	echo file >"$SRC/becomes-file"
	mkdir -p "$SRC/becomes-folder/a/b"
	some_files "$SRC/becomes-folder/a/b" 3 5000
	touch -d '2021-01-01' "$SRC/dir6/sub"
	mknod "$SRC/pipe" p
}

# counted: what the record should say, by looking at both snapshots.
counted() {
	python3 - "$1" "$2" <<-'PY'
	import os, stat, sys

	def names(top):
	    found = {}
	    for d, dirs, files in os.walk(top):
	        for n in dirs + files:
	            p = os.path.join(d, n)
	            found[os.path.relpath(p, top)] = os.lstat(p)
	    return found

	old, new = names(sys.argv[1]), names(sys.argv[2])
	files = {p: s for p, s in new.items() if not stat.S_ISDIR(s.st_mode)}
	shared = [p for p, s in files.items()
	          if p in old and old[p].st_ino == s.st_ino
	          and old[p].st_ctime_ns == s.st_ctime_ns]
	print('entries', len(new))
	print('linked', len(shared))
	print('moved', len(files) - len(shared))
	print('dropped', len([p for p in old if p not in new]))
	print('copied', 0)
	print('bytes', sum(s.st_size for s in files.values()
	                   if stat.S_ISREG(s.st_mode)))
	PY
}

recorded() {
	local f
	for f in entries linked moved dropped copied bytes; do
		echo "$f $(jq -r ".$f" "$1")"
	done
}

# The disk blocks of what is new, folders included.
new_bytes() {
	du -s --block-size=1 "$1" "$2" | awk 'NR == 2 { print $1 }'
}

counts() {
	local old new size
	make_source
	push "$WAY"
	old=$(newest)
	change_source
	push "$WAY"
	new=$(newest)
	same "$SRC" "$(full)"
	diff <(counted "$(snap "$old")" "$(snap "$new")") <(recorded "$T/record")
	# Two subvolumes share blocks, and no inodes.
	[ "$WAY" != btrfs ] || return 0
	size=$(new_bytes "$(snap "$old")" "$(snap "$new")")
	echo "$size bytes are new, $(field bytes_new) recorded"
	[ $((size - $(field bytes_new))) -lt 8192 ]
	[ $(($(field bytes_new) - size)) -lt 8192 ]
	push "$WAY"
	diff <(counted "$(snap "$new")" "$(snap "$(newest)")") \
	    <(recorded "$T/record")
}

@test 'the counts are right' {
	store_setup root
	counts
}

# Cut the commit off at several of the names that it takes from what was pushed.
# Which they are depends on which thread takes them.
@test 'the counts are right after a commit that was cut off' {
	only_way overlay
	local old new n cut=0
	need strace
	store_setup root
	make_source
	push overlay
	old=$(newest)
	change_source
	cp -a "$ROOT" "$T/before"
	for n in 1 2 3 4 5; do
		rm -rf "${ROOT:?}"/*
		cp -a "$T/before/." "$ROOT"
		push overlay -x 12 || true
		[ "$(stamps)" = "$old" ]
		# Nothing is left to be pushed: killed at the n-th rename of
		# the commit.
		: >"$LOG"
		KILLAT=(strace -f -qq -o /dev/null -e trace=renameat
		    -e "inject=renameat:signal=KILL:when=$((n + 2))")
		push overlay -r /bin/true || true
		KILLAT=()
		[ -e "$ROOT/host.snaps/.push/commit" ] || continue
		cut=$((cut + 1))
		"$TOOLS/storepush" -w overlay -r /bin/true "$ROOT" host -- \
		    -a "$SRC/" >/dev/null
		new=$(stamps | sed -n 2p)
		same "$SRC" "$(snap "$new")"
		diff <(counted "$(snap "$old")" "$(snap "$new")") \
		    <(recorded "$ROOT/host.snaps/.meta/$new.json")
	done
	[ $cut -ge 3 ]
}
