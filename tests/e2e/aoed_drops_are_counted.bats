#!/usr/bin/env bats
# What is no request to us is dropped, each counted once and by its reason.

load helpers
load aoenet

setup() {
	setup_tmp
	aoe_net 2
	truncate -s 1M "$T/disk"
	echo "0 $T/disk $(client_mac 1) aoe0 one" >"$T/table"
	start_aoed "$T/table" -j 3
}

teardown() {
	run_cleanup
}

# dropped REASON N: is that how often it was counted?
dropped() {
	aoectl --json stats |
	    jq -e "[.workers[].drops.$1] | add == $2" >/dev/null
}

# send HEXFRAME: the whole of it, straight into the server's cable: the switch
# itself lets some of these not through.
send() {
	ip netns exec "$AOE_NET-w" python3 -c '
import socket, sys
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind(("p0", 0))
s.send(bytes.fromhex(sys.argv[1]))' "$1"
}

SERVER=0200000000f0
ALL=ffffffffffff
ME=020000000001
# Behind the Ethernet header: Query Config for 0.0, and for everybody.
ONE=1000000000010badcafe0000000000000000
ANY=1000ffffff010badcafe0000000000000000

@test "each reason is counted once, whoever the frame was for" {
	while read -r reason dst src rest; do
		send "$dst$src$rest"
		wait_until 5 dropped "$reason" 1
		send "$ALL$src$rest"
		wait_until 5 dropped "$reason" 2
	done <<-END
	vlan $SERVER $ME 8100000588a2$ONE
	short $SERVER $ME 88a2100000
	response $SERVER $ME 88a218${ONE:2}
	group $SERVER 030000000001 88a2$ONE
	self $SERVER $SERVER 88a2$ONE
	END
	send "${ALL}${ME}8100000588a2$ANY"
	wait_until 5 dropped vlan 3
	send "${ALL}${ME}88a218${ANY:2}"
	wait_until 5 dropped response 3
	# A length that lies: another 802.3 frame, and none of AoE's.
	send "$SERVER${ME}0010$ONE"
	for reason in foreign nobody masked broadcast busy send; do
		dropped "$reason" 0
	done
	send "$SERVER${ME}88a2100000000901$ONE"
	wait_until 5 dropped nobody 1
	aoe 1 identify 0.0
	dropped vlan 3
	dropped self 2
}

@test "what is refused is counted by AoE's error" {
	local m
	for m in 2000000000010badcafe0000000000000000 \
	    1000000000f00badcafe 1000000000010badcafe 1000000000020badcafe0009 \
	    1000000000030badcafe0900; do
		aoe 1 raw "$m" | grep -q '^1c'
	done
	aoectl --json stats | jq -e '[.workers[].refusals] |
	    (map(.version) | add == 1) and (map(.command) | add == 1) and
	    (map(.argument) | add == 3) and (map(.reserved) | add == 0)'
	aoectl --json status one | jq -e '.exports[0].errors == 5'
}

@test "a frame that is longer than any message is dropped as that" {
	ip -n "$AOE_NET-s" link set aoe0 mtu 20000
	ip -n "$AOE_NET-w" link set p0 mtu 20000
	ip -n "$AOE_NET-w" link set p1 mtu 20000
	ip -n "$AOE_NET-w" link set br0 mtu 20000
	ip -n "$AOE_NET-1" link set aoe0 mtu 20000
	client 1 python3 - <<-END
	import socket
	s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
	s.bind(('aoe0', 0))
	s.send(bytes.fromhex('$SERVER${ME}88a2$ONE') + bytes(15000))
	END
	wait_until 5 dropped long 1
	aoe 1 identify 0.0
}

@test "a VLAN that has an interface here is that interface's alone" {
	ip -n "$AOE_NET-s" link add link aoe0 name aoe0.5 type vlan id 5 ||
	    skip 'this kernel has no VLAN devices'
	ip -n "$AOE_NET-s" link set aoe0.5 up
	ip -n "$AOE_NET-1" link add link aoe0 name aoe0.5 type vlan id 5
	ip -n "$AOE_NET-1" link set aoe0.5 up
	run client 1 "$TOOLS/aoeinit" -i aoe0.5 -t 0.5 identify 0.0
	[ "$status" = 1 ]
	run client 1 "$TOOLS/aoeinit" -i aoe0.5 -t 0.5 discover
	[ "$status" = 1 ]
	dropped vlan 0
	truncate -s 2M "$T/tagged"
	echo "0 $T/tagged $(client_mac 1) aoe0.5 tagged" >>"$T/table"
	aoectl reload
	client 1 "$TOOLS/aoeinit" -i aoe0.5 identify 0.0 |
	    grep -qx 'sectors 4096'
	aoe 1 identify 0.0 | grep -qx 'sectors 2048'
}
