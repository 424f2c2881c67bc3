#!/bin/bash
# bench_irsync.sh [STEP...]: irsync against its peers, through a real sshd, over
# the same files:
#
#	irsync		a push through validate-ssh, which becomes a snapshot
#	rsync		rsync --link-dest into a new folder, with --fake-super
#	rsnapshot-cp	rsnapshot as it comes (cp -al), pulling
#	rsnapshot-ld	rsnapshot with link_dest, pulling
#	rdiff-backup	pushing
#	borg		pushing, without encryption and compression
#	restic		pushing over sftp
#
# in four phases: first, unchanged, changed (one file in a hundred), restore.
# All go through the same sshd, with its usual cipher, and keep the files under
# their full names; what rsnapshot pulled, as root of the server, is restored by
# pushing it back, to an account without rights.
# Each tool begins with a new file system, ext4 in an image: on one that others
# use, or that a peer has just deleted from, ext4 looks for minutes past what
# was deleted, and the order of the tools would be what is measured.
#
# A STEP is the name of a tool, all its phases; or: overhead, million, report,
# clean.  Without any, all that has no result yet is run in order: so that a
# bench that was cut off goes on, and a step can be run alone where the machine
# is quiet for minutes only.
#
# Wall time is the client's, until the command returns; beside it the time until
# what was written is on the disk (sync), which irsync has done by then, and most
# peers have not.  CPU is what the tool's processes spent on both sides; memory
# the most that any one of them had; disk what the storage takes after the
# phase.  The account on the server has no rights.
#
# In the environment: FILES and BYTES, 100000 and 1.5 GB; WORK, a folder for 8 GB,
# /var/tmp/backshelf-bench; OUT, where the figures go, build/bench: irsync.json,
# irsync.txt (also on standard output), and irsync.svg if there is gnuplot.
#
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The backshelf authors
set -euE
# shellcheck source=tests/e2e/helpers.bash
. "$TOP/tests/e2e/helpers.bash"
FILES=${FILES:-100000}
BYTES=${BYTES:-1500000000}
WORK=${WORK:-/var/tmp/backshelf-bench}
OUT=${OUT:-$B/bench}
FS=$WORK/fs
PHASES=(first unchanged changed restore)
TOOLS_=(irsync rsync rsnapshot-cp rsnapshot-ld rdiff-backup borg restic)
SRC=$FS/source
export RESTIC_PASSWORD=bench BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK=yes
export BORG_BASE_DIR=$FS/borg-home XDG_CACHE_HOME=$FS/cache
export RESTIC_CACHE_DIR=$FS/cache/restic

trap 'echo "bench_irsync.sh:$LINENO: $BASH_COMMAND failed" >&2' ERR

# The cgroup whose processes count, or nothing: then the whole machine does.
CGROUP=
for c in /sys/fs/cgroup /sys/fs/cgroup/cpuacct; do
	if [ -e "$c/cgroup.procs" ] && mkdir "$c/bench.$$" 2>/dev/null; then
		CGROUP=$c/bench.$$
	fi
done

# It is to be left before it can go.
ended() {
	run_cleanup
	if [ -n "$CGROUP" ]; then
		echo $BASHPID >"${CGROUP%/*}/cgroup.procs"
		rmdir "$CGROUP" || :
	fi
}
trap ended EXIT

# A new file system with the source in it.
fs_begin() {
	mkdir -p "$FS" "$WORK/results"
	fs_end
	truncate -s 20G "$WORK/disk"
	mkfs.ext4 -q -F -E lazy_itable_init=0,lazy_journal_init=0 "$WORK/disk"
	mount -o loop "$WORK/disk" "$FS"
	mkdir "$SRC" "$FS/store" "$FS/peers" "$FS/cache"
	chown "$ACCOUNT_ID:$ACCOUNT_ID" "$FS/store" "$FS/peers"
	python3 "$TOP/tests/bench/source.py" "$SRC" "$FILES" "$BYTES"
}

fs_end() {
	if mountpoint -q "$FS"; then
		umount "$FS"
	fi
	rm -f "$WORK/disk"
}

# server: an sshd, with one key behind validate-ssh and one with a shell.
server() {
	setup_tmp
	chmod 755 "$WORK"
	[ -z "$CGROUP" ] || echo $BASHPID >"$CGROUP/cgroup.procs"
	start_sshd
	cat >"$T/sshguard.conf" <<-CONF
	root = "$FS/store"
	pull = true
	client "client" {}
	CONF
	authorize client
	ssh-keygen -q -t ed25519 -N '' -C bare -f "$T/ssh/bare_key"
	cat "$T/ssh/bare_key.pub" >>"$T/ssh/authorized_keys"
	sed "s,$SSH_KEY,$T/ssh/bare_key," "$SSH_CONF" >"$T/ssh/bare"
	BARE="ssh -F $T/ssh/bare"
	cat >"$T/irsync.conf" <<-CONF
	storage = "server:$FS/store"
	host = "client"
	ssh_config = "$SSH_CONF"
	paths = { "$SRC" }
	lock = "$T/lock"
	state = "$FS/state"
	CONF
}

# newest FOLDER: the newest of its entries.
newest() { (cd "$1" && printf '%s\n' * | sort | tail -n 1); }

back_irsync() { "$BIN/irsync" -f "$T/irsync.conf" backup; }
back_rsync() {
	local d=$FS/peers/rsync link=()
	as_account mkdir -p "$d"
	[ "$(newest "$d")" = '*' ] || link=(--link-dest="$d/$(newest "$d")")
	rsync -aHAX --numeric-ids --delete -M--fake-super -e "$BARE" \
	    --relative "${link[@]}" "$SRC" "server:$d/$(date +%s%N)/"
}
# rsnapshot wants tabs.
rsnapshot_conf() {
	printf '%s\t%s\n' config_version 1.2 snapshot_root "$FS/$1/" \
	    cmd_cp /bin/cp cmd_rm /bin/rm cmd_rsync /usr/bin/rsync \
	    cmd_ssh /usr/bin/ssh ssh_args "-F $T/ssh/bare" link_dest "$2" \
	    rsync_short_args -aHAX lockfile "$T/rsnapshot.pid" verbose 1 >"$T/$1.conf"
	printf 'retain\tday\t9\nbackup\tserver:%s/\tx/\n' "$SRC" >>"$T/$1.conf"
}
back_rsnapshot-cp() {
	rsnapshot_conf rsnapshot-cp 0
	rsnapshot -c "$T/rsnapshot-cp.conf" day
}
back_rsnapshot-ld() {
	rsnapshot_conf rsnapshot-ld 1
	rsnapshot -c "$T/rsnapshot-ld.conf" day
}
back_rdiff-backup() {
	rdiff-backup --remote-schema "$BARE {h} rdiff-backup server" \
	    backup "$SRC" "server::$FS/peers/rdiff-backup"
}
back_borg() {
	export BORG_RSH=$BARE
	[ -d "$FS/peers/borg" ] || borg init -e none \
	    "ssh://server$FS/peers/borg"
	borg create -C none "ssh://server$FS/peers/borg::$(date +%s%N)" "$SRC"
}
in_restic() {
	restic -q -o sftp.command="$BARE server -s sftp" \
	    -r "sftp:server:$FS/peers/restic" "$@"
}
back_restic() {
	[ -d "$FS/peers/restic" ] || in_restic init
	in_restic backup "$SRC"
}

give_irsync() { "$BIN/irsync" -f "$T/irsync.conf" --to "$1" restore; }
give_rsync() {
	local d=$FS/peers/rsync
	rsync -aHAX --numeric-ids -M--fake-super -e "$BARE" \
	    "server:$d/$(newest "$d")/" "$1/"
}
give_rsnapshot() {
	install -d -o "$ACCOUNT_ID" -g "$ACCOUNT_ID" "$2"
	rsync -aHAX --numeric-ids -e "$BARE" "$FS/$1/day.0/x/" "server:$2/"
}
give_rsnapshot-cp() { give_rsnapshot rsnapshot-cp "$1"; }
give_rsnapshot-ld() { give_rsnapshot rsnapshot-ld "$1"; }
give_rdiff-backup() {
	rdiff-backup --remote-schema "$BARE {h} rdiff-backup server" \
	    restore "server::$FS/peers/rdiff-backup" "$1"
}
give_borg() {
	export BORG_RSH=$BARE
	mkdir -p "$1"
	(cd "$1" && borg extract "ssh://server$FS/peers/borg::$(borg list \
	    --short --last 1 "ssh://server$FS/peers/borg")")
}
give_restic() { in_restic restore latest --target "$1"; }

place_of() {
	case $1 in
	irsync) echo "$FS/store" ;;
	rsnapshot-*) echo "$FS/$1" ;;
	*) echo "$FS/peers/$1" ;;
	esac
}

# cpu: microseconds that the tool has worked; or all, if that is not known.
cpu() {
	if [ -e "$CGROUP/cpu.stat" ]; then
		awk '/^usage_usec/ { print $2 }' "$CGROUP/cpu.stat"
	elif [ -e "$CGROUP/cpuacct.usage" ]; then
		echo $(($(<"$CGROUP/cpuacct.usage") / 1000))
	else
		awk '/^cpu / { print ($2 + $3 + $4 + $7 + $8) * 10000 }' \
		    /proc/stat
	fi
}

# measure PHASE TOOL: one run; "wall_us cpu_us memory_kib disk_kib synced_us".
measure() {
	local start c0 c1 end synced disk back=$FS/back
	echo "$1.$2 $(date +%T)" >&2
	sync
	python3 "$TOP/tests/bench/most.py" "$CGROUP" >"$T/memory" 3>&- &
	local watcher=$!
	wait_until 60 test -s "$T/memory"
	c0=$(cpu)
	start=${EPOCHREALTIME/./}
	if [ "$1" = restore ]; then
		"give_$2" "$back" >"$T/said" 2>&1
	else
		"back_$2" >"$T/said" 2>&1
	fi || { cat "$T/said" >&2; return 1; }
	end=${EPOCHREALTIME/./}
	c1=$(cpu)
	sync -f "$FS"
	synced=${EPOCHREALTIME/./}
	kill -TERM "$watcher"
	wait "$watcher" || true
	[ "$1" != restore ] || check_restored "$back"
	disk=$(du -sk "$(place_of "$2")" | cut -f1)
	echo "$((end - start)) $((c1 - c0)) $(tail -n 1 "$T/memory") $disk" \
	    "$((synced - start))" >"$WORK/results/$1.$2"
}

# What came back is what was there, by name, size and time.
check_restored() {
	local found
	found=$(find "$1" -type d -name d0 | awk '{ print length, $0 }' |
	    sort -n | head -n 1 | cut -d' ' -f2-)
	diff <(cd "$SRC" && find . -type f -printf '%P %s %T@\n' | sort) \
	    <(cd "${found%/*}" && find . -type f -printf '%P %s %T@\n' |
	    sort) >"$T/diff" || {
		echo 'what was restored differs:' >&2
		head "$T/diff" >&2
		return 1
	}
}

# What irsync adds: plain rsync with the same arguments to the same server, by
# turns, nothing changed.  Medians of five, in microseconds.
overhead() {
	local _ start argv
	echo "overhead $(date +%T)" >&2
	"$BIN/irsync" -v -f "$T/irsync.conf" backup >"$T/said" 2>&1
	argv=$(grep -m 1 '^irsync: rsync --' "$T/said" | cut -d' ' -f2-)
	for _ in 1 2 3 4 5; do
		start=${EPOCHREALTIME/./}
		back_irsync >/dev/null 2>&1
		echo $((${EPOCHREALTIME/./} - start)) >>"$T/with"
		start=${EPOCHREALTIME/./}
		bare_push >/dev/null 2>&1
		echo $((${EPOCHREALTIME/./} - start)) >>"$T/without"
	done
	[ -n "$argv" ]
	echo "$(sort -n "$T/with" | sed -n 3p) $(sort -n "$T/without" |
	    sed -n 3p)" >"$WORK/results/overhead"
}

bare_push() {
	rsync --archive --hard-links --acls --xattrs --sparse --numeric-ids \
	    --modify-window=-1 --relative --delete --delete-excluded \
	    --partial --stats --no-human-readable --8-bit-output \
	    --out-format='%i %n%L' -e "ssh -F $SSH_CONF" --timeout=600 \
	    --filter='-xr user.rsync.%*' --filter='-xr security.selinux' \
	    --filter='-x system.*' --filter='P .~backshelf-partial~' \
	    "$SRC" "server:$FS/store/client.full/"
}

# irsync itself with a million files: the most that it had in memory, in KiB.
million() {
	local m=$WORK/million
	mkdir -p "$m/src" "$m/store"
	[ -e "$m/made" ] || (
		cd "$m/src"
		for d in {000..999}; do
			mkdir "$d"
			(cd "$d" && seq 1000 | xargs touch)
		done
		touch "$m/made"
	)
	cat >"$T/million.conf" <<-CONF
	storage = "$m/store"
	host = "client"
	paths = { "$m/src" }
	lock = "$T/lock2"
	state = "$m/state"
	CONF
	"$BIN/irsync" -f "$T/million.conf" backup >"$T/said" 2>&1 3>&- &
	python3 "$TOP/tests/bench/memory.py" $! 0 irsync >"$T/memory"
	wait $!
	cat "$T/memory" >"$WORK/results/million"
}

# All phases of a tool.
measure_tool() {
	local phase
	fs_begin
	server
	for phase in "${PHASES[@]}"; do
		if [ "$phase" = changed ]; then
			python3 "$TOP/tests/bench/source.py" --change "$SRC" 7
		fi
		measure "$phase" "$1"
	done
	[ "$1" != irsync ] || overhead
	run_cleanup
	fs_end
	touch "$WORK/results/$1"
}

step() {
	case $1 in
	overhead)
		fs_begin
		server
		overhead
		run_cleanup
		fs_end
		;;
	million)
		mkdir -p "$WORK/results"
		setup_tmp
			million
		run_cleanup
		;;
	report) report ;;
	clean)
		fs_end
		rm -rf --one-file-system "$WORK"
		;;
	*)
		case " ${TOOLS_[*]} " in
		*" $1 "*) measure_tool "$1" ;;
		*) echo "no such step: $1" >&2; return 1 ;;
		esac
		;;
	esac
}

report() {
	mkdir -p "$OUT"
	python3 "$TOP/tests/bench/report.py" "$WORK/results" "$OUT" "$FILES" \
	    "$BYTES" "${TOOLS_[@]}" | tee "$OUT/irsync.txt"
	if command -v gnuplot >/dev/null; then
		(cd "$OUT" && gnuplot irsync.gnuplot)
	fi
}

for s in "${@:-all}"; do
	if [ "$s" != all ]; then
		step "$s"
		continue
	fi
	for tool in "${TOOLS_[@]}" million; do
		[ -e "$WORK/results/$tool" ] || step "$tool"
	done
	step report
done
