#!/usr/bin/env bats
# validate-ssh keys: the lines of authorized_keys for a policy, which sshd takes
# as they are.

load helpers
load guard

setup() {
	need ssh-keygen
	guard_setup
	ssh-keygen -q -t ed25519 -N '' -C 'root@mysql02' -f "$T/key"
	cp "$T/key.pub" "$T/$CLIENT.pub"
}

teardown() {
	run_cleanup
}

keys() {
	run "$BIN/validate-ssh" keys -f "$T/sshguard.conf" "$@"
}

@test "a line for each key, with what the policy says" {
	policy 'from = { "127.0.0.0/8", "2001:db8::1" }'
	keys "$T/$CLIENT.pub"
	[ "$status" = 0 ]
	[ "$output" = "command=\"$(realpath "$BIN/validate-ssh") -f $T/sshguard.conf $CLIENT\",restrict,from=\"127.0.0.0/8,2001:db8::1\" $(cat "$T/key.pub")" ]
}

@test "sshd takes it" {
	need /usr/sbin/sshd
	start_sshd
	policy 'from = { "127.0.0.1" }'
	cp "$SSH_KEY.pub" "$T/$CLIENT.pub"
	"$BIN/validate-ssh" keys -f "$T/sshguard.conf" "$T/$CLIENT.pub" \
	    >"$T/ssh/authorized_keys"
	ssh -F "$SSH_CONF" server true
	run ssh -F "$SSH_CONF" server id
	[ "$status" = 77 ]
}

@test "what is wrong is named, and nothing is printed" {
	echo "command=\"/bin/sh\" $(cat "$T/key.pub")" >"$T/zeus.example.net.pub"
	keys "$T/$CLIENT.pub" "$T/zeus.example.net.pub"
	[ "$status" = 1 ]
	[[ $output = *"zeus.example.net.pub:1: no known type of key"* ]]
	[[ $output != *restrict* ]]
	cp "$T/key.pub" "$T/zeus.example.net.pub"
	keys "$T/$CLIENT.pub" "$T/zeus.example.net.pub"
	[ "$status" = 1 ]
	[[ $output = *"the key is $CLIENT's already"* ]]
	cp "$T/key.pub" "$T/stranger.pub"
	keys "$T/stranger.pub"
	[ "$status" = 1 ]
	[[ $output = *'no client "stranger"'* ]]
	: >"$T/$CLIENT.pub"
	keys "$T/$CLIENT.pub"
	[[ $output = *"no key in it"* ]]
	keys
	[ "$status" = 64 ]
	echo nonsense >"$T/sshguard.conf"
	keys "$T/$CLIENT.pub"
	[ "$status" = 78 ]
}
