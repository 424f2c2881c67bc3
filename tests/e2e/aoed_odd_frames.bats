#!/usr/bin/env bats
# Frames as initiators really send them, and as nobody should: short, long,
# lying, of another version.  Each is answered or dropped as it should be.

load helpers
load aoenet

# Behind Ethernet's header: version and flags, error, shelf, slot, command, tag.
head_of() {
	echo "${1}0000000${2}a1b2c3d4"
}

setup() {
	setup_tmp
	aoe_net 1
	head -c 64K /dev/urandom >"$T/disk"
	echo "0 $T/disk $(client_mac 1) aoe0 one" >"$T/table"
	start_aoed "$T/table"
}

teardown() {
	run_cleanup
}

# answer FRAME: what comes back, from behind Ethernet's header on.
answer() {
	aoe 1 -t "${WAIT:-60}" raw "$1"
}

@test "a read of 36 bytes, without padding, is answered" {
	got=$(WAIT=0.4 answer 1000000000 2>/dev/null || true)
	[ -z "$got" ]
	got=$(answer "10000000000055667788""40000124000000000000""0000")
	[ "${got:0:20}" = 18000000000055667788 ]
	[ "${got:20:24}" = 400000400000000000000000 ]
	[ "${got:44}" = "$(head -c 512 "$T/disk" | od -An -tx1 -v | tr -d ' \n')" ]
}

@test "a read that carries data behind its header is answered" {
	zeros=$(printf '%01024d' 0)
	got=$(answer "10000000000055667788""400001240000000000000000$zeros")
	[ "${got:20:8}" = 40000040 ]
	[ ${#got} = $((44 + 1024)) ]
}

@test "answers are padded to 60 bytes with zeros" {
	got=$(answer "10000000000055667788""4000000000000000""00000000$(printf '%040d' 7)")
	[ "${got:20:24}" = 400400510000000000000000 ]
	[ ${#got} = 92 ]
	[ "${got:44}" = "$(printf '%048d' 0)" ]
}

@test "reserved bytes go out as zero, whatever came in" {
	got=$(answer "10000000000055667788""40ff01240000000000""00eeee")
	[ "${got:20:24}" = 400000400000000000000000 ]
	got=$(answer "13ee0000000155667788""ffffeeeeee00ffff")
	[ "${got:0:20}" = 18000000000155667788 ]
	[ "${got:20:16}" = 0040000111100000 ]
}

@test "another version gets AoE error 5, an unknown command error 1" {
	got=$(answer "20000000000055667788""400001240000000000000000")
	[ "${got:0:20}" = 1c050000000055667788 ]
	for command in 04 07 f0 ff; do
		got=$(answer "10000000""00${command}55667788""0000000000000000")
		[ "${got:0:20}" = "1c01000000${command}55667788" ]
	done
}

@test "arguments that are cut short get AoE error 2" {
	got=$(answer "10000000000055667788""4000012400000000")
	[ "${got:0:20}" = 1c020000000055667788 ]
	got=$(answer "10000000000155667788""00000000")
	[ "${got:0:20}" = 1c020000000155667788 ]
	# A string that is longer than the frame, and one that is too long.
	got=$(answer "10000000000155667788""00000000001300056161")
	[ "${got:0:20}" = 1c020000000155667788 ]
	got=$(answer "10000000000155667788""0000000000150000")
	[ "${got:0:20}" = 1c020000000155667788 ]
	# Lists that announce more than there is.
	got=$(answer "10000000000255667788""00010002""000102000000000100")
	[ "${got:0:20}" = 1c020000000255667788 ]
	got=$(answer "10000000000355667788""0102""020000000001")
	[ "${got:0:20}" = 1c020000000355667788 ]
}

@test "a write with less data than it says is aborted and writes nothing" {
	before=$(cksum <"$T/disk")
	got=$(answer "10000000000055667788""410002340000000000000000$(printf '%01024d' 0)")
	[ "${got:20:8}" = 41040051 ]
	[ "$(cksum <"$T/disk")" = "$before" ]
}

@test "responses and frames from group addresses are dropped" {
	run aoe 1 -t 0.4 raw "18000000000055667788""400001240000000000000000"
	[ "$status" = 1 ]
	run aoe 1 -t 0.4 -s 03:00:00:00:00:01 raw \
	    "10000000000055667788""400001240000000000000000"
	[ "$status" = 1 ]
	aoe 1 identify 0.0 | grep -q sectors
}

@test "a broadcast IDENTIFY is answered, a broadcast write is not" {
	got=$(answer "1000ffffff0055667788""000001ec0000000000000000")
	[ "${got:0:20}" = 18000000000055667788 ]
	[ "${got:20:8}" = 00000040 ]
	[ ${#got} = $((44 + 1024)) ]
	before=$(cksum <"$T/disk")
	run aoe 1 -t 0.4 raw \
	    "1000ffffff0055667788""410001340000000000000000$(printf '%01024d' 0)"
	[ "$status" = 1 ]
	[ "$(cksum <"$T/disk")" = "$before" ]
}

@test "other commands and cut ones are not answered to a broadcast" {
	for command in 04 07 f0 ff; do
		run aoe 1 -t 0.2 raw \
		    "1000ffffff${command}55667788""0000000000000000"
		[ "$status" = 1 ]
	done
	run aoe 1 -t 0.2 raw "10000000ff0055667788""000001ec"
	[ "$status" = 1 ]
	aoectl --json stats | jq -e '[.workers[].drops.broadcast] | add >= 5'
}

@test "frames for other machines and of a VLAN are not ours" {
	run aoe 1 -t 0.4 -d 02:00:00:00:00:aa raw \
	    "10000000000055667788""400001240000000000000000"
	[ "$status" = 1 ]
	# Query Config for 0.0, tagged: VLAN 5 is another network, VLAN 0 is a
	# mere priority.
	client 1 python3 - <<-'END'
	import socket
	head = bytes.fromhex('ffffffffffff' '020000000001')
	aoe = bytes.fromhex('88a2' '1000' '0000' '00' '01' '55667788') + bytes(8)
	s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
	s.bind(('aoe0', 0x88a2))
	def answered(limit):
	    s.settimeout(limit)
	    try:
	        # The target asks around now and then.
	        while s.recv(2000)[14] != 0x18:
	            pass
	        return True
	    except TimeoutError:
	        return False
	s.send(head + bytes.fromhex('81000005') + aoe)
	assert not answered(0.4)
	s.send(head + bytes.fromhex('8100e000') + aoe)
	assert answered(60)
	END
}
