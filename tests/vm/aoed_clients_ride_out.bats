#!/usr/bin/env bats
# Two clients, each with its own e0.0, write and verify without a pause while
# the daemon is restarted, killed, reloaded, and one of them stopped for a
# moment: no I/O error, no wrong byte.

load ../e2e/helpers
load ../e2e/aoenet
load vm

setup() {
	setup_tmp
	vm_build
	vm_more_tools
	SECONDS_OF_LOAD=$(for_long 8 60)
	# shellcheck disable=SC2034 # vm.bash's
	VM_TIMEOUT=$((600 + 4 * SECONDS_OF_LOAD))
}

teardown() {
	run_cleanup
}

# guest NUMBER MKFS TYPE: a client that makes a file system and loads it.
guest() {
	cat >"$T/script$1" <<-SCRIPT
	tools_up
	aoe_up e0.0
	exec 9</dev/etherd/e0.0
	$2 /dev/etherd/e0.0
	mount -t $3 /dev/etherd/e0.0 /mnt
	echo loading
	fio_on /mnt/file 24 $SECONDS_OF_LOAD
	echo loaded
	umount /mnt
	! io_errors
	SCRIPT
	vm_run "$(client_mac "$1")" "$T/script$1" "$T/out$1"
}

is_loading() {
	grep -q '^loading' "$T/out1" && grep -q '^loading' "$T/out2"
}

is_loaded() {
	grep -q '^loaded\|^VM-EXIT' "$T/out1" &&
	    grep -q '^loaded\|^VM-EXIT' "$T/out2"
}

# Another row comes, is altered and goes, ten reloads without a pause.
reloads() {
	local i row="1 $T/other FF:FF:FF:FF:FF:FF aoe0 other"
	for i in {1..10}; do
		sed -i '/other/d' "$T/aoed.conf"
		case $((i % 3)) in
		1) echo "$row" >>"$T/aoed.conf" ;;
		2) echo "$row ro" >>"$T/aoed.conf" ;;
		esac
		aoectl reload >/dev/null
	done
}

disturb() {
	case $(($1 % 5)) in
	0 | 2) reloads ;;
	1) stop_aoed && start_aoed "$T/aoed.conf" ;;
	3) { kill_now "$AOED_PID" || true; } && start_aoed "$T/aoed.conf" ;;
	4) aoectl stop one && sleep 0.5 && aoectl start one ;;
	esac
}

ride_out() {
	local round=0
	aoe_net 0 "$1"
	truncate -s 64M "$T/disk1" "$T/other"
	truncate -s 320M "$T/disk2"
	cat >"$T/aoed.conf" <<-TABLE
	0 $T/disk1 $(client_mac 1) aoe0 one
	0 $T/disk2 $(client_mac 2) aoe0 two
	TABLE
	start_aoed "$T/aoed.conf"
	guest 1 'mkfs.ext4 -q' ext4 &
	ext4=$!
	guest 2 'mkfs.xfs -q' xfs &
	xfs=$!
	wait_until 90 is_loading
	until is_loaded; do
		disturb $((round++))
		sleep 1
	done
	wait $ext4 || vm_failed "$T/out1"
	wait $xfs || vm_failed "$T/out2"
	echo "$round disturbances"
	[ "$round" -ge 4 ]
	[ "$(grep -c 'aoed.conf: reloaded' "$T/aoed.log")" -ge 20 ]
	e2fsck -fn "$T/disk1"
	xfs_repair -n "$T/disk2"
	run grep -E 'ALARM|refused|Sanitizer' "$T/aoed.log"
	[ "$status" = 1 ]
}

@test "ext4 and XFS at MTU 9000, through restarts and reloads" {
	ride_out 9000
}

@test "ext4 and XFS at MTU 1500, through restarts and reloads" {
	[ -n "${LONG-}" ] || skip 'LONG=1 only; the lossy network is at MTU 1500'
	ride_out 1500
}
