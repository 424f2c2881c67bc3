#!/usr/bin/env bats
# aoectl: what an operator looks at and turns: rates, counters over a restart,
# the log's level, disconnect, completion.

load helpers
load aoenet
load aoewords

setup() {
	need jq
	setup_tmp
	aoe_net 1
	truncate -s 4M "$T/disk1" "$T/disk2"
	cat >"$T/table" <<-TABLE
	0 $T/disk1 FF:FF:FF:FF:FF:FF aoe0 one
	1 $T/disk2 $(client_mac 1) aoe0 two sync=none
	TABLE
	start_aoed "$T/table"
}

teardown() {
	run_cleanup
}

traffic() {
	while :; do
		head -c 1M /dev/urandom | aoe 1 write 0.0 0
	done
}

@test "stats --watch shows what moves, until aoed is gone" {
	traffic 3>&- &
	on_exit kill_now $!
	aoectl stats --watch >"$T/out" 2>"$T/err" 3>&- &
	watcher=$!
	on_exit kill "$watcher"
	wait_until 10 grep -Eq '^one +0 +[1-9][0-9]* ' "$T/out"
	grep -Eq '^ALIAS +READS/S +WRITES/S +READ MiB/S' "$T/out"
	grep -q '^(all) ' "$T/out"
	wait_until 10 eval "aoectl --json status one |
	    jq -e '.exports[0].write_rate > 0'"
	aoectl status | grep -Eq '^one .* [0-9.]+/[0-9.]+ '
	# A terminal gets the columns that it has room for, a pipe all.
	for width in 80 60 0; do
		COLUMNS=40 on_terminal $width "$BIN/aoectl" -s "$T/aoed.sock" \
		    status | tr -d '\r' >"$T/narrow"
		grep -q '^ALIAS .*STATE' "$T/narrow"
		awk -v w=$((width ? width : 40)) 'length > w { exit 1 }' \
		    "$T/narrow"
	done
	aoectl status | grep -q '^ALIAS .* WRITTEN .* FILE$'
	stop_aoed
	wait_until 10 pid_is_gone "$watcher"
	run wait "$watcher"
	[ "$status" = 69 ]
	run aoectl --watch=0 stats
	[ "$status" = 64 ]
	run aoectl --watch status
	[ "$status" = 64 ]
}

@test "counters go on over a restart and over a reload that alters the row" {
	head -c 64K /dev/urandom | aoe 1 write 0.0 0
	aoectl restart one
	head -c 64K /dev/urandom | aoe 1 write 0.0 0
	sed -i 's/ one$/ one buffers=8/' "$T/table"
	aoectl reload
	head -c 64K /dev/urandom | aoe 1 write 0.0 0
	aoectl --json status one |
	    jq -e '.exports[0] | .bytes_written == 196608 and .heard > 0'
	aoectl --json stats | jq -e '.exports[0] | .alias == "one" and
	    .bytes_written == 196608'
	aoectl stats | grep -q '^one .* 192 KiB '
	aoectl stop one
	aoectl --json status one | jq -e '.exports[0].bytes_written == 196608'
}

@test "the log's level is turned while it runs" {
	aoectl log warn
	: >"$T/aoed.log"
	aoectl restart two
	[ "$(grep -c ended "$T/aoed.log")" = 0 ]
	aoectl log info
	aoectl restart two
	grep -q 'two: e0.1 has ended' "$T/aoed.log"
	aoectl log debug
	run aoectl log loud
	[ "$status" = 64 ]
	run aoectl log
	[ "$status" = 64 ]
}

@test "disconnect frees a disk that a client has reserved and masked" {
	[ "$(reserve 1 force 7)" = '1800:07' ]
	run aoe 1 -t 1 read 0.0 0 8
	[ "$status" = 3 ]
	aoectl restart one
	run aoe 1 -t 1 read 0.0 0 8
	[ "$status" = 3 ]
	[ "$(aoectl disconnect one)" = 'one: serving' ]
	aoe 1 read 0.0 0 8 | cmp -n 4096 - /dev/zero
	kill_now "$AOED_PID" || true
	start_aoed "$T/table"
	aoe 1 read 0.0 0 8 | cmp -n 4096 - /dev/zero
	run aoectl disconnect
	[ "$status" = 64 ]
	run aoectl disconnect nobody
	[ "$status" = 1 ]
}

@test "reload says what has not come about yet" {
	echo "2 $T/disk1 $(client_mac 1) aoe0 three ro,offset=8" >>"$T/table"
	aoectl reload
	srv ip link add later0 type veth peer name far0
	echo "3 $T/disk2 $(client_mac 1) later0 four ro" >>"$T/table"
	[ "$(aoectl reload)" = 'four: waiting: later0: it is down' ]
	aoectl --json reload | jq -e '.ok and .pending[0].alias == "four"'
}

@test "the shell completes commands and the running daemon's aliases" {
	complete() { :; }
	# shellcheck source=/dev/null
	. "$BATS_TEST_DIRNAME/../../etc/completion/aoectl"
	completed() {
		COMP_WORDS=("$@")
		COMP_CWORD=$(($# - 1))
		_aoectl
		echo "${COMPREPLY[*]}"
	}
	[ "$(completed aoectl re)" = 'reload restart' ]
	[ "$(completed aoectl -s "$T/aoed.sock" stop '')" = 'one two' ]
	[ "$(completed aoectl -s "$T/aoed.sock" --json status t)" = two ]
	[ "$(completed aoectl log d)" = debug ]
	[ -z "$(completed aoectl reload '')" ]
}
