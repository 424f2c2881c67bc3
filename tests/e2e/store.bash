# shellcheck shell=bash
# store.bash: what the tests of the snapshot store share: a source, pushes by
# tests/tools/storepush, and questions to the store.
#
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The backshelf authors

# store_setup [root|account] [unmounted]: an empty store in $ROOT, a source in
# $SRC, who pushes, and the way in $WAY: STORE_WAY, or overlay.  The store is on
# a STORE_FS of its own, where that is set, unless the test brings its own.
store_setup() {
	setup_tmp
	need rsync setfattr setfacl
	WHO=${1:-root} WAY=${STORE_WAY:-overlay}
	ROOT=$T/store SRC=$T/src LOG=$T/stages KILLAT=()
	mkdir "$ROOT" "$SRC" "$T/tmp" "$T/ref"
	chmod 1777 "$T/tmp"
	: >"$LOG"
	chmod 666 "$LOG"
	if [ "$WHO" = account ]; then
		chown "$ACCOUNT_ID:$ACCOUNT_ID" "$ROOT"
	fi
	[ -z "${STORE_FS-}" ] || [ -n "${2-}" ] || store_on_fs
}

# only_way WAY...: skip a test that says nothing about the others.
only_way() {
	[[ " $* " = *" ${STORE_WAY:-overlay} "* ]] || skip "a matter of: $*"
}

# store_on_fs: put the store on a file system of its own, STORE_FS.
store_on_fs() {
	own_fs "$ROOT"
	[ "$WHO" != account ] || chown "$ACCOUNT_ID:$ACCOUNT_ID" "$ROOT"
}

# store_on_small: the same, with room for 48 MB; 300 are the least that XFS takes.
store_on_small() {
	store_on_fs
	fallocate -l $(($(store_free_kb) - 48000))K "$ROOT/.ballast"
	sync -f "$ROOT"
}

store_free_kb() {
	df --output=avail -k "$ROOT" | tail -n 1
}

# store_on_image SIZE MKFS...: put the store on a file system of its own.
store_on_image() {
	own_image "$ROOT" "$@"
	[ "$WHO" != account ] || chown "$ACCOUNT_ID:$ACCOUNT_ID" "$ROOT"
}

# sealed: what the kernel can keep from being written to, it does.
sealed() {
	local s
	[ "$WAY" = btrfs ] || return 0
	for s in $(stamps); do
		fails touch "$(snap "$s")/written" 2>/dev/null || return 1
	done
}

# as_who COMMAND...: as the one who owns the store.
as_who() {
	if [ "$WHO" = account ]; then
		as_account env TMPDIR="$T/tmp" "$@"
	else
		TMPDIR=$T/tmp ${KILLAT[@]+"${KILLAT[@]}"} "$@"
	fi
}

# Between file systems, rsync as root is not to meddle with what XFS shows of an
# ACL: irsync/rsyncargv.c says the same.
XFS_RULES=(--filter='-x trusted.SGI_ACL_*' --filter='-x system.*')

# push WAY [storepush options] -- [rsync options]: push $SRC/ with -aHAX and
# --delete; the record goes to $T/record, rsync's output to $T/out.
push() {
	local way=$1 opts=(-d)
	shift
	while [ $# -gt 0 ] && [ "$1" != -- ]; do
		opts+=("$1")
		shift
	done
	shift || true
	[ "$WHO" = account ] || set -- "${XFS_RULES[@]}" "$@"
	push_plain "$way" "${opts[@]}" -- -aHAX --numeric-ids --delete "$@"
}

# push_plain WAY [storepush options] -- rsync options: nothing is added but the
# source.
push_plain() {
	local way=$1 opts=()
	shift
	while [ "$1" != -- ]; do
		opts+=("$1")
		shift
	done
	shift
	settle
	if [ "$WHO" = root ]; then
		as_who "$TOOLS/storepush" -w "$way" -l "$LOG" "${opts[@]}" \
		    "$ROOT" host -- "$@" "$SRC/" >"$T/record" 2>"$T/out"
		return
	fi
	# The client is root: the account's rsync is its remote end.
	{
		echo '#!/bin/bash'
		printf 'cd / && shift 2 && exec setpriv --reuid %s --regid %s' \
		    "$ACCOUNT_ID" "$ACCOUNT_ID"
		printf ' --clear-groups env TMPDIR=%q %q -w %q -l %q' "$T/tmp" \
		    "$TOOLS/storepush" "$way" "$LOG"
		printf ' -o %q' "$T/tmp/record"
		[ ${#opts[@]} = 0 ] || printf ' %q' "${opts[@]}"
		printf ' %q host -- "$@"\n' "$ROOT"
	} >"$T/rsh"
	chmod +x "$T/rsh"
	rm -f "$T/tmp/record"
	rsync "$@" -e "$T/rsh" "$SRC/" host: >"$T/out" 2>&1 || return
	cp "$T/tmp/record" "$T/record"
}

# field NAME: of the record of the last push.
field() {
	jq -r ".$1" "$T/record"
}

# stamps: of all snapshots, oldest first.
stamps() {
	"$TOOLS/storepush" -L "$ROOT" host | jq -r .stamp
}

newest() {
	stamps | tail -n 1
}

# snap STAMP: its folder.
snap() {
	echo "$ROOT/host.snaps/$1"
}

# full: the folder that HOST.full names.
full() {
	echo "$ROOT/$(readlink "$ROOT/host.full")"
}

# same A B: in everything that a backup keeps.
same() {
	"$HELPERS_DIR/sametree.py" "$@"
}

# full_is_listed: HOST.full names one of the snapshots, if there are any.
full_is_listed() {
	local all
	all=$(stamps)
	[ -n "$all" ] || return 0
	grep -qxF "$(basename "$(readlink "$ROOT/host.full")")" <<<"$all"
}

# remember: keep a copy of every snapshot, to be compared by unchanged.
remember() {
	local s
	for s in $(stamps); do
		[ -e "$T/ref/$s" ] || cp -a "$(snap "$s")" "$T/ref/$s"
	done
}

# unchanged: every snapshot that was remembered is as it was.
unchanged() {
	local ref
	for ref in "$T/ref"/*; do
		same "$ref" "$(snap "${ref##*/}")" || return 1
	done
}

# duration STAGE NEXT: microseconds between two stages of the last push.
duration() {
	awk -v a="$1" -v b="$2" '$1 == a { x = $2 } $1 == b { y = $2 }
	    END { printf "%d\n", (y - x) * 1000000 }' "$LOG"
}

# some_files FOLDER N SIZE: N files of SIZE bytes that differ.
some_files() {
	local i
	mkdir -p "$1"
	for ((i = 0; i < $2; i++)); do
		head -c "$3" /dev/urandom >"$1/file$i"
	done
}

# age FOLDER: rsync compares times to the second only; make all of it old.
age() {
	find "$1" -exec touch -h -d '2020-02-02 02:02:02.123456789' {} +
}

# fails COMMAND...: succeed if it does not.
fails() {
	if "$@"; then
		echo "succeeded: $*" >&2
		return 1
	fi
}

# killed_push STAGE LIMIT WAY [storepush options]: a push of which everything is
# killed at a random instant, at most LIMIT microseconds after a stage began.
# 1 if it had ended before.
killed_push() {
	local stage=$1 us=$((RANDOM * 32768 + RANDOM))
	us=$((us % $2))
	shift 2
	export KILLED_AT="$stage + $us us"
	: >"$LOG"
	KILLAT=("$TOOLS/killat" "$LOG" "$stage" "$us")
	push "$@"
	local rc=$?
	KILLAT=()
	return $rc
}

# settle: rsync takes two times within the same second for one.  Give all that
# was changed since the last call a second of its own, in the past.
settle() {
	SETTLED=$((${SETTLED:-1600000000} + 10))
	find "$SRC" -newermt '2026-01-01' \
	    -exec touch -h -d "@$SETTLED.123456789" {} +
}
