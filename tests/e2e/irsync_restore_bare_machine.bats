#!/usr/bin/env bats
# On a machine with nothing but the key and the server's name, all comes back
# as it was.

load helpers
load irsync_helpers

setup() {
	setup_tmp
	need jq setfacl setfattr
	server_make
	irsync_conf "$T/src"
	source_make "$T/src"
	irsync backup
	rm "$CONF"
	FROM=(--from "server:$T/store" --host client.example.net)
}
teardown() { run_cleanup; }

@test "list, diff and restore without a configuration" {
	# What this machine knows: the server's address and its host key.
	cat >"$T/ssh/ssh" <<-EOT
	#!/bin/sh
	exec /usr/bin/ssh -F "$T/ssh/plain" "\$@"
	EOT
	chmod 755 "$T/ssh/ssh"
	grep -vE 'IdentityFile|Port|User |IdentitiesOnly' "$SSH_CONF" \
	    >"$T/ssh/plain"
	# A mount namespace in which ssh is that one.
	# The manual has it from the folder that the key is in.
	grep -qF 'irsync --from irsync@server: --host www.example.net -i key restore --to /mnt' \
	    "$HELPERS_DIR/../../irsync/irsync.1"
	cp "$SSH_KEY" "$T/ssh/key"
	cd "$T/ssh"
	# shellcheck disable=SC2016
	run -0 unshare --mount sh -c 'cp /usr/bin/ssh "$1/ssh.real" &&
	    sed -i "s,/usr/bin/ssh,$1/ssh.real," "$1/ssh" &&
	    mount --bind "$1/ssh" /usr/bin/ssh && shift && exec "$@"' sh \
	    "$T/ssh" "$BIN/irsync" --from "irsync@server:$T/store" \
	    --host client.example.net -i key -p "$SSH_PORT" \
	    restore --to "$T/out"
	[[ $output == *": complete: "* ]]
	python3 "$SAMETREE" "$T/src" "$T/out$T/src"
}

@test "what does not go together is refused" {
	run -64 "$BIN/irsync" -f "$T/x" "${FROM[@]}" list
	run -64 "$BIN/irsync" --host client.example.net list
	run -64 "$BIN/irsync" "${FROM[@]}" backup
	run -78 "$BIN/irsync" "${FROM[@]}" -p 70000 list
	[[ $output == *"port"* ]]
	run -78 "$BIN/irsync" --from relative list
	run -78 "$BIN/irsync" "${FROM[@]}" --host ../evil list
}

@test "a directory is restored from in the same way" {
	local odd=$'odd "$n"\\'
	run -0 "$BIN/irsync" --from "$T/store" --host client.example.net \
	    restore "$T/src/big" --to "$T/out $odd"
	cmp "$T/src/big" "$T/out $odd$T/src/big"
	mkdir "$T/$odd"
	run -0 "$BIN/irsync" --from "$T/$odd" --host a list
	[ "$output" = "0 snapshots, 0 B on disk" ]
}
