#!/usr/bin/env bats
# An interface that is removed while requests that came by it hang at a slow disk
# is closed when they have ended, and not before.

load helpers
load aoenet

setup() {
	need fsfreeze
	setup_tmp
	mkdir "$T/slow"
	own_image "$T/slow" 64M mkfs.ext4 -q
	truncate -s 8M "$T/slow/disk"
	aoe_net 2
	echo "0 $T/slow/disk $(client_mac 1) aoe0 slow" >"$T/table"
	start_aoed "$T/table"
	on_exit fsfreeze -u "$T/slow"
}

teardown() {
	run_cleanup
}

has_dirty_write() {
	aoectl --json stats | jq -e '[.workers[].frames] | add >= 2'
}

is_waiting() {
	aoectl --json status slow | jq -e '.exports[0].state != "serving"'
}

@test "an interface that goes is kept for the requests that came by it" {
	head -c 64K /dev/urandom >"$T/data"
	fsfreeze -f "$T/slow"
	aoe 1 -t 1 write 0.0 0 <"$T/data" >"$T/write" 2>&1 3>&- &
	wait_until 10 has_dirty_write
	ip -n "$AOE_NET-s" link del aoe0
	wait_until 10 is_waiting
	sleep 0.5
	fsfreeze -u "$T/slow"
	wait_until 10 cmp -n 8192 "$T/data" "$T/slow/disk"
	aoe_net_port_again
	wait_until 20 aoe 1 -t 1 identify 0.0
	aoe 1 write 0.0 1024 <"$T/data"
	cmp -i 0:524288 -n 65536 "$T/data" "$T/slow/disk"
	kill -0 "$AOED_PID"
	stop_aoed
	run grep -E 'ERROR: AddressSanitizer|runtime error' "$T/aoed.log"
	[ "$status" = 1 ]
}

# The server's cable, plugged in again.
aoe_net_port_again() {
	{
		echo "link add p0 type veth peer name aoe0 address" \
		    "$SERVER_MAC netns $AOE_NET-s"
		echo "link set p0 mtu 9000 master br0 up"
	} | ip -n "$AOE_NET-w" -batch -
	ip -n "$AOE_NET-s" link set aoe0 mtu 9000 up
	wait_until 10 aoe_net_is_up
}
