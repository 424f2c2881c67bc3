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
	push "$1"
	push "$1"
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
	push "$1"
	unchanged
	[ "$(field linked)" = 1 ]
	[ "$WHO" = account ] || same "$SRC" "$(full)"
}

# Content is written in place, as rsync --inplace does.
inplace() {
	make_source
	push "$1"
	remember
	echo more >>"$SRC/data/file0"
	echo more >>"$SRC/links/a"
	push "$1" -- --inplace
	unchanged
	truncate -s 10 "$SRC/data/file1"
	push "$1" -- --append
	unchanged
	[ "$WHO" = account ] || cmp "$SRC/links/b" "$(full)/links/b"
}

@test 'overlay: chmod, chown and touch leave older snapshots alone' {
	store_setup root
	attributes_only overlay
}

@test 'linkdest: chmod, chown and touch leave older snapshots alone' {
	store_setup root
	attributes_only linkdest
}

@test 'overlay, unprivileged: chmod, chown and touch leave older snapshots alone' {
	store_setup account
	attributes_only overlay
}

@test 'linkdest, unprivileged: chmod, chown and touch leave older snapshots alone' {
	store_setup account
	attributes_only linkdest
}

@test 'overlay on XFS: chmod, chown and touch leave older snapshots alone' {
	store_setup account
	on_xfs
	attributes_only overlay
}

@test 'linkdest on XFS: chmod, chown and touch leave older snapshots alone' {
	store_setup account
	on_xfs
	attributes_only linkdest
}

@test 'overlay: --inplace and --append leave older snapshots alone' {
	store_setup account
	inplace overlay
}

@test 'overlay: a push that is cut off and taken up leaves older snapshots alone' {
	store_setup root
	make_source
	push overlay
	remember
	chmod 0600 "$SRC"/data/*
	chown -R 7:7 "$SRC/links"
	fails push overlay -x 12
	unchanged
	chmod 0644 "$SRC"/data/*
	push overlay
	grep -q resumed "$T/out"
	unchanged
	same "$SRC" "$(full)"
}

@test 'linkdest: a push that is cut off and taken up leaves older snapshots alone' {
	store_setup root
	make_source
	push linkdest
	remember
	chmod 0600 "$SRC"/data/*
	chown -R 7:7 "$SRC/links"
	fails push linkdest -x 12
	unchanged
	chmod 0644 "$SRC"/data/*
	push linkdest
	grep -q resumed "$T/out"
	unchanged
	same "$SRC" "$(full)"
}
