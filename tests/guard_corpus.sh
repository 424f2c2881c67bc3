#!/bin/bash
# guard_corpus.sh: run this machine's rsync as a client over a table of options
# and print what it asks of a server: one line for each, the client's options, a
# tab, and the command as SSH_ORIGINAL_COMMAND would have it.  With -s, a tab
# and the words that it sends on its stream follow.
#
#	tests/guard_corpus.sh >tests/e2e/data/guard/corpus-VERSION
#
# tests/e2e/validate-ssh_corpus.bats judges what is recorded there.
#
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The backshelf authors
set -u
T=$(mktemp -d)
trap 'rm -rf "$T"' EXIT
mkdir "$T/src"
echo x >"$T/src/x"
echo x >"$T/list"
# In ssh's place: what it is given goes to a file, and the connection ends.
cat >"$T/rsh" <<SCRIPT
#!/bin/sh
shift
printf '%s' "\$*" >"$T/cmd"
case "\$*" in
*' -s'*) timeout 0.3 cat | tr '\\000' '|' >"$T/rest" ;;
esac
exit 9
SCRIPT
chmod 755 "$T/rsh"

# record WHERE OPTIONS...: WHERE is push or pull, and the server's names.
record() {
	local how=$1 place=$2
	shift 2
	rm -f "$T/cmd" "$T/rest"
	if [ "$how" = push ]; then
		timeout 5 rsync -e "$T/rsh" "$@" "$T/src/" "$place" \
		    >/dev/null 2>&1
	else
		timeout 5 rsync -e "$T/rsh" "$@" "$place" "$T/back/" \
		    >/dev/null 2>&1
	fi
	[ -f "$T/cmd" ] || return
	printf '%s %s\t%s' "$how" "${*//$T/TMP}" "$(sed "s|$T|TMP|g" "$T/cmd")"
	[ ! -f "$T/rest" ] || printf '\t%s' "$(sed 's/||.*/||/' "$T/rest")"
	echo
}

FULL=server:mysql02.example.net.full
while read -r options; do
	# shellcheck disable=SC2086
	set -- $options
	record push "$FULL" "$@"
	record pull "$FULL/etc" "$@"
done <<'TABLE'
-a
-aHAX --numeric-ids
-aHAXx --numeric-ids --delete
-avz
-rlptgoD --delete-after
-a --delete-before
-a --delete-during
-a --delete-delay
-a --delete-excluded
-a --delete --force --max-delete=10
-a --ignore-errors --delete
-a --partial
-aP
-a --partial-dir=.part
-a --delay-updates
-a --inplace
-a --append
-a --append-verify
-a --backup
-a -b --backup-dir=old --suffix=.bak
-a --checksum
-a --checksum-choice=md5
-a --checksum-seed=1
-a --compress-choice=zstd --compress-level=3
-az --old-compress
-az --new-compress
-a --skip-compress=gz/jpg
-a --size-only
-a --ignore-times
-a --existing
-a --ignore-existing
-a --modify-window=-1
-a --modify-window=2
-a --update
-a --timeout=60
-a --bwlimit=1000
-a --block-size=8192
-a --whole-file
-a --no-whole-file
-a --fuzzy
-a --sparse
-a --preallocate
-a --one-file-system
-a --relative
-a --relative --no-implied-dirs
-a --mkpath
-a --safe-links
-a --munge-links
-a --stats
-ai
-aii
-avvvv --msgs2stderr
-a --info=progress2
-a --itemize-changes --out-format=%f
-a --max-size=10M --min-size=1
-a --usermap=0:1 --groupmap=*:2
-a --chown=7:8
-a --devices --specials
-a --no-specials
-aU
-aN
-aE
-aJ
-aO
-a --dirs
-d --no-r
-n -a
-a --8-bit-output
-a --use-qsort
-a --open-noatime
-a --fsync
-a --protocol=29
-a --protocol=30
-a --files-from=/dev/null
-a --files-from=/dev/null --from0
-s -a --delete
-s -aHAX --numeric-ids --partial-dir=.x
--old-args -a
--trust-sender -a
--secluded-args -rz
-a --copy-links
-a --copy-unsafe-links
-a --copy-dirlinks
-a --keep-dirlinks
-a --link-dest=../other
-a --copy-dest=/etc
-a --compare-dest=/etc
-a --temp-dir=/tmp
-a --remove-source-files
-a --write-devices
-a --copy-devices
-a --super
-M--fake-super -a
-M--log-file=/x -a
-M--rsync-path=/bin/sh -a
--debug=ALL -a
--max-alloc=0 -a
--iconv=utf8,latin1 -a
-aXX
-a --rsync-path=/opt/bin/rsync
-a --rsync-path=/bin/sh
-a --stop-after=10
-a --list-only
-a --delete-missing-args
-a --ignore-missing-args
TABLE

# Names that need quoting, and the names that a client may call its store by.
# shellcheck disable=SC2016,SC2088
for options in -a '--old-args -a' '-s -a'; do
	for name in '' / . "$FULL/" mysql02.example.net.full/. \
	    /mysql02.example.net.full /data/irsync/mysql02.example.net.full/ \
	    "mysql02.example.net.full/a b" 'mysql02.example.net.full/$(id);x' \
	    "mysql02.example.net.full/it's" 'mysql02.example.net.full/*.txt' \
	    '~/x' ../x zeus.example.net.full /etc mysql02.example.net.snaps/ \
	    -x; do
		# shellcheck disable=SC2086
		set -- $options
		record push "server:${name#server:}" "$@"
		record pull "server:${name#server:}" "$@"
	done
done
