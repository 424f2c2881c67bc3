#!/usr/bin/env bats
# rsync -s (--secluded-args, once --protect-args) sends its arguments on the
# stream.  They are judged like the rest, and rsync runs without it.

load helpers
load guard

setup() {
	guard_setup
	mkdir "$T/src"
	echo one >"$T/src/a b;c"
	head -c 300000 /dev/urandom >"$T/src/big"
}

teardown() {
	run_cleanup
}

@test "a push, a pull and a list" {
	push -s --delete "$T/src/" "server:"
	snapshot_count 1
	cmp "$T/src/big" "$FULL/big"
	RSYNC_PROTECT_ARGS=1 push --delete --partial-dir=.x "$T/src/" \
	    "server:$CLIENT.full/a b\$(id)"
	snapshot_count 2
	cmp "$T/src/big" "$FULL/a b\$(id)/big"
	push -s "server:$CLIENT.full/a b;c" "$T/back/"
	[ "$(cat "$T/back/a b;c")" = one ]
	run rsync -s -e "$RSH" "server:$CLIENT.snaps/"
	[ "$status" = 0 ]
	[ "$(grep -c 'T.*Z$' <<<"$output")" = 2 ]
	! grep 'runs:.* -s' "$GUARD_LOG" || false
}

@test "with bytes in the same packet, and byte by byte" {
	local slow="$T/slow"
	cat >"$slow" <<-SCRIPT
	#!/usr/bin/python3
	import os, subprocess, sys, threading, time
	p = subprocess.Popen(["$RSH"] + sys.argv[1:], stdin=subprocess.PIPE)

	def feed():
	    out = p.stdin.fileno()
	    for b in os.read(0, 1 << 16):
	        os.write(out, bytes([b]))
	        time.sleep(0.001)
	    while more := os.read(0, 1 << 16):
	        os.write(out, more)

	threading.Thread(target=feed, daemon=True).start()
	os._exit(p.wait())
	SCRIPT
	chmod 755 "$slow"
	timeout 300 rsync -s -a -e "$slow" "$T/src/" server:
	snapshot_count 1
	cmp "$T/src/big" "$FULL/big"
}

# secluded BLOCK: send this block, as printf's format, after a push command.
secluded() {
	# shellcheck disable=SC2059
	printf "$1" | "$RSH" server rsync --server -sre.iLsfxCIvu
}

@test "what would be refused in a command is refused" {
	local block
	for block in 'rsync\0--daemon\0.\0x\0\0' 'rsync\0.\0/etc\0\0' \
	    'rsync\0.\0../x\0\0' 'rsync\0--log-file\0/x\0.\0.\0\0' \
	    'rsync\0--rsh=sh\0.\0.\0\0' 'sh\0-c\0id\0\0' '\0' 'rsync\0\0' \
	    'rsync\0-s\0.\0.\0\0' 'rsync\0--sender\0.\0.\0\0' 'rsync\0.\0' \
	    'rsync\0.\0zeus.example.net.full\0\0' \
	    'rsync\0.\0.\0--rsh=sh\0\0'; do
		run secluded "$block"
		[ "$status" = 77 ]
		[[ $output = *"rejected from 192.0.2.9"* ]]
		[ "$(wc -l <<<"$output")" = 1 ]
	done
	snapshot_count 0
	run bash -c "yes | tr -d '\n' | head -c 1000000 |
	    '$RSH' server rsync --server -sr"
	[ "$status" = 77 ]
	[[ $output = *"too long"* ]]
}

@test "who may not come is not even read from" {
	policy 'from = { "10.0.0.0/8" }'
	mkfifo "$T/never"
	exec 9<>"$T/never"
	run timeout 300 "$RSH" server rsync --server -sr <&9
	[ "$status" = 77 ]
	[[ $output = *"from this address"* ]]
}
