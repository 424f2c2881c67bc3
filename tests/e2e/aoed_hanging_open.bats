#!/usr/bin/env bats
# A file whose file system hangs when it is opened keeps its own row waiting, and
# so does a state file: the others are served, reloads and all else are
# answered; when the file system goes on, so does the row.

load helpers
load aoenet
load aoewords

setup() {
	need jq nbdkit nbdfuse fusermount3
	[ -c /dev/fuse ] || skip '/dev/fuse is not there'
	setup_tmp
	aoe_net 1
	truncate -s 1M "$T/disk1" "$T/disk3"
	mkdir "$T/fuse"
	nbdfuse "$T/fuse" --command nbdkit -s --exit-with-parent memory 4M \
	    </dev/null >"$T/fuse.log" 2>&1 3>&- &
	FUSE=$!
	on_exit kill_now "$FUSE"
	on_exit umount -l "$T/fuse"
	on_exit kill -CONT "$FUSE"
	wait_until 10 test -e "$T/fuse/nbd"
	cat >"$T/table" <<-TABLE
	0 $T/disk1    $(client_mac 1) aoe0 one
	1 $T/fuse/nbd $(client_mac 1) aoe0 hung
	TABLE
}

teardown() {
	run_cleanup
}

# at_once COMMAND...: it does not wait for the disk, which hangs until the test
# lets it go on.
at_once() {
	timeout 60 "$BIN/aoectl" -s "$T/aoed.sock" "$@"
}

# is_opened_by_another PID: some process opens it, as ps(1) says, and not that.
is_opened_by_another() {
	pid=$(pgrep -P "$AOED_PID" -f "helper: $T/fuse/nbd") &&
	    [ "$pid" != "$1" ]
}

@test "at start: the others are served, the row waits, and then is served" {
	kill -STOP "$FUSE"
	start_aoed "$T/table"
	aoe 1 identify 0.0 | grep -q sectors
	state_is hung waiting
	[[ $(aoectl status 2>&1) = *"hung: $T/fuse/nbd: it is being opened"* ]]
	# Who is killed while opening it has a successor.
	is_opened_by_another none
	kill -9 "$pid"
	wait_until 5 is_opened_by_another "$pid"
	state_is hung waiting
	at_once status
	at_once stop hung
	state_is hung stopped
	kill -CONT "$FUSE"
	at_once start hung
	aoe 1 identify 0.1 | grep -qx 'sectors 8192'
}

@test "in a check: it is named, and the others are looked at" {
	kill -STOP "$FUSE"
	echo "2 $T/nothing $(client_mac 1) aoe0 missing" >>"$T/table"
	run srv timeout 60 "$BIN/aoed" -n -f "$T/table"
	kill -CONT "$FUSE"
	[ "$status" = 1 ]
	[ "${lines[0]}" = "$T/table:2:3: $T/fuse/nbd: the disk does not answer" ]
	[[ ${lines[1]} = "$T/table:3:3: $T/nothing: No such file"* ]]
	[ "${#lines[@]}" = 2 ]
}

@test "in a reload: what else it brings is served, and it says what waits" {
	mv "$T/table" "$T/full"
	head -n 1 "$T/full" >"$T/table"
	start_aoed "$T/table"
	client 1 "$TOOLS/aoeorder" -i aoe0 0.0 300 >"$T/order" &
	order=$!
	kill -STOP "$FUSE"
	{ cat "$T/full"; echo "2 $T/disk3 $(client_mac 1) aoe0 three"; } \
	    >"$T/table"
	at_once reload >"$T/out" &
	reload=$!
	at_once status one
	at_once restart one
	wait "$reload"
	grep -qx "hung: waiting: $T/fuse/nbd: it is being opened" "$T/out"
	state_is three serving
	aoe 1 identify 0.2 | grep -q sectors
	wait "$order" || true
	kill -CONT "$FUSE"
	wait_until 5 state_is hung serving
	aoe 1 identify 0.1 | grep -qx 'sectors 8192'
}

@test "the state folder: what is served is served on, what begins waits" {
	head -n 1 "$T/table" >"$T/one"
	{ cat "$T/one"; echo "2 $T/disk3 $(client_mac 1) aoe0 three"; } \
	    >"$T/both"
	cp "$T/one" "$T/table"
	start_aoed "$T/table" -S "$T/fuse"
	kill -STOP "$FUSE"
	WAIT=0.5 run words 1 1 000000000014000168
	[ "$status" = 1 ]
	aoe 1 identify 0.0 | grep -q sectors
	cp "$T/both" "$T/table"
	kill -HUP "$AOED_PID"
	wait_until 5 state_is three waiting
	[[ $(at_once status 2>&1) = \
	    *"three: $T/fuse/three.json: it is being read"* ]]
	head -c 4096 /dev/urandom | aoe 1 write 0.0 0
	kill -CONT "$FUSE"
	wait_until 5 state_is three serving
	# It keeps nothing, and says so.
	[[ $(words 1 1 000000000014000168) = '1c03 '* ]]
	grep -q "one: config string, lists and size in $T/fuse: " "$T/aoed.log"
}
