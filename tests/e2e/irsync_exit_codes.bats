#!/usr/bin/env bats
# A monitoring system can tell from the exit status what happened.

load helpers
load irsync_helpers

setup() {
	setup_tmp
	server_make
	mkdir -p "$T/src"
	echo x >"$T/src/file"
	irsync_conf "$T/src"
}
teardown() { run_cleanup; }

@test "69: nobody listens, also after the retries" {
	conf_set 'port = 1' 'retries = 2' 'retry_pause = 0'
	run -69 irsync backup
	[[ $output == *"trying again in 0 s (1 of 2)"* ]]
	[[ $output == *"trying again in 0 s (2 of 2)"* ]]
	[[ ${lines[-1]} == *"the server cannot be reached: "*refused* ]]
	run -69 irsync list
	run -69 irsync restore --to "$T/out"
	[ ! -e "$T/out" ]
	run -69 irsync --json backup
	[[ $output == *'"ok":false,"exit":69,'*'"attempts":3,'* ]]
	conf_set 'storage = "root@server:"' 'retries = 0'
	run -69 irsync backup
	[[ ${lines[-1]} == *" to root@server: the server cannot be reached"* ]]
	run -1 irsync check
	[[ $output == *"not ok root@server: the server cannot be reached"* ]]
	run -1 irsync status
	[[ $output == "IRSYNC WARNING - root@server: cannot be asked"* ]]
}

@test "77: the key is not known, and it is not tried again" {
	conf_set 'retries = 5'
	: >"$T/ssh/authorized_keys"
	run -77 irsync backup
	[[ $output != *"trying again"* ]]
	[[ ${lines[-1]} == *"refused: "*"Permission denied"* ]]
}

@test "77: the server has another host key" {
	ssh-keygen -q -t ed25519 -N '' -f "$T/other"
	echo "server $(cut -d' ' -f1,2 "$T/other.pub")" >"$T/ssh/known_hosts"
	run -77 irsync backup
	[[ ${lines[-1]} == *"refused: "* ]]
}

@test "77: the policy does not name this client, or not that folder" {
	echo "root = \"$T/store\"" >"$T/sshguard.conf"
	run -77 irsync backup
	[[ ${lines[-1]} == *"refused: "*"rejected from 127.0.0.1"* ]]
	echo 'client "client.example.net" {}' >>"$T/sshguard.conf"
	run -77 irsync list
	irsync backup
	conf_set 'host = "other.example.net"'
	run -77 irsync backup
}

@test "75: another push of this client is running" {
	irsync backup
	mkfifo "$T/hold"
	flock -x "$T/store/client.example.net.snaps/.lock" \
	    -c "echo up >'$T/up'; cat '$T/hold'" 3>&- &
	wait_until 5 test -s "$T/up"
	run -75 irsync backup
	: >"$T/hold"
	irsync backup
}

@test "77: a configured path is not there; nothing is backed up without it" {
	mkdir "$T/more"
	echo y >"$T/more/file"
	irsync_conf "$T/src" "$T/more"
	irsync backup
	mv "$T/more" "$T/away"
	run -77 irsync backup
	[[ $output == *"$T/more: it is configured, and not there; --allow-missing"* ]]
	[ "$(irsync list --json | jq '.snapshots | length')" = 1 ]
	# Let pass, it is gone from the snapshot too.
	irsync --allow-missing backup
	cd "$T/store/client.example.net.snaps/$(newest)"
	[ ! -e "./$T/more" ]
	[ -f "./$T/src/file" ]
	# Or it may always be missing.
	printf 'path "%s" { optional = true }\n' "$T/more" >>"$CONF"
	irsync backup
}

@test "23: a file cannot be read, and the snapshot's record says so too" {
	echo y >"$T/src/closed"
	chown 1:1 "$T/src/closed"
	chmod 0 "$T/src/closed"
	run -23 setpriv --bounding-set=-dac_override,-dac_read_search \
	    "$BIN/irsync" -f "$CONF" backup
	[[ $output == *" partial, some files or paths could not be read"* ]]
	[ "$(irsync list --json | jq -r '.snapshots[-1].status')" = partial ]
}

@test "24: a file vanishes while the backup runs" {
	head -c 3000000 /dev/urandom >"$T/src/a"
	echo z >"$T/src/z"
	conf_set 'bwlimit = "1M"'
	"$BIN/irsync" -f "$CONF" backup 3>&- >"$T/said" 2>&1 &
	pid=$!
	wait_until 20 compgen -G \
	    "$T/store/client.example.net.snaps/.push/upper$T/src/.a.*"
	rm "$T/src/z"
	rc=0
	wait "$pid" || rc=$?
	cat "$T/said"
	[ "$rc" = 24 ]
	grep -q "file has vanished: .*/src/z" "$T/said"
	run -0 irsync list
	[[ ${lines[1]} == *" vanished, latest" ]]
}

@test "64: the command line is wrong" {
	run -64 irsync
	[[ ${lines[1]} == "usage: irsync "* ]]
	run -64 irsync nonsense
	run -64 irsync --nonsense backup
	run -64 irsync backup extra
	run -64 irsync list extra
	run -64 irsync -n list
	run -64 irsync -n restore
	run -64 irsync --json restore
	run -64 irsync --to x backup
	run -0 irsync --help
	[[ ${lines[0]} == "usage: irsync "* ]]
	run -0 irsync --version
	[[ $output == "backshelf "* ]]
}
