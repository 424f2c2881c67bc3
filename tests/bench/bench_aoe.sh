#!/bin/bash
# bench_aoe.sh: AoE targets under load, by turns on one veth pair:
#
#	aoed	ours; writes with sync=none
#	vblade	Debian's, one process for each export
#	null	a responder with no storage behind it (aoenull.c): the ceiling
#
# and, for writes that are stable when they are acknowledged,
#
#	aoed-sync	ours; sync=always
#	vblade-sync	vblade -s
#
# and, for what further workers are good for, aoed with 54 exports on all
# processors, beside a client that sleeps between answers:
#
#	aoed-jN		with N workers, each of WORKERS
#
# by two loads: reads, and verify: READ VERIFY SECTORS of 64 KiB, for which the
# client does next to nothing.
#
# All serve the same images, which are in the page cache.  The clients, which
# would be other machines, have a processor of their own, and all targets run on
# the others.  In the environment:
#
#	EXPORTS	numbers of exports		"1 4 10 54 1000"
#	TARGETS	of those above			"aoed vblade null"
#	LOADS	read write rand, 4 in flight;	"read write rand latency"
#		latency: 1 export, 1 in flight; deep: 1 export, 16 writes
#	MTUS					"9000 1500"
#	TURNS	how often each is measured	3
#	SECONDS_EACH	and for how long	2
#	CLIENT_CPUS, TARGET_CPUS	as taskset has them (the last; the others)
#	OUT	where results.json, table.txt and aoe.svg go (none)
#	KEEP	add to the results.json that is there ("")
#	WORKERS	numbers of workers	1, 2 … as many as processors
#	IDLE	watch aoed for so many idle seconds, once per number (0)
#
# vblade is left out above 54 exports: each is a process.  A run may be divided
# into several by KEEP; each prints what is in results.json by then.
#
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The backshelf authors
set -euE
# shellcheck source=tests/e2e/helpers.bash
. "$TOP/tests/e2e/helpers.bash"
LOAD=$B/tests/bench/aoeload
NULL=$B/tests/bench/aoenull
EXPORTS=${EXPORTS:-1 4 10 54 1000}
TARGETS=${TARGETS:-aoed vblade null}
LOADS=${LOADS:-read write rand latency}
MTUS=${MTUS:-9000 1500}
TURNS=${TURNS:-3}
SECONDS_EACH=${SECONDS_EACH:-2}
IDLE=${IDLE:-0}
IDLE_ASKED=$IDLE
CPUS=$(nproc)
WORKERS=${WORKERS-$(for ((w = 1; w <= CPUS; w *= 2)); do echo "$w"; done)}
CLIENT_CPUS=${CLIENT_CPUS:-$((CPUS - 1))}
TARGET_CPUS=${TARGET_CPUS:-0-$((CPUS > 1 ? CPUS - 2 : 0))}
trap 'echo "bench_aoe.sh:$LINENO: $BASH_COMMAND failed" >&2' ERR
setup_tmp
trap run_cleanup EXIT
NET=bsb$$
RESULTS=${OUT:-$T}/results.json
MAX=0
for n in $EXPORTS; do [ "$n" -le "$MAX" ] || MAX=$n; done

network() {
	local side
	for side in s c; do
		ip netns add "$NET-$side"
		on_exit ip netns del "$NET-$side"
		ip netns exec "$NET-$side" sysctl -qw \
		    net.ipv6.conf.all.disable_ipv6=1
	done
	ip -n "$NET-s" link add aoe0 mtu 9000 type veth \
	    peer name aoe0 mtu 9000 netns "$NET-c"
	ip -n "$NET-s" link set aoe0 up
	ip -n "$NET-c" link set aoe0 up
}

mtu() {
	ip -n "$NET-s" link set aoe0 mtu "$1"
	ip -n "$NET-c" link set aoe0 mtu "$1"
}

on_target() {
	exec ip netns exec "$NET-s" taskset -c "$TARGET_CPUS" "$@"
}

on_client() {
	ip netns exec "$NET-c" taskset -c "$CLIENT_CPUS" "$@"
}

# MiB of an image.  All images of a run together have the same size, whatever
# their number, or few exports would be read from the processor's caches.
image_mib() {
	echo $((1024 / $1 > 1 ? 1024 / $1 : 1))
}

# The images of a run with N exports: $T/images/N/K.
images() {
	local n=$1 k
	[ ! -d "$T/images/$n" ] || return 0
	mkdir -p "$T/images/$n"
	for ((k = 0; k < n; k++)); do
		"$LOAD" -m "$T/images/$n/$k" -k "$k" -S "$(image_mib "$n")"
	done
	table_aoed "$n" none
	table_aoed "$n" always
	sync
}

# address K: as aoepattern.h has it.
shelf() { echo $((1 + $1 / 250)); }
slot() { echo $(($1 % 250)); }

# The table of N exports with that sync, for aoed.
table_aoed() {
	local n=$1 sync=$2 k
	for ((k = 0; k < n; k++)); do
		echo "$((1 + k / 250)).$((k % 250)) $T/images/$n/$k" \
		    "FF:FF:FF:FF:FF:FF aoe0 d$k sync=$sync"
	done >"$T/$n.$sync.conf"
}

# start TARGET N: PIDS is then what runs.
start_aoed() {
	local n=$1 sync=$2
	shift 2
	mkdir -p "$T/state"
	on_target "$BIN/aoed" -d -f "$T/$n.$sync.conf" \
	    -s "$T/aoed.sock" -S "$T/state" "$@" </dev/null >>"$T/log" 2>&1 &
	PIDS=($!)
}

start_vblade() {
	local n=$1 k
	shift
	for ((k = 0; k < n; k++)); do
		on_target /usr/sbin/vblade "$@" "$(shelf "$k")" \
		    "$(slot "$k")" aoe0 "$T/images/$n/$k" \
		    </dev/null >>"$T/log" 2>&1 &
		PIDS+=($!)
	done
}

start() {
	PIDS=()
	case $1 in
	aoed) start_aoed "$2" none ;;
	aoed-sync) start_aoed "$2" always ;;
	aoed-j*) start_aoed "$2" none -j "${1#aoed-j}" ;;
	vblade) start_vblade "$2" ;;
	vblade-sync) start_vblade "$2" -s ;;
	null)
		on_target "$NULL" -i aoe0 -n "$2" </dev/null \
		    >>"$T/log" 2>&1 &
		PIDS=($!)
		;;
	esac
	on_client "$LOAD" -i aoe0 -n "$2" -f >"$T/found"
}

# note TARGET N LOAD VALUE: one line of JSON, of what is no load.
note() {
	jq -nc "{target: \"$1\", exports: $2, load: \"$3\", value: $4}" \
	    >>"$RESULTS"
}

# How often all threads of the target have slept or been taken off, so far.
switches() {
	local pid
	for pid in $(family "${PIDS[@]}"); do
		cat "/proc/$pid"/task/*/status
	done | awk '/ctxt_switches/ { n += $2 } END { print n }'
}

# watch_idle TARGET N: how often does it wake up with nothing to do?
watch_idle() {
	local before
	sleep 5
	before=$(switches)
	sleep "$IDLE"
	note "$1" "$2" idle "$(($(switches) - before))"
}

# What serves too: aoed is two processes.
family() {
	local pid
	for pid in "$@"; do
		echo "$pid"
		pgrep -P "$pid" -f 'aoed: serve' || true
	done
}

stop() {
	kill "${PIDS[@]}" 2>/dev/null || true
	wait "${PIDS[@]}" 2>/dev/null || true
}

# The options of a load at an MTU: requests are what one frame holds, but 8 KiB
# at most, 4 KiB for random ones.
load_options() {
	local bytes=8192
	[ "$2" -ge 9000 ] || bytes=1024
	case $1 in
	read) echo "-l read -b $bytes -w ${WINDOW:-4}" ;;
	write) echo "-l write -b $bytes -w ${WINDOW:-4}" ;;
	rand) echo "-l read -o rand -w ${WINDOW:-4}" \
	    "-b $((bytes < 4096 ? bytes : 4096))" ;;
	latency) echo "-l read -b $bytes -w 1" ;;
	deep) echo "-l write -b $bytes -w 16" ;;
	sleepy) echo "-l read -b $bytes -w 4 -z" ;;
	verify) echo "-l verify -b 65536 -w 4 -z" ;;
	esac
}

# measure TARGET N LOAD MTU: one line of JSON into the results.
measure() {
	local target=$1 n=$2 load=$3 mtu=$4 pids
	pids=$(family "${PIDS[@]}" | paste -sd,)
	# shellcheck disable=SC2046
	on_client "$LOAD" -i aoe0 -n "$n" \
	    -S "$(image_mib "$n")" -t "$SECONDS_EACH" -p "$pids" \
	    $(load_options "$load" "$mtu") |
	    jq -c ". + {target: \"$target\", load: \"$load\", mtu: $mtu}" \
	    >>"$RESULTS"
}

fits() {
	case $1,$3 in
	*,latency | *,deep) [ "$2" = 1 ] ;;
	vblade*,*) [ "$2" -le 54 ] ;;
	*) true ;;
	esac
}

# turn TARGET N MTU: start it, measure it under each load, stop it.
turn() {
	local target=$1 n=$2 mtu=$3 load began
	began=$EPOCHREALTIME
	start "$target" "$n"
	note "$target" "$n" start \
	    "$(jq -n "($EPOCHREALTIME - $began) * 1000 | round / 1000")"
	[ "$IDLE" = 0 ] || [ "$target" != aoed ] || watch_idle "$target" "$n"
	IDLE=0
	for load in $LOADS; do
		fits "$target" "$n" "$load" || continue
		measure "$target" "$n" "$load" "$mtu"
	done
	stop
}

run_all() {
	local n mtu turn target idle=$IDLE
	for n in $EXPORTS; do
		images "$n"
		IDLE=$idle
		for mtu in $MTUS; do
			mtu "$mtu"
			for ((turn = 0; turn < TURNS; turn++)); do
				for target in $TARGETS; do
					! fits "$target" "$n" read ||
					    turn "$target" "$n" "$mtu"
				done
			done
		done
		rm -rf "$T/images/$n"
	done
}

# What each number of workers gives, where nobody has a processor of his own.
run_workers() {
	local CLIENT_CPUS=0-$((CPUS - 1)) LOADS='sleepy verify' IDLE=0 turn w
	local TARGET_CPUS=$CLIENT_CPUS
	images 54
	mtu 9000
	for ((turn = 0; turn < TURNS; turn++)); do
		for w in $WORKERS; do
			turn "aoed-j$w" 54 9000
		done
	done
	rm -rf "$T/images/54"
}

# Medians over the turns, a line for each of (mtu, load, exports, target).
medians() {
	jq -s 'def median: sort | .[length / 2 | floor];
	    map(select(has("mb_s"))) | group_by([.mtu, .load, .exports, .target]) | map({
	    mtu: .[0].mtu, load: .[0].load, exports: .[0].exports,
	    target: .[0].target, bytes: .[0].bytes, turns: length,
	    mb_s: map(.mb_s) | median, p50_us: map(.p50_us) | median,
	    p99_us: map(.p99_us) | median, fairness: map(.fairness) | median,
	    again: map(.again) | add, cpu: map(.cpu) | median,
	    mib: map(.mib) | median})' "$RESULTS"
}

table() {
	printf '%5s %-8s %7s  %-12s %8s %8s %8s %6s %5s %6s\n' MTU load \
	    exports target MB/s 'p50 us' 'p99 us' fair cpu MiB
	medians | jq -r '.[] | [.mtu, .load, .exports, .target, .mb_s, .p50_us,
	    .p99_us, .fairness, .cpu, .mib] | @tsv' |
	while read -r mtu load n target mbs p50 p99 fair cpu mib; do
		printf '%5s %-8s %7s  %-12s %8.0f %8.1f %8.1f %6.2f %5.2f %6.1f\n' \
		    "$mtu" "$load" "$n" "$target" "$mbs" "$p50" "$p99" \
		    "$fair" "$cpu" "$mib"
	done
}

# ratio_line LABEL A B: ours over a peer, where both were measured.
ratios() {
	medians | jq -r '
	    . as $all | .[] | select(.target == "aoed" or
	    .target == "aoed-sync") as $o | $all[] |
	    select(.target != $o.target and .mtu == $o.mtu and
	    .load == $o.load and .exports == $o.exports and
	    (.target == "null" or (.target | endswith("-sync")) ==
	    ($o.target | endswith("-sync")))) |
	    "MTU \(.mtu), \(.load), \($o.exports) exports: \($o.target) is " +
	    (if .load == "latency" then
	    "\($o.p50_us / .p50_us * 100 | round / 100) x the median latency"
	    else "\($o.mb_s / .mb_s * 100 | round / 100) x the throughput"
	    end) + " of \(.target)"'
}

# notes NAME: medians of what is no load.
notes() {
	jq -sc --arg load "$1" 'map(select(has("value") and .load == $load)) |
	    group_by([.exports, .target]) | map({target: .[0].target,
	    exports: .[0].exports, value: map(.value) | sort |
	    .[length / 2 | floor]})' "$RESULTS"
}

# Seconds to the first answer of all exports, and wake-ups while idle.
others() {
	notes start | jq -r '.[] | select(.target | startswith("aoed")) |
	    "\(.exports) exports: \(.target) answers for all after " +
	    "\(.value) s"'
	notes idle | jq -r '.[] | "\(.exports) exports: \(.target), idle, " +
	    "wakes up \(.value) times in '"$IDLE"' s"'
	medians | jq -r '.[] | select(.target | startswith("aoed-j")) |
	    "\(.load): \(.target[6:]) workers do \(.mb_s) MB/s, " +
	    "slowest over fastest \(.fairness)"'
	medians | jq -r 'map(select(.mtu == 9000 and .target == "aoed" and
	    (.load == "read" or .load == "write" or .load == "rand"))) |
	    group_by(.load)[] | (map(select(.exports <= 54).mb_s) | max) as
	    $best | (.[] | select(.exports == 54).mb_s) as $many |
	    "\(.[0].load): 54 exports do " +
	    "\($many / $best * 100 | round / 100) of the best of 1 to 54" +
	    (.[] | select(.exports == 1000) | ", 1000 exports " +
	    "\(.mb_s / $many * 100 | round / 100) of 54")'
}

# Throughput against exports at MTU 9000, one picture for each load.
plot() {
	local load target from
	local -A names=([aoed]=aoed [vblade]=vblade [null]='no storage'
	    [read]='8 KiB reads' [write]='8 KiB writes'
	    [rand]='4 KiB random reads')
	command -v gnuplot >/dev/null || return 0
	{
		echo "set terminal svg size 960,320 font 'sans,12' background 'white'"
		echo "set output '$OUT/aoe.svg'"
		echo "set multiplot layout 1,3"
		echo "set logscale x; set xtics (1,4,10,54,1000)"
		echo "set xlabel 'exports'; set yrange [0:*]; set grid y"
		echo "set xrange [0.8:1300]"
		echo "set key bottom left Left reverse; set style data linespoints"
		for load in read write rand; do
			echo "set title '${names[$load]}, MB/s'"
			printf 'plot 0 notitle'
			for target in aoed vblade null; do
				from=$T/$target.$load
				medians | jq -r ".[] | select(.mtu == 9000 and
				    .target == \"$target\" and
				    .load == \"$load\") |
				    [.exports, .mb_s] | @tsv" |
				    sort -n >"$from"
				[ ! -s "$from" ] ||
				    printf ", '%s' using 1:2 title '%s' lw 2" \
				    "$from" "${names[$target]}"
			done
			echo
		done
	} | gnuplot
}

[ -n "${KEEP-}" ] || : >"$RESULTS"
network
run_all
[ -z "$WORKERS" ] || run_workers
table | tee "${OUT:-$T}/table.txt"
echo
ratios
IDLE=$IDLE_ASKED others
[ -z "${OUT-}" ] || plot
