#!/bin/bash
# lint.sh: what a reader would complain about, found by machine.
set -u
cd "$(dirname "$0")/.." || exit 1
bad=0

# step NAME COMMAND...: run it; print its output only if it fails.
step() {
	local name=$1 text
	shift
	if text=$("$@" 2>&1); then
		echo "ok $name"
	else
		echo "not ok $name"
		printf '%s\n' "$text" | tail -n 60
		bad=1
	fi
}

both_compilers() {
	local cc
	for cc in gcc clang; do
		make -s -j "$(nproc)" CC="$cc" B="build/lint-$cc" \
		    WERROR=-Werror \
		    all unit tools || return 1
	done
}

headers_alone() {
	local h rc=0 flags
	read -ra flags < <(pkg-config --cflags libbsd-overlay jansson)
	for h in */*.h etc/migrate/*.h; do
		printf '#include "%s"\n' "$h" | gcc -std=c17 -D_GNU_SOURCE \
		    -DLIBBSD_OPENBSD_VIS -Ilib -I. "${flags[@]}" \
		    -fsyntax-only -Wall -Werror -x c - || rc=1
	done
	return $rc
}

# cppcheck is told what the macros of two libraries stand for; it does not read
# the system's headers.
analyse() {
	cppcheck -j "$(nproc)" --quiet --error-exitcode=1 --inline-suppr \
	    --enable=warning,portability --std=c11 -D_GNU_SOURCE \
	    --include=/usr/include/bsd/sys/queue.h \
	    -D'json_object_foreach(o,k,v)=for ((k) = "", (v) = (o); (k);)' \
	    -D'json_array_foreach(a,i,v)=for ((i) = 0, (v) = (a); (i) < 9; (i)++)' \
	    --suppress=missingInclude -Ilib aoe etc irsync lib rotate sshguard
}

manuals() {
	local pages text
	pages=$(git ls-files '*.[1578]')
	[ -n "$pages" ] || return 0
	# A page of ours that another names, and that is not installed here,
	# is no fault of the page.
	# shellcheck disable=SC2086
	text=$(mandoc -T lint -W warning $pages 2>&1 |
	    grep -v 'referenced manual not found')
	[ -z "$text" ] || { printf '%s\n' "$text"; return 1; }
}

# A page's synopsis is what the program's usage says, word by word; both
# compilers' step has built the programs.
synopses() {
	local p page rc=0
	for p in build/lint-gcc/bin/*; do
		page=$(git ls-files "*/${p##*/}.[18]")
		diff -u --label "$page" --label "${p##*/} --help" \
		    <(mandoc -T utf8 -O width=200 "$page" | col -b |
		    sed -n '/^SYNOPSIS/,/^DESCRIPTION/{/^[A-Z]/d;p}' | words) \
		    <("$p" --help | sed '1s/^usage: //' | words) || rc=1
	done
	return $rc
}

words() {
	sed 's/ | /|/g' | tr -s ' \n' '\n' | sed '/^$/d'
}

# Each key that a configuration may hold is in its page, and no other.
keys() {
	local rc=0
	keys_are rotate/rotate.conf.5 rotate/retention.c || rc=1
	keys_are sshguard/sshguard.conf.5 sshguard/policy.c || rc=1
	keys_are irsync/irsync.conf.5 irsync/conf*.[ch] || rc=1
	return $rc
}

keys_are() {
	local key rc=0
	local known
	known=$(sed -nE 's/.*CFG_[A-Z_]+\("([a-z_-]+)".*/\1/p' "${@:2}" | sort -u)
	for key in $known; do
		grep -qE "^(\.It Ic .*|\.Ic |\.Dl )$key\b" "$1" ||
		    { echo "$1: $key: not explained"; rc=1; }
	done
	for key in $(sed -nE 's/ Pq .*//; s/^\.It Ic //p' "$1" | tr -d ,); do
		grep -qx -- "$key" <<<"$known" ||
		    { echo "$1: $key: no such key"; rc=1; }
	done
	return $rc
}

# One word for one thing: what is not possible "cannot be", or "could not be"
# in an account of what was done; folders are folders; and a message ends
# without a full stop.
words_of_messages() {
	local sources rc=0
	sources=$(git ls-files 'aoe/*.c' 'irsync/*.c' 'lib/*.c' 'rotate/*.c' \
	    'sshguard/*.c' 'etc/migrate/*.c')
	# shellcheck disable=SC2086
	grep -nEi "\"[^\"]*(failed to |unable|not able|can't|couldn't|illegal|doesn't|does not exist|directories|a directory)[^\"]*\"" \
	    $sources && rc=1
	# shellcheck disable=SC2086
	grep -nE '(warnx?|errx?|fatalx?|log_[a-z]+|diags_add|journal_[a-z]+)\(.*[a-z]\.(\\n)?"[,)]' \
	    $sources && rc=1
	return $rc
}

scripts() {
	local files
	files=$(git grep -lE '^#!/(bin/(ba|da)?sh|usr/bin/env bats)' -- . ':!*.md')
	# shellcheck disable=SC2086
	shellcheck -x -e SC1091 $files && shellcheck -s bash etc/completion/*
}

# What the documentation names is there: the target of each link of a Markdown
# file; each file of the tree that one names in backquotes, with its folder or
# without, and that a manual page names by .Pa without a leading slash; each page
# of ours that a page refers to; each test that a Markdown file names.
links() {
	local f rc=0
	for f in $(git ls-files '*.md'); do
		grep -oE '\]\([^)]+\)' "$f" | sed 's/^](//; s/)$//' |
		    grep -vE '^(https?:|#)' | sed "s,#.*,,; s,^,$(dirname "$f")/," |
		    all_there "$f" || rc=1
		grep -oE "\`[a-z]+/[a-zA-Z0-9_./-]+\`" "$f" | tr -d '\140' |
		    grep -E "^($(git ls-files | sed -n 's,/.*,,p' | sort -u |
		    paste -sd'|'))/" | all_there "$f" || rc=1
		grep -oE "\`[a-z_]+\.(c|h|sh|bats)\`" "$f" | tr -d '\140' |
		    all_there "$f" || rc=1
		grep -oE "\`(aoe(d|ctl)|irsync(-rotate)?|validate-ssh|store|migrate|soak|test)_[a-z_-]+\`" "$f" |
		    tr -d '\140' | sed 's/$/.*/' | all_there "$f" || rc=1
	done
	for f in $(git ls-files '*.[1578]'); do
		sed -n 's/^\.Pa \([A-Za-z][A-Za-z0-9_./-]*\).*/\1/p' "$f" |
		    grep -E '^(etc|lib|tests|aoe|irsync|sshguard|rotate)/|\.md$' |
		    grep -vx etc/fstab |
		    all_there "$f" || rc=1
		sed -n 's/^\.Xr \([^ ]*\) \([158]\|7\).*/\1 \2/p' "$f" |
		    grep -E '^(backshelf|aoe(d|ctl)|irsync|sshguard|rotate\.|validate-ssh)' |
		    sort -u | while read -r page section; do
			git ls-files "*/$page.$section" | grep -q . || {
				echo "$f: $page($section): no such page"
				echo x >&3
			}
		done 3>&1 >&2 | grep -q x && rc=1
	done
	return $rc
}

# all_there FILE <names: what FILE names; without a folder, it is in any.
all_there() {
	local name rc=0
	while read -r name; do
		case $name in
		*/*) [ -e "$name" ] || compgen -G "$name" ;;
		*) git ls-files "$name" "*/$name" | grep . ;;
		esac >/dev/null || {
			echo "$1: $name: no such file"
			rc=1
		}
	done
	return $rc
}

long_lines() {
	local text
	text=$(git ls-files '*.c' '*.h' | while read -r f; do
		expand "$f" | awk -v f="$f" 'length($0) > 100 {
			print f ":" NR ": " length($0) " columns" }'
	done)
	[ -z "$text" ] || { printf '%s\n' "$text"; return 1; }
}

step 'gcc and clang, no warning' both_compilers
step 'each header by itself' headers_alone
step cppcheck analyse
step 'manual pages' manuals
step 'synopses' synopses
step 'keys of configurations' keys
step 'words of messages' words_of_messages
step shellcheck scripts
step links links
step 'lines of at most 100 columns' long_lines
[ $bad = 0 ]
