#!/usr/bin/env bats
# syslog has a line for each snapshot that went, with the rule that decided it,
# and each warning; -n leaves none.

load helpers
load rotate_helpers
setup() {
	rotate_setup
	need unshare jq
	make_days web 16
	make_days db 2
	make_snapshot db "$(stamp '1 day')"
}
teardown() { run_cleanup; }

# logged ARG...: irsync-rotate with a /dev/log of its own, read to $T/syslog.
logged() {
	[ -e "$T/log" ] || start_syslog "$T/log"
	# shellcheck disable=SC2016
	unshare -m sh -c 'mount -t tmpfs dev /dev && ln -s "$0" /dev/log &&
	    exec "$@"' "$T/log" "$BIN/irsync-rotate" -f "$T/rotate.conf" "$@" \
	    "$T/root"
}

@test "a line for each, with the reason" {
	logged -n >/dev/null || [ $? = 1 ]
	logged >/dev/null || [ $? = 1 ]
	line() { grep -q "irsync-rotate\[[0-9]*\]: $1\$" "$T/syslog"; }
	wait_until 5 line "web: $(days_ago 15) removed: older than 14 d"
	line "db: 1 of 3 snapshots come from the future, up to .*: they stay until then, and count nowhere"
	[ "$(wc -l <"$T/syslog")" = 2 ]
}
