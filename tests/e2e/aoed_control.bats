#!/usr/bin/env bats
# aoectl: start, stop and restart by alias, what it exits with, and that
# nobody at the socket can be in the daemon's way.

load helpers
load aoenet

setup() {
	setup_tmp
	aoe_net 1
	truncate -s 1M "$T/disk1" "$T/disk2"
	echo "0 $T/disk1 $(client_mac 1) aoe0 one" >"$T/table"
	echo "1 $T/disk2 $(client_mac 1) aoe0 two sync=none" >>"$T/table"
}

teardown() {
	run_cleanup
}

@test "exports stop and start one by one and all together" {
	start_aoed "$T/table"
	[ "$(aoectl stop one)" = 'one: stopped' ]
	run aoe 1 -t 0.3 identify 0.0
	[ "$status" = 1 ]
	aoe 1 identify 0.1 | grep -q sectors
	aoectl reload
	aoectl --json status one | jq -e '.exports[0].state == "stopped"'
	listen 1
	aoectl start one
	# Its client need not look for it.
	wait_until 5 grep -q '^e0.0 ' "$T/heard.1"
	aoe 1 identify 0.0 | grep -q sectors
	[ "$(aoectl restart)" = $'one: serving\ntwo: serving' ]
	[ "$(aoectl stop)" = $'one: stopped\ntwo: stopped' ]
	run aoe 1 -t 0.3 discover
	[ "$status" = 1 ]
	aoectl start
	aoe 1 identify 0.1 | grep -q sectors
}

@test "what is so already, or of nobody, is answered at once" {
	start_aoed "$T/table"
	aoectl stop two
	for command in "stop two" start "start one" "stop nobody"; do
		# shellcheck disable=SC2086 # a command and its alias
		run timeout 60 "$BIN/aoectl" -s "$T/aoed.sock" $command
		[ "$status" -le 1 ]
		aoectl stop two
	done
}

@test "exit statuses: 1 for some, 64 for usage, 69 for nobody there" {
	start_aoed "$T/table"
	run aoectl stop one nobody
	[ "$status" = 1 ]
	[[ $output = *'nobody: no such alias'* ]]
	aoectl --json status one | jq -e '.exports[0].state == "stopped"'
	run aoectl
	[ "$status" = 64 ]
	run aoectl explode
	[ "$status" = 64 ]
	run aoectl reload one
	[ "$status" = 64 ]
	run "$BIN/aoectl" -s "$T/nothing" status
	[ "$status" = 69 ]
}

@test "the status has what an operator asks for" {
	start_aoed "$T/table"
	head -c 64K /dev/urandom | aoe 1 -n 16 write 0.1 0
	aoe 1 -n 16 read 0.1 0 128 >"$T/out"
	aoectl --json status two >"$T/status"
	jq -e '.exports[0] | .alias == "two" and .address == "e0.1" and
	    .clients == ["02:00:00:00:00:01"] and .interfaces == ["aoe0"] and
	    .sync == "none" and .sectors == 2048 and .state == "serving" and
	    .reads == 8 and .writes == 8 and .bytes_read == 65536 and
	    .bytes_written == 65536 and .errors == 0 and
	    (now - .heard) < 60' "$T/status"
	aoectl status | grep -q '^two .* none .* serving .* 64 KiB '
	[ "$(aoectl status | wc -l)" = 3 ]
}

@test "a second daemon on the same socket is refused, the first goes on" {
	start_aoed "$T/table"
	run srv "$BIN/aoed" -d -f "$T/table" -s "$T/aoed.sock" -S "$T/state"
	[ "$status" = 75 ]
	[[ $output = *'another aoed is there'* ]]
	aoe 1 identify 0.0 | grep -q sectors
	aoectl status
}

@test "the socket is root's alone, is gone after the end and taken after a kill" {
	start_aoed "$T/table"
	[ "$(stat -c %a "$T/aoed.sock")" = 600 ]
	stop_aoed
	[ ! -e "$T/aoed.sock" ]
	start_aoed "$T/table"
	kill_now "$AOED_PID" || true
	[ -e "$T/aoed.sock" ]
	start_aoed "$T/table"
	aoectl status
}

@test "silence, garbage and endless lines at the socket hold nobody up" {
	start_aoed "$T/table"
	python3 - "$T/aoed.sock" <<-'END'
	import select, socket, sys, time
	def conn():
	    s = socket.socket(socket.AF_UNIX)
	    s.connect(sys.argv[1])
	    s.settimeout(5)
	    return s
	silent = [conn() for i in range(4)]
	half = conn()
	half.send(b'{"command":')
	s = conn()
	s.send(b'garbage\n{"command":"status"}\n')
	f = s.makefile()
	assert '"ok":false' in f.readline()
	assert '"ok":true' in f.readline()
	s = conn()
	try:
	    s.sendall(b'x' * 1000000)
	    assert s.recv(1) == b''
	except (BrokenPipeError, ConnectionResetError):
	    pass
	deaf = conn()
	deaf.sendall(b'{"command":"status"}\n' * 3000)
	s = conn()
	s.send(b'{"command":"stop","aliases":["one"]}\n')
	assert '"stopped"' in s.makefile().readline()
	# All places are taken: whoever comes is told so, until the silent
	# ones have been so for a second.
	many = [conn() for i in range(40)]
	told, _, _ = select.select(many, [], [], 5)
	assert any('too many' in s.makefile().readline() for s in told)
	time.sleep(1.1)
	s = conn()
	s.send(b'{"command":"status"}\n')
	assert '"ok":true' in s.makefile().readline()
	END
	aoe 1 identify 0.1 | grep -q sectors
}

@test "few descriptors: some rows fail, the others and aoectl do not" {
	for ((i = 0; i < 40; i++)); do
		echo "$i $T/disk1 $(client_mac 1) aoe0 row$i ro"
	done >"$T/many"
	ulimit -n 40
	start_aoed "$T/many" -j 2
	aoectl --json status >"$T/status" || true
	jq -e '[.exports[] | select(.state == "serving")] | length > 0' \
	    "$T/status"
	jq -e '.exports[] | select(.state == "failed") | .why |
	    contains("Too many open files")' "$T/status" >/dev/null
	wait_until 5 aoe 1 -t 1 discover
}

@test "without -d it detaches, says so when it cannot, and ends on SIGTERM" {
	mkdir "$T/state"
	srv "$BIN/aoed" -f "$T/table" -s "$T/aoed.sock" -S "$T/state" 3>&-
	pid=$(cat "$T/aoed.sock.lock")
	on_exit kill -9 "$pid"
	aoe 1 identify 0.0 | grep -q sectors
	run srv "$BIN/aoed" -f "$T/table" -s "$T/aoed.sock" -S "$T/state"
	[ "$status" = 75 ]
	kill "$pid"
	wait_until 5 pid_is_gone "$pid"
	[ ! -e "$T/aoed.sock" ]
}

@test "usage errors are 64, help and version go to stdout" {
	run "$BIN/aoed" -x
	[ "$status" = 64 ]
	run "$BIN/aoed" -n extra
	[ "$status" = 64 ]
	run "$BIN/aoed" -j 0
	[ "$status" = 64 ]
	[ "$("$BIN/aoed" --version)" = "$("$BIN/aoectl" --version)" ]
	"$BIN/aoed" --help | grep -q '^usage: aoed'
	"$BIN/aoectl" --help | grep -q '^usage: aoectl'
}
