#!/usr/bin/env bats
# The sshd of the tests lets the key in through the forced command alone, and
# the machine's own accounts stay as they were.

load helpers

setup() {
	need sshd ssh unshare
	setup_tmp
}

teardown() {
	run_cleanup
}

@test "a login runs the forced command as the account" {
	start_sshd
	authorize_command "/bin/echo forced"
	run ssh -F "$SSH_CONF" server true
	[ "$status" = 0 ]
	[ "$output" = forced ]
	: >"$T/ssh/authorized_keys"
	authorize_command "/usr/bin/id"
	run ssh -F "$SSH_CONF" server true
	[[ $output = "uid=$ACCOUNT_ID($ACCOUNT) gid=$ACCOUNT_ID($ACCOUNT)"* ]]
}

@test "the machine's accounts are untouched" {
	before=$(cat /etc/passwd /etc/group /etc/shadow | sha256sum)
	start_sshd
	[ "$(cat /etc/passwd /etc/group /etc/shadow | sha256sum)" = "$before" ]
	run grep -q "$T" /etc/passwd /proc/self/mounts
	[ "$status" = 1 ]
}

@test "what a forced command tells syslog is kept" {
	start_sshd
	authorize_command "/usr/bin/logger -t forced for-the-log"
	ssh -F "$SSH_CONF" server true
	wait_until 5 grep -q "forced: for-the-log" "$T/syslog"
}

@test "a key that is not authorized is refused" {
	start_sshd
	run ssh -F "$SSH_CONF" server true
	[ "$status" = 255 ]
	[[ $output = *"Permission denied"* ]]
}

@test "cleaning up ends the sessions too, in reverse order" {
	nap=1000.$$
	start_sshd
	authorize_command "/bin/sleep $nap"
	ssh -F "$SSH_CONF" server true 3>&- &
	client=$!
	session() { pgrep -u "$ACCOUNT_ID" -f "^/bin/sleep $nap\$"; }
	wait_until 10 session
	theirs=$(session | tail -n 1)
	order=$(mktemp)
	note() { echo "$1" >>"$order"; }
	on_exit note second
	(on_exit note first)
	folder=$T
	run_cleanup
	[ ! -e "$folder" ]
	[ "$(cat "$order")" = $'first\nsecond' ]
	rm "$order"
	pid_is_gone "$theirs"
	wait_until 10 pid_is_gone "$client"
}
