#!/usr/bin/env bats
# What a push did not cover stays in the snapshot, in both ways, as it stays in
# a plain folder that rsync pushes to.  The plain folder is the reference.

load helpers
load store

setup() {
	store_setup root
	mkdir -p "$SRC/etc/ssh" "$SRC/home/al/mail" "$SRC/var/lib/a" \
	    "$SRC/var/cache" "$SRC/empty"
	echo 1 >"$SRC/etc/fstab"
	echo 2 >"$SRC/etc/ssh/key"
	echo 3 >"$SRC/home/al/mail/box"
	ln -s box "$SRC/home/al/mail/link"
	echo 4 >"$SRC/var/lib/a/db"
	echo 5 >"$SRC/var/cache/x"
	echo 6 >"$SRC/top"
	find "$SRC" -exec touch -h -d '2020-02-02 02:02:02.5' {} +
	mkdir "$T/plain"
}

teardown() {
	run_cleanup
}

# everywhere RSYNC-ARGUMENTS...: the same push into both.
everywhere() {
	rsync "$@" "$T/plain/" || return 1
	"$TOOLS/storepush" -d -w "$WAY" "$ROOT" host -- "$@" >"$T/out" ||
	    return 1
	# The top itself is not always part of the push.
	same -b "$T/plain" "$(full)" || {
		echo "differs after: rsync $*"
		return 1
	}
}

by_account() {
	as_account env TMPDIR="$T/tmp" "$TOOLS/storepush" -d -w "$WAY" \
	    "$ROOT" host -- -rlptg --delete "$SRC/" >"$T/out"
}

@test 'one folder after the other, each with --delete, loses none of them' {
	everywhere -aHAX --delete "$SRC/etc"
	everywhere -aHAX --delete "$SRC/home"
	rm "$SRC/etc/fstab"
	touch -d '2021-01-01' "$SRC/etc"
	everywhere -aHAX --delete "$SRC/etc"
	[ -e "$ROOT/host.full/home/al/mail/box" ]
	[ ! -e "$ROOT/host.full/etc/fstab" ]
}

@test 'with --relative, what lies beside the paths stays' {
	everywhere -aHAX --delete "$SRC/"
	rm -r "$SRC/var/lib/a" "$SRC/top"
	touch -d '2021-01-01' "$SRC/var/lib"
	cd "$SRC"
	everywhere -aHAXR --delete var/lib
	[ -e "$ROOT/host.full/var/cache/x" ]
	[ -e "$ROOT/host.full/top" ]
	[ ! -e "$ROOT/host.full/var/lib/a" ]
}

@test 'a folder that is now excluded is protected from --delete' {
	everywhere -aHAX --delete "$SRC/"
	rm -r "$SRC/home/al"
	touch -d '2021-01-01' "$SRC/home"
	everywhere -aHAX --delete --exclude=/var/lib/ "$SRC/"
	[ -e "$ROOT/host.full/var/lib/a/db" ]
	everywhere -aHAX --delete --delete-excluded --exclude=/var/lib/ "$SRC/"
	[ ! -e "$ROOT/host.full/var/lib" ]
}

@test 'folders that became files, and files that became folders' {
	everywhere -aHAX --delete "$SRC/"
	rm -r "${SRC:?}/etc" "$SRC/top"
	echo file >"$SRC/etc"
	mkdir "$SRC/top"
	echo below >"$SRC/top/file"
	find "$SRC/etc" "$SRC/top" -exec touch -h -d '2021-01-01' {} +
	everywhere -aHAX --delete "$SRC/"
	everywhere -aHAX --delete "$SRC/etc" "$SRC/top"
}

@test 'when all is gone at the client, nothing is left' {
	everywhere -aHAX --delete "$SRC/"
	find "$SRC" -mindepth 1 -delete
	touch -d '2021-01-01' "$SRC"
	everywhere -aHAX --delete "$SRC/"
	[ -z "$(ls -A "$ROOT/host.full/")" ]
}

@test 'a folder that the client could not read keeps what it had' {
	local first
	chown -R "$ACCOUNT_ID:$ACCOUNT_ID" "$SRC" "$ROOT"
	by_account
	first=$(full)
	chmod 0 "$SRC/etc/ssh"
	by_account || [ $? = 23 ]
	[ "$(tail -n 1 "$T/out" | jq -r .status)" = partial ]
	[ "$(snap "$(newest)")" != "$first" ]
	[ -e "$(snap "$(newest)")/etc/ssh/key" ]
}
