#!/usr/bin/env bats
# The versions of a file over all snapshots, and what changed between two: from
# a server and from a directory, by which files are the same on its disk.

load helpers
load irsync_helpers

setup() {
	setup_tmp
	need jq setfacl setfattr
	server_make
	irsync_conf "$T/src"
	source_make "$T/src"
	irsync backup
	source_second "$T/src"
	# What differs by less than a second does not differ in a list of rsync's.
	touch -d '2026-01-02 03:04:05' "$T/src/dir" "$T/src/sparse"
	irsync backup
	source_third "$T/src"
	irsync backup
	readarray -t S < <(irsync list --json | jq -r '.snapshots[].stamp')
}
teardown() { run_cleanup; }

# changes: what diff prints, without the source's name.
changes() {
	irsync diff "$@" | sed "s,$T/src,,"
}

# same_from_disk: run what follows for the server, then for its directory.
same_from_disk() {
	"$@" >"$T/remote"
	conf_set "storage = \"$T/store\""
	"$@" >"$T/local"
	diff "$T/remote" "$T/local"
}

@test "diff names what is new, deleted or changed, and how" {
	changes "${S[0]}" "${S[1]}" >"$T/diff"
	cat "$T/diff"
	for line in '+ /dir/new' '- /deleted' '- /gone/' '- /gone/below/file' \
	    '+ /new-name' '- /old-name' '* /mode-only  (mode)' \
	    '* /owner-only  (owner)' '* /touched-only  (time)' \
	    '* /dangling/  (type)' '- /name with  spaces ' '+ /link-c'; do
		grep -qxF -- "$line" "$T/diff"
	done
	grep -qE '^\* /sparse  \(size, time: 20 MiB to 20 MiB\)$' "$T/diff"
	run ! grep -qE ' /(same|symlink|fifo|null|nothing)' "$T/diff"
	[ "$(tail -n 1 "$T/diff")" = \
	    "${S[0]} to ${S[1]}: $(grep -c '^+' "$T/diff") new, $(grep -c \
	    '^\*' "$T/diff") changed, $(grep -c '^-' "$T/diff") deleted" ]
	run -0 changes "${S[1]}" "${S[1]}"
	[ "$output" = "${S[1]} to ${S[1]}: 0 new, 0 changed, 0 deleted" ]
	same_from_disk changes "${S[0]}"
	[[ $(tail -n 1 "$T/local") == "${S[0]} to ${S[2]}: "* ]]
}

@test "a file that has the same size and time is still seen to be another" {
	only_fs ext4 xfs
	touch -d '2020-01-01' "$T/src/same"
	irsync backup
	echo SAME >"$T/src/same"
	chmod 4755 "$T/src/same"
	touch -d '2020-01-01 00:00:00.5' "$T/src/same"
	irsync backup
	before=$(irsync list --json | jq -r '.snapshots[-2].stamp')
	changes "$before" | grep -qx '\* /same  (attributes)'
	run -0 irsync list "$T/src/same"
	[ "${lines[0]}" = "$T/src/same: 3 versions" ]
}

@test "list FILE shows its versions, and where it is not there" {
	run -0 irsync list "$T/src/changed" "$T//src/deleted/" "$T/src/same"
	[ "${lines[0]}" = "$T/src/changed: 3 versions" ]
	[[ ${lines[2]} == "${S[0]}  ${S[0]}      1  -rw-rw-r--  0:0 "*"4 B  "* ]]
	[ "${lines[5]}" = "$T/src/deleted: 2 versions" ]
	[[ ${lines[8]} == "${S[1]}  ${S[1]}      1  "*"not there" ]]
	[ "${lines[10]}" = "$T/src/same: 1 version" ]
	[[ ${lines[12]} == "${S[0]}  ${S[2]}      3  -rwsr-xr-x "* ]]
	[ "$(irsync list --json "$T/src/new"$'\n'line "$T/src/dir" |
	    jq -c '[.files[].versions[] | [.there, .snapshots]]')" = \
	    '[[true,2],[false,1],[true,1],[true,1],[true,1]]' ]
	same_from_disk irsync list "$T/src/changed" "$T/src/deleted" "$T/src"
}

@test "what is wrong is said, in JSON too" {
	run -1 irsync list "$T/src/never"
	[ "$output" = "irsync: $T/src/never: in no snapshot" ]
	run -64 irsync list relative
	run -64 irsync list /
	run -64 irsync diff
	run -1 --separate-stderr irsync diff --json 2001-01-01T000000Z
	jq -e '.exit == 1 and (.error | test("no snapshot"))' <<<"$output"
	echo 'port = 9' >>"$CONF"
	run -69 --separate-stderr irsync list --json
	jq -e '.exit == 69 and .host == "client.example.net" and .error' \
	    <<<"$output"
	[ -n "$stderr" ]
}

@test "a symbolic link of a snapshot leads list FILE nowhere" {
	mkdir "$T/disk"
	ln -s /etc "$T/src/link"
	conf_set "storage = \"$T/disk\""
	irsync backup
	run -1 irsync list "$T/src/link/passwd"
	run -0 irsync list "$T/src/link"
	[[ ${lines[2]} == *" -> /etc" ]]
}
