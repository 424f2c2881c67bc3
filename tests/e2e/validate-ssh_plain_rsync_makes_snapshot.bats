#!/usr/bin/env bats
# A stock rsync, told nothing, pushes through a real sshd to an account without
# any right, and gets snapshots that come back as they were.

load helpers
load guard

setup() {
	need sshd setfacl setfattr
	guard_setup
	start_sshd
	authorize "$CLIENT"
	RSYNC=(rsync -e "ssh -F $SSH_CONF" -aHAX --numeric-ids)
}

teardown() {
	run_cleanup
}

@test "everything comes back from a plain push" {
	make_source "$T/src"
	"${RSYNC[@]}" "$T/src/" server:
	snapshot_count 1
	[ "$(readlink "$FULL")" = "$CLIENT.snaps/$(snapshots)" ]
	# Nothing of it belongs to anyone but the account.
	[ -z "$(find "$SNAPS" ! -uid "$ACCOUNT_ID")" ]
	mkdir "$T/back"
	"${RSYNC[@]}" -S "server:$CLIENT.full/" "$T/back/"
	python3 "$BATS_TEST_DIRNAME/sametree.py" "$T/src" "$T/back"
	confined
}

@test "the second push shares what did not change, and changes no history" {
	only_fs ext4 xfs
	make_source "$T/src"
	"${RSYNC[@]}" "$T/src/" server:
	first=$(snapshots)
	manifest "$SNAPS/$first" >"$T/before"
	chmod 0640 "$T/src/etc/one"
	chown 7:7 "$T/src/home/alice/a b"
	touch -d 2003-01-01 "$T/src/home/alice/-dash"
	rm "$T/src/etc/suid"
	touch -d 2004-01-01 "$T/src/etc"
	echo more >>"$T/src/etc/shadow"
	# Of these, attributes alone change; their ACLs stay.
	setfattr -n user.note -v changed "$T/src/home" "$T/src/etc/one"
	run "${RSYNC[@]}" --delete --stats "$T/src/" "server:$CLIENT.full"
	[ "$status" = 0 ]
	[[ $output = *"backshelf: snapshot "*" complete: "* ]]
	snapshot_count 2
	second=$(snapshots | tail -n 1)
	manifest "$SNAPS/$first" >"$T/after"
	cmp "$T/before" "$T/after"
	[ "$SNAPS/$first/home/sparse" -ef "$SNAPS/$second/home/sparse" ]
	[ ! -e "$SNAPS/$second/etc/suid" ]
	mkdir "$T/back"
	"${RSYNC[@]}" -S "server:$CLIENT.snaps/$second/" "$T/back/"
	python3 "$BATS_TEST_DIRNAME/sametree.py" "$T/src" "$T/back"
}

@test "the log has the words of old, and the line of the snapshot" {
	mkdir "$T/src"
	echo x >"$T/src/x"
	"${RSYNC[@]}" "$T/src/" "server:$CLIENT.full"
	grep -qE 'sshval\([0-9]+\): ssh command accepted from 127\.0\.0\.1: rsync --server -' "$GUARD_LOG"
	grep -qE "sshval\([0-9]+\): $CLIENT: snapshot $(snapshots) complete: " "$GUARD_LOG"
	wait_until 5 grep -q 'ssh command accepted from 127.0.0.1' "$T/syslog"
}

@test "true answers, for connection checks" {
	run ssh -F "$SSH_CONF" server true
	[ "$status" = 0 ]
	[ -z "$output" ]
}
