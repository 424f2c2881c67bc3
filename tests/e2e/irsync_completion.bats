#!/usr/bin/env bats
# The completion for bash knows what the program knows.

load helpers

setup() { setup_tmp; }
teardown() { run_cleanup; }

# complete_line WORD...: what <Tab> offers for the last word.
complete_line() {
	PATH=$BIN:$PATH bash -c '
	. "$0"
	COMP_WORDS=("$@")
	COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
	_irsync
	printf "%s\n" "${COMPREPLY[@]}"' \
	    "$HELPERS_DIR/../../etc/completion/irsync" "$@"
}

@test "commands, options, names of snapshots and files are offered" {
	complete_line irsync '' >"$T/commands"
	for c in backup diff list restore status verify; do
		grep -qx "$c" "$T/commands"
	done
	# Each is a command: with an option of nobody's it is told apart.
	while read -r c; do
		"$BIN/irsync" --help | grep -qw "$c"
	done <"$T/commands"
	[ "$(complete_line irsync re)" = restore ]
	[ "$(complete_line irsync restore --in)" = --in-place ]
	[ "$(complete_line irsync restore y)" = yesterday ]
	[ "$(complete_line irsync restore yesterday /etc/fst)" = /etc/fstab ] ||
	    [ ! -e /etc/fstab ]
	mkdir "$T/dir"
	: >"$T/dir.txt"
	[ "$(complete_line irsync restore --to "$T/di")" = "$T/dir" ]
	[ "$(complete_line irsync -f "$T/dir.")" = "$T/dir.txt" ]
	[ -z "$(complete_line irsync --max-age '')" ]
}
