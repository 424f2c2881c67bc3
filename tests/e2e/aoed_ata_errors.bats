#!/usr/bin/env bats
# What a disk would refuse is refused as a disk does it, by an ATA status: the
# kernel's driver repeats an AoE error for three minutes.

load helpers
load aoenet

setup() {
	setup_tmp
	aoe_net 1
	truncate -s 1M "$T/disk"
	cat >"$T/aoed.conf" <<-TABLE
	0 $T/disk $(client_mac 1) aoe0 writable
	1 $T/disk $(client_mac 1) aoe0 readonly ro
	TABLE
	start_aoed "$T/aoed.conf"
}

teardown() {
	run_cleanup
}

# ata SLOT FLAGS FEATURE COUNT COMMAND LBA [DATA]: one ATA command, the bytes in
# hexadecimal, low byte of the address first.  Leaves AoE flags and error in
# $aoe, the status register in $st, the error register in $er.
ata() {
	run aoe 1 raw "10000000${1}00800000aa$2$3$4$5${6}0000${7:-}"
	[ "$status" = 0 ]
	[ "${output:12:8}" = 800000aa ]
	aoe=${output:0:4}
	er=${output:22:2}
	st=${output:26:2}
}

# refused BIT: by ERR in the status, with that bit of the error register.
refused() {
	[ "$aoe" = 1800 ]
	[ $((0x$st & 0xa9)) = 1 ]
	[ $((0x$er & $1)) != 0 ]
}

good() {
	[ "$aoe" = 1800 ]
	[ $((0x$st & 0xa9)) = 0 ]
}

ABRT=0x04
IDNF=0x10
sector=$(printf '%01024d' 0)

@test "the last sector is read, one more is not" {
	ata 00 40 00 01 24 ff0700000000
	good
	ata 00 40 00 01 24 000800000000
	refused $IDNF
	ata 00 40 00 02 24 ff0700000000
	refused $IDNF
}

@test "an address near the end of 48 bits does not wrap around" {
	ata 00 40 00 02 24 ffffffffffff
	refused $IDNF
	ata 00 41 00 01 34 ffffffffffff "$sector"
	refused $IDNF
}

@test "a write beyond the end changes nothing" {
	ata 00 41 00 01 34 000800000000 "$sector"
	refused $IDNF
	[ "$(stat -c %s "$T/disk")" = 1048576 ]
}

@test "a read-only export refuses a write and still reads" {
	ata 01 41 00 01 34 000000000000 "$(printf '%01024d' 1)"
	refused $ABRT
	ata 01 40 00 01 24 000000000000
	good
	cmp -n 512 "$T/disk" /dev/zero
}

@test "an unknown command is aborted" {
	ata 00 00 00 00 f7 000000000000
	refused $ABRT
	ata 00 40 00 01 25 000000000000
	refused $ABRT
}

@test "a write with less data than it says is refused and writes nothing" {
	ata 00 41 00 02 34 000000000000 "$(printf '%01024d' 1 | tr 0 f)"
	[ "$aoe" != 1800 ] || refused $ABRT
	cmp -n 1024 "$T/disk" /dev/zero
}

@test "28 bits: beyond the end is an error as well" {
	ata 00 00 00 01 20 ff0700e00000
	good
	ata 00 00 00 01 20 ffffffef0000
	refused $IDNF
}
