#!/usr/bin/env bats
# What is wrong with the disk, the range or the permission is said in ATA's
# status, which initiators pass on at once, never as an AoE error, which they
# retry for minutes.

load helpers
load aoenet

setup() {
	setup_tmp
	aoe_net 1
	truncate -s 1M "$T/disk" "$T/ro"
	cat >"$T/table" <<-END
	0 $T/disk $(client_mac 1) aoe0 one
	1 $T/ro $(client_mac 1) aoe0 two ro
	2 $T/disk $(client_mac 1) aoe0 capped maxsectors=2,offset=1024
	END
}

teardown() {
	run_cleanup
}

@test "beyond the end: IDNF" {
	start_aoed "$T/table"
	run aoe 1 read 0.0 2047 2
	[ "$status" = 2 ]
	[[ $output = *'status 0x51 error 0x10'* ]]
	run aoe 1 write 0.0 2048 < <(head -c 512 /dev/zero)
	[ "$status" = 2 ]
	[[ $output = *'status 0x51 error 0x10'* ]]
}

@test "a write to a read-only export: ABRT, and reads go on" {
	start_aoed "$T/table"
	run aoe 1 write 0.1 0 < <(head -c 512 /dev/urandom)
	[ "$status" = 2 ]
	[[ $output = *'status 0x51 error 0x04'* ]]
	aoe 1 read 0.1 0 2048 | cmp - "$T/ro"
	aoe 1 flush 0.1
}

@test "more sectors than maxsectors: ABRT; fewer are served at the offset" {
	start_aoed "$T/table"
	run aoe 1 -t 0.5 discover
	[[ $output = *"e0.2 $SERVER_MAC 64 2 "* ]]
	run aoe 1 -n 3 read 0.2 0 3
	[ "$status" = 2 ]
	[[ $output = *'status 0x51 error 0x04'* ]]
	aoe 1 write 0.2 0 < <(yes | head -c 4096)
	cmp <(tail -c +524289 "$T/disk" | head -c 4096) <(yes | head -c 4096)
}

@test "a full disk: ABRT, said in the log, and writes go on after room was made" {
	mkdir "$T/small"
	mount -t tmpfs -o size=2M none "$T/small"
	on_exit umount "$T/small"
	truncate -s 8M "$T/small/disk"
	head -c 1M /dev/zero >"$T/small/ballast"
	echo "3 $T/small/disk $(client_mac 1) aoe0 full" >>"$T/table"
	start_aoed "$T/table"
	run aoe 1 write 0.3 0 < <(head -c 4M /dev/urandom)
	[ "$status" = 2 ]
	[[ $output = *'status 0x51 error 0x04'* ]]
	grep -q 'full: .*No space left' "$T/aoed.log"
	aoectl --json status full | jq -e '.exports[0].state == "serving"'
	rm "$T/small/ballast"
	head -c 512K /dev/urandom >"$T/data"
	aoe 1 write 0.3 0 <"$T/data"
	aoe 1 read 0.3 0 1024 | cmp - "$T/data"
}

@test "an image that has become shorter: UNC, the other exports go on" {
	start_aoed "$T/table"
	truncate -s 512K "$T/ro"
	run aoe 1 read 0.1 1024 8
	[ "$status" = 2 ]
	[[ $output = *'status 0x51 error 0x40'* ]]
	aoe 1 read 0.0 0 2048 | cmp - "$T/disk"
}
