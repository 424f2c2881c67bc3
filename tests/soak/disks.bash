# shellcheck shell=bash
# disks.bash: two file systems, "disks" with the images and "store" with the
# snapshots, on disks that can be slowed down, halted and filled.
#
#	ext4 -- loop device -- nbdfuse -- nbdkit -- a file on the machine's disk
#
# Their folders are $T/disks and $T/store.
#
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The backshelf authors

declare -A DISK_PID=() DISK_FUSE=()

QUICK=0		# bits in a second: no limit
SLOW=1M

# disk_make NAME MIB
disk_make() {
	local name=$1 dir=$T/disk.$1
	mkdir -p "$dir/mnt" "$T/$name"
	truncate -s "$2M" "$dir/file"
	mkfs.ext4 -q -m 0 -i 4096 "$dir/file"
	echo "$QUICK" >"$dir/rate"
	nbdfuse "$dir/mnt/nbd" --command nbdkit -s --filter=rate file "$dir/file" \
	    rate=100G rate-file="$dir/rate" \
	    </dev/null >"$dir/log" 2>&1 &
	DISK_FUSE["$name"]=$!
	wait_until 10 test -s "$dir/mnt/nbd"
	DISK_PID["$name"]=$(pgrep -P "${DISK_FUSE[$name]}")
	mount -o loop "$dir/mnt/nbd" "$T/$name"
}

# disk_end NAME: flush and unmount it, and end what was below.
disk_end() {
	kill -CONT "${DISK_PID[$1]}"
	echo "$QUICK" >"$T/disk.$1/rate"
	wait_until 30 umount "$T/$1" || return
	umount "$T/disk.$1/mnt"
	wait "${DISK_FUSE[$1]}" || true
}

# disk_slow NAME SECONDS
disk_slow() {
	echo "$SLOW" >"$T/disk.$1/rate"
	sleep "$2"
	echo "$QUICK" >"$T/disk.$1/rate"
}

# disk_hang NAME SECONDS: no access ends before that.
disk_hang() {
	kill -STOP "${DISK_PID[$1]}"
	sleep "$2"
	kill -CONT "${DISK_PID[$1]}"
}

# disk_full NAME SECONDS: for so long there is no block left but what others
# give back.
disk_full() {
	local fill=$T/$1/.fill end=$((SECONDS + $2)) free
	: >"$fill"
	while [ "$SECONDS" -lt "$end" ]; do
		free=$(stat -f -c '%a' "$T/$1")
		fallocate -l $((free * 4096)) -o "$(stat -c %s "$fill")" \
		    "$fill" 2>/dev/null || true
		dd if=/dev/zero bs=4k count="$free" status=none \
		    oflag=append conv=notrunc of="$fill" 2>/dev/null || true
		sleep 0.2
	done
	rm "$fill"
}
