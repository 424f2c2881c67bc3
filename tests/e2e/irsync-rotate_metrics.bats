#!/usr/bin/env bats
# The file for Prometheus is replaced whole, says what the run did, and is left as
# it was by a dry run.

load helpers
load rotate_helpers
setup() {
	rotate_setup
	make_days web 20
	for i in {60..40}; do
		make_snapshot dead "$(days_ago "$i")"
	done
}
teardown() { run_cleanup; }

value() { sed -n "s/^backshelf_rotate_$1 //p" "$T/m.prom"; }

@test "what the run did" {
	run rotate -n --metrics "$T/m.prom"
	[ "$status" = 1 ]
	[ ! -e "$T/m.prom" ]
	run rotate --metrics "$T/m.prom"
	[ "$status" = 1 ]
	[ "$(value 'exit_status')" = 1 ]
	[ "$(value 'snapshots{client="web"}')" = 15 ]
	[ "$(value 'removed{client="web"}')" = 5 ]
	[ "$(value 'silent{client="web"}')" = 0 ]
	[ "$(value 'silent{client="dead"}')" = 1 ]
	[ "$(value 'newest_seconds{client="web"}')" = "$(stamp_seconds "$(days_ago 0)")" ]
	[ "$(stat -c %a "$T/m.prom")" = 644 ]
	[ "$(find "$T" -name 'm.prom*' | wc -l)" = 1 ]
	# Each metric has one HELP and one TYPE, and no line is of another form.
	[ "$(grep -c '^# HELP' "$T/m.prom")" = "$(grep '^# TYPE' "$T/m.prom" | sort -u | wc -l)" ]
	run grep -vE '^# (HELP|TYPE) |^backshelf_rotate_[a-z_]+(\{client="[^"]*"\})? [0-9]+$' "$T/m.prom"
	[ "$status" = 1 ]
}

@test "a file that cannot be written is said, and the old one stays" {
	run rotate --metrics "$T/nowhere/m.prom"
	[ "$status" = 2 ]
	[[ $output == *"$T/nowhere/m.prom: No such file or directory"* ]]
	[ "$(snapshots web | wc -l)" = 15 ]
}

@test "whoever reads the report may go away" {
	need python3
	run python3 - "$BIN/irsync-rotate" -f "$T/rotate.conf" \
	    --metrics "$T/m.prom" "$T/root" <<-'PY'
	import os, subprocess, sys
	r, w = os.pipe()
	os.close(r)
	sys.exit(subprocess.call(sys.argv[1:], stdout=w, stderr=w))
	PY
	[ "$status" = 2 ]
	[ "$(snapshots web | wc -l)" = 15 ]
	[ "$(value 'removed{client="web"}')" = 5 ]
}
