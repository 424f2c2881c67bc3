#!/usr/bin/env bats
# Another target on the network that serves the address of a row is found, at
# start and later: the row is not served, the others are.

load helpers
load aoenet

setup() {
	need vblade jq
	setup_tmp
	aoe_net 2
	truncate -s 1M "$T/disk1" "$T/disk2" "$T/disk3" "$T/other"
	cat >"$T/table" <<-TABLE
	0 $T/disk1 $(client_mac 1) aoe0 one
	1 $T/disk2 $(client_mac 1) aoe0 two
	0 $T/disk3 02:00:00:00:00:09 aoe0 three shared
	TABLE
}

teardown() {
	run_cleanup
}

# rival: a vblade for e0.0, on another machine.
rival() {
	ip netns exec "$AOE_NET-2" /usr/sbin/vblade 0 0 aoe0 "$T/other" \
	    </dev/null >"$T/vblade.log" 2>&1 3>&- &
	RIVAL=$!
	on_exit kill_now "$RIVAL"
	wait_until 10 grep -q sectors "$T/vblade.log"
}

@test "found at start: that row fails and says why, until it is started again" {
	rival
	start_aoed "$T/table"
	wait_until 5 state_is one failed
	state_is two serving
	state_is three serving
	aoectl --json status one | jq -e '.exports[0].why |
	    contains("'"$(client_mac 2)"' serves e0.0 on aoe0 too")'
	grep -q 'one: ALARM: ' "$T/aoed.log"
	wait_until 5 targets_are 1
	run aoectl start one
	[ "$status" = 1 ]
	[[ $output = *'serves e0.0 on aoe0 too'* ]]
	kill_wait "$RIVAL"
	aoectl start one
	aoe 1 identify 0.0 | grep -qx 'sectors 2048'
}

@test "found when a client looks around: the row ends, the others do not" {
	start_aoed "$T/table"
	aoe 1 identify 0.0 | grep -q sectors
	client 1 "$TOOLS/aoeorder" -i aoe0 0.1 300 >"$T/order" &
	order=$!
	rival
	client 1 "$TOOLS/aoeinit" -i aoe0 -t 0.1 discover
	wait_until 5 state_is one failed
	state_is three serving
	grep -q 'one: ALARM: ' "$T/aoed.log"
	grep -q 'three: .* serves e0.0 on aoe0 as well' "$T/aoed.log"
	wait "$order"
	grep -q ' 0 lost' "$T/order"
}

@test "a mere claim is asked for, and without an answer nothing ends" {
	start_aoed "$T/table"
	# Query Config, an answer to nobody's question, for e0.0.
	client 2 "$TOOLS/aoeinit" -i aoe0 -t 0.1 raw \
	    1800000000010000000000100001111000 || true
	wait_until 5 grep -q 'says that it serves e0.0 on aoe0; asking' \
	    "$T/aoed.log"
	state_is one serving
	aoe 1 identify 0.0 | grep -q sectors
}

@test "our own frames, on a second interface of the same network, are no rival" {
	aoe_net_cable
	sed -i 's/aoe0/aoe0,aoe9/' "$T/table"
	start_aoed "$T/table"
	state_is one serving
	aoectl restart
	wait_until 5 targets_are 2
	state_is one serving
	run grep ALARM "$T/aoed.log"
	[ "$status" = 1 ]
}

# targets_are N: so many say that they serve e0.0.
targets_are() {
	[ "$(aoe 1 -t 1 discover | grep -c '^e0.0 ')" = "$1" ]
}

# A second cable of the server into the switch.
aoe_net_cable() {
	ip -n "$AOE_NET-w" link add p9 mtu 9000 type veth peer name aoe9 \
	    mtu 9000 address 02:00:00:00:00:f9 netns "$AOE_NET-s"
	ip -n "$AOE_NET-w" link set p9 master br0 up
	srv ip link set aoe9 up
	wait_until 10 aoe_net_is_up
}
