#!/usr/bin/env bats
# A policy with an error lets nobody in, and the operator is told the place.

load helpers
load guard

setup() {
	need sshd
	guard_setup
	mkdir "$T/src"
}

teardown() {
	run_cleanup
}

@test "everyone is refused, and the log names file, line and column" {
	start_sshd
	authorize "$CLIENT"
	printf 'root = "%s"\nclient "%s" {\n  psh = true\n}\n' "$STORE" \
	    "$CLIENT" >"$T/sshguard.conf"
	run ssh -F "$SSH_CONF" server true
	[ "$status" = 78 ]
	[[ $output = *"the policy on the server is broken"* ]]
	# Its details are the operator's, not the client's.
	[[ $output != *psh* ]]
	run rsync -e "ssh -F $SSH_CONF" -a "$T/src/" server:
	[ "$status" != 0 ]
	wait_until 5 grep -q "$T/sshguard.conf:3:3: unknown key 'psh'" "$T/syslog"
	[ ! -e "$SNAPS" ]
}

@test "every error is shown by -n, and a policy that is not there is one" {
	printf 'way = "x"\ntimeout = "y"\nclient "/" {}\n' >"$T/sshguard.conf"
	run "$BIN/validate-ssh" -n -f "$T/sshguard.conf" "$CLIENT"
	[ "$status" = 78 ]
	[ "${#lines[@]}" = 3 ]
	[[ ${lines[0]} = "$T/sshguard.conf:1:1: "* ]]
	[[ ${lines[2]} = "$T/sshguard.conf:3:9: "* ]]
	rm "$T/sshguard.conf"
	run guard true
	[ "$status" = 78 ]
	: >"$T/sshguard.conf"
	run guard true
	[ "$status" = 77 ]
}
