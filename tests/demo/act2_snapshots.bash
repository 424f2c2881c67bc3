# shellcheck shell=bash
# act 2: three nights of backups over ssh, an accident, and the way back.
#
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The backshelf authors

# shellcheck source=tests/demo/source.bash
. "$TOP/tests/demo/source.bash"

act2() {
	act 2 'three nights and an accident'
	snapshots_server
	snapshots_nights
	shown 'three backups, three snapshots' 'rsync, sshd'
	snapshots_list
	shown 'what each really costs on disk' 'du of coreutils'
	snapshots_restore
	shown "Tuesday restored, equal in everything" 'cp, sametree.py'
}

# manifest DIR: every name in it with all that stat(2), the attributes and the
# contents tell; but the number of links, which the next snapshot adds to, and
# with it the change time.
manifest() {
	(
		cd "$1" || exit
		find . -printf '%P %y %i %m %U:%G %s %T@ %l\0' | sort -z
		find . -print0 | sort -z |
		    xargs -0 getfattr -hd -m - -e hex -- 2>/dev/null
		find . -type f -print0 | sort -z | xargs -0 sha256sum
	) | sha256sum
}

snapshots_server() {
	tell <<-'.'
	The server's account "irsync" owns the store and has no rights beside it.
	apollo's key opens exactly one door, validate-ssh.
	.
	start_sshd
	mkdir -p /etc/ssh/ssh_config.d /etc/backshelf
	cp "$SSH_CONF" /etc/ssh/ssh_config.d/demo.conf
	mkdir /data/irsync
	chown "$ACCOUNT_ID:$ACCOUNT_ID" /data/irsync
	chmod 700 /data/irsync
	cat >/etc/backshelf/sshguard.conf <<-'CONF'
	root = "/data/irsync"
	client "apollo" { pull = true }
	client "zeus" { pull = true }
	CONF
	cat >/etc/irsync.conf <<-'CONF'
	storage = "irsync@server:/data/irsync"
	host = "apollo"
	paths = { "/shop" }
	CONF
	authorize_command "$BIN/validate-ssh apollo"
	show server 'cut -c -90 ssh/authorized_keys'
	show server 'cat /etc/backshelf/sshguard.conf'
	show apollo 'cat /etc/irsync.conf'
	check 'the account has no capability, no group and no way into /etc' \
	    as_account sh -c '
		grep -q "^CapEff:.0000000000000000$" /proc/self/status &&
		grep -q "^Groups:[[:space:]]*$" /proc/self/status &&
		! test -w /etc && ! test -r /etc/shadow'
}

# Where the newest snapshot is.
newest() {
	readlink -f /data/irsync/apollo.full
}

snapshots_nights() {
	tell <<-'.'
	Monday.  The shop has pages, mail, a disk image with holes, devices, ACLs,
	capabilities, and files with names that somebody once thought funny.
	.
	source_monday /shop
	show apollo "ls -A -I 'nnn*' --quoting-style=c --format=commas -w 90 /shop/names"
	show apollo 'irsync backup'
	MONDAY=$(newest)
	check 'Monday is a snapshot' test -d "$MONDAY/shop/www"
	before=$(manifest "$MONDAY")
	tell <<-'.'
	Tuesday.  Files are new, changed, deleted and renamed; of some only the
	mode, only the owner, only the time, only the ACL changes.
	.
	source_tuesday /shop
	cp -a --sparse=always /shop "$T/tuesday"
	show apollo 'irsync backup'
	TUESDAY=$(newest)
	check 'Tuesday is a snapshot beside it' test "$TUESDAY" != "$MONDAY"
	check "nothing in Monday's changed: inodes, owners, modes, times, bytes" \
	    test "$(manifest "$MONDAY")" = "$before"
	tell <<-'.'
	Wednesday.  Somebody has broken in: pages are scrambled, the mail is gone,
	a letter asks for money.  The night comes before anyone notices.
	.
	source_wednesday /shop
	show apollo 'cat /shop/README; ls -R /shop/www | grep -c locked'
	show apollo 'irsync backup'
	# shellcheck disable=SC2034 # act 4 asks for it
	WEDNESDAY=$(newest)
	check 'the third night is a third snapshot' \
	    test "$(find /data/irsync/apollo.snaps -mindepth 1 -maxdepth 1 \
		-name '20*' | wc -l)" = 3
}

# du counts a file that several snapshots share for the first of them only.
snapshots_list() {
	tell <<-'.'
	Three full trees stand in the store.  What does each of them cost?  du,
	which counts a shared file once, is asked too.
	.
	show apollo 'irsync list'
	show server "cd /data/irsync/apollo.snaps && du -sB1 20*"
	check 'irsync tells of each what du finds' snapshots_cost "$T/out"
}

# snapshots_cost DU: the records' numbers are du's.  What a file with three names
# takes is counted by thirds, so a few bytes are lost to rounding.
snapshots_cost() {
	local bytes dir record
	while read -r bytes dir; do
		record=$(grep -Eo '"bytes_new": *[0-9]+' \
		    "/data/irsync/apollo.snaps/.meta/$dir.json" |
		    grep -Eo '[0-9]+$')
		echo "$dir: du $bytes, record $record"
		[ $((bytes - record)) -ge 0 ] || return 1
		[ $((bytes - record)) -lt 512 ] || return 1
	done <"$1"
}

snapshots_restore() {
	local stamp=${TUESDAY##*/}
	tell <<-'.'
	Thursday morning.  The shop as it was on Tuesday, please.
	.
	show apollo "irsync restore --to restored $stamp /shop"
	snapshots_same
}

snapshots_same() {
	show apollo 'sametree.py tuesday restored/shop && echo no difference'
	check 'owners, modes, times, links, holes, devices, ACLs, attributes are back' \
	    test "$(cat "$T/out")" = 'no difference'
	check 'the funny names among them' \
	    test -e "$T/restored/shop/names/"$'another\nnew\nline'
	check 'a capability came back through an account without rights' \
	    getfattr -n security.capability "$T/restored/shop/bin/ping"
	check "on the server nothing is root's" \
	    test -z "$(find /data/irsync ! -uid "$ACCOUNT_ID" -print -quit)"
}
