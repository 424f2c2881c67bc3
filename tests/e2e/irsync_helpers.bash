# shellcheck shell=bash
# irsync_helpers.bash: a source tree with everything in it, three states of it,
# and configurations.  Loaded after helpers.bash.
#
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The backshelf authors

bats_require_minimum_version 1.5.0

# shellcheck disable=SC2034
SAMETREE=$HELPERS_DIR/sametree.py

# source_make DIR: the first state.
source_make() {
	mkdir -p "$1/dir/deep/er" "$1/empty" "$1/gone/below"
	(
		cd "$1" || exit 1
		echo same >same
		echo one >changed
		echo away >deleted
		echo inside >gone/below/file
		head -c 3000000 /dev/urandom >big
		echo deep >dir/deep/er/file
		echo renamed >old-name
		echo mode >mode-only
		echo owner >owner-only
		echo touched >touched-only
		echo linked >link-a
		ln link-a dir/link-b
		ln -s /etc/passwd symlink
		ln -s nowhere/at/all dangling
		truncate -s 20M sparse
		echo data | dd of=sparse bs=1 seek=9000000 conv=notrunc \
		    status=none
		echo space >'name with  spaces '
		echo newline >$'new\nline'
		echo dash >-dash
		echo dash >--delete
		echo utf8 >$'caf\303\251'
		echo bytes >$'by\377tes'
		echo glob >'*?[a]'
		echo quote >$'quote\'"\\'
		mkfifo fifo
		mknod null c 1 3
		: >nothing
		chmod 4755 same
		chmod 1777 empty
		chown 1234:5678 owner-only symlink -h
		setfattr -n user.color -v blue dir
		setfattr -n trusted.secret -v x big
		setfacl -m u:4321:rw,g:99:r changed
		setfacl -d -m u:4321:rx dir
		chmod 000 nothing
		# A folder with ACLs and other attributes at once.
		mkdir both
		setfacl -m u:4321:rwx,d:u:4321:rx both
		setfattr -n user.color -v red both
		setfattr -n trusted.secret -v y both
		echo able >able
		setfattr -n security.capability \
		    -v 0sAQAAAgAgAAAAAAAAAAAAAAAAAAA= able
		touch -d '2001-02-03 04:05:06.123456789' same dir/deep
		touch -h -d '1999-12-31 23:59:59.999999999' symlink
	)
}

# source_second DIR: what happened until the second backup.
source_second() {
	(
		cd "$1" || exit 1
		echo two >changed
		setfattr -x user.color dir
		echo new >dir/new
		rm -r deleted gone
		mv old-name new-name
		mv dir/deep dir/deeper
		chmod 600 mode-only
		chown 77:88 owner-only
		touch -d '2020-01-01 00:00:00.000000001' touched-only
		ln link-a link-c
		touch both/file
		rm dangling
		mkdir dangling
		rm 'name with  spaces '
		echo more >>sparse
		printf X | dd of=big bs=1 seek=1500000 conv=notrunc status=none
	)
}

# source_third DIR: and until the third.
source_third() {
	(
		cd "$1" || exit 1
		echo three >changed
		rm -- -dash $'new\nline' link-c
		chmod 711 dir
		setfacl -b changed
		touch -d '2021-01-01' dir/new
		echo away >deleted
		rm -r dir/deeper
	)
}

# irsync_conf PATH...: a configuration for the server of start_sshd.  More keys
# may be appended to $CONF, or set by conf_set.
irsync_conf() {
	local p list=
	for p in "$@"; do
		list="$list${list:+, }\"$p\""
	done
	CONF=$T/irsync.conf
	cat >"$CONF" <<-EOT
	storage = "server:$T/store"
	host = "client.example.net"
	ssh_config = "${SSH_CONF:-/dev/null}"
	paths = { $list }
	retries = 0
	lock = "$T/lock"
	state = "$T/state"
	EOT
}

# conf_set LINE...: lines of the configuration, each in the place of what is there
# of its key.
conf_set() {
	local line
	for line; do
		sed -i "/^${line%% =*} = /d" "$CONF"
		echo "$line" >>"$CONF"
	done
}

# irsync_conf_local PATH...: the same into a directory.
irsync_conf_local() {
	irsync_conf "$@"
	mkdir -p "$T/store"
	conf_set "storage = \"$T/store\""
}

# irsync_conf_unmanaged DIR PATH...: the same to a server that has a shell and
# rsync, and nothing of ours.  $STORE is where the snapshots come to be.
irsync_conf_unmanaged() {
	local dir=${1//\\/\\\\}
	irsync_conf "${@:2}"
	mkdir -p "$1"
	sed -i '/^storage = /d' "$CONF"
	printf 'storage = "server:%s"\nunmanaged = true\n' \
	    "${dir//\$/\\$}" >>"$CONF"
	# shellcheck disable=SC2034
	STORE=$1/client.example.net.snaps
}

# irsync ARGUMENTS...
irsync() {
	"$BIN/irsync" -f "$CONF" "$@"
}

# newest: the name of the newest snapshot.
newest() {
	irsync list --json | jq -r '.snapshots[-1].stamp'
}

# server_make: a server with a store and a policy for the client.  The store is on
# a STORE_FS of its own and goes the STORE_WAY, where they are set.
server_make() {
	mkdir -p "$T/store"
	# sshd, in a namespace of its own, does not see what is mounted later.
	[ -z "${STORE_FS-}" ] || own_fs "$T/store"
	chown "$ACCOUNT_ID:$ACCOUNT_ID" "$T/store"
	start_sshd
	cat >"$T/sshguard.conf" <<-EOT
	root = "$T/store"
	pull = true
	way = "${STORE_WAY:-auto}"
	client "client.example.net" {}
	EOT
	authorize client.example.net
}
