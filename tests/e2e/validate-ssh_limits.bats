#!/usr/bin/env bats
# What the policy holds against a client that may come: when, how often, how
# many at a time, how fast, how much, and which commands.

load helpers
load guard

setup() {
	guard_setup
	mkdir "$T/src"
	echo one >"$T/src/one"
}

teardown() {
	run_cleanup
}

# stays: is the newest snapshot as it was when remember ran?
remember() {
	manifest "$SNAPS/$(snapshots | tail -n 1)" >"$T/before"
}

stays() {
	manifest "$SNAPS/$(snapshots | tail -n 1)" | cmp "$T/before" -
}

@test "one snapshot in an interval" {
	policy 'interval = "1h"'
	push "$T/src/" server:
	remember
	run push "$T/src/" server:
	[ "$status" != 0 ]
	[[ $output = *"the policy wants 1 h between two"* ]]
	snapshot_count 1
	stays
	policy 'interval = "1s"'
	sleep 1.1
	push "$T/src/" server:
	snapshot_count 2
}

@test "only at the hours it may" {
	local before
	before=$(date -d '-2 min' +%H:%M)
	policy "hours = { '$(date -d '-4 min' +%H:%M)-$before' }"
	run guard true
	[ "$status" = 77 ]
	[[ $output = *"at this time of the day"* ]]
	policy "hours = { '$before-$(date -d '+5 min' +%H:%M)' }"
	guard true
	# By the server's clock, whatever sshd lets the client set.
	TZ=UTC-9 guard true
	TZ=UTC+9 guard true
}

@test "so many sessions at a time" {
	policy 'pull = true  sessions = 1'
	push "$T/src/" server:
	mkfifo "$T/hold"
	exec 9<>"$T/hold"
	"$RSH" server rsync --server --sender -re.iL . "$CLIENT.full" \
	    <&9 >/dev/null 2>&1 &
	wait_until 10 grep -q 'runs:.*--sender' "$GUARD_LOG"
	run push "$T/src/" server:
	[ "$status" != 0 ]
	[[ $output = *"allows 1 session at a time"* ]]
	policy 'pull = true  sessions = 2'
	push "$T/src/" server:
	kill %1
	wait %1 || true
	policy 'pull = true  sessions = 1'
	wait_until 10 push "$T/src/" server:
}

@test "a push at the speed that it may have" {
	local t0 t1
	head -c 1500000 /dev/urandom >"$T/src/big"
	policy 'pull = true  bwlimit = "500K"'
	t0=$(date +%s%N)
	push "$T/src/" server:
	t1=$(date +%s%N)
	[ $(((t1 - t0) / 1000000)) -gt 2000 ]
	cmp "$T/src/big" "$FULL/big"
	t0=$(date +%s%N)
	push "server:$CLIENT.full/" "$T/back/"
	t1=$(date +%s%N)
	[ $(((t1 - t0) / 1000000)) -gt 2000 ]
	cmp "$T/src/big" "$T/back/big"
}

@test "a speed does not get in the way of another try" {
	no_namespaces
	policy 'bwlimit = "50M"'
	head -c 500000 /dev/urandom >"$T/src/big"
	push "$T/src/" server:
	cmp "$T/src/big" "$FULL/big"
	grep -q 'no root of its own' "$GUARD_LOG"
}

@test "a command of the policy's, word by word" {
	cat >"$T/show" <<-'SCRIPT'
	#!/bin/sh
	cat
	echo "args $* env $(env | grep -v '^PWD=\|^_=\|^SHLVL=' | tr '\n' ' ')"
	grep NoNewPrivs /proc/self/status
	(sleep 60; echo late) &
	exit 3
	SCRIPT
	chmod 755 "$T/show"
	policy "commands = { '$T/show a b', '/bin/true' }"
	run bash -c "echo in | '$RSH' server '$T/show a b'"
	[ "$status" = 3 ]
	[ "${lines[0]}" = in ]
	[ "${lines[1]}" = "args a b env PATH=/usr/local/bin:/usr/bin:/bin " ]
	[[ ${lines[2]} = NoNewPrivs:*1 ]]
	run guard "$T/show a"
	[ "$status" = 77 ]
	[[ $output = *"or \"$T/show a b\", \"/bin/true\""* ]]
	run guard "$T/show 'a b'"
	[ "$status" = 77 ]
	guard /bin/true
	grep -q 'command from 192.0.2.9: it ended with 3 after' "$GUARD_LOG"
}

@test "a store's bytes: checked before, enforced while a push runs" {
	policy 'quota = "3M"'
	head -c 1000000 /dev/urandom >"$T/src/some"
	push "$T/src/" server:
	remember
	# One file, which the kernel stops.
	head -c 9000000 /dev/urandom >"$T/src/big"
	run push "$T/src/" server:
	[ "$status" != 0 ]
	[[ $output = *"quota: the store may hold 3.0 MiB and this push brings more; what the push brought was freed"* ]]
	snapshot_count 1
	stays
	[ "$(du -sk "$SNAPS" | cut -f1)" -lt 1500 ]
	# Many, which are counted while they come.
	rm "$T/src/big"
	mkdir "$T/src/many"
	head -c 9000000 /dev/urandom | split -a 3 -b 20000 - "$T/src/many/"
	run push --bwlimit=4000 "$T/src/" server:
	[ "$status" != 0 ]
	[[ $output = *"quota:"* ]]
	snapshot_count 1
	[ "$(du -sk "$SNAPS" | cut -f1)" -lt 1500 ]
	# What fits goes on.
	rm -r "$T/src/many"
	echo two >"$T/src/two"
	push "$T/src/" server:
	snapshot_count 2
	head -c 2400000 /dev/urandom >"$T/src/more"
	run push "$T/src/" server:
	[ "$status" != 0 ]
	policy 'quota = "900K"'
	rm "$T/src/more"
	run push "$T/src/" server:
	[[ $output = *"the store may hold 900 KiB and is full"* ]]
	snapshot_count 2
	# The note is counted anew when rotation made room.
	rm -rf "${SNAPS:?}/$(snapshots | head -n 1)"
	policy 'quota = "1100K"'
	push "$T/src/" server:
}

@test "a store's files, and the way by --link-dest" {
	policy 'quota-files = 50  way = "linkdest"'
	touch "$T/src/"{1..30}
	push "$T/src/" server:
	remember
	push "$T/src/" server:
	push "$T/src/" server:
	snapshot_count 3
	remember
	touch "$T/src/"{31..60}
	run push "$T/src/" server:
	[ "$status" != 0 ]
	[[ $output = *"may hold 50 files and folders and this push"* ]]
	snapshot_count 3
	stays
}

@test "what grows without a name is counted too" {
	cp "$TOOLS/standin" "$T/rsync"
	policy 'quota = "4M"' "rsync = '$T/rsync'"
	run guard rsync --server -r --info=unnamed . .
	[ "$status" = 73 ]
	[[ $output = *"quota: "*"brings more"* ]]
	snapshot_count 0
}
