#!/usr/bin/env bats
# A server that only another one can reach: the EXAMPLE of irsync.conf(5), from a
# network in which there is nothing but the gate.

load helpers
load irsync_helpers

setup() {
	setup_tmp
	need jq ip
	NET=irsj$$
	ip netns add "$NET"
	on_exit ip netns del "$NET"
	ip netns add "$NET-s"
	on_exit ip netns del "$NET-s"
	ip link add "$NET" netns "$NET" type veth peer name "$NET" \
	    netns "$NET-s"
	ip -n "$NET" addr add 192.0.2.2/30 dev "$NET"
	ip -n "$NET-s" addr add 192.0.2.1/30 dev "$NET"
	ip -n "$NET" link set "$NET" up
	ip -n "$NET-s" link set "$NET" up
	ip -n "$NET-s" link set lo up
	# The gate is 192.0.2.1, the vault 127.0.0.1 on the other side.
	# shellcheck disable=SC2034
	SSHD_SPACE=(ip netns exec "$NET-s") SSHD_ADDRESS=0.0.0.0
	server_make
	ssh-keygen -q -t ed25519 -N '' -f "$T/ssh/gate_key"
	sed 's/^/restrict,port-forwarding,permitopen="127.0.0.1:'"$SSH_PORT"'" /' \
	    "$T/ssh/gate_key.pub" >>"$T/ssh/authorized_keys"
	cat >>"$SSH_CONF" <<-EOT
	Host vault
		HostName 127.0.0.1
		IdentityFile $SSH_KEY
	Host gate.example.net
		HostName 192.0.2.1
		Port $SSH_PORT
		IdentityFile $T/ssh/gate_key
	Host vault gate.example.net
		HostKeyAlias server
		IdentitiesOnly yes
		User $ACCOUNT
		UserKnownHostsFile $T/ssh/known_hosts
		BatchMode yes
	EOT
	mkdir "$T/src"
	echo x >"$T/src/file"
	irsync_conf "$T/src"
	local man=$HELPERS_DIR/../../irsync/irsync.conf.5
	# What stands in the manual, with our port, name and folder.
	JUMP=$(grep '^ssh_options = { "ProxyJump=' "$man")
	grep -q '^storage     = "irsync@vault:/data/irsync"$' "$man"
	conf_set "storage = \"irsync@vault:$T/store\"" "port = $SSH_PORT" \
	    "$JUMP"
}
teardown() { run_cleanup; }

# shellcheck disable=SC2153
irsync() {
	ip netns exec "$NET" "$BIN/irsync" -f "$CONF" "$@"
}

@test "backup, list and restore through a gate, and what a dead gate looks like" {
	run -0 irsync check
	irsync backup
	[ -f "$T/store/client.example.net.full$T/src/file" ]
	run -0 irsync list
	irsync restore --to "$T/out"
	cmp "$T/src/file" "$T/out$T/src/file"
	# The key and port for the vault are not the gate's.
	conf_set "identity = \"$SSH_KEY\""
	irsync backup
	# There is no other way.
	sed -i '/^ssh_options/d' "$CONF"
	run -69 irsync backup
	# A gate that lets nobody in, and one that answers nothing.
	conf_set "$JUMP"
	sed -i '/permitopen/d' "$T/ssh/authorized_keys"
	run -77 irsync backup
	conf_set "${JUMP/ \}/, \"ConnectTimeout=2\" \}}"
	ip -n "$NET" neigh replace 192.0.2.1 dev "$NET" \
	    lladdr 02:00:00:00:00:01
	SECONDS=0
	run -69 irsync backup
	# Unless told, ssh tries for half a minute.
	[ "$SECONDS" -lt 29 ]
}
