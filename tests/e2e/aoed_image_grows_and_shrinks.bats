#!/usr/bin/env bats
# An image that has grown is served at its new size after a reload, without a
# pause; one that has shrunk is an alarm, and nothing is written to it.

load helpers
load aoenet

setup() {
	need jq python3
	setup_tmp
	aoe_net 1
	truncate -s 1M "$T/disk"
	echo "0 $T/disk $(client_mac 1) aoe0 one" >"$T/table"
	start_aoed "$T/table"
}

teardown() {
	run_cleanup
}

@test "growth is served and advertised after a reload, and loses no frame" {
	listen 1
	client 1 "$TOOLS/aoeorder" -i aoe0 0.0 500 >"$T/order" &
	order=$!
	truncate -s 2M "$T/disk"
	aoe 1 identify 0.0 | grep -qx 'sectors 2048'
	[ "$(grep -c '^e0.0' "$T/heard.1")" = 0 ]
	aoectl reload
	aoe 1 identify 0.0 | grep -qx 'sectors 4096'
	wait_until 5 grep -q '^e0.0' "$T/heard.1"
	head -c 4096 /dev/urandom >"$T/data"
	aoe 1 write 0.0 4088 <"$T/data"
	cmp -n 4096 "$T/data" "$T/disk" 0 2093056
	wait "$order"
	grep -q ' 0 lost' "$T/order"
	aoectl --json status | jq -e '.exports[0].sectors == 4096'
	grep -q 'one: .*/disk: has grown from 2048 to 4096 sectors' \
	    "$T/aoed.log"
	aoectl reload
	[ "$(grep -c '^e0.0' "$T/heard.1")" = 1 ]
}

@test "shrinking is an alarm: read-only at the old size, until a restart" {
	truncate -s 512K "$T/disk"
	aoectl reload
	grep -q 'one: ALARM: .*/disk: has shrunk from 2048 to 1024' "$T/aoed.log"
	[[ $(aoectl status 2>&1) = *'one: '*'it has shrunk: read-only'* ]]
	aoe 1 identify 0.0 | grep -qx 'sectors 2048'
	run aoe 1 write 0.0 0 < <(head -c 4096 /dev/urandom)
	[ "$status" = 2 ]
	run aoe 1 write 0.0 1500 < <(head -c 4096 /dev/urandom)
	[ "$status" = 2 ]
	[ "$(stat -c %s "$T/disk")" = 524288 ]
	aoe 1 read 0.0 0 8 | cmp -n 4096 - /dev/zero
	run aoe 1 read 0.0 1500 8
	[ "$status" = 2 ]
	truncate -s 1M "$T/disk"
	aoectl reload
	run aoe 1 write 0.0 0 < <(head -c 4096 /dev/urandom)
	[ "$status" = 2 ]
	truncate -s 512K "$T/disk"
	aoectl restart one
	aoe 1 identify 0.0 | grep -qx 'sectors 1024'
	head -c 4096 /dev/urandom | aoe 1 write 0.0 0
}

# kept N: that many sectors are remembered over a restart.
kept() {
	jq -e --argjson n "$1" '.sectors == $n' "$T/state/one.json"
}

@test "shrinking while the daemon is away is the same alarm, once it is back" {
	wait_until 5 kept 2048
	stop_aoed
	truncate -s 512K "$T/disk"
	start_aoed "$T/table"
	[[ $(aoectl status 2>&1) = *'one: '*'it has shrunk: read-only'* ]]
	grep -q 'one: ALARM: .*/disk: has shrunk from 2048 to 1024' "$T/aoed.log"
	aoe 1 identify 0.0 | grep -qx 'sectors 2048'
	run aoe 1 write 0.0 0 < <(head -c 4096 /dev/urandom)
	[ "$status" = 2 ]
	aoectl stop one
	aoectl start one || true
	[[ $(aoectl status 2>&1) = *'one: '*'it has shrunk: read-only'* ]]
	aoectl restart one
	aoe 1 identify 0.0 | grep -qx 'sectors 1024'
	wait_until 5 kept 1024
	# What has grown meanwhile is fine, and so is what the table says.
	kill_now "$AOED_PID" || true
	truncate -s 1M "$T/disk"
	start_aoed "$T/table"
	aoe 1 identify 0.0 | grep -qx 'sectors 2048'
	wait_until 5 kept 2048
	sed -i 's/$/ length=1000/' "$T/table"
	aoectl reload
	aoe 1 identify 0.0 | grep -qx 'sectors 1000'
	wait_until 5 kept 1000
	[ "$(grep -c ALARM "$T/aoed.log")" = 2 ]
}

@test "a read that finds the end raises it too, before a write hides the loss" {
	truncate -s 512K "$T/disk"
	run aoe 1 read 0.0 1500 8
	[ "$status" = 2 ]
	wait_until 5 grep -q 'one: ALARM: .*/disk: has shrunk' "$T/aoed.log"
	run aoe 1 write 0.0 1500 < <(head -c 4096 /dev/urandom)
	[ "$status" = 2 ]
	[ "$(stat -c %s "$T/disk")" = 524288 ]
}

@test "an odd size is rounded down to 4 KiB, and the log says so" {
	truncate -s $((1048576 + 4096 + 512)) "$T/odd"
	echo "1 $T/odd $(client_mac 1) aoe0 odd" >>"$T/table"
	aoectl reload
	aoe 1 identify 0.1 | grep -qx 'sectors 2056'
	grep -q 'odd: .*the last 1 sectors are not served' "$T/aoed.log"
}
