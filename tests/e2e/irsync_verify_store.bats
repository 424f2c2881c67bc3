#!/usr/bin/env bats
# On the server every file is read and compared with the checksum that its
# commit took: one bit that changed without a write is found and named.

load helpers
load irsync_helpers

setup() {
	setup_tmp
	need jq setfacl setfattr
	# On btrfs nobody can damage a snapshot from above.
	only_fs ext4 xfs
	server_make
	irsync_conf "$T/src"
	source_make "$T/src"
	irsync backup
	source_second "$T/src"
	irsync backup
	readarray -t S < <(irsync list --json | jq -r '.snapshots[].stamp')
	SNAPS=$T/store/client.example.net.snaps
}
teardown() { run_cleanup; }

# verify ARGUMENTS...
# shellcheck disable=SC2120
verify() {
	"$BIN/irsync" --store "$T/store" verify "$@"
}

# flip FILE OFFSET: change a bit of what is stored, and nothing else of the file.
flip() {
	python3 - "$1" "$2" <<-'EOT'
	import os, sys
	st = os.stat(sys.argv[1])
	fd = os.open(sys.argv[1], os.O_RDWR)
	at = int(sys.argv[2])
	b = os.pread(fd, 1, at)
	os.pwrite(fd, bytes([b[0] ^ 4]), at)
	os.fsync(fd)
	os.utime(fd, ns=(st.st_atime_ns, st.st_mtime_ns))
	EOT
}

@test "all is good, and every file has a checksum from its commit" {
	run -0 --separate-stderr verify
	[[ $output == "client.example.net: "*" files, "*" read: all good" ]]
	[ -z "$stderr" ]
	run -0 verify --json
	[ "$(jq -c '.exit, (.clients[] | [.unknown, .damaged, .unreadable,
	    .files == .read])' <<<"$output")" = $'0\n[0,0,0,true]' ]
	files=$(find "$SNAPS"/2* -type f -printf '%i\n' | sort -u | wc -l)
	[ "$(jq '.clients[0].files' <<<"$output")" = "$files" ]
	# Nothing is left on what was read, not even an access time.
	find "$SNAPS"/2* -type f -printf '%p %A@ %T@ %C@\n' >"$T/before"
	run -0 verify
	find "$SNAPS"/2* -type f -printf '%p %A@ %T@ %C@\n' |
	    diff "$T/before" -
}

@test "a bit that changed is found, with who shares it and a good copy" {
	flip "$SNAPS/${S[0]}$T/src/big" 2000000
	flip "$SNAPS/${S[1]}$T/src/same" 0
	run -1 --separate-stderr verify
	[ "$(wc -l <<<"$stderr")" = 2 ]
	grep -qF "/src/big: damaged, in 1 snapshot from ${S[0]} to ${S[0]}; another version is good in ${S[1]}" <<<"$stderr"
	grep -qF "/src/same: damaged, in 2 snapshots from ${S[0]} to ${S[1]}; no good copy" <<<"$stderr"
	[[ $output == *": 2 damaged, 0 unreadable" ]]
	run -1 --separate-stderr verify --json
	[ "$(jq -c '[.clients[0].found[] | [.problem, .good_copy, .same_content,
	    (.snapshots | length)]] | sort' <<<"$output")" = \
	    "[[\"damaged\",null,false,2],[\"damaged\",\"${S[1]}\",false,1]]" ]
	# Another client's store is not touched by that.
	mkdir -p "$T/store/other.snaps"
	run -0 verify other
	run -23 verify nosuch
	run -23 verify ../x
}

@test "the same content in another file is the good copy" {
	cp -p "$T/src/changed" "$T/copy"
	touch "$T/src/changed"
	irsync backup
	flip "$SNAPS/${S[1]}$T/src/changed" 1
	run -1 --separate-stderr verify
	[[ $stderr == *"damaged, in 1 snapshot "*"; the same content is good in "* ]]
}

@test "what has no checksum is said so, and gets one" {
	rm "$SNAPS/.meta/sums"
	run -0 verify -n
	[[ $output == *": all good, "*" had no checksum" ]]
	[ ! -e "$SNAPS/.meta/sums" ]
	run -0 verify --part 1/2
	run -0 verify --part 2/2
	[ "$(stat -c %U:%a "$SNAPS/.meta/sums")" = \
	    "$(stat -c %U:%a "$SNAPS/.lock")" ]
	run -0 verify
	[[ $output == *": all good" ]]
	flip "$SNAPS/${S[1]}$T/src/same" 0
	run -1 verify
	flip "$SNAPS/${S[1]}$T/src/same" 0
	# The log itself: a block that rots costs its entries.
	flip "$SNAPS/.meta/sums" 200
	run -0 verify -n
	[[ $output == *"of the log of checksums are damaged"*" had no checksum" ]]
	# And a push goes on, whatever became of the log.
	head -c 100 /dev/urandom >"$SNAPS/.meta/sums"
	echo x >"$T/src/one-more"
	irsync backup
	run -0 verify
	[[ $output == *" had no checksum yet" ]]
	run -0 verify
	[[ $output == *": all good" ]]
}

@test "a log that is mostly about the dead is written anew" {
	python3 - "$T/src/many" <<-'EOT'
	import os, sys
	os.mkdir(sys.argv[1])
	for i in range(6000):
	    open("%s/%d" % (sys.argv[1], i), "w").write(str(i))
	EOT
	irsync backup
	rm -r "$T/src/many"
	irsync backup --allow-shrink
	for s in $(irsync list --json | jq -r '.snapshots[:-1][].stamp'); do
		rm -r "${SNAPS:?}/$s" "$SNAPS/.meta/$s.json"
	done
	was=$(stat -c %s "$SNAPS/.meta/sums")
	[ "$was" -gt 384000 ]
	run -0 verify
	[ "$(stat -c %s "$SNAPS/.meta/sums")" -lt 4000 ]
	run -0 verify
	[[ $output == *": all good" ]]
}

is_locked() {
	! flock -n -x "$1" true
}

@test "whatever stands in the log's place, a push makes its snapshot" {
	local sums=$SNAPS/.meta/sums
	echo precious >"$T/outside"
	chmod 666 "$T/outside"
	rm "$sums"
	ln -s "$T/outside" "$sums"
	echo 1 >"$T/src/one-more"
	irsync backup
	rm "$sums"
	mkdir "$sums"
	echo 2 >"$T/src/one-more"
	irsync backup
	grep -q 'checksums are not kept' "$T/syslog"
	rmdir "$sums"
	mkfifo "$sums"
	chown "$ACCOUNT_ID" "$sums"
	echo 3 >"$T/src/one-more"
	timeout 300 "$BIN/irsync" -f "$CONF" backup
	run -0 irsync list "$T/src/one-more"
	[ "${lines[0]}" = "$T/src/one-more: 3 versions" ]
	run -23 timeout 300 "$BIN/irsync" --store "$T/store" verify
	rm "$sums"
	# Somebody holds the log locked: the push waits a second, no more.
	: >"$sums"
	chown "$ACCOUNT_ID" "$sums"
	flock -F -x "$sums" sleep 600 3>&- &
	on_exit kill_now $!
	wait_until 5 is_locked "$sums"
	echo 4 >"$T/src/one-more"
	irsync backup
	[ "$(cat "$T/outside")" = precious ]
}
