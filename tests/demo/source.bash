# shellcheck shell=bash
# source.bash: what the client has, and what its days do to it.  All of what a
# backup must keep occurs: owners, modes, times, hard links, holes, devices,
# ACLs, attributes, and names that a shell, a line or rsync might trip over.
#
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The backshelf authors

# The owners, by number: no account of this machine is meant.
WWW=33 MAIL=8 ALICE=1001

# page N TEXT: a file's worth of text, the same for the same arguments.
page() {
	printf '<html><title>Page %d</title><p>%s</p>\n' "$1" "$2"
	yes "line of page $1, $2" | head -n $(($1 % 97))
}

# source_monday DIR
source_monday() {
	local d=$1 i
	mkdir -p "$d"/{etc,bin,dev,disks,mail/alice/{cur,new,tmp},mail/bob/cur}
	mkdir -p "$d"/www/{a,b,c,d,e,f,g,h}/{1,2,3,4,5}
	echo '/dev/etherd/e0.0 / ext4 defaults 0 1' >"$d/etc/fstab"
	echo 'root:*:19000::::::' >"$d/etc/shadow"
	chmod 640 "$d/etc/shadow"
	chown 0:42 "$d/etc/shadow"
	echo 'not for anyone' >"$d/etc/key"
	chmod 000 "$d/etc/key"
	for ((i = 0; i < 1200; i++)); do
		page "$i" monday >"$d/www/$(page_name "$i")"
	done
	chown -R $WWW:$WWW "$d/www"
	for i in 1 2 3 4 5 6 7 8; do
		printf 'From: bob\n\nMessage %d\n' "$i" \
		    >"$d/mail/alice/cur/116000$i.M$i:2,S"
	done
	chown -R $ALICE:$MAIL "$d/mail/alice"
	chmod 2770 "$d/mail/alice"
	source_names "$d/names"
	source_special "$d"
	find "$d" -mindepth 1 -exec touch -h -d '2026-11-16 03:04:05.678901234' \
	    {} +
}

# page_name N: where page N lies below www.
page_name() {
	local dirs=abcdefgh
	echo "${dirs:$1 % 8:1}/$(($1 / 8 % 5 + 1))/page$1.html"
}

# source_names DIR: names that something on the way might trip over.
source_names() {
	local name
	mkdir -p "$1/-rf" "$1/ "
	for name in 'with spaces' $'a new\nline' '-dash' '--delete' '.hidden' \
	    'Übersicht für 日本.txt' $'latin1-\xfc' '*?[a]' "it's" '"quoted"' \
	    "\$(reboot)" 'back\slash' $'tab\tbed' $'\e[31mred' ':colon' '#hash' \
	    '.~tilde~' '.wh.not' "$(printf 'n%.0s' {1..255})"; do
		printf 'This file is called %q.\n' "$name" >"$1/$name"
	done
	ln -s 'with spaces' "$1/link"
	ln -s /nowhere/at/all "$1/dangling"
	ln -s $'a new\nline' "$1/"$'-link\n'
}

# source_special DIR: links, holes, devices, ACLs, attributes, capabilities.
source_special() {
	head -c 300000 /dev/urandom >"$1/www/logo.png"
	chown $WWW:$WWW "$1/www/logo.png"
	ln "$1/www/logo.png" "$1/www/a/logo.png"
	ln "$1/www/logo.png" "$1/www/b/logo.png"
	truncate -s 64M "$1/disks/apollo.img"
	for at in 0 7 63; do
		head -c 100000 /dev/urandom |
		    dd of="$1/disks/apollo.img" bs=1M seek="$at" conv=notrunc \
			status=none
	done
	mknod "$1/dev/null" c 1 3
	mknod "$1/dev/sda" b 8 0
	mkfifo "$1/dev/initctl"
	cp /bin/true "$1/bin/true"
	chmod 4755 "$1/bin/true"
	cp /bin/true "$1/bin/ping"
	setfattr -n security.capability -v 0sAQAAAgAgAAAAAAAAAAAAAAAAAAA= \
	    "$1/bin/ping"
	setfattr -n user.comment -v 'kept too' "$1/etc/fstab"
	setfattr -n user.empty -v '' "$1/etc"
	setfacl -m u:$ALICE:rw-,g:$MAIL:r-- "$1/etc/fstab"
	setfacl -d -m u:$ALICE:rwx "$1/mail/bob"
	chmod 1777 "$1/mail/bob/cur"
}

# source_tuesday DIR: a day's work, one of each kind of change.
source_tuesday() {
	local d=$1 i
	for i in 3 14 159 265 358; do
		page "$i" tuesday >"$d/www/$(page_name "$i")"
	done
	page 2000 tuesday >"$d/www/c/new.html"
	printf 'From: eve\n\nMessage 9\n' >"$d/mail/alice/new/1160009.M9"
	rm "$d/www/$(page_name 6)" "$d/names/*?[a]"
	rm -r "$d/www/h/5"
	mv "$d/www/$(page_name 17)" "$d/www/b/renamed page.html"
	mv "$d/www/g/2" "$d/www/g/moved folder"
	chmod 600 "$d/www/$(page_name 18)" "$d/names/with spaces"
	chown $ALICE:$ALICE "$d/www/$(page_name 20)" "$d/names/-dash"
	touch "$d/www/$(page_name 21)" "$d/names/--delete"
	setfacl -m u:$MAIL:r-- "$d/www/$(page_name 22)"
	setfattr -n user.comment -v tuesday "$d/www/$(page_name 23)"
	ln "$d/www/logo.png" "$d/www/d/logo.png"
	rm "$d/www/a/logo.png"
	printf 'written into the hole' |
	    dd of="$d/disks/apollo.img" bs=1M seek=20 conv=notrunc status=none
	printf 'This one is new.\n' >"$d/names/"$'another\nnew\nline'
	ln -sfn 'Übersicht für 日本.txt' "$d/names/link"
}

# source_wednesday DIR: an intruder scrambles the pages and throws the mail away.
source_wednesday() {
	local f
	for f in "$1"/www/[abc]/*/*.html; do
		head -c 2000 /dev/urandom >"$f.locked"
		rm "$f"
	done
	rm -r "$1/mail/alice"
	chmod -R a+rwX "$1/etc"
	chown -R 0:0 "$1/names"
	find "$1/bin" -exec touch {} +
	echo 'Your files are gone. Pay.' >"$1/README"
}
