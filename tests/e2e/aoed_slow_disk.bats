#!/usr/bin/env bats
# A disk whose every access takes seconds, and one that fails: the one delays
# nobody but its own clients, neither the control socket, reload, start nor
# stop; the other's clients get ATA errors.

load helpers
load aoenet

setup() {
	need nbdkit nbdfuse
	[ -c /dev/fuse ] || skip '/dev/fuse is not there'
	setup_tmp
	aoe_net 2
	truncate -s 1M "$T/disk" "$T/other"
}

teardown() {
	run_cleanup
}

# nbd_file NAME ARGUMENT...: the file $T/NAME/nbd, behind it nbdkit with these
# arguments.
nbd_file() {
	local name=$1
	shift
	mkdir "$T/$name"
	nbdfuse "$T/$name/nbd" --command nbdkit -s "$@" \
	    </dev/null >"$T/$name.log" 2>&1 3>&- &
	NBD_PID=$!
	on_exit kill_now "$NBD_PID"
	on_exit umount -l "$T/$name"
	wait_until 10 test -s "$T/$name/nbd"
}

# At once: the disk goes on only when the test lets it.
ctl() {
	timeout 60 "$BIN/aoectl" -s "$T/aoed.sock" "$@"
}

# heard N: so many frames.
heard() {
	aoectl --json stats | jq -e "[.workers[].frames] | add >= $1"
}

@test "reads that hang delay nobody else, nor reload and stop" {
	nbd_file slow memory 1M
	cat >"$T/table" <<-TABLE
	0 $T/slow/nbd $(client_mac 1) aoe0 slow buffers=200
	0 $T/disk     $(client_mac 2) aoe0 quick
	TABLE
	start_aoed "$T/table" -j 1
	kill -STOP "$NBD_PID"
	aoe 1 -t 600 -c 100 read 0.0 0 1024 >"$T/read" 3>&- &
	reader=$!
	wait_until 10 heard 60
	head -c 512K /dev/urandom >"$T/data"
	aoe 2 write 0.0 0 <"$T/data"
	aoe 2 read 0.0 0 1024 | cmp - "$T/data"
	echo "1 $T/other $(client_mac 2) aoe0 other" >>"$T/table"
	ctl reload
	aoe 2 identify 0.1 | grep -qx 'sectors 2048'
	ctl restart quick
	ctl stop other
	ctl --json status slow | jq -e '.exports[0].state == "serving"'
	kill -CONT "$NBD_PID"
	wait $reader
	cmp -n 524288 "$T/read" /dev/zero
	# The daemon ends while another read is in flight, when that is over.
	kill -STOP "$NBD_PID"
	frames=$(aoectl --json stats | jq '[.workers[].frames] | add')
	aoe 1 -t 1 -n 1 read 0.0 1536 1 >/dev/null 3>&- &
	wait_until 10 heard $((frames + 2))
	kill "$AOED_PID"
	wait_until 10 grep -q 'ending' "$T/aoed.log"
	run pid_is_gone "$AOED_PID"
	[ "$status" = 1 ]
	kill -CONT "$NBD_PID"
	wait_until 10 pid_is_gone "$AOED_PID"
}

# Each is too short to be taken for a disk that hangs.  The last frame is for
# the other export, and its answer is not to wait for those before it.
@test "many writes of a ms each do not add up for the others" {
	nbd_file slow --filter=delay memory 1M wdelay=1ms
	cat >"$T/table" <<-TABLE
	0 $T/slow/nbd $(client_mac 1) aoe0 slow buffers=200,sync=none
	1 $T/disk     $(client_mac 1) aoe0 quick
	TABLE
	start_aoed "$T/table" -j 1
	zeros=$(printf '00%.0s' {1..512})
	for ((i = 0; i < 200; i++)); do
		requests+=("$(printf '1000000000000000000041000134%02x%02x%s' \
		    $((i * 2 % 256)) $((i * 2 / 256)) "000000000000$zeros")")
	done
	# The file learns that it cannot be written without waiting.
	aoe 1 -t 60 raw "${requests[@]}" >"$T/answers"
	requests+=("10000000010000000000000001ec$(printf '00%.0s' {1..30})")
	aoe 1 -t 60 raw "${requests[@]}" >"$T/answers"
	[ "$(wc -l <"$T/answers")" = 201 ]
	place=$(grep -n '^1800000001' "$T/answers" | cut -d: -f1)
	[ "$place" -lt 100 ]
}

@test "opening a file that hangs is waited for by its row alone" {
	nbd_file slow --filter=delay memory 1M delay-open=0 rdelay=3
	echo "0 $T/disk $(client_mac 2) aoe0 quick" >"$T/table"
	start_aoed "$T/table"
	# nbdfuse is stopped: who opens its file waits for it.
	kill -STOP "$NBD_PID"
	cat >>"$T/table" <<-TABLE
	0 $T/slow/nbd $(client_mac 1) aoe0 slow
	1 $T/other    $(client_mac 2) aoe0 other
	TABLE
	# What it adds is waited for, for a moment.
	ctl reload
	ctl --json status | jq -e '[.exports[].state] ==
	    ["serving", "waiting", "serving"]'
	ctl --json status slow | jq -e '.exports[0].why | contains("opened")'
	aoe 2 identify 0.1 | grep -qx 'sectors 2048'
	ctl restart quick
	ctl stop slow
	aoectl start slow || true
	aoe 2 identify 0.0 | grep -qx 'sectors 2048'
	kill -CONT "$NBD_PID"
	wait_until 10 eval "aoectl --json status slow |
	    jq -e '.exports[0].state == \"serving\"'"
	aoe 1 identify 0.0 | grep -qx 'sectors 2048'
	# It hangs again: the daemon ends, and in time.
	kill -STOP "$NBD_PID"
	ctl stop slow
	ctl restart slow || true
	kill "$AOED_PID"
	wait_until 10 pid_is_gone "$AOED_PID"
	kill -CONT "$NBD_PID"
}

@test "a disk that fails gives ATA errors, until it is well" {
	nbd_file bad --filter=error memory 1M error=EIO error-rate=100% \
	    error-file="$T/ill"
	cat >"$T/table" <<-TABLE
	0 $T/bad/nbd $(client_mac 1) aoe0 bad
	0 $T/disk    $(client_mac 2) aoe0 quick
	TABLE
	start_aoed "$T/table"
	aoe 1 read 0.0 0 8 | cmp -n 4096 - /dev/zero
	: >"$T/ill"
	# Far from what the kernel has read ahead.
	run aoe 1 -n 8 read 0.0 1800 8
	[ "$status" = 2 ]
	[[ $output = *'status 0x51 error 0x40'* ]]
	run aoe 1 write 0.0 0 < <(head -c 4096 /dev/urandom)
	[ "$status" = 2 ]
	[[ $output = *'status 0x51 error'* ]]
	grep -q 'bad: .*nbd: read .*Input/output error' "$T/aoed.log"
	head -c 4096 /dev/urandom >"$T/data"
	aoe 2 write 0.0 0 <"$T/data"
	rm "$T/ill"
	ctl restart bad
	aoe 1 write 0.0 16 <"$T/data"
	aoe 1 read 0.0 16 8 | cmp - "$T/data"
}
