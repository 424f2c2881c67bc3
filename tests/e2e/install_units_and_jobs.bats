#!/usr/bin/env bats
# What `make install` puts down besides the programs is sound: units, cron jobs,
# the init script, completion; and each names files that are there.

load helpers
load aoenet

ETC=$HELPERS_DIR/../../etc

setup_file() {
	export BATS_NO_PARALLELIZE_WITHIN_FILE=true
	TREE=$(mktemp -d "${TMPDIR:-/tmp}/backshelf-install.XXXXXX")
	export TREE
	make -s -C "$HELPERS_DIR/../.." install B="$B" ${SAN:+SAN=1} \
	    PREFIX=/opt/backshelf DESTDIR="$TREE"
	# shellcheck disable=SC2034 # for those who read it
	EXAMPLES=$TREE/opt/backshelf/share/doc/backshelf/examples
	export EXAMPLES
}

teardown_file() {
	rm -rf "$TREE"
}

setup() { setup_tmp; }
teardown() { run_cleanup; }

@test "what is installed names the programs where they are" {
	# The account's shell and the like aside, that is all it names.
	run grep -rEoh '/(usr/local|opt/backshelf)/(s?bin|libexec)/[a-z-]+' \
	    "$TREE/opt/backshelf/lib" "$TREE/opt/backshelf/share/man" \
	    "$EXAMPLES"
	[ "${#lines[@]}" -gt 30 ]
	for file in "${lines[@]}"; do
		[ "$file" = /usr/local/sbin/quiesce ] || [ -x "$TREE$file" ]
	done
	[ ! -e "$EXAMPLES/debian" ]
}

# Exposure as systemd-analyze prints it.  What backs a machine up reads all of
# it, and runs what its operator has told it to; see the unit.
UNITS='
aoed.service			2.0
aoed-reload.service		1.0
irsync-backup.service		7.0
irsync-rotate.service		2.2
irsync-store-status.service	1.0
irsync-store-verify.service	1.0
irsync-usage.service		2.0
irsync-verify.service		4.2
'

@test "the units are sound, and expose little" {
	need systemd-analyze
	mkdir "$T/units"
	for unit in "$TREE/opt/backshelf/lib/systemd/system"/*; do
		sed "s,/opt/backshelf/,$TREE&," "$unit" \
		    >"$T/units/${unit##*/}"
	done
	run systemd-analyze --man=no verify "$T/units"/*
	echo "$output"
	[ "$status" = 0 ]
	[ -z "$output" ]
	known=0
	while read -r unit limit; do
		[ -n "$unit" ] || continue
		run systemd-analyze security --no-pager --offline=yes \
		    "$T/units/$unit"
		[[ ${lines[-1]} =~ service:\ ([0-9.]+)\  ]]
		echo "$unit: ${BASH_REMATCH[1]}, at most $limit"
		awk -v n="${BASH_REMATCH[1]}" -v l="$limit" \
		    'BEGIN { exit !(n <= l) }'
		known=$((known + 1))
	done <<<"$UNITS"
	[ "$(find "$T/units" -name '*.service' | wc -l)" = $known ]
}

@test "nothing is run by cron until a # is taken away, and then it runs" {
	for tab in "$EXAMPLES/cron.d"/*; do
		run grep -vE '^(#|$|[A-Z]+=)' "$tab"
		[ "$status" = 1 ]
		# Minute to weekday, account, command.
		sed -n 's/^#\([0-9]\)/\1/p' "$tab" >"$T/jobs"
		[ -s "$T/jobs" ]
		while read -r m h dom mon dow who what; do
			[[ "$m $h $dom $mon $dow" =~ ^[0-9\ *]+$ ]]
			[[ $who = root || $who = irsync ]]
			sh -n -c "${what//\\%/%}"
			[[ $what = *"/opt/backshelf/"* ]]
		done <"$T/jobs"
	done
}

@test "a part of the store each day, all parts in four weeks" {
	# What cron and what the unit would say, for each of 30 days.
	cron=$(grep -oE '\$\(\( .* \)\)' "$EXAMPLES/cron.d/backshelf-server")
	unit=$(grep -oE '\$\$\(\(.*\)\)/' \
	    "$ETC/systemd/irsync-store-verify.service")
	cron=${cron//\\%/%}
	unit=${unit//\$\$/\$}
	unit=${unit//%%/%}
	# shellcheck disable=SC2317
	date() { echo "$now"; }
	for ((day = 20000; day < 20030; day++)); do
		now=$((day * 86400 + 3600 * 9))
		eval "echo $cron"
		[ "$(eval "echo $cron")/" = "$(eval "echo $unit")" ]
	done | sort -n | uniq >"$T/parts"
	diff "$T/parts" <(seq 28)
}

# The init script, for a machine whose files are in $T.
init() {
	srv "$T/aoed.init" "$@"
}

@test "the init script starts, tells, reloads and ends" {
	aoe_net 1
	truncate -s 1M "$T/disk"
	echo "0 $T/disk $(client_mac 1) aoe0 one" >"$T/table"
	sed "s,/opt/backshelf/,$TREE&,; s,^TABLE=.*,TABLE=$T/table,
	    s,^LOCK=.*,LOCK=$T/aoed.sock.lock,
	    s,^CONTROL=.*,CONTROL=$T/control,
	    s,^DAEMON_OPTS=.*,DAEMON_OPTS='-s $T/aoed.sock -S $T/state'," \
	    "$EXAMPLES/init.d/aoed" >"$T/aoed.init"
	sed -i '/init-functions/d; /etc.default/d' "$T/aoed.init"
	printf '#!/bin/sh\nexec %s -s %s "$@"\n' "$BIN/aoectl" \
	    "$T/aoed.sock" >"$T/control"
	chmod 755 "$T/aoed.init" "$T/control"
	mkdir "$T/state"
	on_exit init stop
	run init status
	[ "$status" = 3 ]
	run init reload
	[ "$status" = 7 ]
	init start 3>&-
	init status
	aoe 1 identify 0.0 | grep -qx 'sectors 2048'
	pid=$(cat "$T/aoed.sock.lock")
	init start
	[ "$(cat "$T/aoed.sock.lock")" = "$pid" ]
	echo "1 $T/disk2 $(client_mac 1) aoe0 two" >>"$T/table"
	run init reload
	[ "$status" = 1 ]
	truncate -s 2M "$T/disk2"
	init reload
	aoe 1 identify 0.1 | grep -qx 'sectors 4096'
	init restart 3>&-
	[ "$(cat "$T/aoed.sock.lock")" != "$pid" ]
	aoe 1 identify 0.1 | grep -qx 'sectors 4096'
	kill -9 "$(cat "$T/aoed.sock.lock")"
	wait_until 5 pid_is_gone "$(cat "$T/aoed.sock.lock")"
	run init status
	[ "$status" = 1 ]
	init start 3>&-
	init stop
	run init status
	[ "$status" = 3 ]
	run init nonsense
	[ "$status" = 2 ]
	mv "$T/table" "$T/gone"
	run init start
	[ "$status" = 6 ]
}

# complete_line PROGRAM WORD...: what <Tab> offers for the last word.
complete_line() {
	local file=$TREE/opt/backshelf/share/bash-completion/completions/$1
	PATH=$BIN:$PATH bash -c '
	. "$0"
	COMP_WORDS=("$@")
	COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
	"_${1//-/_}"
	printf "%s\n" "${COMPREPLY[@]}"' "$file" "$@"
}

# options_of PROGRAM: those in its synopsis, and the two that all have.
options_of() {
	{
		"$BIN/$1" --help | grep -oE -- '--[a-z]+(-[a-z]+)*' || true
		"$BIN/$1" --help | grep -oE '[ []-[a-zA-Z]+' | tr -d ' [-' |
		    fold -w 1 | sed 's/^/-/'
		printf '%s\n' --help --version
	} | sort -u
}

@test "the shell completes the options that each program knows, and no others" {
	for p in aoed aoectl irsync validate-ssh irsync-rotate \
	    backshelf-migrate; do
		echo "# $p"
		{
			complete_line $p -
			[ $p != aoectl ] || complete_line $p stats -
		} | tr -d = | sort -u | diff - <(options_of $p)
	done
	# Behind a command, those that go with it.
	while read -r command options; do
		run complete_line backshelf-migrate "$command" -
		for option in $options; do
			grep -qx -- "$option" <<<"$output"
		done
		for option in $output; do
			run "$BIN/backshelf-migrate" "$option" 1 "$command"
			[[ $output != *'does not go with this'* ]]
		done
	done <<-'END'
	vblade -n --json
	vbladed -n --json
	keys -f -n -r --policy
	irsync-conf -H -n
	irsync -n -o -v --complete --json --partial
	rsnapshot -n -r -v --json --partial
	rsync-time-backup -n -p -r -v --complete --json --partial
	undo -n
	END
	[ "$(complete_line backshelf-migrate vblade)" = $'vblade\nvbladed' ]
	mkdir "$T/tree"
	: >"$T/tree.conf"
	[ "$(complete_line backshelf-migrate -r "$T/tr")" = "$T/tree" ]
	[ "$(complete_line backshelf-migrate keys "$T/tree.")" = "$T/tree.conf" ]
	printf 'client "one" {}\n  client "two" { pull = true }\n' \
	    >"$T/policy"
	[ "$(complete_line validate-ssh -f "$T/policy" o)" = one ]
	[ "$(complete_line validate-ssh k)" = keys ]
	[ "$(complete_line aoed -f "$T/pol")" = "$T/policy" ]
}
