#!/usr/bin/env bats
# The same requests give the same data, on the wire and in the image, whether
# aoed or Debian's vblade serves them.

load helpers
load aoenet

setup() {
	need /usr/sbin/vblade
	setup_tmp
	aoe_net 1
	head -c 8M /dev/urandom >"$T/disk.aoed"
	cp "$T/disk.aoed" "$T/disk.vblade"
	head -c 3M /dev/urandom >"$T/large"
	head -c 512 /dev/urandom >"$T/sector"
}

teardown() {
	run_cleanup
}

# session NAME: talk to whoever serves; what was read goes to $T/read.NAME.
session() {
	aoe 1 write 0.0 0 <"$T/sector"
	aoe 1 write 0.0 777 <"$T/large"
	aoe 1 -b write 0.0 16383 <"$T/sector"
	{
		aoe 1 read 0.0 0 16384
		aoe 1 -b -c 1 -n 1 read 0.0 776 20
		aoe 1 -n 2 read 0.0 7000 1001
		aoe 1 identify 0.0 | grep -E '^(sectors|lba48)'
	} >"$T/read.$1"
	run aoe 1 read 0.0 16380 5
	echo "beyond the end: $status ${output##* }" >>"$T/read.$1"
}

@test "aoed and vblade do the same for the same requests" {
	echo "0 $T/disk.aoed $(client_mac 1) aoe0 one" >"$T/aoed.conf"
	start_aoed "$T/aoed.conf"
	session aoed
	stop_aoed
	start_vblade 0 0 "$T/disk.vblade"
	session vblade
	cmp "$T/disk.aoed" "$T/disk.vblade"
	cmp "$T/read.aoed" "$T/read.vblade"
}
