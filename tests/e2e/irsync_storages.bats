#!/usr/bin/env bats
# Several storages: each in turn, each on its own.

load helpers
load irsync_helpers

setup() {
	setup_tmp
	mkdir -p "$T/src" "$T/one" "$T/two"
	echo x >"$T/src/file"
	irsync_conf "$T/src"
	conf_set "storage = { \"$T/one\", \"nobody@127.0.0.1:/x\", \"$T/two\" }" \
	    'port = 1'
}
teardown() { run_cleanup; }

@test "one that is down does not stop the others" {
	run -69 irsync backup
	[[ $output == *"to $T/one: snapshot "* ]]
	[[ $output == *"to nobody@127.0.0.1:/x: the server cannot be reached"* ]]
	[[ $output == *"to $T/two: snapshot "* ]]
	[ -f "$T/one/client.example.net.full/$T/src/file" ]
	[ -f "$T/two/client.example.net.full/$T/src/file" ]
	# No storage goes into another.
	irsync_conf "$T"
	conf_set "storage = { \"$T/one\", \"$T/two\" }"
	irsync backup
	[ ! -e "$T/two/client.example.net.full/$T/one" ]
	run -0 irsync --json --storage "$T/two" list
	[ "$(jq -r .storage <<<"$output")" = "$T/two" ]
	run -78 irsync --storage other list
	[[ $output == *"knows no storage of this name"* ]]
}

@test "what became of each is remembered" {
	run -69 irsync backup
	state=$T/state/client.example.net.json
	[ "$(jq -r '.storages[] | [.storage, .runs[-1].exit] | @tsv' "$state")" = \
	    "$(printf '%s\t0\nnobody@127.0.0.1:/x\t69\n%s\t0' "$T/one" "$T/two")" ]
	[ "$(jq -r '.storages[0].complete_snapshot' "$state")" = \
	    "$(irsync --storage "$T/one" list --json | jq -r '.snapshots[-1].stamp')" ]
	[[ $(jq -r '.storages[1].runs[-1].error' "$state") == *"cannot be reached: "* ]]
	# A damaged memory stops no backup.
	echo '{"version":' >"$state"
	run -0 irsync --storage "$T/one" backup
	[[ $output == *"damaged; put aside as $state.bad"* ]]
	[ -f "$state.bad" ]
}
