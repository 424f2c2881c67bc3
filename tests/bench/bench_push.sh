#!/bin/bash
# bench_push.sh: a night in which nothing has changed, three ways:
#
#	validate-ssh	a push into the store, which becomes a snapshot
#	link-dest	rsync --link-dest into a new folder
#	cp -al + rsync	a linked copy, then rsync over it, as rsnapshot does
#
# All three over the same pipe, into the same file system, as the same account
# without rights, with --fake-super.  By turns, so that a slow minute of the
# machine meets all of them; what counts are the ratios of the medians.
#
# FILES, ROUNDS in the environment: 20000 and 7.
#
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The backshelf authors
set -euE
# shellcheck source=tests/e2e/helpers.bash
. "$TOP/tests/e2e/helpers.bash"
FILES=${FILES:-20000}
ROUNDS=${ROUNDS:-7}
trap 'echo "bench_push.sh:$LINENO: $BASH_COMMAND failed" >&2' ERR
setup_tmp
trap run_cleanup EXIT
STORE=$T/home/$ACCOUNT/store
PEERS=$T/home/$ACCOUNT/peers
OPTIONS=(-aHAX --numeric-ids --delete)

# Folders of 100 small files each.
make_source() {
	local i
	mkdir "$T/source"
	(
		cd "$T/source"
		for ((i = 0; i < FILES / 100; i++)); do
			mkdir "$i"
			seq -f "file %.0f of folder $i" 100 |
			    split -a 2 -l 1 - "$i/file."
		done
		find . -exec touch -h -d '2026-01-02 03:04:05' {} +
	)
}

# The other end of the pipe: as sshd would start it.
make_ends() {
	as_account mkdir "$STORE" "$PEERS"
	cat >"$T/sshguard.conf" <<-CONF
	root = "$STORE"
	client "client" {}
	CONF
	cat >"$T/guarded" <<-SCRIPT
	#!/bin/sh
	shift
	export SSH_ORIGINAL_COMMAND="\$*" SSH_CONNECTION="192.0.2.9 9 192.0.2.1 22"
	exec setpriv --reuid $ACCOUNT_ID --regid $ACCOUNT_ID --clear-groups -- \\
	    "$BIN/validate-ssh" -f "$T/sshguard.conf" client
	SCRIPT
	cat >"$T/bare" <<-SCRIPT
	#!/bin/sh
	shift
	exec setpriv --reuid $ACCOUNT_ID --regid $ACCOUNT_ID --clear-groups -- "\$@"
	SCRIPT
	chmod 755 "$T/guarded" "$T/bare"
}

with_store() {
	rsync "${OPTIONS[@]}" -e "$T/guarded" "$T/source/" server:
}

# with_linkdest N, with_copy N: the Nth night, on top of the one before.
with_linkdest() {
	rsync "${OPTIONS[@]}" -M--fake-super -e "$T/bare" \
	    --link-dest="$PEERS/link.$(($1 - 1))" "$T/source/" \
	    "server:$PEERS/link.$1/"
}

with_copy() {
	as_account cp -al "$PEERS/copy.$(($1 - 1))" "$PEERS/copy.$1"
	rsync "${OPTIONS[@]}" -M--fake-super -e "$T/bare" "$T/source/" \
	    "server:$PEERS/copy.$1/"
}

# timed WAY N: seconds, appended to $T/WAY.
timed() {
	local start=${EPOCHREALTIME/./} end
	sync
	start=${EPOCHREALTIME/./}
	"with_$1" "$2"
	end=${EPOCHREALTIME/./}
	echo $((end - start)) >>"$T/$1"
}

median() {
	sort -n "$T/$1" | sed -n "$(((ROUNDS + 1) / 2))p"
}

row() {
	awk -v name="$1" -v us="$(median "$2")" -v ours="$(median store)" \
	    'BEGIN { printf "%-34s %8.2f s %7.2f\n", name, us / 1e6, us / ours }'
}

make_source
make_ends
with_store
as_account mkdir "$PEERS/link.0" "$PEERS/copy.0"
for way in link copy; do
	rsync "${OPTIONS[@]}" -M--fake-super -e "$T/bare" "$T/source/" \
	    "server:$PEERS/$way.0/"
done
for ((n = 1; n <= ROUNDS; n++)); do
	timed store "$n"
	timed linkdest "$n"
	timed copy "$n"
done
made=$(find "$STORE/client.snaps" -maxdepth 1 -name '2*' | wc -l)
if [ "$made" != $((ROUNDS + 1)) ]; then
	echo "there are $made snapshots" >&2
	exit 1
fi
echo "a push of $FILES files of which none has changed, median of $ROUNDS:"
printf '%-34s %10s %7s\n' way time ratio
row 'backshelf, validate-ssh' store
row 'rsync --link-dest' linkdest
row 'cp -al, then rsync (rsnapshot)' copy
