#!/usr/bin/env bats
# With restrict in front, the key opens neither a shell nor a port nor a file.

load helpers
load guard

setup() {
	need sshd scp sftp
	guard_setup
	start_sshd
	authorize "$CLIENT"
}

teardown() {
	run_cleanup
}

@test "no shell, with or without a terminal" {
	run ssh -F "$SSH_CONF" server
	[ "$status" = 77 ]
	[[ $output = *"interactive shell rejected from 127.0.0.1"* ]]
	run ssh -tt -F "$SSH_CONF" server
	[ "$status" != 0 ]
	grep -q 'interactive shell rejected from 127.0.0.1' "$GUARD_LOG"
}

@test "no scp and no sftp" {
	echo x >"$T/x"
	run scp -O -F "$SSH_CONF" "$T/x" server:x
	[ "$status" != 0 ]
	run scp -s -F "$SSH_CONF" "$T/x" server:x
	[ "$status" != 0 ]
	run sftp -F "$SSH_CONF" -b /dev/null server
	[ "$status" != 0 ]
	[ "$(grep -c 'ssh command rejected from 127.0.0.1' "$GUARD_LOG")" -ge 1 ]
	[ -z "$(find "$T/home" -name x)" ]
}

@test "no port is forwarded, in neither direction" {
	# What would answer at the other end of a tunnel is sshd itself.
	run timeout 120 ssh -F "$SSH_CONF" -W "127.0.0.1:$SSH_PORT" server </dev/null
	[ "$status" != 0 ]
	[[ $output != *SSH-2.0* ]]
	run timeout 120 ssh -F "$SSH_CONF" -o ExitOnForwardFailure=yes \
	    -R "127.0.0.1:0:127.0.0.1:$SSH_PORT" server true
	[ "$status" != 0 ]
}
