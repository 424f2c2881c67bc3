#!/usr/bin/env bats
# A wrong configuration is told with file, line and column, and nothing is done.

load helpers
load irsync_helpers

setup() {
	setup_tmp
	CONF=$T/c.conf
}
teardown() { run_cleanup; }

@test "each error has its place, and all are told at once" {
	cat >"$CONF" <<-EOT
	# storage, paths
	storage = "nowhere"
	paths = { "/etc", "home" }
	bwlimit = "fast"
	EOT
	run -78 irsync backup
	[ "${#lines[@]}" = 3 ]
	[[ ${lines[0]} == "$CONF:2:11: storage: nowhere: neither "* ]]
	[[ ${lines[1]} == "$CONF:3:19: paths: home: not an absolute path" ]]
	[[ ${lines[2]} == "$CONF:4:11: bwlimit: 'fast' is not "* ]]
}

@test "an unknown key names the nearest known one" {
	echo 'exlude = {"*.o"}' >"$CONF"
	run -78 irsync list
	[ "$output" = "$CONF:1:1: unknown key 'exlude'; did you mean 'exclude'?" ]
}

@test "no file, a folder, a FIFO, a binary" {
	mkdir "$T/dir"
	mkfifo "$T/fifo"
	local f
	for f in "$T/none" "$T/dir" "$T/fifo" "$BIN/irsync"; do
		run -78 "$BIN/irsync" -f "$f" backup
		[[ $output == "$f: "* ]]
	done
}

@test "a file that others may write is not trusted" {
	irsync_conf_local /etc
	chmod 664 "$CONF"
	run -78 irsync list
	[ "$output" = "$CONF: may be written by others (mode 0664)" ]
	chmod 644 "$CONF"
	chown 4242 "$CONF"
	run -78 irsync list
	[ "$output" = "$CONF: belongs to another user (4242)" ]
	chown 0 "$CONF"
	irsync list
}

@test "a path below a symbolic link is refused before anything is sent" {
	mkdir "$T/real" "$T/real/sub"
	ln -s real "$T/link"
	irsync_conf_local "$T/link/sub"
	run -78 irsync backup
	[[ $output == *"paths: $T/link/sub: $T/link is a symbolic link"* ]]
	[ -z "$(ls -A "$T/store")" ]
	run -78 --separate-stderr irsync --json backup
	[[ $output == *'"error":"the configuration is wrong: '* ]]
}

@test "the example of the package is sound" {
	sed "s,^storage.*,storage = \"$T/none\"," \
	    "$HELPERS_DIR/../../etc/irsync.conf" >"$CONF"
	run -1 irsync list
	[[ $output == *"$T/none: cannot open the store: No such file"* ]]
}

@test "the example is right, also with all that it has as comments" {
	example=$HELPERS_DIR/../../etc/irsync.conf
	sed 's/^#\([a-z_]*\( ".*"\)\? [={]\|[}	]\)/\1/; /^storage "/,$d' \
	    "$example" >"$T/full.conf"
	grep -q '^mysql {' "$T/full.conf"
	grep -q '^path "/srv" {' "$T/full.conf"
	for f in "$example" "$T/full.conf"; do
		cp "$f" "$T/example.conf"
		run "$BIN/irsync" -f "$T/example.conf" --storage none check
		[[ $output == *"knows no storage of this name"* ]]
	done
}
