#!/usr/bin/env bats
# A restore over the living files: what it would change is shown and asked
# about; nothing is deleted, and nothing beside it changes.

load helpers
load irsync_helpers

setup() {
	setup_tmp
	need jq setfacl setfattr
	server_make
	irsync_conf "$T/src"
	source_make "$T/src"
	cp -a "$T/src" "$T/then"
	irsync backup
	source_second "$T/src"
	cp -a "$T/src" "$T/now"
}
teardown() { run_cleanup; }

@test "without an answer nothing changes, and it is said what would" {
	run -0 irsync restore -n --in-place "$T/src/changed" "$T/src/deleted"
	[ "${lines[0]}" = "* $T/src/changed  (content, time)" ] ||
	    [ "${lines[0]}" = "* $T/src/changed  (time)" ]
	[ "${lines[1]}" = "+ $T/src/deleted" ]
	[ "${#lines[@]}" = 2 ]
	run -1 irsync restore --in-place "$T/src" </dev/null
	[[ $output == *"nothing was changed"*"say --yes"* ]]
	run -1 script -qec "$BIN/irsync -f $CONF restore --in-place $T/src" \
	    /dev/null <<<n
	[[ $output == *"in place? [y/N]"*"nothing was changed"* ]]
	python3 "$SAMETREE" "$T/now" "$T/src"
	run -64 irsync restore --in-place
	run -64 irsync restore --in-place --to "$T/x" "$T/src"
	run -64 irsync restore --yes "$T/src"
	run -1 irsync restore --in-place --yes "$T/src/never"
}

@test "yes at the terminal brings back what was, and deletes nothing" {
	run -0 script -qec "$BIN/irsync -f $CONF restore --in-place $T/src" \
	    /dev/null <<<y
	[[ $output == *" in place: complete: "* ]]
	run -1 python3 "$SAMETREE" -T "$T/then" "$T/src"
	while read -r line; do
		[[ $line == *"only in the second" ]] ||
		    [[ $line == *"link-"*"hard links:"* ]] || {
			echo "differs: $line"
			false
		}
	done <<<"$output"
	# Of a folder's ACL on a server rsync always says that it differs.
	run -0 irsync restore --in-place -n "$T/src"
	[[ $output == *"all of that is as it was then" ]] ||
	    [ "$output" = "* $T/src/both/  (attributes)" ]
}

@test "the folders above stay as they are, those missing come back" {
	chmod 700 "$T/src"
	run -0 irsync restore --in-place --yes "$T/src/gone/below/file"
	cmp "$T/then/gone/below/file" "$T/src/gone/below/file"
	[ "$(stat -c '%a %y' "$T/then/gone/below")" = \
	    "$(stat -c '%a %y' "$T/src/gone/below")" ]
	[ "$(stat -c %a "$T/src")" = 700 ]
	# Where a link stands above now, it is not clear what is meant.
	mkdir "$T/other"
	rm -r "$T/src/dir"
	ln -s "$T/other" "$T/src/dir"
	run -1 irsync restore --in-place --yes "$T/src/dir/deep/er/file"
	[[ $output == *"a folder above it is a symbolic link now"* ]]
	[ -z "$(ls "$T/other")" ]
}
