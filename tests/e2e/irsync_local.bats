#!/usr/bin/env bats
# The same into a directory of this machine, as root and as another user.

load helpers
load irsync_helpers

setup() {
	setup_tmp
	need jq setfacl setfattr
	irsync_conf_local "$T/src"
}
teardown() { run_cleanup; }

@test "three backups into a directory, and the middle one restored" {
	source_make "$T/src"
	run -0 irsync backup
	[[ $output == *" complete: "* ]]
	source_second "$T/src"
	cp -a "$T/src" "$T/then"
	run -0 irsync backup
	source_third "$T/src"
	run -0 irsync backup
	run -0 irsync list
	[ "${#lines[@]}" = 5 ]
	[[ ${lines[3]} == *" complete, latest" ]]
	middle=$(irsync list --json | jq -r '.snapshots[1].stamp')
	# As root the snapshot is the tree itself.
	python3 "$SAMETREE" "$T/then" \
	    "$T/store/client.example.net.snaps/$middle$T/src"
	run -0 irsync restore "$middle" --to "$T/out"
	python3 "$SAMETREE" "$T/then" "$T/out$T/src"
	run -0 irsync restore "$middle" "$T/src/dir/new" --to "$T/part"
	cmp "$T/then/dir/new" "$T/part$T/src/dir/new"
	run -1 grep "$T" /proc/self/mounts
}

# XFS shows root each ACL a second time, and rsync removes what the source has
# not: at its second run over the same file, or restoring over it.
@test "ACLs stay on an XFS disk, and on an XFS client" {
	need mkfs.xfs
	truncate -s 320M "$T/image"
	mkfs.xfs -q "$T/image"
	mkdir -p "$T/disk" "$T/src/dir"
	mount -o loop "$T/image" "$T/disk" || skip 'no loop devices here'
	on_exit umount -l "$T/disk"
	conf_set "storage = \"$T/disk\""
	echo one >"$T/src/file"
	echo two >"$T/src/dir/other"
	setfacl -m u:1234:r "$T/src/file"
	setfacl -m u:1234:rx,d:u:4321:rx "$T/src/dir"
	for i in 1 2 3; do
		setfacl -m "u:1234:$(cut -c "$i" <<<rwx)" "$T/src/dir/other"
		irsync backup
		python3 "$SAMETREE" "$T/src" \
		    "$(realpath "$T/disk/client.example.net.full")$T/src"
	done
	# And back, over what is on such a disk.
	mv "$T/src" "$T/disk/src"
	irsync_conf_local "$T/disk/src"
	run -0 irsync backup
	cp -a "$T/disk/src" "$T/then"
	for i in 1 2; do
		touch -d '2020-02-02' "$T/disk/src/file"
		run -0 irsync restore --in-place --yes "$T/disk/src"
		python3 "$SAMETREE" "$T/then" "$T/disk/src"
	done
}

@test "the store itself is left out, also when all is configured" {
	mkdir -p "$T/src/disk"
	echo x >"$T/src/file"
	irsync_conf "$T/src"
	conf_set "storage = \"$T/src/disk\""
	irsync backup
	irsync backup
	run -0 irsync restore latest --to "$T/out"
	[ "$(find "$T/out$T/src" | wc -l)" = 2 ]
	[ -f "$T/out$T/src/file" ]
}

@test "an ordinary user's backup keeps what the user may see" {
	local user=(setpriv --reuid 4242 --regid 4242 --clear-groups --)
	mkdir -p "$T/src" "$T/store"
	echo mine >"$T/src/mine"
	echo roots >"$T/src/roots"
	chown 4242:4242 "$T/src" "$T/src/mine" "$T/store"
	chown 0:7 "$T/src/roots"
	conf_set "lock = \"$T/store/lock\""
	run -0 "${user[@]}" "$BIN/irsync" -f "$CONF" backup
	run -0 "${user[@]}" "$BIN/irsync" -f "$CONF" backup
	set -- "$T/store/client.example.net.snaps/"*
	[ "$#" = 2 ]
	[ "$(stat -c %h "$T/store/client.example.net.full$T/src/mine")" = 2 ]
	# Root gets the owners back.
	run -0 irsync restore --to "$T/out"
	[ "$(stat -c %u:%g "$T/out$T/src/roots")" = 0:7 ]
	[ "$(stat -c %u:%g "$T/out$T/src/mine")" = 4242:4242 ]
	# What the user may not read makes it partial.
	chmod 600 "$T/src/roots"
	echo secret >"$T/src/roots"
	run -23 "${user[@]}" "$BIN/irsync" -f "$CONF" backup
	[[ $output == *"send_files failed to open"*"/src/roots"* ]]
	run -0 irsync list
	[[ ${lines[2]} == *" complete, latest" ]]
	[[ ${lines[3]} == *" partial" ]]
	# But root does not write into that store.
	run -1 irsync backup
	[[ $output == *"belongs to another user (4242)"* ]]
}

@test "a path behind a symbolic link of the snapshot is refused" {
	mkdir -p "$T/src"
	ln -s /etc "$T/src/link"
	irsync backup
	run -1 irsync restore latest "$T/src/link/passwd" --to "$T/out"
	[[ $output == *"a folder above it is a symbolic link"* ]]
	run -0 irsync restore latest "$T/src/link" --to "$T/out"
	[ "$(readlink "$T/out$T/src/link")" = /etc ]
}

@test "where cron or a rescue system leaves nothing of an environment" {
	mkdir -p "$T/src" "$T/gone"
	echo x >"$T/src/file"
	irsync_conf_local "$T/src"
	cd "$T/gone"
	rmdir "$T/gone"
	(umask 777 && env -i "$BIN/irsync" -f "$CONF" backup <&- >&- 2>&-)
	(umask 000 && env -i "$BIN/irsync" -f "$CONF" backup <&-)
	run -0 env -i LC_ALL=tr_TR.UTF-8 "$BIN/irsync" -f "$CONF" list
	[[ ${lines[-1]} == "2 snapshots, "* ]]
	env -i "$BIN/irsync" -f "$CONF" restore --to "$T/out" <&- >&- 2>&-
	cmp "$T/src/file" "$T/out$T/src/file"
	[ -z "$(find "$T/store" "$T/state" -maxdepth 1 ! -type l \
	    -perm /022)" ]
}

@test "JSON is JSON, whatever bytes the storage's name has" {
	mkdir -p "$T/src" "$T/caf"$'\351'
	: >"$T/src/file"
	irsync_conf "$T/src"
	conf_set "storage = \"$T/caf"$'\351"'
	run -0 --separate-stderr irsync backup --json
	jq -e --arg s "$T/caf\\351" '.ok and .storage == $s' <<<"$output"
	run -0 --separate-stderr irsync list --json
	jq -e --arg s "$T/caf\\351" '.storage == $s' <<<"$output"
}

@test "a mounted file system is left out, or named by itself" {
	mkdir -p "$T/src/mnt" "$T/src/other"
	mount -t tmpfs one "$T/src/mnt"
	on_exit umount "$T/src/mnt"
	mount -t tmpfs two "$T/src/other"
	on_exit umount "$T/src/other"
	echo x >"$T/src/mnt/file"
	echo y >"$T/src/other/file"
	irsync_conf_local "$T/src" "$T/src/other"
	echo "one_file_system = true" >>"$CONF"
	irsync backup
	cd "$T/store/client.example.net.full$T/src"
	[ -d mnt ]
	[ ! -e mnt/file ]
	[ -e other/file ]
}
