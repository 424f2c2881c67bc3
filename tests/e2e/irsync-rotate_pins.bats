#!/usr/bin/env bats
# A pinned snapshot stays, whatever the rules and want of space say, until it is
# unpinned.

load helpers
load rotate_helpers
setup() {
	rotate_setup
	need jq
	make_days web 30
	printf 'root = "%s/root"\nage = 14\n' "$T" >"$T/rotate.conf"
	OLD=$(days_ago 25)
}
teardown() { run_cleanup; }

@test "what is pinned stays, and everybody can see why" {
	"$BIN/irsync-rotate" pin -f "$T/rotate.conf" web "$OLD" 'before the move'
	rotate -n | grep -E "^  keep +$OLD .* pinned \(before the move, by .+\)$"
	[ "$(rotate -n --json | jq -r '.clients[].snapshots[] |
	    select(.pin != null) | "\(.stamp) \(.pin)"')" = "$OLD before the move" ]
	"$BIN/irsync-rotate" list -f "$T/rotate.conf" web |
	    grep -E "$OLD .* pinned: before the move$"
	[ "$("$BIN/irsync-rotate" list -f "$T/rotate.conf" --json |
	    jq -r '.snapshots[] | select(.pin != null) | .pin.reason')" = 'before the move' ]
	rotate
	[ "$(snapshots web | wc -l)" = 16 ]
	snapshots web | grep -qx "$OLD"

	"$BIN/irsync-rotate" unpin -f "$T/rotate.conf" web "$OLD"
	rotate
	[ "$(snapshots web | wc -l)" = 15 ]
	run snapshots web
	[[ $output != *"$OLD"* ]]
}

@test "only a snapshot that is there can be pinned, for a reason" {
	local row want
	while IFS='|' read -r want row; do
		eval "set -- $row"
		run "$BIN/irsync-rotate" "$@" -f "$T/rotate.conf"
		[ "$status" = "$want" ] || { echo "$row: $status: $output"; false; }
		[ -n "$output" ]
	done <<-END
	64|pin
	64|pin web $OLD
	64|pin web $OLD ''
	64|pin web yesterday why
	64|pin web $OLD \$'a\\nb'
	1|pin nobody $OLD why
	1|pin ../web $OLD why
	1|pin web 2020-01-01T000000Z why
	1|unpin web $OLD
	64|unpin web
	64|unpin web ../x
	END
	[ ! -e "$T/root/web.snaps/.pins" ]
}

@test "a damaged pin is a pin; pins that cannot be read stop their client" {
	mkdir "$T/root/web.snaps/.pins"
	echo '{"ver' >"$T/root/web.snaps/.pins/$OLD"
	rotate
	snapshots web | grep -qx "$OLD"
	rm -r "$T/root/web.snaps/.pins"
	make_days db 30
	: >"$T/root/db.snaps/.pins"
	run rotate
	[ "$status" = 2 ]
	[[ $output == *"db: pins: "* ]]
	grep -qx 'db: not looked at' <<<"$output"
	[ "$(snapshots db | wc -l)" = 30 ]
}

@test "a snapshot is pinned while its client is being pushed" {
	exec 8>"$T/root/web.snaps/.lock"
	flock -x 8
	"$BIN/irsync-rotate" pin -f "$T/rotate.conf" web "$OLD" 'in haste'
	exec 8>&-
	rotate
	snapshots web | grep -qx "$OLD"
}
