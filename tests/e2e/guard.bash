# shellcheck shell=bash
# guard.bash: what the tests of validate-ssh share, on top of helpers.bash.
#
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The backshelf authors

# The client of all tests.
CLIENT=mysql02.example.net

# guard_setup: $T, an empty store in $STORE that the account owns, on a STORE_FS
# of its own where that is set, and a policy that lets $CLIENT push and pull.
guard_setup() {
	need rsync ssh setpriv
	setup_tmp
	STORE=$T/store
	SNAPS=$STORE/$CLIENT.snaps
	export FULL=$STORE/$CLIENT.full
	mkdir "$STORE"
	[ -z "${STORE_FS-}" ] || own_fs "$STORE"
	chown "$ACCOUNT_ID:$ACCOUNT_ID" "$STORE"
	GUARD_LOG=$T/home/$ACCOUNT/guard.log
	policy 'pull = true'
	make_rsh
}

# policy KEYS [MORE]: a policy with these keys for $CLIENT, and MORE at the top
# level.
policy() {
	cat >"$T/sshguard.conf" <<-CONF
	root = "$STORE"
	log = "$GUARD_LOG"
	${2:-}
	client "$CLIENT" {
		$1
	}
	client "zeus.example.net" {}
	CONF
}

# make_rsh: $RSH stands for ssh where no sshd is needed: it runs validate-ssh as
# the account, as sshd would.
make_rsh() {
	RSH=$T/rsh
	cat >"$RSH" <<-SCRIPT
	#!/bin/sh
	shift
	export SSH_ORIGINAL_COMMAND="\$*" SSH_CONNECTION="192.0.2.9 999 192.0.2.1 22"
	cd /
	exec setpriv --reuid $ACCOUNT_ID --regid $ACCOUNT_ID --clear-groups -- \\
	    "$BIN/validate-ssh" -f "$T/sshguard.conf" \${GUARD_AS:-$CLIENT}
	SCRIPT
	chmod 755 "$RSH"
}

# no_namespaces: from here on, the kernel makes no user namespace for $RSH: it
# makes none in a chroot.
no_namespaces() {
	mkdir "$T/chroot"
	mv "$RSH" "$RSH.inside"
	cat >"$RSH" <<-SCRIPT
	#!/bin/sh
	exec unshare --mount sh -c 'mount --rbind / "\$0" &&
	    exec chroot "\$0" "\$@"' "$T/chroot" "$RSH.inside" "\$@"
	SCRIPT
	chmod 755 "$RSH"
}

# guard COMMAND...: hand a command to validate-ssh; its words are not quoted.
guard() {
	"$RSH" server "$@" </dev/null
}

# push ARGUMENTS...: rsync through $RSH.
push() {
	rsync -e "$RSH" -aHAX --numeric-ids "$@"
}

# snapshots: their names, oldest first.
snapshots() {
	local s
	for s in "$SNAPS"/2*; do
		[ ! -d "$s" ] || echo "${s##*/}"
	done
}

# snapshot_count N: are there that many?
snapshot_count() {
	[ "$(snapshots | wc -l)" = "$1" ]
}

# manifest DIR: everything about every file below, to compare before and after,
# but how many links it has: a new snapshot adds one.
manifest() {
	(cd "$1" && find . -printf '%P %y %m %U:%G %s %i %T@ %l\n' | sort &&
	    find . -type f -print0 | sort -z | xargs -0r sha256sum &&
	    getfattr -R -h -d -m - . 2>/dev/null)
}

# confined: did rsync have a root of its own in every run so far?
confined() {
	! grep -q 'no root of its own' "$GUARD_LOG"
}

# make_source DIR: a tree with one of everything that a backup must keep.
make_source() {
	local d=$1
	mkdir -p "$d/etc" "$d/home/alice" "$d/empty"
	echo one >"$d/etc/one"
	echo secret >"$d/etc/shadow"
	chmod 0600 "$d/etc/shadow"
	chown 0:42 "$d/etc/shadow"
	echo suid >"$d/etc/suid"
	chmod 4755 "$d/etc/suid"
	echo none >"$d/etc/none"
	chmod 0 "$d/etc/none"
	ln "$d/etc/one" "$d/home/alice/hard"
	ln -s ../etc/one "$d/home/soft"
	ln -s /nowhere "$d/home/dangling"
	chown -h 1000:1000 "$d/home/dangling"
	chown -R 1000:1000 "$d/home/alice"
	echo x >"$d/home/alice/a b"
	echo x >"$d/home/alice/"$'new\nline'
	echo x >"$d/home/alice/-dash"
	echo x >"$d/home/alice/ä[1]*?"
	mkdir "$d/home/alice/no-entry"
	echo x >"$d/home/alice/no-entry/x"
	chmod 0 "$d/home/alice/no-entry"
	mkfifo "$d/etc/pipe"
	mknod "$d/etc/null" c 1 3
	truncate -s 8M "$d/home/sparse"
	echo end >>"$d/home/sparse"
	setfacl -m u:1234:rw "$d/etc/one"
	setfacl -d -m g:55:rx "$d/home"
	setfattr -n user.note -v kept "$d/etc/one"
	setfattr -n trusted.note -v kept "$d/etc/one"
	setfattr -n user.note -v kept "$d/home"
	setfattr -n user.note -v kept "$d/etc/shadow"
	setfacl -m u:1234:r "$d/home/alice/a b"
	# rsync takes times within one second for the same.
	find "$d" -depth -exec touch -h -d '2020-02-02 02:02:02.222' {} +
	touch -h -d '2001-02-03 04:05:06.789' "$d/etc/suid" "$d/home/soft"
	touch -d '2002-03-04 05:06:07.123456789' "$d/empty" "$d/home" "$d"
}
