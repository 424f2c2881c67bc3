#!/usr/bin/env bats
# What a killed push left on a full disk does not keep the next one out.
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The backshelf authors

load helpers
load store
teardown() { run_cleanup; }

leftover() {
	local n=0
	store_setup root unmounted
	store_on_small
	some_files "$SRC/a" 3 1000
	push "$WAY"
	# rsync and all around it are gone before anybody sees the disk full.
	cat >"$T/cut" <<-'EOS'
	#!/bin/bash
	head -c 60000000 /dev/zero >"${!#}/big"
	kill -9 "$PPID" $$
	EOS
	chmod +x "$T/cut"
	fails push "$WAY" -r "$T/cut"
	while echo x >"$ROOT/fill$n"; do
		n=$((n + 1))
	done 2>/dev/null
	[ "$n" -lt 2000 ]
	echo new >"$SRC/new"
	push "$WAY"
	same "$SRC" "$(full)"
}

@test 'a leftover on a full disk makes room' {
	leftover
}
