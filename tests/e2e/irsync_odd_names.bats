#!/usr/bin/env bats
# Names that a shell, rsync's patterns or rsync's -e would take apart.

load helpers
load irsync_helpers

setup() {
	setup_tmp
	need jq
}
teardown() { run_cleanup; }

@test "an identity and a store with spaces and quotes in their names" {
	start_sshd
	sed -i '/IdentityFile/d' "$SSH_CONF"
	mkdir "$T/my 'keys\""
	cp "$SSH_KEY" "$T/my 'keys\"/i d"
	mkdir -p "$T/the store" "$T/src"
	echo x >"$T/src/file"
	chown "$ACCOUNT_ID:$ACCOUNT_ID" "$T/the store"
	cat >"$T/sshguard.conf" <<-EOT
	root = "$T/the store"
	pull = true
	client "client.example.net" {}
	EOT
	authorize client.example.net
	irsync_conf "$T/src"
	sed -i "/^storage = /d" "$CONF"
	cat >>"$CONF" <<-EOT
	storage = "server:$T/the store"
	identity = "$T/my 'keys\"/i d"
	EOT
	sed -i 's,keys"/,keys\\"/,' "$CONF"
	irsync backup
	[ -f "$T/the store/client.example.net.full$T/src/file" ]
	run -0 irsync list
	[[ ${lines[-1]} == "1 snapshot, "* ]]
	run -0 irsync restore --to "$T/o u't"
	cmp "$T/src/file" "$T/o u't$T/src/file"
}

@test "configured paths are names, not patterns" {
	local odd
	for odd in 'a*' 'a[b]' 'a?' 'a b' '-x' '+ y' "q'q" 'back\slash'; do
		mkdir -p "$T/src/$odd/in"
		echo "$odd" >"$T/src/$odd/in/file"
	done
	mkdir -p "$T/src/ab" "$T/src/aXX"
	echo other >"$T/src/ab/file"
	irsync_conf_local "$T/src/a*/in" "$T/src/a[b]" "$T/src/a?" \
	    "$T/src/a b" "$T/src/-x" "$T/src/+ y/in" "$T/src/q'q" \
	    "$T/src/back\\\\slash"
	irsync backup
	cd "$T/store/client.example.net.full$T/src"
	[ ! -e ab ]
	[ ! -e aXX ]
	for odd in 'a*' 'a[b]' 'a?' 'a b' '-x' '+ y' "q'q" 'back\slash'; do
		[ "$(cat "./$odd/in/file")" = "$odd" ]
	done
	# And they leave when they are configured no longer.
	irsync_conf_local "$T/src/a b"
	irsync backup --allow-shrink
	cd "$T/store/client.example.net.full$T/src"
	[ "$(ls -A)" = "a b" ]
}

@test "the whole machine, onto a disk of its own" {
	mkdir "$T/root"
	mount -t tmpfs root "$T/root"
	on_exit umount -R -l "$T/root"
	local d
	for d in usr bin lib lib64; do
		[ -e "/$d" ] || continue
		mkdir "$T/root/$d"
		mount --rbind "/$d" "$T/root/$d"
	done
	mkdir "$T/root/"{proc,sys,dev,etc,run,tmp,disk,mnt,irsync}
	mount -t proc proc "$T/root/proc"
	mount --bind "$(dirname "$BIN/irsync")" "$T/root/irsync"
	mount -t tmpfs mnt "$T/root/mnt"
	mount --bind /dev "$T/root/dev"
	echo conf >"$T/root/etc/file"
	echo data >"$T/root/mnt/data"
	cat >"$T/root/etc/irsync.conf" <<-EOT
	storage = "/disk"
	host = "client.example.net"
	paths = { "/", "/mnt" }
	one_file_system = true
	EOT
	chroot "$T/root" /irsync/irsync backup
	chroot "$T/root" /irsync/irsync backup
	run -0 chroot "$T/root" /irsync/irsync list
	[[ ${lines[-1]} == "2 snapshots, "* ]]
	cd "$T/root/disk/client.example.net.full/"
	[ "$(cat etc/file)" = conf ]
	[ "$(cat mnt/data)" = data ]
	[ -d proc ]
	[ ! -e proc/self ]
	[ ! -e disk ]
	[ -z "$(ls -A usr)" ]
	cd /
}
