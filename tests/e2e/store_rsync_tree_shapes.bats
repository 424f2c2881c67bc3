#!/usr/bin/env bats
# What rsync brings is what the snapshot holds, whatever it replaces, however it
# is named.
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The backshelf authors

load helpers
load store
teardown() { run_cleanup; }

odd_names() {
	python3 - "$SRC/names" <<-'EOF'
	import os, sys
	top = os.fsencode(sys.argv[1])
	os.mkdir(top)
	for i in range(1, 256):
	    if i != 47:
	        with open(top + b"/x" + bytes([i]), "wb") as f:
	            f.write(bytes([i]))
	for name in (b"-rf", b"--delete", b"a\nb", b" ", b"...", b"\xff\xfe",
	             "\u00e9\u4e16".encode(), b"n" * 255, b".x.AbCdEf"):
	    os.mkdir(top + b"/d" + name[:254])
	    with open(top + b"/" + name, "wb") as f:
	        f.write(name)
	EOF
}

make_source() {
	some_files "$SRC/stay" 3 200
	some_files "$SRC/dir2file/sub" 2 100
	echo f >"$SRC/file2dir"
	some_files "$SRC/again/deep/deeper" 3 100
	some_files "$SRC/renamed" 3 5000
	mkdir "$SRC/links" "$SRC/empty"
	echo h >"$SRC/links/a"
	ln "$SRC/links/a" "$SRC/stay/a"
	ln "$SRC/links/a" "$SRC/again/a"
	echo i >"$SRC/links/b"
	ln "$SRC/links/b" "$SRC/links/c"
	ln -s nowhere "$SRC/links/nowhere"
	ln -s /etc "$SRC/links/outside"
	ln -s ../stay "$SRC/links/inside"
	mkfifo "$SRC/fifo"
	mknod "$SRC/dev" c 1 3
	mknod "$SRC/blk" b 7 99
	python3 -c 'import socket, sys
socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "$SRC/sock"
	truncate -s 5M "$SRC/sparse"
	echo end >>"$SRC/sparse"
	mkdir -m 3771 "$SRC/setgid"
	chgrp 99 "$SRC/setgid"
	mkdir -m 0500 "$SRC/readonly"
	setfacl -d -m u:5:rwx "$SRC/empty"
	odd_names
	age "$SRC"
}

change_source() {
	rm -r "$SRC/dir2file" "$SRC/again"
	echo file >"$SRC/dir2file"
	rm "$SRC/file2dir" "$SRC/links/inside"
	some_files "$SRC/file2dir/x" 2 100
	some_files "$SRC/again/deep" 2 100	# the same name, all else new
	mv "$SRC/renamed" "$SRC/renamed2"
	chmod 0600 "$SRC/links/a"		# a changed and an unchanged group
	rm "$SRC/links/c"
	mkdir "$SRC/links/inside"
	echo x >"$SRC/links/inside/x"
	rm "$SRC/links/outside" "$SRC/fifo"
	ln -s /dev "$SRC/links/outside"
	mkdir "$SRC/fifo"
	rm -r "$SRC/names/-rf" "$SRC/names/d-rf"
	ln -s "$(printf 'a\nb')" "$SRC/names/-rf"
	echo y >"$SRC/readonly/y"
	chmod g-s,o+t "$SRC/setgid"
	printf 'x' | dd of="$SRC/sparse" bs=1 seek=3000000 conv=notrunc status=none
	setfacl -k "$SRC/empty"
}

shapes() {
	umask 077
	make_source
	push "$WAY" -- -S
	same "$SRC" "$(full)"
	[ "$(field entries)" = "$(find "$SRC" -mindepth 1 -printf x | wc -c)" ]
	change_source
	remember
	push "$WAY" -- -S
	same "$SRC" "$(full)"
	unchanged
	[ "$(field entries)" = "$(find "$SRC" -mindepth 1 -printf x | wc -c)" ]
	[ "$(field bytes)" = "$(find "$SRC" -type f -printf '%s\n' |
	    awk '{ n += $1 } END { print n }')" ]
	# And back.
	rm -r "${SRC:?}"
	cp -a "$T/ref/$(stamps | head -n 1)" "$SRC"
	push "$WAY" -- -S
	same "$SRC" "$(full)"
	unchanged
	[ -z "$(find "$ROOT" -name '.push' -not -empty)" ]
}

# bats test_tags=every_store
@test 'every shape of a tree, replaced by every other' {
	store_setup root
	shapes
}

# Without --delete, and into a folder only: what was not covered stays.
parts() {
	some_files "$SRC/a/b/c" 3 100
	some_files "$SRC/a/other" 3 100
	some_files "$SRC/beside" 3 100
	chmod 0751 "$SRC/a"
	age "$SRC"
	push "$WAY"
	cp -a "$SRC" "$T/want"
	# A part, with --delete.
	rm "$SRC/a/b/c/file0"
	echo new >"$SRC/a/b/new"
	SRC=$T/src/a/b
	push "$WAY" -s a/b
	rsync -aHAX --delete "$SRC/" "$T/want/a/b/"
	same -T "$T/want" "$(full)"
	[ "$(stat -c %y "$T/want/a")" = "$(stat -c %y "$(full)/a")" ] ||
	    [ "$WAY" != linkdest ]
	# A part, without.
	rm "$SRC/c/file1"
	echo newer >"$SRC/newer"
	push_plain "$WAY" -s a/b -- -aHAX
	rsync -aHAX "$SRC/" "$T/want/a/b/"
	same -T "$T/want" "$(full)"
	[ -e "$(full)/a/b/c/file1" ]
	# The whole, without; a folder that the base does not have.
	SRC=$T/src
	rm -r "$SRC/beside"
	push_plain "$WAY" -- -aHAX
	rsync -aHAX "$SRC/" "$T/want/"
	same -T "$T/want" "$(full)"
	push_plain "$WAY" -s a/new/er -- -aHAX --mkpath
	mkdir "$T/want/a/new"
	rsync -aHAX "$SRC/" "$T/want/a/new/er/"
	same -T "$T/want" "$(full)"
}

@test 'a push of a part leaves the rest as it was' {
	store_setup root
	parts
}

# Depth and width beyond what is usual.
extremes() {
	python3 - "$SRC" <<-'EOF'
	import os, sys
	os.makedirs(sys.argv[1] + "/wide")
	for i in range(5000):
	    os.mknod("%s/wide/%d" % (sys.argv[1], i))
	os.chdir(sys.argv[1])
	for i in range(250):
	    os.mkdir("d")
	    os.mkdir("e")
	    os.mknod("f")
	    os.chdir("d")
	EOF
	# The store has few descriptors; rsync needs one for each folder above.
	# shellcheck disable=SC2016
	printf '#!/bin/bash\nulimit -Sn 2000\nexec rsync "$@"\n' >"$T/rsync"
	chmod +x "$T/rsync"
	ulimit -Sn 64
	push "$WAY" -r "$T/rsync"
	[ "$(field entries)" = 5751 ]
	rm "$SRC/wide/5" "$SRC/wide/777"
	echo x >"$SRC/wide/6"
	push "$WAY" -r "$T/rsync"
	[ "$(field linked)" = 5247 ]
	[ "$(field dropped)" = 2 ]
	ulimit -Sn 1024
	same "$SRC" "$(full)"
}

@test '250 folders deep, 5000 files wide' {
	store_setup root
	extremes
}
