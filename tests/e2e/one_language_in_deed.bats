#!/usr/bin/env bats
# What the options of all programs mean, seen by what they do: -n changes
# nothing, --json is JSON, -v says more, and neither language, terminal nor
# colours of the caller alter a word.
# shellcheck disable=SC2016,SC2030,SC2031,SC2034,SC2154 # tables are expanded by each, run sets the rest

bats_require_minimum_version 1.5.0
load helpers

PROGRAMS=(aoed aoectl irsync validate-ssh irsync-rotate backshelf-migrate)

# A store with two snapshots of a client, an old tree, and a configuration of
# each program.  $C holds what is read, $W what might be written to.
setup() {
	need jq ssh-keygen
	setup_tmp
	C=$T/etc W=$T/world
	mkdir -p "$C" "$W"/{src,store,moved,run,old/2026-11-20-040201}
	echo one >"$W/src/file"
	echo one >"$W/old/2026-11-20-040201/file"
	: >"$W/old/backup.marker"
	cat >"$C/irsync" <<-END
	storage = "$W/store"
	host = "apollo"
	paths = { "$W/src" }
	state = "$W/state"
	lock = "$W/run/lock"
	prometheus = "$W/run/irsync.prom"
	END
	chmod 600 "$C/irsync"
	cat >"$C/rotate" <<-END
	root = "$W/store"
	keep-last = 1
	metrics = "$W/run/rotate.prom"
	END
	printf 'root = "%s"\nlog = "%s"\nclient "apollo" { pull = true }\n' \
	    "$W/store" "$W/run/guard.log" >"$C/policy"
	truncate -s 4M "$C/disk"
	echo "0 $C/disk FF:FF:FF:FF:FF:FF lo apollo" >"$C/table"
	echo 'lo 0 0 /dev/null' >"$C/vblade"
	printf 'BACKUP_HOST="server"\nPATHS="/etc"\n' >"$C/rfxn"
	ssh-keygen -q -t ed25519 -N '' -C apollo -f "$C/apollo"
	printf 'command="/usr/bin/rrsync /data/apollo.full" %s\n' \
	    "$(cat "$C/apollo.pub")" >"$C/keys"
	"$BIN/irsync" -f "$C/irsync" backup >/dev/null
	echo two >"$W/src/file"
	"$BIN/irsync" -f "$C/irsync" backup >/dev/null
	echo three >"$W/src/file"
	export SSH_ORIGINAL_COMMAND='rsync --server -logDtpre.iLsfxCIvu . .'
	export TZ=UTC
}

teardown() {
	run_cleanup
}

# each TABLE COMMAND...: COMMAND with the words of each of its rows.
each() {
	local row words
	while IFS= read -r row; do
		[ -n "$row" ] || continue
		eval "words=($row)"
		echo "# ${words[*]}"
		"${@:2}" "${words[@]}" || return
	done <<<"$1"
}

# All that can be seen of the world but when it was looked at.
world() {
	find "$W" -printf '%P %y %i %m %U %s %T@ %C@ %l\n' | sort
	find "$W" -type f -exec cat {} + | cksum
}

DRY='
aoed -n -f $C/table
irsync -n -f $C/irsync backup
irsync -n -f $C/irsync -v --json backup
irsync -n -f $C/irsync --in-place --yes restore $W/src
irsync -n --store $W/store verify
irsync-rotate -n -f $C/rotate
irsync-rotate -n -f $C/rotate --json --metrics $W/run/other.prom
validate-ssh -n -f $C/policy apollo
backshelf-migrate -n -r $W/moved rsync-time-backup $W/old hera
backshelf-migrate -n --json -r $W/moved rsync-time-backup $W/old hera
backshelf-migrate -n vbladed $C/table
backshelf-migrate -n vblade $C/vblade
backshelf-migrate -n irsync-conf $C/rfxn
backshelf-migrate -n keys $C/keys
'

dry() {
	local before
	before=$(world)
	run --separate-stderr "$BIN/$1" "${@:2}"
	echo "$status: $output: $stderr"
	# Whatever aoed thinks of lo, and rfxn of this machine: a verdict.
	[ "$status" -le 1 ] && [ "$before" = "$(world)" ]
}

@test "-n: what would be done is said, and nothing changes" {
	each "$DRY" dry
	# It would have been noticed.
	before=$(world)
	"$BIN/irsync-rotate" -f "$C/rotate" >/dev/null
	[ "$before" != "$(world)" ]
}

JSON='
aoectl --json import $C/vblade
aoectl --json import $C/none
irsync --json -f $C/irsync list
irsync --json -f $C/irsync list $W/src/file
irsync --json -f $C/irsync list /none
irsync --json -f $C/irsync diff $FIRST
irsync --json -f $C/irsync diff 2001-02-03
irsync --json -f $C/irsync status
irsync --json -f $C/irsync verify
irsync --json -f $C/irsync -n backup
irsync --json -f $C/irsync backup
irsync --json --store $W/store status
irsync --json --store $W/store verify
irsync --json --store $W/none verify
irsync --json --store $W/none status
irsync --json -f $C/none list
irsync --json -f $C/none backup
irsync --json -f $C/none status
irsync-rotate --json -n -f $C/rotate
irsync-rotate --json -f $C/rotate list
irsync-rotate --json -f $C/rotate usage
irsync-rotate --json -f $C/rotate
backshelf-migrate --json vbladed $C/table
backshelf-migrate --json vblade $C/vblade
backshelf-migrate --json -n -r $W/moved rsync-time-backup $W/old hera
backshelf-migrate --json -v -r $W/moved rsync-time-backup $W/old hera
backshelf-migrate --json -r $W/moved rsync-time-backup $W/old hera
'

json() {
	run --separate-stderr "$BIN/$1" "${@:2}"
	echo "$status: $output: $stderr"
	[ "$status" -lt 128 ]
	[ "$(jq -rs 'map(type) | join(" ")' <<<"$output")" = object ]
}

@test "--json: one object on standard output, whatever comes of it" {
	FIRST=$(find "$W/store/apollo.snaps" -name '2*Z' -printf '%f\n' |
	    sort | head -n 1)
	each "$JSON" json
}

# Where in the system which error leads to which status, however deep that is.
FAILING='
73 syncfs:error=ENOSPC irsync -f $C/irsync backup
74 syncfs:error=EIO irsync -f $C/irsync backup
74 read,pread64:error=EIO@$LAST/$W/src/file irsync --store $W/store verify
73 renameat:error=ENOSPC backshelf-migrate -r $W/moved rsync-time-backup $W/old hera
74 renameat:error=EIO backshelf-migrate -r $W/moved rsync-time-backup $W/old hera
75 flock:error=EAGAIN backshelf-migrate -r $W/moved rsync-time-backup $W/old hera
75 flock:error=EAGAIN irsync -f $C/irsync backup
75 flock:error=EAGAIN irsync-rotate -f $C/rotate
74 syncfs:error=EIO guard
73 syncfs:error=ENOSPC guard
'

failing() {
	local want=$1 at=${2%@*} path=${2#*@} command
	shift 2
	command=("$BIN/$1" "${@:2}")
	# validate-ssh does not run as root.
	[ "$1" != guard ] || command=(rsync -a -e "$T/rsh" "$W/src/" server:)
	[ "$path" != "$at" ] || path=
	run strace -f -qq -o /dev/null ${path:+-P "$path"} -e inject="$at" \
	    "${command[@]}"
	echo "$status: $output"
	[ "$status" = "$want" ]
}

@test "the same error of the system is the same status in every program" {
	need strace rsync
	printf 'root = "%s"\nclient "zeus" {}\n' "$T/guarded" >"$C/guard"
	mkdir "$T/guarded"
	chown "$ACCOUNT_ID" "$T/guarded"
	chmod 711 "$C"
	cat >"$T/rsh" <<-SCRIPT
	#!/bin/sh
	shift
	cd /
	SSH_ORIGINAL_COMMAND="\$*" exec setpriv --reuid $ACCOUNT_ID \\
	    --regid $ACCOUNT_ID --clear-groups -- \\
	    "$BIN/validate-ssh" -f "$C/guard" zeus
	SCRIPT
	chmod 755 "$T/rsh"
	LAST=$(realpath "$W/store/apollo.full")
	# What looks for leaks does not work beside strace.
	export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0
	each "$FAILING" failing
}

VERBOSE='
irsync -f $C/irsync -n backup
irsync -f $C/irsync list
irsync-rotate -f $C/rotate2
'

more() {
	local less
	less=$("$BIN/$1" "${@:2}" 2>&1 | wc -l)
	[ "$("$BIN/$1" -v "${@:2}" 2>&1 | wc -l)" -ge "$less" ]
}

@test "-v: more, never less" {
	# Of a client to whom nothing happens there is nothing to say.
	sed 's/keep-last = 1/keep-last = 2/' "$C/rotate" >"$C/rotate2"
	each "$VERBOSE" more
	[ "$("$BIN/irsync-rotate" -f "$C/rotate2" | wc -l)" -lt \
	    "$("$BIN/irsync-rotate" -v -f "$C/rotate2" | wc -l)" ]
}

# Nothing here has a time of now in it.
SAME='
aoed --help
aoed -n -f $C/table
aoectl import $C/vblade
irsync -f $C/irsync list $W/src/file
irsync -f $C/irsync diff $FIRST
irsync -f $C/broken list
irsync-rotate -f $C/rotate list
irsync-rotate -f $C/rotate --max-load 1,5
irsync-rotate -f $C/rotate --max-load 1.5 -n --rate 0
validate-ssh -n -f $C/policy apollo
validate-ssh keys -f $C/policy $C/apollo.pub
backshelf-migrate irsync-conf $C/rfxn
backshelf-migrate keys $C/keys
'

same() {
	local settings plain
	plain=$(LC_ALL=C "$BIN/$1" "${@:2}" 2>&1; echo $?)
	for settings in LC_ALL=en_US.UTF-8 LC_ALL=tr_TR.UTF-8 \
	    'LC_ALL=de_DE.UTF-8 LANGUAGE=de' 'NO_COLOR=1 CLICOLOR_FORCE=1' \
	    'TERM=dumb COLUMNS=40' 'COLUMNS=x TERM=xterm'; do
		# shellcheck disable=SC2086
		[ "$(env $settings "$BIN/$1" "${@:2}" 2>&1; echo $?)" = \
		    "$plain" ] || { echo "$settings"; return 1; }
	done
}

@test "language, colours and terminal of the caller alter no word" {
	FIRST=$(find "$W/store/apollo.snaps" -name '2*Z' -printf '%f\n' |
	    sort | head -n 1)
	sed 's/storage/STORAGE/' "$C/irsync" >"$C/broken"
	chmod 600 "$C/broken"
	each "$SAME" same
	# No program asks for a locale at all: İ is no I, and 1.5 no 1,5.
	for p in "${PROGRAMS[@]}"; do
		run -0 nm -D --undefined-only "$BIN/$p"
		[[ $output == *printf* && $output != *locale* ]]
	done
}
