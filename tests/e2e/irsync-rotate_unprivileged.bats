#!/usr/bin/env bats
# The store's account can rotate it without root; and root rotates it with no
# more rights than the account has.

load helpers
load rotate_helpers
setup() {
	rotate_setup
	make_days web 20
	old=$T/root/web.snaps/$(days_ago 20)
	make_snapshot web "$(days_ago 20)"
	mkdir -p "$old/closed/inner"
	echo >"$old/closed/inner/file"
	chmod 000 "$old/closed/inner" "$old/closed"
	chown -R "$ACCOUNT_ID:$ACCOUNT_ID" "$T/root"
	chmod 644 "$T/rotate.conf"
}
teardown() { run_cleanup; }

as_account_rotate() {
	as_account "$BIN/irsync-rotate" -f "$T/rotate.conf" "$@" "$T/root"
}

@test "as the account, closed folders included" {
	run as_account_rotate
	[ "$status" = 0 ]
	[ "$(snapshots web | wc -l)" = 15 ]
	[ "$(expired web)" = 0 ]
}

@test "what belongs to somebody else is left alone, and said" {
	make_days other 20
	run as_account_rotate
	[ "$status" = 2 ]
	[[ $output == *"other: belongs to another account: left alone"* ]]
	[ "$(snapshots other | wc -l)" = 20 ]
	[ "$(snapshots web | wc -l)" = 15 ]
}

@test "root leaves nothing behind that the account could not use" {
	rm -f "$T/root/web.snaps/.lock"
	rotate
	[ "$(snapshots web | wc -l)" = 15 ]
	[ -z "$(find "$T/root" ! -uid "$ACCOUNT_ID")" ]
}

@test "root removes no file that the account could not remove" {
	# The account put a folder of root's there, say by renaming it.
	old=$T/root/web.snaps/$(days_ago 20)
	mkdir "$old/roots"
	echo precious >"$old/roots/file"
	run rotate
	[ "$status" = 2 ]
	[[ $output == *"/roots/file: "*" not permitted"* || \
	    $output == *"/roots/file: Permission denied"* ]]
	[ "$(cat "$T/root/web.snaps/.expired.$(days_ago 20)/roots/file")" = precious ]
	[ ! -e "$T/root/web.snaps/.expired.$(days_ago 20)/closed" ]
	[ "$(snapshots web | wc -l)" = 15 ]
}
