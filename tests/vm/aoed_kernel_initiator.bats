#!/usr/bin/env bats
# The kernel's own initiator finds its disk, puts a file system on it, and
# everything is there afterwards, for it and on the server.

load ../e2e/helpers
load ../e2e/aoenet
load vm

setup() {
	setup_tmp
	vm_build
}

teardown() {
	run_cleanup
}

# Some large and many small files, and their checksums, for the guest.
make_files() {
	local i
	VM_FILES=$T/files
	mkdir -p "$VM_FILES/many small"
	head -c 6M /dev/urandom >"$VM_FILES/large"
	head -c 1000001 /dev/urandom >"$VM_FILES/odd"
	for i in {1..200}; do
		head -c "$((i * 37))" /dev/urandom >"$VM_FILES/many small/$i"
	done
	(cd "$VM_FILES" && find . -type f -exec sha256sum {} +) >"$T/sums"
	mv "$T/sums" "$VM_FILES/SUMS"
}

@test "the kernel's initiator makes a file system and finds its files again" {
	aoe_net 0
	truncate -s 96M "$T/disk"
	echo "0 $T/disk 02:00:00:00:00:01 aoe0 one" >"$T/aoed.conf"
	start_aoed "$T/aoed.conf"
	make_files
	cat >"$T/script" <<-'SCRIPT'
	aoe_up e0.0
	echo "size $(disk_size e0.0)"
	mkfs.ext4 -q /dev/etherd/e0.0
	mount -t ext4 /dev/etherd/e0.0 /mnt
	cp -R /files /mnt/files
	umount /mnt
	forget
	mount -t ext4 /dev/etherd/e0.0 /mnt
	cd /mnt/files
	sha256sum -c SUMS >/tmp/checked
	echo "good $(grep -c OK /tmp/checked)"
	cd /
	umount /mnt
	SCRIPT
	vm_run 02:00:00:00:00:01 "$T/script" "$T/out" || vm_failed "$T/out"
	grep -q '^size 196608$' "$T/out"
	grep -q '^good 202$' "$T/out"
	e2fsck -fn "$T/disk"
	mkdir "$T/dump"
	debugfs -R "rdump /files $T/dump" "$T/disk"
	diff -r "$T/files" "$T/dump/files"
}

@test "what a client writes survives restarts of the daemon meanwhile" {
	aoe_net 0
	truncate -s 32M "$T/disk"
	echo "0 $T/disk 02:00:00:00:00:01 aoe0 one" >"$T/aoed.conf"
	start_aoed "$T/aoed.conf"
	VM_FILES=$T/files
	mkdir "$VM_FILES"
	head -c 4M /dev/urandom >"$VM_FILES/data"
	cat >"$T/script" <<-'SCRIPT'
	aoe_up e0.0
	# At each first open the driver forgets how fast the target is, and
	# would wait 16 s for a lost frame.
	exec 9</dev/etherd/e0.0
	for round in 0 1 2 3 4 5; do
		echo "round $round"
		dd if=/files/data of=/dev/etherd/e0.0 bs=64k \
		    seek=$((round * 64)) conv=fsync 2>/dev/null
	done
	forget
	for round in 0 1 2 3 4 5; do
		dd if=/dev/etherd/e0.0 bs=64k skip=$((round * 64)) count=64 \
		    2>/dev/null | cmp - /files/data
	done
	! dmesg | grep -iE 'i/o error|aoe:.*(fail|error)'
	SCRIPT
	vm_run 02:00:00:00:00:01 "$T/script" "$T/out" &
	vm=$!
	for round in 1 2 3 4; do
		wait_until 180 grep -q "^round $round" "$T/out"
		restart_aoed $((round % 2))
	done
	wait "$vm" || vm_failed "$T/out"
	for round in {0..5}; do
		cmp -n 4194304 "$T/files/data" "$T/disk" 0 $((round << 22))
	done
}

# restart_aoed HARD: by SIGKILL or in an orderly way.
restart_aoed() {
	if [ "$1" = 1 ]; then
		kill_now "$AOED_PID" || true
	else
		stop_aoed
	fi
	start_aoed "$T/aoed.conf"
}

@test "a client sees its own disk and no other client's" {
	aoe_net 0
	truncate -s 16M "$T/mine"
	truncate -s 32M "$T/other"
	cat >"$T/aoed.conf" <<-TABLE
	0   $T/other 02:00:00:00:00:02 aoe0 other
	0   $T/mine  02:00:00:00:00:01 aoe0 mine
	0.5 $T/other 02:00:00:00:00:03 aoe0 another
	TABLE
	start_aoed "$T/aoed.conf"
	cat >"$T/script" <<-'SCRIPT'
	aoe_up e0.0
	# Time for an answer from any other.
	echo >/dev/etherd/discover
	sleep 1
	echo "size $(disk_size e0.0)"
	ls -1 /dev/etherd
	SCRIPT
	vm_run 02:00:00:00:00:01 "$T/script" "$T/out" || vm_failed "$T/out"
	grep -q '^size 32768$' "$T/out"
	[ "$(grep '^e[0-9]' "$T/out")" = e0.0 ]
}
