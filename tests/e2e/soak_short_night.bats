#!/usr/bin/env bats
# A short night of tests/soak: faults thrown in by a schedule, and in the morning
# all that was promised is there.

load helpers

setup() {
	setup_tmp
	need nbdkit nbdfuse fallocate jq sshd e2fsck
	[ -c /dev/fuse ] || skip '/dev/fuse is not there'
	[ -e /dev/loop-control ] || skip 'there are no loop devices'
}

teardown() {
	run_cleanup
}

@test "everything is thrown at it, and what was promised is there" {
	TMPDIR=$T SOAK_SECONDS=$(for_long 120 1200) \
	    SOAK_CLIENTS=$(for_long 6 20) "$BATS_TEST_DIRNAME/../soak/run.sh"
	run losetup --list --noheadings --output BACK-FILE
	[[ $output != *"$T"* ]]
	run compgen -G "$T/backshelf-soak*"
	[ "$status" = 1 ]
}
