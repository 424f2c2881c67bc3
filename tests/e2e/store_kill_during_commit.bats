#!/usr/bin/env bats
# Invariant 2: a commit of which everything is killed, at whatever instant,
# leaves the old state or the new one, and the next push goes on from it.
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The backshelf authors

load helpers
load store
teardown() { run_cleanup; }

: "${ROUNDS:=50}"

make_source() {
	local i
	for i in 1 2 3 4 5 6 7 8; do
		some_files "$SRC/dir$i/sub" 12 100
		ln "$SRC/dir$i/sub/file0" "$SRC/dir$i/hard"
	done
	mkdir "$SRC/swap"
	some_files "$SRC/moving0" 12 100
	chmod 2775 "$SRC/dir1"
	chmod 0500 "$SRC/dir2/sub"
	age "$SRC"
}

# Something for every branch of the merge.
change_source() {
	echo "$1" >"$SRC/dir1/sub/changed"
	touch -d "@$((1500000000 + RANDOM * 2))" "$SRC/dir3/sub"
	chmod "$(printf '0%o' $((0600 + RANDOM % 64)))" "$SRC/dir4/sub/file1"
	mv "$SRC"/moving* "$SRC/moving$1"
	if [ -d "$SRC/swap" ]; then
		rm -r "$SRC/swap" "$SRC/dir5/sub"
		echo file >"$SRC/swap"
	else
		rm "$SRC/swap"
		mkdir -p "$SRC/swap/below" "$SRC/dir5/sub"
		echo a >"$SRC/swap/below/file"
	fi
}

# The state is the old one, or the new one that is what was pushed.
old_or_new() {
	local all
	all=$(stamps)
	if [ "$all" = "$1" ]; then
		outcome=old
		return
	fi
	if [ "$(head -n -1 <<<"$all")" != "$1" ]; then
		echo "$KILLED_AT: $1, then $all" >&2
		return 1
	fi
	outcome=new
	same "$SRC" "$(snap "$(newest)")"
}

# That many pushes, all killed while the commit runs.  What the next one
# finishes must be what was pushed, so that it has nothing to bring itself.
kill_commits() {
	local way=$WAY limit round before was old=0 new=0 killed=0
	make_source
	push "$way"
	change_source 0.5
	push "$way"
	limit=$(duration commit 'done')
	RANDOM=${SEED:-$$}
	echo "seed ${SEED:-$$}, killed within $limit us" >&2
	for ((round = 1; round <= ROUNDS; round++)); do
		before=$(stamps)
		was=$(readlink "$ROOT/host.full")
		remember
		change_source "$round"
		if killed_push commit "$limit" "$way"; then
			killed=$((killed + 1))
		else
			# The machine has become faster.
			limit=$((1000 + $(duration commit 'done')))
		fi
		old_or_new "$before"
		full_is_listed
		if [ "$outcome" = old ]; then
			old=$((old + 1))
			[ "$(readlink "$ROOT/host.full")" = "$was" ]
		else
			new=$((new + 1))
		fi
		if [ -e "$ROOT/host.snaps/.push/commit" ]; then
			# The next push finishes it, and adds one.
			push "$way"
			same "$SRC" "$(snap "$(stamps | tail -n 2 |
			    head -n 1)")"
			same "$SRC" "$(full)"
			[ "$(field moved)" = 0 ] || {
				echo "$KILLED_AT: pushed again" >&2
				cat "$T/record" "$T/out" >&2
				return 1
			}
		fi
		# Few snapshots, so that looking at all of them stays cheap.
		if [ $((round % 10)) = 0 ]; then
			unchanged
			rm -rf "$T"/ref/*
			remember
		fi
	done
	echo "killed $killed times: $old times old, $new times new" >&2
	[ "$killed" -ge $((ROUNDS / 2)) ] && [ $old -gt 0 ]
	push "$way"
	same "$SRC" "$(full)"
	unchanged
	sealed
	[ -z "$(ls -A "$ROOT/host.snaps/.push")" ]
}

@test 'killed again and again while a commit runs' {
	store_setup root
	kill_commits
}
