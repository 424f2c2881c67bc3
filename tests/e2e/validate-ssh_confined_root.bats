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

# old_snapshot: another one, older than the one that may be linked from.
old_snapshot() {
	OLD=$SNAPS/2001-01-01T000000Z
	as_account sh -c "mkdir '$OLD' && echo x >'$OLD/f' && chmod 644 '$OLD/f'"
}

# old_mode MODE: was nothing done to it but that?
old_mode() {
	[ "$(stat -c %a "$OLD/f")" = "$1" ]
	rm -r "$OLD"
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
	old_snapshot
	run guard rsync --server -r . "$CLIENT.full"
	[ "$status" = 12 ]
	[ "$(worked)" = "write its own" ]
	old_mode 644
	unharmed
	confined
}

@test "without namespaces" {
	no_namespaces
	policy 'pull = true' "$RSYNC_KEY"
	old_snapshot
	run guard rsync --server -r . "$CLIENT.full"
	[ "$status" = 12 ]
	# What no version of Landlock rules.
	[ "$(worked)" = "write its own,chmod in an old snapshot,see the parent" ]
	old_mode 750
	unharmed
	run guard rsync --server --sender -r . "$CLIENT.full"
	[ "$status" = 12 ]
	[ "$(worked)" = "list the snapshots,see the parent" ]
	unharmed
}

@test "the sandbox switched off, each of the tries works" {
	local try
	no_namespaces
	policy 'sandbox = "off"  way = "linkdest"' "$RSYNC_KEY"
	old_snapshot
	run guard rsync --server -r . "$CLIENT.full"
	[ "$status" = 12 ]
	# What is left needs root, or a namespace.
	for try in "read /etc/passwd" "list /" "list /proc" "list /home" \
	    "write /tmp/standin" "climb out" "read by symlink" \
	    "make a pipe" "list the snapshots" "create among the snapshots" \
	    "rename into the snapshots" "write the lock" \
	    "chmod in an old snapshot" "list all clients" \
	    "read another client" "remove from a snapshot" \
	    "create in a snapshot" "link another client's file" \
	    "rename a snapshot" "a TCP socket" "a UNIX socket" "run a shell" \
	    "run rsync again" ptrace keys "type on the terminal" \
	    "see the parent" "signal init"; do
		grep -qxF "$try: yes" <<<"$output" || echo "$try" >>"$T/denied"
	done
	# Only root may signal init.
	[ "$(cat "$T/denied")" = "signal init" ]
}
