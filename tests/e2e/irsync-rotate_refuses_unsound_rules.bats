#!/usr/bin/env bats
# A configuration that is missing, cut short or unsound removes nothing.

load helpers
load rotate_helpers
setup() {
	rotate_setup
	make_days web 20
}
teardown() {
	[ "$(snapshots web | wc -l)" = 20 ]
	run_cleanup
}

refused() {
	run "$BIN/irsync-rotate" -f "$T/rotate.conf" "$T/root"
	[ "$status" = 78 ]
	[[ $output == "$T/rotate.conf$1"* ]]
}

@test "no file" {
	rm "$T/rotate.conf"
	refused ': No such file'
}

@test "rules that keep nothing" {
	echo 'keep-last = 0' >"$T/rotate.conf"
	refused ': no rule would keep anything'
	printf 'age = 1\nclient "w*" { age = 0 }\n' >"$T/rotate.conf"
	refused ":2:9: client 'w*': no rule would keep anything"
}

@test "a key that is not one, a value out of bounds" {
	printf 'age = 14\nkeep-dayly = 3\n' >"$T/rotate.conf"
	refused ":2:1: unknown key 'keep-dayly'; did you mean 'keep-daily'?"
	printf 'age = 14\n  keep-daily = -3\n' >"$T/rotate.conf"
	refused ":2:3: keep-daily: -3 is not from 0 to 100000"
}

@test "a file that was cut short" {
	printf 'age = 1\nclient "web" {\n\tage = 30\n' >"$T/rotate.conf"
	refused ":2: a section begins here and does not end"
}

@test "a wrong command line, a root that is not there" {
	run "$BIN/irsync-rotate" -f "$T/rotate.conf" -j 0 "$T/root"
	[ "$status" = 64 ]
	[[ $output == *"usage: irsync-rotate"* ]]
	run "$BIN/irsync-rotate" -f "$T/rotate.conf" "$T/root" more
	[ "$status" = 64 ]
	run "$BIN/irsync-rotate" -x
	[ "$status" = 64 ]
	run "$BIN/irsync-rotate" -f "$T/rotate.conf" "$T/nowhere"
	[ "$status" = 2 ]
	# Not pinned for a dry run's sake.
	make_days web 1
	echo "root = \"$T/root\"" >>"$T/rotate.conf"
	run "$BIN/irsync-rotate" -f "$T/rotate.conf" -n pin web "$(days_ago 0)" why
	[ "$status" = 64 ]
	[[ $output == *"-n does not go with this"* ]]
	[ ! -e "$T/root/web.snaps/.pins" ]
	run "$BIN/irsync-rotate" -f "$T/rotate.conf" --rate 5 list
	[ "$status" = 64 ]
	run "$BIN/irsync-rotate" --help
	[ "$status" = 0 ]
	run "$BIN/irsync-rotate" --version
	[ "$output" = "backshelf 1.0" ]
}
