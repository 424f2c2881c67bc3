#!/usr/bin/env bats
# From nothing to a backup: init, what it says, check, backup.

load helpers
load irsync_helpers

setup() {
	setup_tmp
	server_make
	: >"$T/ssh/authorized_keys"
	mkdir -p "$T/src" "$T/root"
	echo x >"$T/src/file"
	CONF=$T/new.conf
	export HOME=$T/root
}
teardown() { run_cleanup; }

init() {
	"$BIN/irsync" -f "$CONF" --host client.example.net -p "$SSH_PORT" \
	    init "$ACCOUNT@127.0.0.1:$T/store" "$@"
}

adapt() {
	sed -i "s|^paths = .*|paths = { \"$T/src\" }|" "$CONF"
	printf 'state = "%s"\nlock = "%s"\n' "$T/state" "$T/lock" >>"$CONF"
}

@test "what init prints makes the first backup possible, and check proves it" {
	init <<<yes >"$T/said"
	grep -q "$(ssh-keygen -lf "$T/ssh/host_key.pub" | cut -d' ' -f2)" \
	    "$T/said"
	[ "$(stat -c %a "$CONF" "$HOME/.ssh/irsync")" = $'600\n600' ]
	line=$(grep '^command=' "$T/said")
	[[ $line == 'command="/usr/local/libexec/validate-ssh client.example.net",restrict ssh-ed25519 '*' irsync@client.example.net' ]]
	adapt
	run -1 irsync check
	[[ $output == *"not ok $ACCOUNT@127.0.0.1:$T/store: refused: "* ]]
	real="$BIN/validate-ssh -f $T/sshguard.conf"
	echo "${line/'/usr/local/libexec/validate-ssh'/$real}" \
	    >>"$T/ssh/authorized_keys"
	run -0 irsync check
	[[ $output == *"ok     $ACCOUNT@127.0.0.1:$T/store: the server lets client.example.net push"* ]]
	[[ $output == *"ok     path: $T/src"* ]]
	[[ $output != *"not ok"* ]]
	# Nothing was changed by it.
	[ ! -e "$T/store/client.example.net.snaps" ]
	[ ! -e "$T/state" ]
	irsync backup
	# Another server's key is not believed.
	ssh-keygen -q -t ed25519 -N '' -f "$T/other"
	sed -i "s| ssh-ed25519 .*| $(cut -d' ' -f1,2 "$T/other.pub")|" \
	    "$HOME/.ssh/irsync.known_hosts"
	sed -i '/ecdsa\|rsa/d' "$HOME/.ssh/irsync.known_hosts"
	run -1 irsync check
	[[ $output == *"not ok"*"refused: "* ]]
}

@test "a key that is not accepted is not pinned, and nothing is replaced" {
	run -77 init <<<no
	[ ! -e "$CONF" ]
	[ ! -e "$HOME/.ssh/irsync.known_hosts" ]
	run -77 init </dev/null
	init --yes
	cp -a "$CONF" "$T/copy"
	before=$(md5sum "$HOME/.ssh/"*)
	run -1 init --yes
	[[ $output == *"$CONF: it is there already; nothing is changed"* ]]
	rm "$CONF"
	init
	cmp "$CONF" "$T/copy"
	[ "$(md5sum "$HOME/.ssh/"*)" = "$before" ]
}

@test "check names each thing that is wrong" {
	cat >"$CONF" <<-EOT
	storage = { "$T/nowhere", "$ACCOUNT@127.0.0.1:$T/store" }
	port = 1
	identity = "$T/no-key"
	paths = { "$T/src", "$T/missing" }
	host = "client.example.net"
	state = "$T/state"
	lock = "$T/lock"
	before = { "$T/no-hook" }
	exclude_from = { "$T/no-file" }
	mysql { option_file = "$T/none.cnf" client = "$T/no-mysql" }
	ping = "http://x/"
	curl = "$T/no-curl"
	EOT
	run -1 irsync check
	for what in "$T/nowhere: No such file" "key: $T/no-key: No such file" \
	    "the server cannot be reached" "$T/missing: it is configured" \
	    "before: $T/no-hook: No such file" "what is left out: " \
	    "mysql: " "ping: $T/no-curl: No such file"; do
		grep -q "^not ok .*$what" <<<"$output" || {
			echo "nothing of: $what"
			false
		}
	done
	grep -q "^ok     path: $T/src" <<<"$output"
}

@test "check of a server with a shell alone, and of a key's name with a %" {
	ssh-keygen -q -t ed25519 -N '' -f "$T/k%h ey"
	cat "$T/k%h ey.pub" >"$T/ssh/authorized_keys"
	irsync_conf "$T/src"
	printf 'unmanaged = true\nidentity = "%s"\n' "$T/k%h ey" >>"$CONF"
	sed -i '/Identit/d' "$SSH_CONF"
	run irsync check; echo "$output"; [ "$status" = 0 ]
	[[ $output == *"the server lets us in; space: "*" free"* ]]
	rmdir "$T/store"
	run -1 irsync check
	[[ $output == *"not ok"*"$T/store"* ]]
}
