#!/usr/bin/env bats
# Pushes and restores go on while it rotates; none is harmed.

load helpers
load rotate_helpers
setup() {
	rotate_setup
	need rsync
	echo 'keep-last = 2' >"$T/rotate.conf"
	mkdir -p "$T/source/sub"
	for i in {1..200}; do
		echo "$i" >"$T/source/sub/$i"
	done
}
teardown() { run_cleanup; }

push() {
	"$TOOLS/storepush" "$@" "$T/root" web -- -a --delete "$T/source/"
}

# Rotate again and again until told to stop.
rotate_on() {
	while [ ! -e "$T/stop" ]; do
		"$BIN/irsync-rotate" -f "$T/rotate.conf" "$T/root" \
		    >>"$T/rotate.log" 2>&1 || echo "rotate: $?" >>"$T/failed"
	done
}

# A restore of HOST.full at any time gives one whole state.
full_is_whole() {
	local n
	n=$(find "$T/root/web.full/sub" -type f | wc -l)
	[ "$n" = 200 ]
}

run_both() {
	local i rc=0
	push "$@" >/dev/null
	rotate_on 3>&- &
	ROTATING=$!
	on_exit kill_wait $ROTATING
	on_exit touch "$T/stop"
	for i in {1..12}; do
		# Of another size each time: within a second, rsync would
		# take it for unchanged.
		seq "$i" >"$T/source/changed"
		for _ in {1..50}; do
			rc=0
			push "$@" >"$T/out" 2>&1 || rc=$?
			# The rotation may have the lock for a moment.
			[ $rc != 0 ] || break
			grep -q 'temporarily unavailable' "$T/out"
			sleep 0.02
		done
		[ $rc = 0 ]
		[ "$(tail -n 1 "$T/root/web.full/changed")" = "$i" ]
		full_is_whole
	done
	: >"$T/stop"
	wait $ROTATING
	[ ! -e "$T/failed" ]
	rotate
	[ "$(expired web)" = 0 ]
	[ "$(tail -n 1 "$T/root/web.full/changed")" = 12 ]
	full_is_whole
	for i in $(snapshots web); do
		[ "$(find "$T/root/web.snaps/$i/sub" -type f | wc -l)" = 200 ]
		[ -e "$T/root/web.snaps/.meta/$i.json" ]
	done
	[ "$(snapshots web | wc -l)" = \
	    "$(find "$T/root/web.snaps/.meta" -name '*.json' | wc -l)" ]
}

@test "pushes by overlay" {
	run_both -w overlay
}

@test "pushes by link-dest" {
	run_both -w linkdest
}
