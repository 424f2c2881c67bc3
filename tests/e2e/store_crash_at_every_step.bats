#!/usr/bin/env bats
# Invariant 2, step by step: a push that is killed at each of the calls by which
# the store changes the disk leaves the old state or the new one; the next goes on.
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The backshelf authors

# KILLAT is read by as_who of store.bash.
# shellcheck disable=SC2034
load helpers
load store
teardown() { run_cleanup; }

CALLS=(syncfs fsync renameat mkdirat linkat renameat2 unlinkat ioctl symlinkat
    fsetxattr fchmod utimensat openat)

make_source() {
	local i
	for i in 1 2 3; do
		some_files "$SRC/dir$i/sub" 3 100
		ln "$SRC/dir$i/sub/file0" "$SRC/dir$i/hard"
	done
	age "$SRC"
}

change_source() {
	echo "$1" >"$SRC/dir1/sub/changed"
	chmod "$(printf '0%o' $((0600 + $1 % 64)))" "$SRC/dir2/sub/file1"
	rm -rf "$SRC"/dir3/new*
	mkdir "$SRC/dir3/new$1"
	echo a >"$SRC/dir3/new$1/file"
}

# killed_push_at CALL N: a push of which the store's part, not rsync, is killed at
# its N-th of these calls.  1 if there are fewer.
killed_push_at() {
	KILLAT=(strace -f -b execve -qq -o "$T/trace" -e trace="$1"
	    -e "inject=$1:signal=KILL:when=$2")
	push "$WAY"
	local rc=$?
	KILLAT=()
	[ $rc != 0 ] && grep -q 'killed by SIGKILL' "$T/trace"
}

# bats test_tags=every_store
@test 'a push that is killed at each of its steps' {
	need strace
	store_setup root
	local call n step round=0 killed=0 before was
	step=${STEP:-$(for_long 5 1)}
	make_source
	push "$WAY"
	for call in "${CALLS[@]}"; do
		for ((n = 1 + round % step; ; n += step)); do
			round=$((round + 1))
			before=$(stamps)
			was=$(readlink "$ROOT/host.full")
			rm -rf "$T"/ref/*
			cp -a "$(snap "$(newest)")" "$T/ref/"
			change_source $round
			killed_push_at "$call" "$n" || break
			killed=$((killed + 1))
			echo "killed at $call $n" >&2
			full_is_listed
			if [ "$(stamps)" = "$before" ]; then
				[ "$(readlink "$ROOT/host.full")" = "$was" ]
			else
				[ "$(stamps | head -n -1)" = "$before" ]
				same "$SRC" "$(snap "$(newest)")"
			fi
			push "$WAY"
			same "$SRC" "$(full)"
			unchanged
			sealed
			[ -z "$(ls -A "$ROOT/host.snaps/.push")" ]
		done
	done
	echo "killed $killed times" >&2
	[ $killed -gt 3 ]
}
