#!/usr/bin/env bats
# On a terminal the run says how far it is; elsewhere it does not.  It goes no
# faster than it is told, and stops when it is told to.

load helpers
load rotate_helpers
setup() {
	rotate_setup
	export TERM=xterm
	echo 'keep-last = 1' >"$T/rotate.conf"
	need script
	make_days web 1
	OLD=$(days_ago 20)
	make_snapshot web "$OLD"
	(cd "$T/root/web.snaps/$OLD" && seq 3000 | xargs touch)
	sed -i 's/"entries": 3/"entries": 3003/' "$T/root/web.snaps/.meta/$OLD.json"
}
teardown() { run_cleanup; }

@test "how far it is, on a terminal" {
	script -qec "stty cols 120; '$BIN/irsync-rotate' -f '$T/rotate.conf' --rate 3000 '$T/root'" \
	    /dev/null </dev/null >"$T/out"
	tr '\r' '\n' <"$T/out" >"$T/lines"
	grep -E "web \(1/1\): 1 snapshot, [0-9]+ of about 3003 files, [0-9]+/s, [0-9]+ s left" "$T/lines"
	# It is taken away before the report.
	grep -Fq $'\e[K' "$T/out"
	tail -n 1 "$T/lines" | grep -v 'about'
	rotate --rate 100000 >"$T/plain" 2>&1
	run grep -F $'\e' "$T/plain"
	[ "$status" = 1 ]
}

@test "no faster than --rate" {
	start=${EPOCHREALTIME/./}
	rotate --rate 2000
	[ $((${EPOCHREALTIME/./} - start)) -ge 1200000 ]
	[ "$(expired web)" = 0 ]
}

# minds_signals PID: it catches SIGHUP, SIGINT and SIGTERM.
minds_signals() { grep -q '^SigCgt:.*4003$' "/proc/$1/status"; }

@test "idle, it waits while the load is above --max-load, and a signal ends that" {
	for sig in TERM INT HUP; do
		"$BIN/irsync-rotate" -f "$T/rotate.conf" --max-load 0.000001 \
		    "$T/root" >"$T/out" 2>&1 &
		pid=$!
		on_exit kill_now $pid
		wait_until 10 minds_signals $pid
		wait_until 10 test -e "$T/root/web.snaps/.expired.$OLD"
		[ "$(ionice -p $pid)" = idle ]
		if [ "$(cut -d' ' -f1 /proc/loadavg)" != 0.00 ]; then
			[ "$(find "$T/root/web.snaps/.expired.$OLD" |
			    wc -l)" -gt 2000 ]
		fi
		kill -$sig $pid
		rc=0
		wait $pid || rc=$?
		[ $rc = 75 ] || [ $rc = 0 ]
	done
	rotate
	[ "$(expired web)" = 0 ]
}

@test "what --rate and --max-load do not understand" {
	for arg in '--rate 0' '--rate x' '--rate -1' '--max-load 0' \
	    '--max-load x' '--max-load nan' '--max-load 1e9'; do
		# shellcheck disable=SC2086
		run rotate $arg
		[ "$status" = 64 ]
	done
	[ -d "$T/root/web.snaps/$OLD" ]
}
