#!/usr/bin/env bats
# Invariant 4: one writer per client; a second push is told so.
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The backshelf authors

load helpers
load store
teardown() { run_cleanup; }

# A stand-in for rsync that goes on until it is told.
slow_rsync() {
	mkfifo "$T/go"
	cat >"$T/slow" <<-EOF
	#!/bin/bash
	rsync "\$@" && touch $T/running && read -r <$T/go
	EOF
	chmod +x "$T/slow"
}

second_is_refused() {
	local rc=0
	some_files "$SRC" 3 100
	slow_rsync
	push "$WAY" -r "$T/slow" &
	wait_until 10 test -e "$T/running"
	"$TOOLS/storepush" -w "$WAY" "$ROOT" host -- -a "$SRC/" || rc=$?
	[ $rc = 75 ]
	# Another client is not in the way.
	"$TOOLS/storepush" -w "$WAY" "$ROOT" other -- -a "$SRC/"
	echo >"$T/go"
	wait $!
	same "$SRC" "$(full)"
	push "$WAY"
	[ "$(stamps | wc -l)" = 2 ]
}

@test 'a second push at the same time is refused' {
	store_setup root
	second_is_refused
}

# A process that left the push's namespace of processes and still has a file of
# the mount open would write to what is to become immutable.
@test 'nothing is committed while a process still holds the mount' {
	only_way overlay
	store_setup root
	some_files "$SRC" 3 100
	push overlay
	mkfifo "$T/go"
	cat >"$T/escaping" <<-EOF
	#!/bin/bash
	rsync "\$@"
	echo "\${!#}" >$T/where.tmp
	mv $T/where.tmp $T/where
	read -r <$T/go
	EOF
	chmod +x "$T/escaping"
	echo new >"$SRC/new"
	push overlay -r "$T/escaping" &
	local pusher=$! holder
	wait_until 10 test -e "$T/where"
	# shellcheck disable=SC2016
	nsenter -t "$(pgrep -f "^/bin/bash $T/escaping")" -m bash -c '
	    exec 7>>"$1/new" && touch "$2" && exec sleep 600' - \
	    "$(cat "$T/where")" "$T/holding" 3>&- &
	holder=$!
	wait_until 10 test -e "$T/holding"
	echo >"$T/go"
	fails wait $pusher
	grep -q 'push_commit: Device or resource busy' "$T/out"
	[ "$(stamps | wc -l)" = 1 ]
	# The next push does not build on what that one may still be writing.
	push overlay
	fails grep -q resumed "$T/out"
	grep -q 'still there' "$T/out"
	kill $holder
	wait $holder || :
	push overlay
	same "$SRC" "$(full)"
}

@test 'a push waits for a rotation that holds the lock for a moment' {
	store_setup root
	some_files "$SRC" 3 100
	push "$WAY"
	flock "$ROOT/host.snaps/.lock" sh -c ": >$T/held; sleep 1" &
	wait_until 10 test -e "$T/held"
	push "$WAY"
	[ "$(stamps | wc -l)" = 2 ]
	wait $!
}
