#!/bin/bash
# bench_rotate.sh: six snapshots of one client, which share their files by hard
# link; one or five of them are removed:
#
#	irsync-rotate	by its rules, with all that it does besides
#	rm -rf
#	find -delete
#	find | xargs	find -maxdepth 1 -type d | xargs rm -rf, as of old
#	rsync		rsync -a --delete from an empty folder, then rmdir
#
# on ext4, XFS and btrfs (loop devices), with all of it in the page cache and
# with none.  Every measurement begins with the same image, fills or drops the
# caches, and ends when the file system has written everything.  Last, a folder
# of a million files.  What counts are the ratios.
#
#	bench_rotate.sh			everything, FILES ROUNDS FSS in the environment
#	bench_rotate.sh prepare DIR	make the images
#	bench_rotate.sh cell DIR FS warm|cold 1|5 TOOL	one measurement
#	bench_rotate.sh part DIR FS warm|cold	both counts by every tool, once
#	bench_rotate.sh wide DIR TOOL	one with the big folder
#	bench_rotate.sh report DIR	table, rotate.json and rotate.svg in DIR
#
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The backshelf authors
set -euE
# In a mount namespace of its own: should others copy their mounts meanwhile, an
# image stays mounted there, and XFS and btrfs mount no second one like it.
if [ -z "${BENCH_ROTATE-}" ]; then
	BENCH_ROTATE=1 exec unshare --mount --propagation private "$0" "$@"
fi
TOP=${TOP:-$(cd "$(dirname "$0")/../.." && pwd)}
BIN=${BIN:-$TOP/build/bin}
FILES=${FILES:-100000}
WIDE=${WIDE:-1000000}
ROUNDS=${ROUNDS:-3}
FSS=${FSS:-ext4 xfs btrfs}
TOOLS_MEASURED=(irsync-rotate rm find xargs rsync)
trap 'echo "bench_rotate.sh:$LINENO: $BASH_COMMAND failed" >&2' ERR

make_fs() {
	case $1 in
	ext4) mkfs.ext4 -q -F "$2" ;;
	wide) mkfs.ext4 -q -F -N $((WIDE + 10000)) "$2" ;;
	xfs) mkfs.xfs -q -f "$2" ;;
	btrfs) mkfs.btrfs -q -f "$2" >/dev/null 2>&1 ;;
	esac
}

# fill ROOT SNAPSHOTS FILES PER_FOLDER BYTES: made in no order, so that names, inodes
# and places in folders are as unlike as after years.
fill() {
	python3 - "$@" <<-'PY'
	import calendar, json, os, random, sys, time
	root, snapshots, files, per, size = sys.argv[1], *map(int, sys.argv[2:])
	random.seed(1)
	snaps = root + "/host.snaps/"
	os.makedirs(snaps + ".meta")
	stamps = ["2026-11-%02dT040200Z" % (10 + i) for i in range(snapshots)]
	dirs = ["%02d/%04d" % (d % 40, d) for d in range(files // per)]
	names = [d + "/file-%07d.dat" % i for d in dirs for i in range(per)]
	random.shuffle(names)
	for stamp in stamps:
	    for d in dirs:
	        os.makedirs(snaps + stamp + "/" + d)
	    for n in names if stamp == stamps[0] else sorted(names):
	        if stamp == stamps[0]:
	            with open(snaps + stamp + "/" + n, "w") as f:
	                f.write("x" * size)
	        else:
	            os.link(snaps + stamps[0] + "/" + n, snaps + stamp + "/" + n)
	    t = calendar.timegm(time.strptime(stamp, "%Y-%m-%dT%H%M%SZ"))
	    json.dump({"version": 1, "stamp": stamp, "status": "complete",
	        "way": "overlay", "client": "local", "base": "", "started": t,
	        "ended": t, "rsync_exit": 0, "entries": files, "linked": 0,
	        "moved": 0, "dropped": 0, "copied": 0, "bytes": size * files,
	        "bytes_new": 4096 * files, "overlay_xattrs": False},
	        open(snaps + ".meta/" + stamp + ".json", "w"))
	PY
}

# image DIR FS SNAPSHOTS FILES PER_FOLDER BYTES
image() {
	truncate -s 3G "$1/new.img"
	make_fs "$2" "$1/new.img"
	mkdir -p "$1/mnt"
	mount -o loop "$1/new.img" "$1/mnt"
	fill "$1/mnt/root" "${@:3}" || { umount "$1/mnt"; return 1; }
	umount "$1/mnt"
	mv "$1/new.img" "$1/$2.img"
}

prepare() {
	local fs
	for fs in $FSS; do
		[ -e "$1/$fs.img" ] || image "$1" "$fs" 6 "$FILES" 100 200
	done
	[ -e "$1/wide.img" ] || image "$1" wide 2 "$WIDE" "$WIDE" 0
}

# timed DIR COMMAND...: run it; print milliseconds until all is on the disk, the
# most memory that it or one of its children had, in KiB, and the milliseconds of
# processor time that they took, which say something on a busy machine too.
timed() {
	python3 - "$@" <<-'PY'
	import os, resource, subprocess, sys, time
	start = time.monotonic()
	rc = subprocess.run(sys.argv[2:], stdout=subprocess.DEVNULL).returncode
	used = resource.getrusage(resource.RUSAGE_CHILDREN)
	fd = os.open(sys.argv[1], os.O_RDONLY)
	subprocess.run(["sync", "-f", sys.argv[1]], check=True)
	ms = round((time.monotonic() - start) * 1000)
	if rc != 0:
	    sys.exit("%s ended with %d" % (sys.argv[2], rc))
	print(ms, used.ru_maxrss, round((used.ru_utime + used.ru_stime) * 1000))
	PY
}

# remove DIR TOOL COUNT: the oldest COUNT snapshots; prints what timed does.
remove() {
	local snaps=$1/mnt/root/host.snaps all
	all=("$snaps"/2*)
	mkdir -p "$1/empty"
	case $2 in
	irsync-rotate)
		echo "keep-last = $((${#all[@]} - $3))" >"$1/conf"
		timed "$1/mnt" "$BIN/irsync-rotate" -f "$1/conf" "$1/mnt/root"
		;;
	rm) timed "$1/mnt" rm -rf "${all[@]:0:$3}" ;;
	find) timed "$1/mnt" find "${all[@]:0:$3}" -delete ;;
	xargs)
		touch -d '1 year ago' "${all[@]:0:$3}"
		# shellcheck disable=SC2016
		timed "$1/mnt" sh -c 'find "$1" -mindepth 1 -maxdepth 1 \
		    -mtime +14 -type d -name "2*" | xargs rm -rf' sh "$snaps"
		;;
	rsync)
		# shellcheck disable=SC2016
		timed "$1/mnt" sh -c 'e=$1; shift; for d; do
		    rsync -a --delete "$e/" "$d/" && rmdir "$d"; done' sh \
		    "$1/empty" "${all[@]:0:$3}"
		;;
	esac
}

# measure DIR IMAGE warm|cold COUNT TOOL: from a fresh copy of the image.
measure() {
	local left
	cp --sparse=always "$1/$2.img" "$1/run.img"
	sync "$1/run.img"
	mount -o loop "$1/run.img" "$1/mnt"
	# shellcheck disable=SC2064
	trap "umount '$1/mnt'" EXIT
	if [ "$3" = cold ]; then
		echo 3 >/proc/sys/vm/drop_caches
	else
		find "$1/mnt/root" -printf '%s' >/dev/null
	fi
	remove "$1" "$5" "$4"
	left=$(find "$1/mnt/root/host.snaps" -maxdepth 1 -name '*2*' | wc -l)
	umount "$1/mnt"
	trap - EXIT
	rm -f "$1/run.img"
	if [ "$2" = wide ]; then
		[ "$left" = 1 ]
	else
		[ "$left" = $((6 - $4)) ]
	fi
}

cell() {
	local got
	got=$(measure "$1" "$2" "$3" "$4" "$5")
	# shellcheck disable=SC2086
	printf '{"fs": "%s", "cache": "%s", "snapshots": %d, "tool": "%s", "ms": %d, "kib": %d, "cpu_ms": %d}\n' \
	    "$2" "$3" "$4" "$5" $got | tee -a "$1/results"
}

# report DIR: medians, as a table, JSON and a picture.
report() {
	python3 - "$1" <<-'PY'
	import collections, json, statistics, sys
	top = sys.argv[1]
	rows = collections.OrderedDict()
	for line in open(top + "/results"):
	    r = json.loads(line)
	    key = (r["fs"], r["cache"], r["snapshots"])
	    rows.setdefault(key, {}).setdefault(r["tool"], []).append(r)
	tools = ["irsync-rotate", "rm", "find", "xargs", "rsync"]
	out, plot = [], open(top + "/rotate.dat", "w")
	print("%-6s %-5s %-3s %14s" % ("fs", "cache", "n", "irsync-rotate") +
	    "".join("%16s" % t for t in tools[1:]))
	for key, cells in rows.items():
	    if "irsync-rotate" not in cells:
	        continue
	    ms = {t: statistics.median(r["ms"] for r in c)
	        for t, c in cells.items()}
	    kib = {t: max(r["kib"] for r in c) for t, c in cells.items()}
	    cpu = {t: statistics.median(r["cpu_ms"] for r in c)
	        for t, c in cells.items()}
	    ours = ms["irsync-rotate"]
	    print("%-6s %-5s %-3d %12.2f s" % (*key, ours / 1000) + "".join(
	        "%8.2f s %4.1fx" % (ms[t] / 1000, ms[t] / ours)
	        if t in ms else "%16s" % "-" for t in tools[1:]) +
	        "  %4.2f s, %d MiB" % (cpu["irsync-rotate"] / 1000,
	        -(-kib["irsync-rotate"] // 1024)))
	    out.append({"fs": key[0], "cache": key[1], "snapshots": key[2],
	        "ms": ms, "kib": kib, "cpu_ms": cpu,
	        "ratio": {t: round(ms[t] / ours, 2) for t in ms}})
	    if key[0] != "wide":
	        print('"%s %s %d"' % key, *("%.3f" % (ms.get(t, 0) / 1000)
	            for t in tools), file=plot)
	plot.close()
	json.dump(out, open(top + "/rotate.json", "w"), indent=1)
	PY
	command -v gnuplot >/dev/null || return 0
	gnuplot <<-PLOT
	set terminal svg size 900,420 font "sans,12" background "white"
	set output "$1/rotate.svg"
	set style data histogram
	set style histogram clustered gap 1.5
	set style fill pattern 1 border -1
	set ylabel "seconds, less is better"
	set yrange [0:*]
	set grid ytics
	set key top left
	set xtics rotate by -35
	plot "$1/rotate.dat" using 2:xtic(1) title "irsync-rotate" \
	    lc rgb "#0072b2" fs solid, \
	    "" using 3 title "rm -rf" lc rgb "#e69f00", \
	    "" using 4 title "find -delete" lc rgb "#009e73", \
	    "" using 5 title "find | xargs rm" lc rgb "#cc79a7", \
	    "" using 6 title "rsync from empty" lc rgb "#56b4e9"
	PLOT
}

# part DIR FS warm|cold: each of these is a process, as it may end in a trap.
part() {
	local n tool
	for n in 1 5; do
		for tool in "${TOOLS_MEASURED[@]}"; do
			("$0" cell "$1" "$2" "$3" "$n" "$tool")
		done
	done
}

everything() {
	local fs cache tool round
	. "$TOP/tests/e2e/helpers.bash"
	setup_tmp
	trap run_cleanup EXIT
	prepare "$T"
	for ((round = 0; round < ROUNDS; round++)); do
		for fs in $FSS; do
			for cache in warm cold; do
				part "$T" "$fs" "$cache" >/dev/null
			done
		done
		for tool in irsync-rotate rm find; do
			("$0" cell "$T" wide warm 1 "$tool") >/dev/null
		done
	done
	echo "six snapshots of $FILES files; seconds, and how many times ours; the last columns are our processor time and memory:"
	report "$T"
	[ -z "${OUT-}" ] || cp "$T/rotate.json" "$T/rotate.svg" "$OUT"
}

case ${1-} in
'') everything ;;
prepare) prepare "$2" ;;
cell) cell "$2" "$3" "$4" "$5" "$6" ;;
part) part "$2" "$3" "$4" ;;
wide) cell "$2" wide warm 1 "$3" ;;
report) report "$2" ;;
*) sed -n 's/^#	bench_rotate/usage: bench_rotate/p' "$0" >&2; exit 64 ;;
esac
