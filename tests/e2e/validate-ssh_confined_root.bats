#!/usr/bin/env bats
# A client that has taken rsync over finds itself in a root of its own, with
# what it pushed, and can do nothing from there.  A stand-in is started in
# rsync's place and tries.

load helpers
load guard

setup() {
	guard_setup
	mkdir -p "$T/src/etc" "$T/back"
	echo one >"$T/src/etc/one"
	push "$T/src/" server:
	as_account mkdir "$STORE/zeus.example.net.snaps"
	as_account sh -c "echo secret >'$STORE/zeus.example.net.snaps/secret'"
	manifest "$SNAPS/$(snapshots)" >"$T/before"
	# Where no folder that rsync needs is hidden by it.
	cp "$TOOLS/standin" "$T/rsync"
	RSYNC_KEY="rsync = '$T/rsync'"
}

teardown() {
	rm -f /tmp/standin
	run_cleanup
}

# worked: the names of the tries that did.
worked() {
	sed -n 's/: yes$//p' <<<"$output" | paste -sd,
}

unharmed() {
	manifest "$SNAPS/$(snapshots | head -n 1)" | cmp "$T/before" -
	snapshot_count 1
	[ ! -e /tmp/standin ]
}

@test "a push" {
	policy '' "$RSYNC_KEY"
	run guard rsync --server -r . "$CLIENT.full"
	[ "$status" = 12 ]
	[ "$(worked)" = "write its own" ]
	unharmed
	confined
}

@test "a pull" {
	policy 'pull = true' "$RSYNC_KEY"
	run guard rsync --server --sender -r . "$CLIENT.full"
	[ "$status" = 12 ]
	[ -z "$(worked)" ]
	unharmed
	confined
}

@test "a trial push" {
	policy '' "$RSYNC_KEY"
	run guard rsync --server -nr . "$CLIENT.full"
	[ "$status" = 12 ]
	[ -z "$(worked)" ]
	unharmed
	confined
}

@test "the way by --link-dest" {
	policy 'way = "linkdest"' "$RSYNC_KEY"
	run guard rsync --server -r . "$CLIENT.full"
	[ "$status" = 12 ]
	[ "$(worked)" = "write its own" ]
	unharmed
	confined
}

@test "without namespaces" {
	no_namespaces
	policy 'pull = true' "$RSYNC_KEY"
	run guard rsync --server -r . "$CLIENT.full"
	[ "$status" = 12 ]
	[ "$(worked)" = "write its own,see the parent" ]
	unharmed
	run guard rsync --server --sender -r . "$CLIENT.full"
	[ "$status" = 12 ]
	[ "$(worked)" = "list the snapshots,see the parent" ]
	unharmed
}

@test "the sandbox switched off, the same tries work" {
	policy 'sandbox = "off"  way = "linkdest"' "$RSYNC_KEY"
	run guard rsync --server -r . "$CLIENT.full"
	[ "$status" = 12 ]
	[[ ,$(worked), = *,"list the snapshots",* ]]
	[[ ,$(worked), = *,"create among the snapshots",* ]]
	[[ ,$(worked), = *,"a TCP socket",* ]]
	[[ ,$(worked), = *,"run rsync again",* ]]
}
