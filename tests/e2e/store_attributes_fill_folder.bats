#!/usr/bin/env bats
# A folder whose own attributes take all the room that the file system has for
# them is committed like any other, with its times.
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The backshelf authors

load helpers
load store
teardown() { run_cleanup; }

letters() {
	head -c "$1" /dev/zero | tr '\0' x
}

# The account's folders have fewer bytes left: rsync keeps owners there.
full_folder() {
	only_fs ext4
	only_way overlay linkdest
	store_setup "$1" unmounted
	store_on_image 40M mkfs.ext4 -q -b 4096 -I 256
	mkdir "$SRC/d" "$SRC/d/e"
	echo x >"$SRC/d/f"
	push "$WAY"
	setfattr -n user.a -v "$(letters 40)" "$SRC/d"
	setfattr -n user.big -v "$(letters 3950)" "$SRC/d"
	push "$WAY"
	rm "$SRC/d/f"
	echo y >"$SRC/d/g"
	push "$WAY"
	[ "$(stamps | wc -l)" = 3 ]
	[ "$(getfattr --only-values -n user.big "$(full)/d" | wc -c)" = 3950 ]
	[ "$(stat -c %y "$(full)/d")" = "$(stat -c %y "$SRC/d")" ]
	[ "$1" = account ] || same -b "$SRC" "$(full)"
}

@test 'a folder that is full of attributes' {
	full_folder root
}

@test 'a folder that is full of attributes, as an ordinary user' {
	only_way overlay
	full_folder account
}
