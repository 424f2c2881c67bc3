#!/usr/bin/env bats
# A file may have 65000 links on ext4: the snapshot after that is made as if
# there were no limit, and hard links stay what they are.
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The backshelf authors

load helpers
load store
teardown() { run_cleanup; }

# fill FILE N: give it N links in all, somewhere else in the store.
fill() {
	python3 - "$1" "$2" "$ROOT/more" <<-'EOF'
	import os, sys
	name, links, where = sys.argv[1], int(sys.argv[2]), sys.argv[3]
	os.makedirs(where, exist_ok=True)
	for i in range(os.stat(name).st_nlink, links):
	    os.link(name, "%s/%d-%d" % (where, os.stat(name).st_ino, i))
	EOF
}

past_the_limit() {
	only_fs ext4
	only_way overlay linkdest
	store_setup root unmounted
	store_on_image 64M mkfs.ext4 -q -N 4096
	some_files "$SRC/d" 3 500
	mkdir "$SRC/group"
	local i
	for i in 1 2 3 4 5 6; do
		ln "$SRC/d/file1" "$SRC/group/$i"
	done
	setfattr -n user.kept -v 1 "$SRC/d/file0"
	chown 12:34 "$SRC/d/file0"
	chmod 4711 "$SRC/d/file0"
	age "$SRC"
	push "$WAY"
	# One is at the limit; of the other group, some names still fit.
	fill "$(full)/d/file0" 65000
	fill "$(full)/d/file1" 64997
	remember
	push "$WAY"
	same "$SRC" "$(full)"
	unchanged
	[ "$(stat -c %h "$(full)/d/file1")" -lt 100 ]
	[ "$(stat -c %h "$(full)/d/file2")" = 2 ]
	[ "$WAY" = linkdest ] || [ "$(field copied)" = 8 ]
	[ "$(field rsync_exit)" = 0 ]
	# And so is every later one.
	push "$WAY"
	same "$SRC" "$(full)"
	unchanged
	[ "$(field linked)" = 9 ]
}

@test 'a snapshot past the link limit' {
	past_the_limit
}

# What a filter keeps from being deleted is linked by us, not by rsync.
@test 'names of one file that are kept stay one past the link limit' {
	only_fs ext4
	only_way linkdest
	store_setup root unmounted
	store_on_image 64M mkfs.ext4 -q -N 4096
	some_files "$SRC/keep" 2 500
	ln "$SRC/keep/file0" "$SRC/keep/again"
	some_files "$SRC/d" 2 500
	age "$SRC"
	push linkdest
	fill "$(full)/keep/file0" 64999
	remember
	push linkdest -- --exclude=/keep
	same "$SRC" "$(full)"
	[ "$(stat -c %i "$(full)/keep/file0")" = \
	    "$(stat -c %i "$(full)/keep/again")" ]
	unchanged
}
