#!/usr/bin/env bats
# What an operator does, as the kernel's initiator sees it: a read-only row, a
# stop and a start, an image that grows, a file system that is full and is given
# room again.

load ../e2e/helpers
load ../e2e/aoenet
load vm

setup() {
	setup_tmp
	vm_build
	mkdir "$T/small"
	mount -t tmpfs -o size=24M none "$T/small"
	on_exit umount "$T/small"
}

teardown() {
	run_cleanup
}

# The n-th of the things that the guest waits for has happened.
done_with() {
	printf '%-511s\n' "done $1" |
	    dd of="$T/marks" bs=512 seek="$1" conv=notrunc status=none
}

guest_says() {
	wait_until 60 grep -q "^$1" "$T/out" || vm_failed "$T/out"
}

@test "read-only, stop and start, growth, a full disk and room again" {
	aoe_net 0
	truncate -s 32M "$T/disk" "$T/grows"
	truncate -s 1M "$T/marks"
	truncate -s 48M "$T/small/full"
	cat >"$T/aoed.conf" <<-TABLE
	0 $T/disk       $(client_mac 1) aoe0 one
	1 $T/marks      $(client_mac 1) aoe0 marks ro
	2 $T/grows      $(client_mac 1) aoe0 grows
	3 $T/small/full $(client_mac 1) aoe0 full
	TABLE
	start_aoed "$T/aoed.conf"
	cat >"$T/script" <<-'SCRIPT'
	aoe_up e0.0
	for disk in e0.1 e0.2 e0.3; do
		wait_until 20 disk_ready $disk
	done
	exec 6</dev/etherd/e0.0 7</dev/etherd/e0.1 8</dev/etherd/e0.2
	exec 9</dev/etherd/e0.3
	grown() {
		[ "$(disk_size e0.2)" = 131072 ]
	}
	happened() {
		forget
		dd if=/dev/etherd/e0.1 bs=512 skip=$1 count=1 2>/dev/null |
		    grep -q "done $1"
	}

	echo read-only
	head -c 4096 /dev/zero >/tmp/block
	start=$(cut -d. -f1 /proc/uptime)
	! dd if=/tmp/block of=/dev/etherd/e0.1 bs=4k conv=fsync 2>/tmp/said
	grep -i error /tmp/said
	# At once, not after the driver's three minutes.
	[ $(($(cut -d. -f1 /proc/uptime) - start)) -lt 10 ]

	echo stop
	head -c 8388608 /dev/urandom >/tmp/data
	dd if=/tmp/data of=/dev/etherd/e0.0 bs=64k conv=fsync 2>/dev/null &
	wait_until 30 happened 1
	wait $!
	forget
	head -c 8388608 /dev/etherd/e0.0 | cmp - /tmp/data

	echo grow
	[ "$(disk_size e0.2)" = 65536 ]
	wait_until 30 happened 2
	echo e0.2 >/dev/etherd/revalidate
	wait_until 20 grown
	echo "size $(disk_size e0.2)"
	dd if=/tmp/block of=/dev/etherd/e0.2 bs=4k seek=12000 conv=fsync \
	    2>/dev/null

	echo full
	mkfs.ext4 -q -E nodiscard /dev/etherd/e0.3
	mount -t ext4 /dev/etherd/e0.3 /mnt
	cp /tmp/data /mnt/before
	sync
	! dd if=/dev/urandom of=/mnt/large bs=64k count=480 conv=fsync \
	    2>/tmp/said
	cat /tmp/said
	grep -i error /tmp/said
	umount /mnt || true
	echo really full
	wait_until 30 happened 3
	e2fsck -fy /dev/etherd/e0.3 >/tmp/said || [ $? = 1 ]
	mount -t ext4 /dev/etherd/e0.3 /mnt
	cmp /mnt/before /tmp/data
	rm -f /mnt/large
	head -c 16777216 /dev/urandom >/tmp/more
	cp /tmp/more /mnt/after
	umount /mnt
	forget
	e2fsck -fn /dev/etherd/e0.3 >/tmp/said || { cat /tmp/said; false; }
	mount -t ext4 /dev/etherd/e0.3 /mnt
	cmp /mnt/after /tmp/more
	umount /mnt
	SCRIPT
	vm_run "$(client_mac 1)" "$T/script" "$T/out" &
	vm=$!
	guest_says stop
	aoectl stop one
	sleep 0.5
	aoectl start one
	done_with 1
	guest_says grow
	truncate -s 64M "$T/grows"
	aoectl reload
	done_with 2
	guest_says 'really full'
	aoectl --json status full | jq -e '.exports[0].state == "serving"'
	grep -q 'full: .*No space left' "$T/aoed.log"
	mount -o remount,size=64M "$T/small"
	done_with 3
	wait $vm || vm_failed "$T/out"
	grep -q '^size 131072' "$T/out"
	[ "$(stat -c %s "$T/marks")" = 1048576 ]
	e2fsck -fn "$T/small/full"
}
