#!/usr/bin/env bats
# Invariant 2: a push of which everything is killed, at whatever instant, leaves
# the store as it was, and the next push completes.
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The backshelf authors

load helpers
load store
teardown() { run_cleanup; }

: "${ROUNDS:=50}"

change_source() {
	echo "$1" >"$SRC/files/changed"
	head -c 40000 /dev/urandom >"$SRC/files/file$((RANDOM % 20))"
	mv "$SRC"/moving* "$SRC/moving$1"
	chmod "$(printf '0%o' $((0600 + RANDOM % 64)))" "$SRC/files/file0"
}

# That many pushes, all killed while rsync runs or before.
kill_pushes() {
	local way=$WAY limit round before began killed=0
	some_files "$SRC/files" 20 40000
	some_files "$SRC/moving0" 5 1000
	ln "$SRC/files/file1" "$SRC/files/hard"
	age "$SRC"
	push "$way"
	change_source 0.5
	push "$way"
	limit=$(duration begin commit)
	remember
	before=$(stamps)
	RANDOM=${SEED:-$$}
	echo "seed ${SEED:-$$}, killed within $limit us" >&2
	for ((round = 1; round <= ROUNDS; round++)); do
		change_source "$round"
		# Killed while it was dropping what was there, it left none.
		began=$(ls -A "$ROOT/host.snaps/.push" 2>/dev/null) || true
		if killed_push begin "$limit" "$way"; then
			killed=$((killed + 1))
		else
			# The machine has become faster.
			limit=$((1000 + $(duration begin commit)))
		fi
		if grep -q '^commit' "$LOG" ||
		    grep -qx 'commit' <<<"$began"; then
			# Too late for this test: a new state, or one that the
			# next push makes.
			remember
			before=$(stamps)
		fi
		if [ "$(stamps)" != "$before" ]; then
			echo "$KILLED_AT: $before, then $(stamps)" >&2
			return 1
		fi
		full_is_listed
	done
	echo "killed $killed times" >&2
	[ "$killed" -ge $((ROUNDS / 2)) ]
	push "$way"
	same "$SRC" "$(full)"
	unchanged
	sealed
	[ -z "$(ls -A "$ROOT/host.snaps/.push")" ]
}

# bats test_tags=every_store
@test 'killed again and again while a push runs' {
	store_setup root
	kill_pushes
}
