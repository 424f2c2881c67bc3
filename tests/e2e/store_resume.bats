#!/usr/bin/env bats
# A push that was cut off goes on: what had arrived is not sent again.
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The backshelf authors

load helpers
load store
teardown() { run_cleanup; }

# sent: files that rsync transferred in the last push.
sent() {
	sed -n 's/^Number of regular files transferred: //p' "$T/record" "$T/out"
}

# Kill the push of many files, slow enough to last for two seconds, once some of
# them have arrived; the second one sends fewer.
goes_on() {
	local ms
	some_files "$SRC/a" 5 100
	push "$WAY"
	some_files "$SRC/b" 400 5000
	age "$SRC"
	for ms in 500 900 1300 1700; do
		: >"$LOG"
		export KILLAT=("$TOOLS/killat" "$LOG" rsync $((ms * 1000)))
		push "$WAY" -- --bwlimit=1000
		[ "$(stamps | wc -l)" = 1 ]
		if [ -e "$ROOT/host.snaps/.push/upper/b/file10" ]; then
			break
		fi
	done
	unset KILLAT
	[ "$(stamps | wc -l)" = 1 ]
	push "$WAY" -- --stats
	grep -q resumed "$T/out"
	echo "$(sent) files sent" >&2
	[ "$(sent)" -lt 400 ]
	same "$SRC" "$(full)"
	# Nothing of rsync's is left among the files.
	[ "$(find "$(full)" -name '.*' | wc -l)" = 0 ]
}

@test 'what arrived before everything was killed is used' {
	store_setup root
	goes_on
}

# A failed push whose rsync had sent all: nothing is sent again.
failed_push() {
	some_files "$SRC/a" 30 1000
	age "$SRC"
	fails push "$WAY" -x 12
	[ -z "$(stamps)" ]
	[ ! -e "$ROOT/host.full" ]
	jq -e .synced "$ROOT/host.snaps/.push/state"
	[ -z "${1-}" ] || "$1"
	push "$WAY" -- --stats
}

# bats test_tags=every_store
@test 'nothing is sent again after a broken line' {
	store_setup root
	failed_push
	[ "$(sent)" = 0 ]
	same "$SRC" "$(full)"
}

other_boot() {
	sed -i 's/"boot_id": "[^"]*"/"boot_id": "another"/' \
	    "$ROOT/host.snaps/.push/state"
}

not_synced() {
	other_boot
	sed -i 's/"synced": true/"synced": false/' "$ROOT/host.snaps/.push/state"
}

@test 'what was made durable is used after a power cut' {
	store_setup root
	failed_push other_boot
	[ "$(sent)" = 0 ]
	same "$SRC" "$(full)"
}

@test 'what may not have reached the disk is sent again' {
	store_setup root
	failed_push not_synced
	[ "$(sent)" = 30 ]
	same "$SRC" "$(full)"
}

@test 'a push of another way begins anew' {
	only_way overlay
	store_setup root
	some_files "$SRC/a" 30 1000
	fails push overlay -x 12
	push linkdest -- --stats
	[ "$(sent)" = 30 ]
	same "$SRC" "$(full)"
	echo x >"$SRC/x"
	fails push linkdest -x 12
	push overlay
	same "$SRC" "$(full)"
	[ -z "$(ls -A "$ROOT/host.snaps/.push")" ]
}

# What a push of a part left is no part of a push of another part.
other_part() {
	mkdir "$SRC/p" "$SRC/q"
	echo p >"$SRC/p/p"
	echo q >"$SRC/q/q"
	push "$WAY"
	SRC=$SRC/p
	echo new >"$SRC/new"
	fails push "$WAY" -s p -x 12
	SRC=$T/src/q
	push "$WAY" -s q
	[ ! -e "$(full)/p/new" ]
	SRC=$T/src/p
	fails push "$WAY" -s p -x 12
	SRC=$T/src
	push "$WAY"
	grep -q resumed "$T/out"
	same "$SRC" "$(full)"
}

@test 'a push of another folder does not take over' {
	store_setup root
	other_part
}

@test 'a big file that was cut off goes on' {
	only_way overlay btrfs
	store_setup root
	some_files "$SRC" 3 1000
	push "$WAY"
	head -c 8000000 /dev/urandom >"$SRC/big"
	local dir='.~backshelf-partial~'
	# What rsync leaves when its line breaks.
	cat >"$T/cut" <<-EOF
	#!/bin/bash
	mkdir "\${!#}/$dir"
	head -c 6000000 "$SRC/big" >"\${!#}/$dir/big"
	exit 12
	EOF
	chmod +x "$T/cut"
	fails push "$WAY" -r "$T/cut"
	push "$WAY" -- --partial-dir="$dir" --no-whole-file --stats
	[ "$(sed -n 's/^Matched data: \([0-9,]*\).*/\1/p' "$T/record" |
	    tr -d ,)" -gt 5000000 ]
	same "$SRC" "$(full)"
}

@test 'folders of unfinished files are no part of a snapshot' {
	store_setup root
	some_files "$SRC/a" 3 1000
	mkdir -p "$SRC/a/.~backshelf-partial~" "$SRC/.~backshelf-partial~/x"
	echo half >"$SRC/a/.~backshelf-partial~/file"
	push_plain "$WAY" -- -a
	same -T -x '.~backshelf-partial~' "$SRC" "$(full)"
	[ -z "$(find "$(full)" -name '.~backshelf-partial~')" ]
}

@test 'a folder named as rsync names its own is no leftover' {
	only_way overlay
	store_setup root
	mkdir "$SRC/.~tmp~"
	echo mine >"$SRC/.~tmp~/file"
	fails push overlay -x 12
	push overlay
	grep -q resumed "$T/out"
	same "$SRC" "$(full)"
	# What a killed --delay-updates leaves is one.
	cat >"$T/cut" <<-'EOF2'
	#!/bin/bash
	mkdir "${!#}/a" "${!#}/a/.~tmp~"
	echo half >"${!#}/a/.~tmp~/file"
	exit 12
	EOF2
	chmod +x "$T/cut"
	mkdir "$SRC/a"
	fails push overlay -r "$T/cut"
	push_plain overlay -- -aHAX
	grep -q resumed "$T/out"
	same "$SRC" "$(full)"
}
