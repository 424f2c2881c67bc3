#!/usr/bin/env bats
# Whoever has the key can do nothing else with it; each try is logged with the
# address, and the store stays as it was.

load helpers
load guard

setup() {
	guard_setup
	mkdir "$T/src"
	echo x >"$T/src/x"
	push "$T/src/" server:
	as_account mkdir "$STORE/zeus.example.net.snaps"
	as_account mkdir "$STORE/zeus.example.net.snaps/2026-01-01T000000Z"
	manifest "$STORE" >"$T/before"
	: >"$GUARD_LOG"
}

teardown() {
	manifest "$STORE" | cmp "$T/before" - || echo "the store changed"
	run_cleanup
}

unchanged() {
	manifest "$STORE" | cmp "$T/before" -
}

# refused SAYS COMMAND...: is it refused with these words, and so logged?
refused() {
	local says=$1
	shift
	run guard "$@"
	[ "$status" = 77 ] || return 1
	[[ $output = *"rejected from 192.0.2.9"*"$says"* ]] || return 1
	[ "$(wc -l <<<"$output")" = 1 ] || return 1
	tail -n 1 "$GUARD_LOG" | grep -qF "rejected from 192.0.2.9"
}

@test "shells and other programs" {
	refused "$CLIENT.full" "rm -rf $STORE"
	refused "$CLIENT.full" sh
	refused "$CLIENT.full" /bin/sh -c id
	refused "$CLIENT.full" scp -t /tmp
	refused "$CLIENT.full" /usr/lib/openssh/sftp-server
	refused "$CLIENT.full" internal-sftp
	refused "$CLIENT.full" rsync
	refused "$CLIENT.full" sudo rsync --server -r . "$CLIENT.full"
	refused "one command" "rsync --server -r . $CLIENT.full; id"
	refused "one command" "rsync --server -r . $CLIENT.full && id"
	refused "expanded" "rsync --server -r . \$HOME"
	refused "expanded" "rsync --server -r . \`id\`"
	run guard ""
	[ "$status" = 77 ]
	[[ $output = *"interactive shell rejected from 192.0.2.9" ]]
	unchanged
}

@test "other folders" {
	refused "not in this client's store" rsync --server -r . zeus.example.net.full
	refused "not in this client's store" rsync --server -r . /etc
	refused "not in this client's store" rsync --server -r . "$STORE/zeus.example.net.full"
	refused "not in this client's store" rsync --server -r . '~'/.ssh
	refused '".."' rsync --server -r . ../x
	refused '".."' rsync --server -r . "$CLIENT.full/../../x"
	refused "into the snapshots" rsync --server -r . "$CLIENT.snaps/$(snapshots)"
	refused "not in this client's store" rsync --server -r . "$CLIENT.snaps/.push/upper"
	refused '".."' rsync --server --sender -r . "$CLIENT.full/.."
	refused "not in this client's store" rsync --server --sender -r . /etc/passwd
	refused "not in this client's store" rsync --server --sender -r . "$CLIENT.snaps/.lock"
	unchanged
}

@test "options that would lead elsewhere" {
	local o
	for o in "--log-file=$T/x" --daemon "--config=$T/x" --dparam=x --rsh=x \
	    --link-dest=/etc --temp-dir=/tmp --partial-dir --copy-devices \
	    --write-devices --files-from=/etc/passwd --exclude-from=/etc/passwd \
	    --filter=x --super --fake-super --debug=all --max-alloc=0 -M--super \
	    --remote-option=x -L -K -s -essh --iconv=x "--write-batch=$T/x" \
	    --no-such-option --insecure-links --confine-root=/ --munge-links; do
		refused "" rsync --server -r "$o" . "$CLIENT.full"
	done
	refused "--backup-dir" rsync --server -br --backup-dir ../x . "$CLIENT.full"
	refused "not an rsync server" rsync --daemon --server . x
	unchanged
	[ ! -e "$T/x" ]
}

@test "a client that the policy does not name, or from elsewhere" {
	GUARD_AS=stranger refused "names no client" true
	GUARD_AS=../x refused "names no client" true
	policy 'from = { "10.0.0.0/8", "2001:db8::/32" }'
	refused "may not come from this address" true
	unchanged
}

@test "a link-local address is known without its scope" {
	sed -i 's/192\.0\.2\.9 /fe80::9%eth0 /' "$RSH"
	policy 'from = { "fe80::/10" }'
	guard true
	grep -qF "accepted from fe80::9: true" "$GUARD_LOG"
}

@test "descriptors that are closed at the start get no file's bytes" {
	"$RSH" x rsync --server -re.LsfxCIvu . "$CLIENT.full" <&- >&- 2>&- || true
	grep -q "rsync ended with" "$GUARD_LOG"
	run grep -cvP '^\d{4}-\d\d-\d\dT[\x20-\x7e]+$' "$GUARD_LOG"
	[ "$output" = 0 ]
}

@test "what a client sends cannot break the log's lines" {
	refused '\012' $'rsync --server . \\\nsshval(1): ssh command accepted\\\e[31m'
	[ "$(wc -l <"$GUARD_LOG")" = 1 ]
	run grep -cP '[\x00-\x08\x0b-\x1f\x7f]' "$GUARD_LOG"
	[ "$output" = 0 ]
}

@test "a command of any length" {
	local long
	long=$(head -c 100000 /dev/zero | tr '\0' a)
	refused "too long" "rsync --server -r . $long"
	refused "too many words" "rsync --server -r . $(yes a | head -n 300 | tr '\n' ' ')"
	unchanged
}
