#!/usr/bin/env bats
# ATA's smaller commands: verify, power, the write cache, SMART; and what is
# not known is aborted.

load helpers
load aoenet
load aoewords

setup() {
	setup_tmp
	aoe_net 1
	head -c 1M /dev/urandom >"$T/disk"
	echo "0 $T/disk $(client_mac 1) aoe0 one ${OPTIONS-}" >"$T/table"
	start_aoed "$T/table"
}

teardown() {
	run_cleanup
}

# word N of IDENTIFY's data, in hexadecimal.
word() {
	local data
	data=$(ata 1 000001ec000000000000)
	data=${data#* * }
	echo "${data:4*$1+2:2}${data:4*$1:2}"
}

@test "sectors are verified without being sent, more than a frame holds" {
	[[ "$(ata 1 4000ff42000000000000)" = '1800 40000040 '* ]]
	[[ "$(ata 1 00000040050000000000)" = '1800 00000040 '* ]]
	# 65536 sectors are more than there are; so is one behind the end.
	[[ "$(ata 1 40000042000000000000)" = '1800 40100051 '* ]]
	[[ "$(ata 1 40000142000800000000)" = '1800 40100051 '* ]]
	# What the file has lost is found; the registers carry no data.
	truncate -s 512K "$T/disk"
	[[ "$(ata 1 40002042f00300000000)" = '1800 40402051 '* ]]
	[[ "$(ata 1 40001042f00300000000)" = '1800 40000040 '* ]]
}

@test "power management says active and obeys" {
	[[ "$(ata 1 000000e5000000000000)" = '1800 0000ff40 '* ]]
	for command in e0 e1 e2 e3; do
		[[ "$(ata 1 000000${command}000000000000)" = '1800 00000040 '* ]]
	done
}

@test "what is not known is aborted, as an ATA error" {
	for command in 00 08 25 35 60 61 90 91 a1 c4 c8 ca e4 e6 f5 f8 ff; do
		[[ "$(ata 1 000001${command}000000000000)" = '1800 00040151 '* ||
		    "$(ata 1 000001${command}000000000000)" = '1800 00040051 '* ]]
	done
}

@test "SMART is read, switched off and on, and signs its status" {
	got=$(ata 1 00d001b0004fc2000000)
	[ "${got:0:13}" = '1800 00000040' ]
	[ $((${#got} - 14)) = 1024 ]
	[[ "$(words 1 0 00da00b0004fc20000000000)" = '1800 00000040004fc2000000'* ]]
	[[ "$(ata 1 00d501b0004fc2000000)" = '1800 00000040 010001'* ]]
	[ $((16#$(word 85) & 1)) = 1 ]
	[[ "$(ata 1 00d900b0004fc2000000)" = '1800 00000040 '* ]]
	[ $((16#$(word 85) & 1)) = 0 ]
	[[ "$(ata 1 00d001b0004fc2000000)" = '1800 00040051 '* ]]
	[[ "$(ata 1 00d800b0004fc2000000)" = '1800 00000040 '* ]]
	[[ "$(ata 1 00d001b0004fc2000000)" = '1800 00000040 '* ]]
	[[ "$(ata 1 00d001b0000000000000)" = '1800 00040051 '* ]]
}

@test "a write cache that is switched off makes writes stable" {
	syncs() { aoectl --json status one | jq '.exports[0].syncs'; }
	echo "0 $T/disk $(client_mac 1) aoe0 one sync=none" >"$T/table"
	aoectl reload
	[ $((16#$(word 82) & 32)) = 32 ]
	[ $((16#$(word 85) & 32)) = 32 ]
	head -c 512 /dev/zero | aoe 1 write 0.0 0
	[ "$(syncs)" = 0 ]
	[[ "$(ata 1 008200ef000000000000)" = '1800 00000040 '* ]]
	[ "$(syncs)" = 1 ]
	[ $((16#$(word 85) & 32)) = 0 ]
	head -c 512 /dev/zero | aoe 1 write 0.0 0
	[ "$(syncs)" = 2 ]
	[[ "$(ata 1 000200ef000000000000)" = '1800 00000040 '* ]]
	[ $((16#$(word 85) & 32)) = 32 ]
	# One that was never there stays away, and other features are aborted.
	echo "0 $T/disk $(client_mac 1) aoe0 one" >"$T/table"
	aoectl reload
	[[ "$(ata 1 000200ef000000000000)" = '1800 00000040 '* ]]
	[ $((16#$(word 85) & 32)) = 0 ]
	[[ "$(ata 1 000500ef000000000000)" = '1800 00040051 '* ]]
}
