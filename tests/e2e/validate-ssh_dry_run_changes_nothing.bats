#!/usr/bin/env bats
# rsync -n shows what a push would do; no snapshot comes of it, and not a byte
# changes.

load helpers
load guard

setup() {
	guard_setup
	mkdir -p "$T/src/etc"
	echo one >"$T/src/etc/one"
}

teardown() {
	run_cleanup
}

@test "a trial before the first push" {
	run push -ni "$T/src/" server:
	[ "$status" = 0 ]
	[[ $output = *"etc/one"* ]]
	[ -z "$(ls -A "$STORE")" ]
	no_namespaces
	run push -ni "$T/src/" server:
	[ "$status" = 0 ]
	[[ $output = *"etc/one"* ]]
	[ -z "$(ls -A "$STORE")" ]
}

@test "a trial of the second push shows only what changed" {
	push "$T/src/" server:
	manifest "$STORE" >"$T/before"
	echo two >"$T/src/etc/two"
	run push -ni --delete "$T/src/" "server:$CLIENT.full"
	[ "$status" = 0 ]
	[[ $output = *"etc/two"* ]]
	[[ $output != *"etc/one"* ]]
	[[ $output != *"backshelf:"* ]]
	manifest "$STORE" | cmp "$T/before" -
	# A client that lies about its dry run writes nowhere.
	grep -q 'trial push from 192.0.2.9: rsync ended with 0' "$GUARD_LOG"
	confined
}

@test "validate-ssh -n explains, and runs nothing" {
	export SSH_ORIGINAL_COMMAND="rsync --server -logDtpre.iLsfxCIvu --delete . $CLIENT.full/a\\ b"
	run "$BIN/validate-ssh" -n -f "$T/sshguard.conf" "$CLIENT"
	[ "$status" = 0 ]
	[ "${lines[0]}" = "accepted: a push into $CLIENT.full/a b, to become a snapshot" ]
	[ "${lines[1]}" = "runs: /usr/bin/rsync --server -logDtpre.iLsfxCIvu --delete --fake-super --partial-dir=.~backshelf-partial~ --filter=Pp\\040.~backshelf-partial~/ --timeout=3600 -- . /$CLIENT.full/a\\040b" ]
	SSH_ORIGINAL_COMMAND="rsync --server --daemon ." \
	    run "$BIN/validate-ssh" -n -f "$T/sshguard.conf" "$CLIENT"
	[ "$status" = 77 ]
	[[ $output = "refused: --daemon is not allowed"* ]]
	unset SSH_ORIGINAL_COMMAND
	run "$BIN/validate-ssh" -n -f "$T/sshguard.conf" "$CLIENT"
	[ "$status" = 77 ]
	[ "$output" = "refused: an interactive shell" ]
	snapshot_count 0
	[ ! -e "$GUARD_LOG" ]
}
