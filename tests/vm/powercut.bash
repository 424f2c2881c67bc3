# shellcheck shell=bash
# powercut.bash: aoed in a virtual machine whose power fails.  On top of
# vm.bash.
#
# The machine's disk is nbdkit's, with a cache that is written to the file only
# when the machine flushes it: what a disk with a volatile cache does.  A power
# cut is SIGKILL to the machine and to nbdkit at once.  What neither the
# machine's memory nor that cache gave to the file is lost then.
#
#	cut_prepare SYNC		the disk's template, and what the guest runs
#	cut_once [OPTION...]		boot, write by aoecut with the options, cut
#	cut_lost			what aoecut -c says of the image now
#
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The backshelf authors

CUT_MAC=02:00:00:00:00:f1

# The program and its libraries where the guest looks for them, and a table.
cut_prepare() {
	local file root=$T/guest
	mkdir -p "$root/usr/sbin" "$root/etc"
	cp "$BIN/aoed" "$root/usr/sbin/aoed"
	ldd "$BIN/aoed" | grep -o '/[^ :]*' | grep -v ':$' | sort -u |
	    while read -r file; do
		install -D -m 755 "$file" "$root$file"
	done
	printf '%s\n' 'root:x:0:0::/:/bin/sh' \
	    'nobody:x:65534:65534::/:/bin/false' >"$root/etc/passwd"
	printf '%s\n' 'root:x:0:' 'nogroup:x:65534:' >"$root/etc/group"
	echo "1.0 /mnt/image FF:FF:FF:FF:FF:FF eth0 cut sync=$1" \
	    >"$root/etc/aoed.conf"
	cat >"$root/script" <<-'SCRIPT'
	modprobe virtio_blk
	wait_until 5 test -b /dev/vda
	mount -t ext4 /dev/vda /mnt
	mkdir -p /run /state
	aoed -d -f /etc/aoed.conf -s /run/aoed.sock -S /state
	SCRIPT
	truncate -s 64M "$T/template"
	mkfs.ext4 -q "$T/template"
	mkdir -p "$T/mnt"
	mount -o loop "$T/template" "$T/mnt"
	truncate -s 16M "$T/mnt/image"
	umount "$T/mnt"
}

cut_initrd() {
	cat "$VM_DIR/initrd"
	(cd "$T/guest" && find . | cpio --quiet -o -H newc)
}

# The disk and the machine; CUT_PIDS is then what the cut kills.
cut_boot() {
	local mtu
	cp --sparse=always "$T/template" "$T/platter"
	rm -f "$T/nbd"
	nbdkit -f -U "$T/nbd" --filter=cache file "$T/platter" \
	    cache=writeback </dev/null >"$T/nbdkit.log" 2>&1 3>&- &
	CUT_PIDS=($!)
	on_exit kill_now "${CUT_PIDS[0]}"
	wait_until 10 test -S "$T/nbd"
	mtu=$(vm_tap tcut)
	cut_initrd >"$T/cut.initrd"
	ip netns exec "$AOE_NET-w" \
	    qemu-system-x86_64 -accel tcg -cpu max -smp 1 -m 512 \
	    -nodefaults -nographic -no-reboot -vga none \
	    -kernel "$VM_DIR/vmlinuz" -initrd "$T/cut.initrd" \
	    -append "console=ttyS0 quiet panic=-1 tsc=reliable ipv6.disable=1" \
	    -serial "file:$T/cut.console" -serial "file:$T/cut.out" \
	    -drive "file=nbd+unix:///?socket=$T/nbd,format=raw,if=virtio,cache=none" \
	    -netdev "tap,id=n,ifname=tcut,script=no,downscript=no" \
	    -device "virtio-net-pci,netdev=n,mac=$CUT_MAC,host_mtu=$mtu,romfile=" \
	    </dev/null >"$T/cut.qemu" 2>&1 3>&- &
	CUT_PIDS+=($!)
	on_exit kill_now "${CUT_PIDS[1]}"
}

# The machine loses its power at an instant between 0.5 and 3.5 s after the
# first write may have come.
cut_once() {
	local load
	cut_boot
	wait_until 60 aoe 1 identify 1.0 || { cat "$T"/cut.{qemu,console,out} >&2; return 1; }
	client 1 "$TOOLS/aoecut" -i aoe0 -a 1.0 -l "$T/ledger" "$@" \
	    >"$T/aoecut.out" 2>&1 3>&- &
	load=$!
	on_exit kill_now "$load"
	sleep "$(awk -v r=$RANDOM 'BEGIN { print 0.5 + r / 32768 * 3 }')"
	kill -KILL "${CUT_PIDS[@]}"
	wait "${CUT_PIDS[@]}" 2>/dev/null || true
	wait "$load" || { cat "$T/aoecut.out" "$T/cut.out" >&2; return 1; }
	ip -n "$AOE_NET-w" link del tcut
}

# What the disk holds when the power is back: its journal is replayed first.
cut_lost() {
	local rc=0
	cp --sparse=always "$T/platter" "$T/after"
	mount -o loop "$T/after" "$T/mnt"
	"$TOOLS/aoecut" -c "$T/mnt/image" -l "$T/ledger" || rc=$?
	umount "$T/mnt"
	return $rc
}
