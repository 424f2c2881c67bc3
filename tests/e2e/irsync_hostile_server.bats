#!/usr/bin/env bats
# A server that has been taken over can neither fool the terminal nor fill the
# log.

load helpers
load irsync_helpers

setup() {
	setup_tmp
	need jq
	mkdir -p "$T/src"
	echo x >"$T/src/file"
	irsync_conf "$T/src"
	echo "ssh = \"$T/ssh\"" >>"$CONF"
}
teardown() { run_cleanup; }

# server SCRIPT: what "ssh" does; $1 and on is the remote command.
server() {
	cat >"$T/ssh" <<-'EOT'
	#!/bin/bash
	while [[ $1 == -* ]]; do
		case $1 in -o | -F | -p | -i) shift ;; esac
		shift
	done
	shift
	set -- $*
	EOT
	cat >>"$T/ssh"
	chmod +x "$T/ssh"
}

# is_harmless TEXT: nothing that moves a cursor.
is_harmless() {
	if LC_ALL=C grep -qP '[\x00-\x08\x0b-\x1f\x7f-\xff]' <<<"$1"; then
		return 1
	fi
}

# A server's rsync that shows ROOT as what the client asked for.
serves() {
	server <<-EOT
	args=("\${@:1:\$#-1}")
	cd "$1" && exec "\${args[@]}" ./
	EOT
}

@test "escape sequences do not reach the terminal" {
	server <<-'EOT'
	printf '\033[2J\033]0;owned\007 hello\r\n\302\233x\n' >&2
	exit 1
	EOT
	run irsync backup
	[ "$status" != 0 ]
	[[ $output == *'\033[2J\033]0;owned\007 hello'* ]]
	is_harmless "$output"
	run irsync --json backup
	is_harmless "$output"
}

@test "a flood of messages is cut" {
	server <<-'EOT'
	yes "$(printf 'x%.0s' {1..300})" | head -n 200000 >&2
	exit 1
	EOT
	run irsync backup
	[ "$status" != 0 ]
	[ "${#lines[@]}" -lt 1100 ]
	[[ $output == *"more lines"* ]]
}

@test "a false snapshot line is not believed to be more than a line" {
	server <<-'EOT'
	echo 'backshelf: snapshot 2026-11-22T040201Z complete: 1 entries, 2 linked, 3 moved, 4 dropped, 5 B on disk' >&2
	exit 77
	EOT
	run -77 irsync --json backup
	[[ $output == *'"ok":false'* ]]
}

@test "records of any kind are survived" {
	mkdir "$T/meta"
	(
		cd "$T/meta"
		echo '{' >2026-11-22T000001Z.json
		: >2026-11-22T000002Z.json
		head -c 60000 /dev/zero >2026-11-22T000003Z.json
		printf '[%.0s' {1..15000} >2026-11-22T000004Z.json
		echo '{"stamp":"2026-11-22T999999Z"}' >2026-11-22T000005Z.json
		echo '{"stamp":"2026-11-22T000006Z","client":"\u001b[2J"}' \
		    >2026-11-22T000006Z.json
		head -c 9000000 /dev/zero >2026-11-22T000007Z.json
		ln -s /etc/passwd 2026-11-22T000008Z.json
		mkfifo 2026-11-22T000009Z.json
		mkdir 2026-11-22T000010Z.json
		echo x >$'\033[2J.json'
		echo x >../../outside 2>/dev/null || true
	)
	serves "$T/meta"
	mkdir "$T/tmp"
	run -0 env TMPDIR="$T/tmp" "$BIN/irsync" -f "$CONF" list
	is_harmless "$output"
	[[ $output != *000007Z* ]]
	[[ $output != *000008Z* ]]
	run -0 --separate-stderr env TMPDIR="$T/tmp" "$BIN/irsync" -f "$CONF" \
	    list --json
	jq -e '.snapshots | length == 5' <<<"$output"
	[ -z "$(ls -A "$T/tmp")" ]
}

@test "more records than anyone has are refused, and leave nothing behind" {
	mkdir "$T/meta" "$T/tmp"
	python3 -c '
import sys
for i in range(20100):
    open("%s/%d.json" % (sys.argv[1], i), "w").close()' "$T/meta"
	serves "$T/meta"
	run -1 env TMPDIR="$T/tmp" "$BIN/irsync" -f "$CONF" list
	[[ $output == *"more than 20000 records"* ]]
	[ -z "$(ls -A "$T/tmp")" ]
}

@test "a server that makes no snapshots is no place for a backup" {
	server <<-EOT
	mkdir -p "$T/plain"
	exec "\${@:1:\$#-1}" "$T/plain"
	EOT
	run -1 irsync backup
	[[ ${lines[-1]} == *"reported no snapshot: is the key behind"* ]]
}
