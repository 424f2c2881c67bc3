#!/usr/bin/env bats
# A connection that breaks in the middle of a push: what had arrived is not
# sent again.

load helpers
load irsync_helpers

setup() {
	setup_tmp
	need jq
	server_make
	mkdir "$T/src"
	irsync_conf "$T/src"
	UPPER=$T/store/client.example.net.snaps/.push/upper$T/src
}
teardown() { run_cleanup; }

# The ssh of the running backup, a grandchild of ours.
ssh_pid() {
	local rsync
	rsync=$(pgrep -P "$1" -x rsync) && pgrep -P "$rsync" -x ssh
}

# At the rate of these tests they take five seconds.
many_files() {
	local i
	for i in $(seq 40); do
		head -c 500000 /dev/urandom >"$T/src/f$i"
	done
}

# At least N files have arrived whole.
arrived() {
	[ "$(find "$UPPER" -type f -name 'f*' 2>/dev/null | wc -l)" -ge "$1" ]
}

# came_to BYTES FOLDER: so much of the file is there.
came_to() {
	[ -n "$(find "$2" -name '.file.*' -size "+${1}c" 2>/dev/null)" ]
}

# The server's side has noticed that we are gone.
server_is_done() {
	wait_until 10 flock -n "$T/store/client.example.net.snaps/.lock" true
}

@test "a broken connection is retried, and goes on with the files that came" {
	many_files
	conf_set 'retries = 5' 'retry_pause = 1' 'bwlimit = "4M"'
	"$BIN/irsync" -f "$CONF" --json backup >"$T/json" 2>"$T/said" 3>&- &
	pid=$!
	wait_until 20 arrived 8
	kill -9 "$(ssh_pid "$pid")"
	wait "$pid"
	cat "$T/said" "$T/json"
	grep -q "trying again in 1 s" "$T/said"
	[ "$(jq '.ok and .attempts > 1 and .sent < 17000000' "$T/json")" = true ]
	run -0 irsync restore --to "$T/out"
	python3 "$SAMETREE" "$T/src" "$T/out$T/src"
}

# cut_at BYTES: back up, and end the connection when so much of a file is there;
# rc is what irsync says.
cut_at() {
	"$BIN/irsync" -f "$CONF" backup 2>"$T/said" 3>&- &
	pid=$!
	wait_until "$(for_long 60 240)" eval "has_come $1 || pid_is_gone $pid"
	kill -9 "$(ssh_pid "$pid")" || true
	rc=0
	wait "$pid" || rc=$?
}

has_come() {
	[ "$(stat -c %s "$UPPER"/.file.* || echo 0)" -gt "$1" ]
}

@test "a big file that was cut at four fifths goes on from there" {
	size=$(for_long 20000000 2000000000)
	conf_set "bwlimit = \"$(for_long 8M 120M)\""
	# Where all had gone through before it was cut, once more.
	for _ in 1 2 3 4 5; do
		head -c "$size" /dev/urandom >"$T/src/file"
		cut_at $((size * 4 / 5))
		[ "$rc" = 0 ] || break
	done
	[ "$rc" = 69 ]
	wait_until 20 compgen -G "$UPPER/.~backshelf-partial~/file"
	server_is_done
	conf_set 'bwlimit = "0"'
	run -0 irsync --json backup
	echo "$output"
	[ "$(jq .sent <<<"$output")" -lt $((size * 3 / 10)) ]
	cmp "$T/src/file" "$T/store/client.example.net.full$T/src/file"
	[ -z "$(find "$T/store" -name '.~*')" ]
}

@test "a server that falls silent is noticed" {
	head -c 8000000 /dev/urandom >"$T/src/file"
	cat >>"$CONF" <<-EOT
	bwlimit = "1M"
	ssh_options = { "ServerAliveInterval=1", "ServerAliveCountMax=2" }
	EOT
	"$BIN/irsync" -f "$CONF" backup >"$T/said" 2>&1 3>&- &
	pid=$!
	wait_until 20 compgen -G "$UPPER/.file.*"
	mapfile -t server < <(descendants "$SSHD_PID")
	kill -STOP "${server[@]}"
	SECONDS=0
	rc=0
	wait "$pid" || rc=$?
	cat "$T/said"
	[ "$rc" = 69 ]
	[ "$SECONDS" -lt 60 ]
	grep -q 'the server cannot be reached: Timeout, server .* not responding' \
	    "$T/said"
	# By default it takes two minutes: what ssh is told.
	sed -i '/^ssh_options/d' "$CONF"
	"$BIN/irsync" -v -f "$CONF" list >"$T/said" 2>&1 3>&- &
	pid=$!
	wait_until 10 grep -q "ServerAliveInterval=30' '-o' 'ServerAliveCountMax=4'" \
	    "$T/said"
	kill_wait "$pid"
}

# descendants PID: all processes below it.
descendants() {
	local p
	for p in $(pgrep -P "$1"); do
		echo "$p"
		descendants "$p"
	done
}

@test "SIGTERM ends it cleanly, and the next one goes on" {
	many_files
	conf_set 'retries = 5' 'bwlimit = "4M"'
	"$BIN/irsync" -f "$CONF" backup >"$T/said" 2>&1 3>&- &
	pid=$!
	wait_until 20 arrived 8
	ssh=$(ssh_pid "$pid")
	kill "$pid"
	rc=0
	wait "$pid" || rc=$?
	[ "$rc" = 143 ]
	wait_until 5 pid_is_gone "$ssh"
	server_is_done
	conf_set 'bwlimit = "0"'
	run -0 --separate-stderr irsync --json backup
	[ "$(jq '.sent < 17000000' <<<"$output")" = true ]
}

@test "kill -9 of irsync leaves no rsync behind" {
	head -c 20000000 /dev/urandom >"$T/src/file"
	conf_set 'bwlimit = "1M"'
	"$BIN/irsync" -f "$CONF" backup >"$T/said" 2>&1 3>&- &
	pid=$!
	wait_until 20 compgen -G "$UPPER/.file.*"
	rsync=$(pgrep -P "$pid" -x rsync)
	ssh=$(ssh_pid "$pid")
	kill -9 "$pid"
	wait_until 5 pid_is_gone "$rsync"
	wait_until 5 pid_is_gone "$ssh"
}

@test "a restore that is cut keeps what came of a big file, and goes on from it" {
	head -c 20000000 /dev/urandom >"$T/src/file"
	irsync backup
	conf_set 'bwlimit = "8M"'
	"$BIN/irsync" -f "$CONF" restore --to "$T/out" 3>&- &
	pid=$!
	wait_until 60 came_to 4000000 "$T/out$T/src"
	kill -9 "$(ssh_pid "$pid")"
	wait "$pid" && return 1
	[ ! -e "$T/out$T/src/file" ]
	[ "$(stat -c %s "$T/out/.~irsync-partial~/file")" -gt 4000000 ]
	conf_set 'bwlimit = "0"'
	run -0 irsync restore --to "$T/out"
	python3 "$SAMETREE" "$T/src" "$T/out$T/src"
	[ "$(cd "$T/out" && ls -A)" = "$(cut -d/ -f2 <<<"$T")" ]
}
