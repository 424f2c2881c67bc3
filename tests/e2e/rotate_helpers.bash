# shellcheck shell=bash
# rotate_helpers.bash: stores made by hand, for the tests of irsync-rotate.
#
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The backshelf authors

# rotate_setup: an empty root in $T/root and a rotate.conf that keeps 14 days.
rotate_setup() {
	setup_tmp
	mkdir -p "$T/root"
	echo 'age = 14' >"$T/rotate.conf"
	# One hour for the whole test, should it run over the end of one.
	THIS_HOUR=$(date -u +%Y-%m-%dT%H:00:00Z)
}

# on_each_disk COMMAND...: run it where the tests' folder is; at full length with
# $T/root on an ext4, an XFS and a btrfs too.
on_each_disk() {
	local fs
	"$@"
	for fs in $(for_long '' 'ext4 xfs btrfs'); do
		echo "on $fs:"
		rm -f "$T/disk"
		truncate -s 4G "$T/disk"
		mkfs."$fs" -q "$T/disk" >/dev/null
		rm -rf "$T/root"
		mkdir "$T/root"
		mount -o loop "$T/disk" "$T/root"
		on_exit sh -c "umount '$T/root' 2>/dev/null"
		"$@"
		umount "$T/root"
	done
}

# stamp WHEN: the stamp of a time that date(1) understands.
stamp() {
	date -u -d "$1" +%Y-%m-%dT%H%M%SZ
}

# stamp_seconds STAMP: its time in seconds.
stamp_seconds() {
	date -u -d "${1:0:10} ${1:11:2}:${1:13:2}:${1:15:2}" +%s
}

# days_ago N: the stamp of this hour N days ago.
days_ago() {
	stamp "$THIS_HOUR $1 days ago"
}

# make_record HOST STAMP [STATUS [CLOCK]]: say that the snapshot is one of ours.
# CLOCK: what the server's clock said then, in seconds, if not the stamp.
make_record() {
	local snaps=$T/root/$1.snaps status=${3:-complete} clock=${4-}
	[ -n "$clock" ] || clock=$(stamp_seconds "$2")
	mkdir -p "$snaps/.meta"
	cat >"$snaps/.meta/$2.json" <<-END
	{"version": 1, "stamp": "$2", "status": "$status",
	 "way": "overlay", "client": "192.0.2.7", "base": "",
	 "started": $clock, "ended": $((clock + 1)), "rsync_exit": 0,
	 "entries": 3, "linked": 0, "moved": 2, "dropped": 0, "copied": 0,
	 "bytes": 6, "bytes_new": 16384, "overlay_xattrs": false}
	END
}

# make_snapshot HOST STAMP [STATUS]: a small snapshot and its record.
make_snapshot() {
	local dir=$T/root/$1.snaps/$2
	mkdir -p "$dir/etc"
	echo "$2" >"$dir/etc/stamp"
	echo data >"$dir/file"
	make_record "$@"
}

# make_days HOST N: N daily snapshots, the newest of this hour; HOST.full
# points to the newest.
make_days() {
	local i
	for ((i = $2 - 1; i >= 0; i--)); do
		make_snapshot "$1" "$(days_ago "$i")"
	done
	ln -sfn "$1.snaps/$(days_ago 0)" "$T/root/$1.full"
}

rotate() {
	"$BIN/irsync-rotate" -f "$T/rotate.conf" "$@" "$T/root"
}

# snapshots HOST: the stamps that are there, oldest first.
snapshots() {
	(cd "$T/root/$1.snaps" && ls -d [0-9]*Z 2>/dev/null)
}

# expired HOST: how many are being deleted.
expired() {
	find "$T/root/$1.snaps" -maxdepth 1 -name '.expired.*' | wc -l
}
