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
	wait_until 5 eval "aoe 1 -t 0.5 discover | grep 'e0.2 $SERVER_MAC 64 2 '"
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
	wait_until 5 grep -q 'ALARM: .*/ro: has shrunk from' "$T/aoed.log"
}

# ata FLAGS COMMAND LBA: a message about eight sectors.
ata() {
	printf '1000%04x%02x00%08x%s0008%s%02x%02x000000000000' 0 "$4" "$3" \
	    "$1" "$2" $(($3 & 255)) $(($3 >> 8))
}

hex() {
	od -An -v -tx1 | tr -d ' \n'
}

queued() {
	# shellcheck disable=SC2016
	ip netns exec "$AOE_NET-s" awk '$7 > 2000 { n++ } END { exit n == 0 }' \
	    /proc/net/packet
}

# together FRAME...: they arrive before the daemon looks.  What it answers:
# sector, status, error, and how many bytes.
together() {
	local serving
	serving=$(pgrep -P "$AOED_PID" -f serve | head -n 1)
	kill -STOP "$serving"
	aoe 1 raw "$@" >"$T/answers" 3>&- &
	wait_until 5 queued
	kill -CONT "$serving"
	wait $!
	sort "$T/answers" | awk '{ print substr($0, 17, 4),
	    substr($0, 27, 2), substr($0, 23, 2), length($0) / 2 }'
}

@test "neighbours that go to the disk together: each gets its own answer" {
	mkdir "$T/small"
	mount -t tmpfs -o size=1M none "$T/small"
	on_exit umount "$T/small"
	head -c 1016K /dev/zero >"$T/small/ballast"
	truncate -s 1M "$T/small/disk"
	echo "3 $T/small/disk $(client_mac 1) aoe0 full" >>"$T/table"
	head -c 1M /dev/urandom >"$T/ro"
	start_aoed "$T/table"
	data=$(yes | head -c 4096 | hex)
	together "$(ata 41 34 0 3)$data" "$(ata 41 34 8 3)$data" \
	    "$(ata 41 34 16 3)$data" >"$T/said"
	diff "$T/said" - <<-END
	0000 40 00 46
	0008 40 00 46
	0010 51 04 46
	END
	cmp "$T/small/disk" <(yes | head -c 8192; head -c 1040384 /dev/zero)
	truncate -s 10000 "$T/ro"
	together "$(ata 40 24 0 1)" "$(ata 40 24 8 1)" "$(ata 40 24 16 1)" \
	    >"$T/said"
	diff "$T/said" - <<-END
	0000 40 00 4118
	0008 40 00 4118
	0010 51 40 46
	END
	cmp <(sort "$T/answers" | head -n 2 | cut -c45- | tr -d '\n') \
	    <(head -c 8192 "$T/ro" | hex)
}
