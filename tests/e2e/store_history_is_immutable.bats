#!/usr/bin/env bats
# Invariant 1: whatever a push changes, no older snapshot changes with it.
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The backshelf authors

load helpers
load store
teardown() { run_cleanup; }

# A source that has something to change of every kind.
make_source() {
	some_files "$SRC/data" 6 3000
	mkdir "$SRC/empty" "$SRC/links"
	echo one >"$SRC/links/a"
	ln "$SRC/links/a" "$SRC/links/b"
	ln -s a "$SRC/links/s"
	echo plain >"$SRC/plain"
	setfattr -n user.kept -v 1 "$SRC/plain"
	setfacl -m u:1234:r "$SRC/data/file0"
	age "$SRC"
}

# Only attributes change: the case that a tree of hard links gets wrong.
attributes_only() {
	make_source
	push "$WAY"
	push "$WAY"
	remember
	chmod 0711 "$SRC/data" "$SRC/empty"
	chmod 0600 "$SRC/data/file0"
	chmod 4755 "$SRC/data/file1"
	chown 1234:5678 "$SRC/data/file2"
	chown -h 1234:5678 "$SRC/links/s"
	touch -h -d '2021-01-01' "$SRC/data/file3" "$SRC/links/s" "$SRC/links/a"
	setfattr -n user.kept -v 2 "$SRC/plain"
	setfacl -m u:1234:rw "$SRC/data/file4"
	chmod 0640 "$SRC/links/b"
	push "$WAY"
	unchanged
	[ "$(field linked)" = 1 ]
	[ "$WHO" = account ] || same "$SRC" "$(full)"
}

# Content is written in place, as rsync --inplace does.
inplace() {
	make_source
	push "$WAY"
	remember
	echo more >>"$SRC/data/file0"
	echo more >>"$SRC/links/a"
	push "$WAY" -- --inplace
	unchanged
	truncate -s 10 "$SRC/data/file1"
	push "$WAY" -- --append
	unchanged
	[ "$WHO" = account ] || cmp "$SRC/links/b" "$(full)/links/b"
}

# bats test_tags=every_store
@test 'chmod, chown and touch leave older snapshots alone' {
	store_setup root
	attributes_only
}

@test 'unprivileged: chmod, chown and touch leave older snapshots alone' {
	store_setup account
	attributes_only
}

# With --link-dest, rsync would write into the base's own files.
@test '--inplace and --append leave older snapshots alone' {
	only_way overlay btrfs
	store_setup account
	inplace
}

@test 'a push that is cut off and taken up leaves older snapshots alone' {
	store_setup root
	make_source
	push "$WAY"
	remember
	chmod 0600 "$SRC"/data/*
	chown -R 7:7 "$SRC/links"
	fails push "$WAY" -x 12
	unchanged
	chmod 0644 "$SRC"/data/*
	push "$WAY"
	grep -q resumed "$T/out"
	unchanged
	same "$SRC" "$(full)"
}
