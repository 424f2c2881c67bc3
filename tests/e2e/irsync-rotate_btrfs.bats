#!/usr/bin/env bats
# Snapshots that are subvolumes of a btrfs go whole; where that may not be, they
# are swept like any other, also read-only ones.

load helpers
load rotate_helpers
setup() {
	rotate_setup
	need mkfs.btrfs btrfs
	grep -qw btrfs /proc/filesystems || modprobe btrfs 2>/dev/null ||
	    skip 'the kernel has no btrfs'
	truncate -s 256M "$T/disk"
	mkfs.btrfs -q "$T/disk"
	mount -o loop "$T/disk" "$T/root"
	on_exit umount "$T/root"
	mkdir "$T/root/web.snaps"
}
teardown() { run_cleanup; }

# subvol STAMP: a read-only subvolume as a snapshot, of the one before.
subvol() {
	local dir=$T/root/web.snaps/$1
	if [ -z "${BEFORE-}" ]; then
		"${AS[@]}" btrfs subvolume create "$dir"
		"${AS[@]}" mkdir -p "$dir/a/b"
		"${AS[@]}" cp /etc/services "$dir/a/b/f"
	else
		"${AS[@]}" btrfs subvolume snapshot "$BEFORE" "$dir"
		"${AS[@]}" touch "$dir/$1"
	fi
	"${AS[@]}" btrfs property set "$dir" ro true
	make_record web "$1"
	BEFORE=$dir
} >/dev/null

fill() {
	local i
	[ $# = 0 ] || chown "$ACCOUNT_ID:$ACCOUNT_ID" "$T/root/web.snaps"
	for ((i = 17; i >= 0; i--)); do
		subvol "$(days_ago "$i")"
	done
	chown -R --from=root "$(stat -c %u:%g "$T/root/web.snaps")" \
	    "$T/root/web.snaps/.meta"
}

subvols() {
	btrfs subvolume list "$T/root" | wc -l
}

@test "root deletes root's subvolumes" {
	AS=(env)
	fill
	rotate
	[ "$(snapshots web | wc -l)" = 15 ]
	[ "$(subvols)" = 15 ]
}

@test "root deletes an account's subvolumes" {
	AS=(as_account)
	fill account
	rotate
	[ "$(snapshots web | wc -l)" = 15 ]
	[ "$(subvols)" = 15 ]
	[ "$(expired web)" = 0 ]
}

@test "an account that may not delete subvolumes sweeps them" {
	AS=(as_account)
	fill account
	chmod 755 "$T/root"
	as_account "$BIN/irsync-rotate" -f "$T/rotate.conf" "$T/root"
	[ "$(snapshots web | wc -l)" = 15 ]
	[ "$(subvols)" = 15 ]
	[ "$(expired web)" = 0 ]
}

@test "a store on another disk gives nothing for min-free" {
	# The top of a subvolume, seen in a root that is not of this btrfs.
	rmdir "$T/root/web.snaps"
	btrfs subvolume create "$T/root/web.snaps" >/dev/null
	make_days web 5
	mkdir -p "$T/plain/web.snaps"
	mount --bind "$T/root/web.snaps" "$T/plain/web.snaps"
	on_exit umount "$T/plain/web.snaps"
	printf 'age = 14\nfloor = 1\nmin-free = "99%%"\n' >"$T/rotate.conf"
	run "$BIN/irsync-rotate" -f "$T/rotate.conf" "$T/plain"
	[ "$status" = 1 ]
	[[ $output == *"less is free than min-free asks for, and no more may go"* ]]
	[ "$(snapshots web | wc -l)" = 5 ]
}
