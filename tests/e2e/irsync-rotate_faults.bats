#!/usr/bin/env bats
# What cannot be deleted is named, and the rest goes: a folder that the disk cannot
# read, an immutable file, a file that something is mounted on.

load helpers
load rotate_helpers
setup() {
	rotate_setup
	echo 'keep-last = 1' >"$T/rotate.conf"
	make_days web 1
	OLD=$(days_ago 20)
	make_snapshot web "$OLD"
	GONE=$T/root/web.snaps/.expired.$OLD
}
teardown() { run_cleanup; }

@test "a folder that the disk cannot read" {
	need mkfs.ext4 debugfs
	# Damaged before it is mounted for the first time: once it has been, it
	# may be in use still after umount(8), as other tests' namespaces copy
	# the mount, and the kernel then remembers the folder as it was.
	mkdir "$T/root/web.snaps/$OLD/bad"
	touch "$T/root/web.snaps/$OLD/bad/file"
	mkfs.ext4 -q -m 0 -b 4096 -e continue -d "$T/root" "$T/disk" 32M
	block=$(debugfs -R "blocks /web.snaps/$OLD/bad" "$T/disk" 2>/dev/null)
	[[ $block =~ ^[1-9][0-9]*\ ?$ ]]
	dd if=/dev/urandom of="$T/disk" bs=4096 seek="${block% }" count=1 \
	    conv=notrunc status=none
	rm -rf "$T"/root/*
	mount -o loop "$T/disk" "$T/root"
	on_exit umount "$T/root"
	run rotate
	[ "$status" = 2 ]
	[[ $output == *"web: .expired.$OLD/bad: "* ]]
	[ "$(cd "$GONE" && find . 2>/dev/null | sort | tr '\n' ' ')" = '. ./bad ' ]
	[ -d "$T/root/web.snaps/$(days_ago 0)" ]
}

@test "an immutable file" {
	need chattr
	mkdir "$T/root/web.snaps/$OLD/deep"
	touch "$T/root/web.snaps/$OLD/deep/stays" "$T/root/web.snaps/$OLD/goes"
	chattr +i "$T/root/web.snaps/$OLD/deep/stays" ||
	    skip 'this file system has no immutable files'
	on_exit sh -c "chattr -R -i '$T/root/web.snaps'"
	run rotate
	[ "$status" = 2 ]
	[[ $output == *"web: .expired.$OLD/deep/stays: Operation not permitted"* ]]
	[[ $output == *"incomplete  $OLD"* ]]
	[ "$(find "$GONE" -type f)" = "$GONE/deep/stays" ]
	chattr -i "$GONE/deep/stays"
	rotate
	[ "$(expired web)" = 0 ]
}

@test "a file and a folder that something is mounted on" {
	mkdir "$T/root/web.snaps/$OLD/dir"
	touch "$T/root/web.snaps/$OLD/busy"
	mount --bind /etc/services "$T/root/web.snaps/$OLD/busy"
	on_exit umount "$GONE/busy"
	mount -t tmpfs none "$T/root/web.snaps/$OLD/dir"
	on_exit umount "$GONE/dir"
	touch "$T/root/web.snaps/$OLD/dir/not ours"
	run rotate
	[ "$status" = 2 ]
	[[ $output == *"web: .expired.$OLD/busy: Device or resource busy"* ]]
	[[ $output == *"web: .expired.$OLD/dir: a mount point"* ]]
	[ -e "$GONE/dir/not ours" ]
	[ ! -e "$GONE/file" ]
}

@test "a snapshot that something is mounted on" {
	mount -t tmpfs none "$T/root/web.snaps/$OLD"
	on_exit umount "$T/root/web.snaps/$OLD"
	run rotate
	[ "$status" = 2 ]
	[[ $output == *"web: $OLD: cannot be renamed: "* ]]
	[[ $output == *"failed      $OLD"* ]]
}
