#!/usr/bin/env bats
# A disk that hangs delays nobody but its own clients, and what they had sent
# takes effect in the order in which it came.  The disk is a file on a frozen
# file system: the kernel lets no write through until it thaws.

load helpers
load aoenet

setup() {
	need fsfreeze
	setup_tmp
	mkdir "$T/slow"
	case $BATS_TEST_DESCRIPTION in
	*XFS*) own_image "$T/slow" 320M mkfs.xfs -q ;;
	*) own_image "$T/slow" 64M mkfs.ext4 -q ;;
	esac
	truncate -s 8M "$T/slow/disk" "$T/disk"
	aoe_net 2
	echo "0 $T/slow/disk $(client_mac 1) aoe0 slow buffers=100" >"$T/table"
	echo "0 $T/disk $(client_mac 2) aoe0 quick" >>"$T/table"
	# One worker for both: nothing but its own work keeps them apart.
	start_aoed "$T/table" -j 1
	on_exit thaw
}

teardown() {
	run_cleanup
}

freeze() {
	fsfreeze -f "$T/slow"
}

thaw() {
	fsfreeze -u "$T/slow"
}

# Frames of a one-sector write of $1 (two hexadecimal digits) to sector 0, of
# slot 0 unless told.
write_of() {
	local data
	data=$(printf "$1%.0s" {1..512})
	printf '1000000%03x0000000000410001340000000000000000%s\n' "${2:-0}" \
	    "$data"
}

heard_by_slow() {
	aoectl --json stats | jq -e "[.workers[].frames] | add >= $1"
}

# Nothing thaws by itself, so that what is waited for in vain never comes: the
# limits are for machines that are slow.
others_go_on() {
	freeze
	head -c 4M /dev/urandom >"$T/data"
	aoe 1 -t 600 -c 100 write 0.0 0 <"$T/data" 3>&- &
	writer=$!
	wait_until 60 heard_by_slow 90
	head -c 2M /dev/urandom >"$T/other"
	aoe 2 -t 60 write 0.0 0 <"$T/other"
	aoe 2 -t 60 read 0.0 0 4096 | cmp - "$T/other"
	timeout 60 "$BIN/aoectl" -s "$T/aoed.sock" --json status slow |
	    jq -e '.exports[0] | .state == "serving" and .writes == 0'
	thaw
	wait $writer
	aoe 1 -t 60 read 0.0 0 8192 | cmp - "$T/data"
}

# So many that files which the kernel treats alike are among them.
@test "twenty disks that hang hold up none of 200 others" {
	for ((i = 1; i <= 20; i++)); do
		truncate -s 64K "$T/slow/$i"
		echo "0.$i $T/slow/$i $(client_mac 1) aoe0 slow$i"
	done >>"$T/table"
	for ((i = 0; i < 200; i++)); do
		truncate -s 64K "$T/$i"
		echo "1.$i $T/$i $(client_mac 2) aoe0 quick$i sync=none"
	done >>"$T/table"
	aoectl reload
	wait_until 60 state_is quick199 serving
	freeze
	for ((i = 0; i <= 20; i++)); do
		frames+=("$(write_of 61 "$i")")
	done
	run aoe 1 -t 0.3 raw "${frames[@]}"
	[ "$status" = 1 ]
	wait_until 60 heard_by_slow 21
	head -c 512 /dev/urandom >"$T/sector"
	# shellcheck disable=SC2016
	client 2 bash -euc 'for ((i = 0; i < 200; i++)); do
		"$1" -i aoe0 -t 60 write "1.$i" 0 <"$2" || exit
	done' sh "$TOOLS/aoeinit" "$T/sector"
	thaw
}

@test "the other export is served, status and stop are answered at once" {
	others_go_on
}

# Where the worker writes by itself whatever need not wait.
@test "on XFS too" {
	need mkfs.xfs
	others_go_on
}

@test "a stop waits for what is in flight, other commands do not wait for it" {
	aoe 1 write 0.0 0 < <(head -c 512 /dev/zero)
	freeze
	run aoe 1 -t 0.3 raw "$(write_of 61)"
	[ "$status" = 1 ]
	wait_until 60 heard_by_slow 3
	"$BIN/aoectl" -s "$T/aoed.sock" stop slow >"$T/stopped" 3>&- &
	stopper=$!
	wait_until 60 eval "aoectl --json status slow |
	    jq -e '.exports[0].state == \"stopping\"'"
	timeout 60 "$BIN/aoectl" -s "$T/aoed.sock" restart quick
	aoe 2 identify 0.0 | grep -q sectors
	thaw
	wait $stopper
	[ "$(cat "$T/stopped")" = 'slow: stopped' ]
	[ "$(head -c 512 "$T/slow/disk" | tr -d a | wc -c)" = 0 ]
}

# One write to a disk that hangs, and one to the other.  True if by now that
# many writes have been left behind.
hang_once() {
	freeze
	! aoe 1 -t 0.1 raw "$(write_of 62)" || return 2
	head -c 512 /dev/urandom >"$T/sector"
	aoe 2 -t 60 write 0.0 0 <"$T/sector"
	aoe 2 -t 60 read 0.0 0 1 | cmp - "$T/sector"
	thaw
	aoe 1 -t 60 write 0.0 0 <"$T/sector"
	aoectl --json stats | jq -e "[.workers[].kept] | add >= $1"
}

# The thread that hung is the next one's relief; not at once, because after
# that a worker lets others write for a while.
@test "a worker's threads take turns when disks keep them" {
	wait_until 60 hang_once 1
	wait_until 60 hang_once 2
	wait_until 60 hang_once 3
}

sockets_are() {
	[ "$(srv cat /proc/net/packet | tail -n +2 | wc -l)" = "$1" ]
}

# The ring of the thread that hung has polls of the interface's sockets, and
# nothing ever comes there.
@test "who comes back from a disk lets go of an interface that has left" {
	ip -n "$AOE_NET-s" link add quiet type veth peer name other
	ip -n "$AOE_NET-s" link set quiet mtu 9000 up
	ip -n "$AOE_NET-s" link set other up
	sockets=$(srv cat /proc/net/packet | tail -n +2 | wc -l)
	truncate -s 64K "$T/third"
	cp "$T/table" "$T/without"
	echo "1 $T/third $(client_mac 2) quiet third" >>"$T/table"
	aoectl reload
	wait_until 10 state_is third serving
	wait_until 60 hang_once 1
	cp "$T/without" "$T/table"
	aoectl reload
	wait_until 10 sockets_are "$sockets"
}

# It would be a write, for which a read from the page cache would wait.
@test "when an image was read is not noted" {
	mount -o remount,strictatime "$T/slow"
	noted=$(stat -c %x "$T/slow/disk")
	aoe 1 read 0.0 0 16 >/dev/null
	aoe 1 read 0.0 0 16 | cmp - <(head -c 8K /dev/zero)
	[ "$(stat -c %x "$T/slow/disk")" = "$noted" ]
	cmp -n 1 "$T/slow/disk" /dev/zero
	[ "$(stat -c %x "$T/slow/disk")" != "$noted" ]
}

# Around the page cache: there the kernel itself keeps no order, and all that
# has come is let loose at once.
@test "writes that overlap take effect in the order of their arrival" {
	sed -i 's/buffers=100/buffers=100,direct/' "$T/table"
	aoectl reload
	wait_until 60 state_is slow serving
	freeze
	frames=()
	for byte in {61..69} {61..69} 61 62 63 61 62 7a; do
		frames+=("$(write_of "$byte")")
	done
	run aoe 1 -t 0.3 raw "${frames[@]}"
	[ "$status" = 1 ]
	wait_until 60 heard_by_slow 24
	thaw
	wait_until 60 eval "aoectl --json status slow |
	    jq -e '.exports[0].writes == 24'"
	[ "$(head -c 512 "$T/slow/disk" | tr -d z | wc -c)" = 0 ]
}
