#!/usr/bin/env bats
# A bit that turns on the disk, while memory still holds the right one, is
# found: what is checked is read from the disk itself.

load helpers
load irsync_helpers

setup() {
	setup_tmp
	need jq losetup mkfs.ext4 debugfs
	mkdir -p "$T/src" "$T/disk"
	truncate -s 32M "$T/image"
	mkfs.ext4 -q -b 4096 "$T/image"
	dev=$(losetup --find --show "$T/image") || skip 'no loop devices here'
	on_exit losetup -d "$dev"
	mount "$dev" "$T/disk"
	on_exit umount -l "$T/disk"
	irsync_conf_local "$T/src"
	conf_set "storage = \"$T/disk\""
	for f in one two three; do
		head -c 100000 /dev/urandom >"$T/src/$f"
	done
	irsync backup
	sync -f "$T/disk"
}
teardown() { run_cleanup; }

@test "a bit turned below the file system is named, and the file it is in" {
	snap=$T/disk/client.example.net.snaps/$(newest)
	file=$snap$T/src/two
	block=$(debugfs -R "blocks <$(stat -c %i "$file")>" "$dev" \
	    2>/dev/null | awk '{ print $3 }')
	[ "$block" -gt 0 ]
	cat "$file" >/dev/null
	# The block, past the device's own cache too.
	python3 - "$dev" "$((block * 4096))" <<-'EOT'
	import mmap, os, sys
	fd = os.open(sys.argv[1], os.O_RDWR | os.O_DIRECT)
	m = mmap.mmap(-1, 4096)
	os.preadv(fd, [m], int(sys.argv[2]))
	m[77] ^= 1
	os.pwritev(fd, [m], int(sys.argv[2]))
	EOT
	cmp "$T/src/two" "$file"	# memory does not know yet
	run -1 --separate-stderr "$BIN/irsync" --store "$T/disk" verify
	# shellcheck disable=SC2154
	[ "$(wc -l <<<"$stderr")" = 1 ]
	[[ $stderr == *"$T/src/two: damaged, in 1 snapshot "*"; no good copy" ]]
	[[ $output == "client.example.net: 3 files, 3 with 292 KiB read: 1 damaged, 0 unreadable" ]]
}
