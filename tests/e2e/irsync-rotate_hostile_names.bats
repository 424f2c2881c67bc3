#!/usr/bin/env bats
# Nothing that a client can put into its snapshots leads out of them, or keeps
# them from going.

load helpers
load rotate_helpers
setup() {
	rotate_setup
	echo 'keep-last = 1' >"$T/rotate.conf"
	make_days web 1
	OLD=$T/root/web.snaps/$(days_ago 20)
	make_snapshot web "$(days_ago 20)"
	mkdir "$T/outside"
	echo precious >"$T/outside/file"
}
teardown() { run_cleanup; }

all_went() {
	[ "$(snapshots web)" = "$(days_ago 0)" ]
	[ "$(expired web)" = 0 ]
	[ "$(cat "$T/outside/file")" = precious ]
}

@test "spaces, newlines, dashes, any bytes" {
	local name
	# shellcheck disable=SC2016
	for name in ' ' '-rf' $'a\nb' $'\001\377' '*' '...' 'é' '$(reboot)' \
	    '.expired.2020-01-01T000000Z' .push .lock .sweep.0 -- ; do
		mkdir "$OLD/$name"
		echo >"$OLD/$name/$name"
	done
	rotate
	all_went
}

@test "symlinks to the outside, to itself, to above" {
	ln -s "$T/outside" "$OLD/a"
	ln -s "$T/outside/file" "$OLD/b"
	ln -s .. "$OLD/c"
	ln -s / "$OLD/d"
	ln -s "$(days_ago 0)" "$OLD/e"
	mkfifo "$OLD/fifo"
	python3 -c 'import socket, sys, os
os.chdir(sys.argv[1]); socket.socket(socket.AF_UNIX).bind("s")' "$OLD"
	rotate
	all_went
	[ -e "$T/root/web.snaps/$(days_ago 0)/file" ]
}

@test "folders without permissions" {
	mkdir -p "$OLD/closed/inner"
	echo >"$OLD/closed/inner/file"
	chmod 000 "$OLD/closed/inner" "$OLD/closed" "$OLD"
	rotate
	all_went
}

@test "a mount point inside is reported and left, the rest goes" {
	mkdir "$OLD/mnt" "$OLD/bind"
	mount -t tmpfs none "$OLD/mnt"
	on_exit umount "$T/root/web.snaps/.expired.$(days_ago 20)/mnt"
	echo precious >"$OLD/mnt/file"
	# The same file system: only the mount tells it apart.
	mount --bind "$T/outside" "$OLD/bind"
	on_exit umount "$T/root/web.snaps/.expired.$(days_ago 20)/bind"
	run rotate
	[ "$status" = 2 ]
	[[ $output == *"/mnt: a mount point"* ]]
	[[ $output == *"/bind: a mount point"* ]]
	[[ $output == *"incomplete  $(days_ago 20)"* ]]
	left=$T/root/web.snaps/.expired.$(days_ago 20)
	[ "$(cat "$left/mnt/file")" = precious ]
	[ "$(cat "$T/outside/file")" = precious ]
	[ ! -e "$left/etc" ] && [ ! -e "$left/file" ]
	umount "$left/mnt" "$left/bind"
	run rotate
	[ "$status" = 0 ]
	all_went
}

@test "an immutable file is reported and left, the rest goes" {
	need chattr
	chattr +i "$OLD/etc/stamp" || skip "no immutable files here"
	on_exit chattr -i "$T/root/web.snaps/.expired.$(days_ago 20)/etc/stamp"
	run rotate
	[ "$status" = 2 ]
	[[ $output == *"/etc/stamp: Operation not permitted"* ]]
	left=$T/root/web.snaps/.expired.$(days_ago 20)
	[ "$(find "$left" | wc -l)" = 3 ]
	chattr -i "$left/etc/stamp"
	rotate
	all_went
}
