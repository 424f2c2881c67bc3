# shellcheck shell=bash
# stage.bash: the machine that the demo plays on: this one, seen from a mount
# namespace whose root is a tmpfs.  All of / is there by bind mounts, except that
#
#	/etc		is a copy, so that configuration files stand where they
#			belong and accounts are the demo's own
#	/run		is empty
#	/data		is the backup server's disk: $DEMO_TMP/data
#	/shop		is what the client wants kept: $DEMO_TMP/shop
#	/backshelf	is the folder of the programs
#
# Nothing of it outlives the namespace but what is in $DEMO_TMP.
#
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The backshelf authors

STAGE_OWN='etc run data shop backshelf'

# stage_enter: build it and make it the root directory.
stage_enter() {
	local root=$DEMO_TMP/root entry name
	case $TOP/ in
	/data/* | /shop/* | /backshelf/*)
		echo "the demo has a /${TOP#/} of its own: move this clone" >&2
		return 1
		;;
	esac
	mkdir "$root" "$DEMO_TMP/data" "$DEMO_TMP/shop"
	mount -t tmpfs -o mode=755 root "$root"
	for entry in /* /.[!.]*; do
		name=${entry#/}
		case " $STAGE_OWN " in
		*" $name "*) continue ;;
		esac
		stage_bind "$entry" "$root$entry"
	done
	cp -a /etc "$root/etc"
	mkdir -p "$root/run/netns" "$root/data" "$root/shop" "$root/backshelf"
	mount --bind "$DEMO_TMP/data" "$root/data"
	mount --bind "$DEMO_TMP/shop" "$root/shop"
	mount --bind "$BIN" "$root/backshelf"
	# The old root goes below the new one, and away.
	cd "$root" || return
	pivot_root . .
	umount -l .
	cd /
	umount -R -l "$root"	# a second view, through /tmp
	BIN=/backshelf
	ip link set lo up
	stage_accounts
}

# stage_bind FROM TO: a folder with all that is mounted in it, a file, a link.
stage_bind() {
	if [ -L "$1" ]; then
		cp -P "$1" "$2"
	elif [ -d "$1" ]; then
		mkdir "$2"
		mount --rbind "$1" "$2"
	elif [ -f "$1" ]; then
		: >"$2"
		mount --bind "$1" "$2"
	fi
}

# root without the ssh settings of the machine's own root; the accounts that the
# daemon and the store have on a server.
stage_accounts() {
	local home=$DEMO_TMP/home
	mkdir -m 700 "$home"
	export HOME=$home
	sed -i "s|^root:\([^:]*:[^:]*:[^:]*:[^:]*\):[^:]*:|root:\1:$home:|" \
	    /etc/passwd
	echo '_aoed:x:64124:64124::/nonexistent:/usr/sbin/nologin' >>/etc/passwd
	echo '_aoed:x:64124:' >>/etc/group
	grep -q "^$ACCOUNT:" /etc/passwd && return
	echo "$ACCOUNT:x:$ACCOUNT_ID:$ACCOUNT_ID::/data/irsync:/bin/sh" \
	    >>/etc/passwd
	echo "$ACCOUNT:x:$ACCOUNT_ID:" >>/etc/group
}
