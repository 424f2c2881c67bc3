#!/usr/bin/env bats
# On the client the newest snapshot is compared with the living files: what was
# changed since is told from what was damaged.

load helpers
load irsync_helpers

setup() {
	setup_tmp
	need jq setfacl setfattr
	server_make
	irsync_conf "$T/src"
	source_make "$T/src"
	irsync backup
	S=$(newest)
	SNAP=$T/store/client.example.net.snaps/$S$T/src
	# What is changed from the next second on is changed since.
	wait_until 3 next_second
}
teardown() { run_cleanup; }

next_second() {
	[ "$(date +%s)" -gt "$(jq .started \
	    "$T/store/client.example.net.snaps/.meta/$S.json")" ]
}

# counts of the last output, in JSON.
counts() {
	jq -c '[.changed, .deleted, .missing, .damaged]' <<<"$output"
}

@test "all is the same; a sample is a part of it" {
	run -0 irsync verify --all
	[[ $output == "$S: 23 of 23 files compared: 23 the same, 0 changed"* ]]
	run -0 irsync verify --sample 5
	[[ $output == "$S: 5 of 23 files compared: 5 the same, "* ]]
	run -0 irsync verify
	[[ $output == "$S: 23 of 23 files compared: 23 the same, "* ]]
	run -64 irsync verify --all --sample 5
	run -64 irsync verify --sample 0
	run -64 irsync verify --sample x
	run -64 irsync verify host
}

@test "what was changed, replaced or deleted since is explained" {
	source_second "$T/src"
	run -0 --separate-stderr irsync verify --all --json
	[ "$(jq -c '.exit, .missing, .damaged' <<<"$output")" = $'0\n0\n0' ]
	[ "$(jq -r '.found[] | select(.found == "changed").path' \
	    <<<"$output" | sort)" = "$(printf "$T/src/%s\n" big changed \
	    sparse)" ]
	[ "$(jq .deleted <<<"$output")" -ge 3 ]
	[ -z "$stderr" ]
}

@test "damage on either side is found, though size and time are the same" {
	only_fs ext4 xfs
	for f in "$SNAP/big" "$T/src/changed"; do
		touch -r "$f" "$T/ref"
		printf Z | dd of="$f" bs=1 seek=1 conv=notrunc status=none
		touch -r "$T/ref" "$f"
	done
	run -1 --separate-stderr irsync verify --all --json
	[ "$(counts)" = '[0,0,0,2]' ]
	[[ $stderr == *"$T/src/big: has another content, though nothing has "* ]]
	[[ $stderr == *"$T/src/changed: has another content, though "* ]]
	run -1 --separate-stderr irsync verify
	[[ $output == *", 2 damaged" ]]
}

@test "a file that vanished without a trace is missing" {
	touch -r "$T/src" "$T/ref"
	rm "$T/src/big"
	touch -d '2001-01-01' "$T/src"
	run -1 --separate-stderr irsync verify --all --json
	[ "$(counts)" = '[0,0,1,0]' ]
	[[ $stderr == *"$T/src/big: is missing, though "* ]]
}

@test "without a snapshot, or a server, it says so" {
	conf_set 'host = "other.example.net"'
	run -77 --separate-stderr irsync verify --json
	jq -e '.exit == 77' <<<"$output"
	mkdir "$T/none"
	conf_set "storage = \"$T/none\""
	run -1 irsync verify
	[[ $output == *"there are no snapshots" ]]
}
