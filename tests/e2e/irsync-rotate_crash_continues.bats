#!/usr/bin/env bats
# kill -9 at any instant, or a SIGTERM: what is to be kept is untouched, and
# the next run ends what was begun.

load helpers
load rotate_helpers
setup() { rotate_setup; }
teardown() { run_cleanup; }

# fill: ten snapshots of 400 folders and 4000 files, hard-linked, three to keep;
# beside them another client's and what is no snapshot.
fill() {
	rm -rf "$T"/root/*
	make_days other 1
	make_days web 10
	mkdir -p "$T/root/web.snaps/by hand/$(days_ago 9)" "$T/root/notes"
	touch "$T/root/web.snaps/by hand/file" "$T/root/notes/file"
	python3 - "$T/root/web.snaps" <<-'END'
	import os, sys
	os.chdir(sys.argv[1])
	snaps = sorted(s for s in os.listdir('.') if s[0] == '2')
	for s in snaps:
	    for d in range(400):
	        p = '%s/%d/%d' % (s, d % 20, d)
	        os.makedirs(p)
	        for f in range(10):
	            if s == snaps[0]:
	                open('%s/%d' % (p, f), 'w').write('x')
	            else:
	                os.link('%s/%d/%d/%d' % (snaps[0], d % 20, d, f),
	                    '%s/%d' % (p, f))
	END
	echo 'keep-last = 3' >"$T/rotate.conf"
}

# kept: all of the three that are to be kept, but for the files' link counts, and
# all that is beside them.
kept() {
	local i
	for i in 2 1 0; do
		find "$T/root/web.snaps/$(days_ago $i)" \
		    "$T/root/web.snaps/.meta/$(days_ago $i).json" \
		    -printf '%P %y %i %m %s %T@\n' | sort
	done
	find "$T/root" -path "$T/root/web.snaps/[.2]*" -prune -o \
	    -path "$T/root/*.snaps/.lock" -o -mindepth 1 ! -name '*.snaps' \
	    -printf '%P %y %i %m %s %T@\n' | sort
}

# consistent: in the store is what was there, and what is half gone is in
# .expired.*, which has no snapshot of the same name beside it.
consistent() {
	local stamp
	kept | cmp "$T/kept"
	for stamp in $(snapshots web); do
		[ "$(find "$T/root/web.snaps/$stamp" | wc -l)" = 4424 ]
		[ -e "$T/root/web.snaps/.meta/$stamp.json" ]
		[ ! -e "$T/root/web.snaps/.expired.$stamp" ]
	done
}

begun() {
	[ "$(expired web)" != 0 ]
}

# killed_often TIMES
killed_often() {
	local i pid cut=0
	for ((i = 0; i < $1; i++)); do
		# Once all is gone, begin anew.
		if [ "$(expired web 2>/dev/null)" = 0 ]; then
			fill
			kept >"$T/kept"
		fi
		"$BIN/irsync-rotate" -f "$T/rotate.conf" "$T/root" \
		    >"$T/out" 2>&1 &
		pid=$!
		# From nothing to a little more than a whole run takes.
		python3 -c 'import random, time
time.sleep(random.random() ** 2 * 0.15)'
		kill_now $pid || true
		[ "$(expired web)" = 0 ] || cut=$((cut + 1))
		consistent
	done
	echo "ended in the middle: $cut times"
	[ $cut -gt 0 ]
	rotate
	consistent
	[ "$(snapshots web | wc -l)" = 3 ]
	[ "$(expired web)" = 0 ]
	[ "$(find "$T/root/web.snaps/.meta" -type f | wc -l)" = 3 ]
}

@test "kill -9, twenty times, at any instant" {
	on_each_disk killed_often "$(for_long 20 50)"
}

@test "SIGTERM stops it between two files" {
	local pid stopped=0 rc
	for _ in {1..10}; do
		fill
		kept >"$T/kept"
		"$BIN/irsync-rotate" -f "$T/rotate.conf" "$T/root" \
		    >"$T/out" 2>&1 &
		pid=$!
		wait_until 10 eval "begun || pid_is_gone $pid"
		kill -TERM $pid 2>/dev/null || true
		rc=0
		wait $pid || rc=$?
		consistent
		if [ $rc = 75 ]; then
			grep -q 'stopped early, the next run goes on' "$T/out"
			stopped=1
			break
		fi
		[ $rc = 0 ]
	done
	[ $stopped = 1 ]
	rotate
	consistent
	[ "$(snapshots web | wc -l)" = 3 ]
	[ "$(expired web)" = 0 ]
}

@test "a crash between the rename and the record's removal" {
	fill
	kept >"$T/kept"
	mv "$T/root/web.snaps/$(days_ago 9)" \
	    "$T/root/web.snaps/.expired.$(days_ago 9)"
	run rotate
	[ "$status" = 0 ]
	[[ $output == *"1 that an earlier run left"* ]]
	consistent
	[ ! -e "$T/root/web.snaps/.meta/$(days_ago 9).json" ]
	[ "$(expired web)" = 0 ]
}
