#!/usr/bin/env bats
# An interface that is removed while it is served disturbs no other, and serves
# again when it is back, by itself.

load helpers
load aoenet

MAC9=02:00:00:00:00:09

setup() {
	setup_tmp
	aoe_net 1
	truncate -s 4M "$T/one" "$T/two" "$T/three"
	plug
	cat >"$T/aoed.conf" <<-TABLE
	0 $T/one   $(client_mac 1)       aoe0      one
	1 $T/two   $(client_mac 1),$MAC9 aoe0,side two
	2 $T/three $MAC9                 side      three
	TABLE
	start_aoed "$T/aoed.conf"
}

teardown() {
	run_cleanup
}

# A second interface of the server, and a client at its other end.
plug() {
	srv ip link add side mtu 1500 type veth peer name far mtu 1500
	srv ip link set side up
	srv ip link set far up
}

beside() {
	srv "$TOOLS/aoeinit" -i far -s "$MAC9" "$@"
}

state_is() {
	aoectl --json status "$1" | jq -e ".exports[0].state == \"$2\""
}

@test "removing an interface disturbs no other; it comes back by itself" {
	beside identify 0.2 | grep -q sectors
	client 1 "$TOOLS/aoeorder" -i aoe0 0.0 1500 >"$T/order" &
	order=$!
	srv ip link del side
	aoectl status
	aoe 1 identify 0.1 | grep -q sectors
	wait_until 5 state_is three waiting
	aoectl reload
	aoe 1 identify 0.1 | grep -q sectors
	plug
	wait_until 5 state_is three serving
	beside identify 0.2
	beside identify 0.1 | grep -q sectors
	wait "$order"
	grep -q ' 0 lost' "$T/order"
}

@test "an interface that goes down and up again serves on" {
	aoe 1 identify 0.0 | grep -q sectors
	srv ip link set aoe0 down
	run aoe 1 -t 0.3 identify 0.0
	[ "$status" = 1 ]
	srv ip link set aoe0 up
	aoe 1 identify 0.0
}
