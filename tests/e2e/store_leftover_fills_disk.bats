#!/usr/bin/env bats
# What a killed push left on a full disk does not keep the next one out.
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The backshelf authors

load helpers
load store
teardown() { run_cleanup; }

leftover() {
	local n=0
	store_setup root
	store_on_image 40M mkfs.ext4 -q -m 0
	some_files "$SRC/a" 3 1000
	push "$1"
	# rsync and all around it are gone before anybody sees the disk full.
	cat >"$T/cut" <<-'EOS'
	#!/bin/bash
	head -c 60000000 /dev/zero >"${!#}/big"
	kill -9 "$PPID" $$
	EOS
	chmod +x "$T/cut"
	fails push "$1" -r "$T/cut"
	while echo x >"$ROOT/fill$n"; do
		n=$((n + 1))
	done 2>/dev/null
	[ "$n" -lt 2000 ]
	echo new >"$SRC/new"
	push "$1"
	same "$SRC" "$(full)"
}

@test 'overlay: a leftover on a full disk makes room' {
	leftover overlay
}

@test 'linkdest: a leftover on a full disk makes room' {
	leftover linkdest
}
