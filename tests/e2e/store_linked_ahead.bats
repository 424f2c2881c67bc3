#!/usr/bin/env bats
# The overlay way links the base while rsync still runs.  What was linked serves
# the next push, and whatever ends it leaves the store as it was.
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The backshelf authors

# KILLAT is read by as_who of store.bash.
# shellcheck disable=SC2034
load helpers
load store
setup() { only_way overlay; }
teardown() { run_cleanup; }

PUSH_DIR=host.snaps/.push

# A base that takes some tens of milliseconds to link.
make_base() {
	local i
	mkdir -p "$SRC/proto"
	(cd "$SRC/proto" && seq 250 | split -l 1 -a 3 - f)
	for ((i = 0; i < 12; i++)); do
		cp -a "$SRC/proto" "$SRC/copy$i"
	done
	age "$SRC"
	push overlay
	remember
}

# waiting COMMAND: an rsync that brings nothing, waits for COMMAND, fails.
waiting() {
	cat >"$T/waits" <<-EOF
	#!/bin/sh
	until $1; do sleep 0.01; done
	exit 12
	EOF
	chmod 755 "$T/waits"
	fails timeout 300 "$TOOLS/storepush" -w overlay -r "$T/waits" "$ROOT" \
	    host -- -a "$SRC/"
}

@test 'a push that failed leaves the linked base for the next one' {
	local ino
	store_setup root
	make_base
	waiting "test -d '$ROOT/$PUSH_DIR/ahead'"
	ino=$(stat -c %i "$ROOT/$PUSH_DIR/ahead")
	echo new >"$SRC/copy1/faaa"
	rm -r "$SRC/copy2"
	push overlay
	grep -q resumed "$T/out"
	same "$SRC" "$(full)"
	[ "$(stat -c %i "$(full)")" = "$ino" ]
	[ "$(field moved)" = 1 ]
	unchanged
}

@test 'killed while the base is linked: the next push goes on with it' {
	local round part=0 us
	store_setup root
	make_base
	for ((round = 0; round < 15; round++)); do
		us=$((RANDOM % 12000))
		: >"$LOG"
		KILLAT=("$TOOLS/killat" "$LOG" rsync "$us")
		push overlay || true
		KILLAT=()
		[ ! -d "$ROOT/$PUSH_DIR/ahead.part" ] || part=$((part + 1))
		full_is_listed
		if [ $((round % 5)) = 4 ]; then
			echo "$round" >"$SRC/copy1/faaa"
			push overlay
			same "$SRC" "$(full)"
			unchanged
			[ -z "$(ls -A "$ROOT/$PUSH_DIR")" ]
		fi
	done
	echo "$part times in the middle of it"
	[ $part -gt 0 ]
}

@test 'linked before a power cut: not trusted' {
	local ino
	store_setup root
	make_base
	waiting "test -d '$ROOT/$PUSH_DIR/ahead'"
	ino=$(stat -c %i "$ROOT/$PUSH_DIR/ahead")
	mkdir "$T/keep" # so that the inode's number is not given out again
	sed -i 's/"boot_id": "[^"]*"/"boot_id": "another"/
	    s/"synced": true/"synced": false/' "$ROOT/$PUSH_DIR/state"
	mv "$ROOT/$PUSH_DIR/ahead/copy1" "$T/keep"
	push overlay
	same "$SRC" "$(full)"
}

@test 'what links ahead ends with the push, and lets go of the line' {
	store_setup root
	make_base
	# A line that ends with validate-ssh's: nothing holds it open.
	"$TOOLS/storepush" -w overlay -r /bin/true "$ROOT" host -- -a "$SRC/" |
	    timeout 300 cat >"$T/record"
	[ "$(field linked)" = 3250 ]
	[ -z "$(pgrep -f "/storepush .*$ROOT" || true)" ]
}

@test 'a store whose link process is killed: the commit links by itself' {
	store_setup root
	make_base
	cat >"$T/kills" <<-EOF
	#!/bin/sh
	kill -9 \$(pgrep -f "storepush.*$ROOT" | while read -r p; do
	    [ "\$(cut -d' ' -f19 /proc/\$p/stat)" != 10 ] || echo \$p
	done) 2>/dev/null
	exit 0
	EOF
	chmod 755 "$T/kills"
	"$TOOLS/storepush" -w overlay -r "$T/kills" "$ROOT" host -- -a "$SRC/" \
	    >"$T/record"
	same "$SRC" "$(full)"
	[ "$(field linked)" = 3250 ]
	unchanged
}
