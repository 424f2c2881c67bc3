#!/usr/bin/env bats
# All programs speak one language: the same options, the same words for the same
# mistakes, the same statuses, the same spellings of sizes and times, and nothing
# on a terminal that it cannot show.  A table holds them to it.
# shellcheck disable=SC2154 # stderr and stderr_lines are run's

bats_require_minimum_version 1.5.0
load helpers

PROGRAMS=(aoed aoectl irsync validate-ssh irsync-rotate backshelf-migrate)

setup() {
	setup_tmp
	ROOT=$HELPERS_DIR/../..
	export LC_ALL=C
}

teardown() {
	run_cleanup
}

# page PROGRAM: its manual page.
page() {
	local f
	for f in "$ROOT"/*/"$1".[18] "$ROOT"/etc/migrate/"$1".8; do
		[ ! -f "$f" ] || echo "$f"
	done
}

@test "--help: the synopsis, on standard output, in 80 columns" {
	for p in "${PROGRAMS[@]}"; do
		echo "# $p"
		run -0 --separate-stderr "$BIN/$p" --help
		[ -z "$stderr" ]
		[[ ${lines[0]} == "usage: $p "* ]]
		[ "$(awk 'length > 79' <<<"$output")" = '' ]
		for line in "${lines[@]:1}"; do
			[[ $line == "       "* ]]
		done
		# What it names, the manual page explains.
		while read -r word; do
			grep -qE -- "(Fl Fl |Fl -|Cm --)${word#--}( |\$)" \
			    "$(page "$p")" || { echo "$p: $word"; false; }
		done < <(grep -o -- '--[a-z-]*' <<<"$output" | sort -u)
	done
}

@test "--version: the same words everywhere" {
	for p in "${PROGRAMS[@]}"; do
		run -0 --separate-stderr "$BIN/$p" --version
		[[ $output =~ ^backshelf\ [0-9]+\.[0-9]+$ ]]
		[ -z "$stderr" ]
	done
}

onto() {
	"${@:2}" >"$1"
}

@test "what cannot be printed is a failure, also of --help" {
	mkdir "$T/a.snaps"
	printf 'root = "%s"\nkeep-last = 1\n' "$T" >"$T/rotate"
	printf 'root = "%s"\nclient "a" {}\n' "$T" >"$T/policy"
	printf 'storage = "%s"\nhost = "a"\npaths = {"/etc"}\n' \
	    "$T" >"$T/irsync"
	chmod 600 "$T/irsync"
	echo 'eth0 0 0 /dev/null' >"$T/vblade"
	ssh-keygen -q -t ed25519 -N '' -f "$T/a"
	{
		printf '%s --help\n' "${PROGRAMS[@]}"
		printf '%s --version\n' "${PROGRAMS[@]}"
		cat <<-END
		aoectl import $T/vblade
		irsync -f $T/irsync --json list
		validate-ssh keys -f $T/policy $T/a.pub
		irsync-rotate -f $T/rotate
		irsync-rotate -f $T/rotate --json list
		irsync-rotate -f $T/rotate usage
		backshelf-migrate vblade $T/vblade
		END
	} >"$T/commands"
	while read -ra words; do
		echo "# ${words[*]}"
		run -0 "$BIN/${words[0]}" "${words[@]:1}"
		run --separate-stderr onto /dev/full \
		    "$BIN/${words[0]}" "${words[@]:1}"
		# irsync-rotate's 2 is a verdict, as monitors want it.
		[ "$status" = 1 ] || [ "${words[0]}$status" = irsync-rotate2 ]
		[[ $stderr == "${words[0]}: "*'No space left on device' ]]
	done <"$T/commands"
}

@test "a wrong option is named; the synopsis follows; 64" {
	for p in "${PROGRAMS[@]}"; do
		for option in --nonsense -Z; do
			run -64 --separate-stderr "$BIN/$p" $option
			[ -z "$output" ]
			[[ ${stderr_lines[0]} == *"${option#-}"* ||
			    ${stderr_lines[0]} == *"'Z'"* ]]
			[[ $stderr == *"usage: $p "* ]]
		done
	done
}

# What is wrong, and with which command line.
WRONG='
extra operand		aoed extra
missing command		aoectl
missing operand		aoectl disconnect
missing operand		aoectl log
wrong operand		aoectl log loud
extra operand		aoectl reload now
wrong option		aoectl --watch status
no such command		aoectl bogus
missing command		irsync
no such command		irsync bogus
missing operand		irsync diff
extra operand		irsync diff a b c
extra operand		irsync backup now
extra operand		irsync check now
wrong option		irsync --to x list
wrong option		irsync -n list
missing operand		validate-ssh
extra operand		validate-ssh a b
missing operand		validate-ssh keys
missing operand		irsync-rotate pin
missing operand		irsync-rotate pin host 2026-11-22T040201Z
extra operand		irsync-rotate unpin a 2026-11-22T040201Z c
extra operand		irsync-rotate list a b
extra operand		irsync-rotate usage a b
extra operand		irsync-rotate a b
wrong option		irsync-rotate -n list
wrong value		irsync-rotate -j 0
wrong value		aoed -j 257
wrong value		aoectl --watch=2y stats
wrong value		irsync-rotate --rate 0
missing command		backshelf-migrate
no such command		backshelf-migrate bogus
missing operand		backshelf-migrate keys
extra operand		backshelf-migrate irsync-conf a b
missing operand		backshelf-migrate irsync
missing option		backshelf-migrate rsnapshot /tmp
missing operand		backshelf-migrate -r /tmp rsync-time-backup /tmp
missing operand		backshelf-migrate undo
wrong option		backshelf-migrate -v undo x
wrong option		backshelf-migrate --json keys x
'

@test "what is wrong with a command line is found before anything is read: 64" {
	while IFS= read -r row; do
		[ -n "$row" ] || continue
		read -ra words <<<"${row##*$'\t'}"
		p=${words[0]}
		run --separate-stderr "$BIN/$p" "${words[@]:1}"
		echo "# $row: $status: ${stderr_lines[0]}"
		[ "$status" = 64 ]
		[ -z "$output" ]
		[[ $stderr == *"usage: $p "* ]]
		case $row in
		'no such command'*)
			[[ ${stderr_lines[0]} == "$p: bogus: no such command" ]] ;;
		'missing command'* | 'missing operand'*)
			[[ ${stderr_lines[0]} == "$p: an operand is missing" ]] ;;
		'extra operand'*)
			[[ ${stderr_lines[0]} == "$p: extra operand '"[a-z]*"'" ]] ;;
		'wrong value'*)
			[[ ${stderr_lines[0]} == "$p: -"*": "*": "* ]] ;;
		'wrong option'*)
			[[ ${stderr_lines[0]} == *'does not go with this' ]] ;;
		esac
	done <<<"$WRONG"
}

@test "-f: a file that is missing, none, or broken is named, with its place" {
	printf 'nonsense = "\n' >"$T/broken"
	: >"$T/out"
	for words in 'aoed -n' 'irsync backup' 'irsync list' 'irsync status' \
	    irsync-rotate 'irsync-rotate usage' 'validate-ssh -n host'; do
		read -ra c <<<"$words"
		# aoed -n asks whether the table is right: 1 is its no.
		# And status speaks as monitors want it: 3 is "unknown".
		want=78
		[ "$words" != 'aoed -n' ] || want=1
		[ "$words" != 'irsync status' ] || want=3
		for f in "$T/none" "$T" "$T/broken"; do
			run "-$want" --separate-stderr env \
			    SSH_ORIGINAL_COMMAND=true "$BIN/${c[0]}" -f "$f" \
			    "${c[@]:1}"
			echo "# $words -f $f: $output: $stderr"
			[[ $stderr == *"$f:"* ]]
		done
		[[ $stderr == *"$T/broken:"[12]":"* ]]
	done
}

# A size and a time, as the files of each program take them.
policy() {
	printf 'root = "%s"\nclient "a" { %s = "%s" }\n' "$T" "$1" "$2" \
	    >"$T/conf"
	SSH_ORIGINAL_COMMAND=true "$BIN/validate-ssh" -n -f "$T/conf" a
}

retention() {
	printf 'root = "%s"\nkeep-last = 1\n%s = "%s"\n' "$T" "$1" "$2" \
	    >"$T/conf"
	"$BIN/irsync-rotate" -n -f "$T/conf"
}

client() {
	printf 'storage = "%s"\nhost = "a"\npaths = {"/etc"}\n%s = "%s"\n' \
	    "$T" "$1" "$2" >"$T/conf"
	chmod 600 "$T/conf"
	"$BIN/irsync" -f "$T/conf" list
}

# The same on a table's row, where the interface is wrong in any case, and on
# command lines, where nobody answers.
row() {
	echo "0 /dev/null FF:FF:FF:FF:FF:FF none a length=$1" >"$T/table"
	"$BIN/aoed" -n -f "$T/table"
}

age() {
	"$BIN/irsync" --store "$T" --max-age "$1" status
}

watching() {
	"$BIN/aoectl" -s "$T/none" "--watch=$1" stats
}

@test "sizes and times are spelt the same way for all" {
	mkdir -p "$T/a.snaps"
	# As an account: root is refused by validate-ssh before all else.
	for size in 4096 4K 4k 4KiB '2 MiB' 1.5G 10G 1T 4kb; do
		echo "# $size"
		run -0 client bwlimit "$size"
		run -0 retention max-size "$size"
		run policy quota "$size"
		[[ $output != *"$T/conf:"* ]]
		run row "${size// /}"
		[[ $output != *'bad option'* ]]
	done
	for size in '' K -1 2X 1.5.5G '2 K K' 99999999999G; do
		echo "# '$size'"
		run -78 client bwlimit "$size"
		run -78 retention max-size "$size"
		run -78 policy quota "$size"
		[[ $output == *"$T/conf:"* ]]
		run row "${size// /x}"
		[[ $output == *'bad option'* ]]
	done
	for span in 90s 15m 2h 1h30m 90m 24h 1d 90; do
		echo "# $span"
		run -0 client timeout "$span"
		run -0 retention push-age "$span"
		run policy timeout "$span"
		[[ $output != *"$T/conf:"* ]]
		run age "$span"
		[[ $output != *'not a duration'* ]]
		run -69 watching "$span"
	done
	for span in '' m -1 2y 30m1h; do
		echo "# '$span'"
		run -78 client timeout "$span"
		run -78 retention push-age "$span"
		run -78 policy timeout "$span"
		[[ $output == *"$T/conf:"* ]]
		run -3 age "$span"
		[[ $output == *'not a duration'* ]]
		run -64 watching "$span"
	done
}

@test "the statuses of the manual pages are those of lib/exits.h" {
	known=$(sed -nE 's/.*BS_[A-Z]+\s*= ([0-9]+).*/\1/p' "$ROOT/lib/exits.h")
	for p in "${PROGRAMS[@]}"; do
		said=$(sed -n '/^.Sh EXIT STATUS/,/^.Sh [^E]/p' "$(page "$p")" |
		    sed -nE 's/^\.It ([0-9]+)$/\1/p')
		for s in 0 1 64; do
			grep -qx $s <<<"$said" || { echo "$p: $s"; false; }
		done
		for s in $said; do
			# irsync-rotate's 2 is a verdict, as monitors want it.
			grep -qx "$s" <<<"$known" || [ "$p:$s" = irsync-rotate:2 ] ||
			    { echo "$p: $s"; false; }
		done
	done
}

@test "a pipe gets no escapes; a terminal no colours, and lines that fit it" {
	mkdir -p "$T/src" "$T/store"
	head -c 1200000 /dev/urandom >"$T/src/file"
	printf 'storage = "%s"\nhost = "%s"\npaths = {"%s"}\nbwlimit = "1M"\n%s\n' \
	    "$T/store" a-client-with-a-long-name.example.net "$T/src" \
	    "state = \"$T/state\"" >"$T/conf"
	chmod 600 "$T/conf"
	printf 'root = "%s"\nage = 14\n' "$T/store" >"$T/rotate.conf"
	c=("$BIN/irsync" -f "$T/conf" backup)
	NO_COLOR=1 on_terminal 40 "${c[@]}" >"$T/narrow"
	grep -q '%' "$T/narrow"
	sed -i '/^bwlimit/d' "$T/conf"
	TERM_WANTED=dumb on_terminal 40 "${c[@]}" >"$T/dumb"
	"${c[@]}" >"$T/pipe" 2>&1
	for words in 'irsync list' 'irsync status' 'irsync verify'; do
		"$BIN/irsync" -f "$T/conf" "${words#* }" >>"$T/pipe" 2>&1
		on_terminal 40 "$BIN/irsync" -f "$T/conf" "${words#* }" \
		    >>"$T/narrow"
	done
	"$BIN/irsync-rotate" -v -f "$T/rotate.conf" >>"$T/pipe" 2>&1
	on_terminal 40 "$BIN/irsync-rotate" -f "$T/rotate.conf" usage \
	    >>"$T/narrow"
	"$BIN/irsync-rotate" -f "$T/rotate.conf" usage >>"$T/pipe"
	run ! grep -qP '[^\n\t\x20-\x7e]' "$T/pipe"
	run ! grep -qP '\x1b' "$T/dumb"
	run ! grep -qP '\x1b\[[0-9;]*m' "$T/narrow"
	# Each line that is written over is shorter than the terminal.
	tr '\r' '\n' <"$T/narrow" | grep -aP '^\x1b\[K' | sed 's/^.\[K//' |
	    grep '%' >"$T/over"
	[ -s "$T/over" ]
	[ -z "$(awk 'length > 39' "$T/over")" ]
}
