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
	pages=$(git ls-files '*.1' '*.5' '*.8')
	[ -n "$pages" ] || return 0
	# A page of ours that another names, and that is not installed here,
	# is no fault of the page.
	# shellcheck disable=SC2086
	text=$(mandoc -T lint -W warning $pages 2>&1 |
	    grep -v 'referenced manual not found')
	[ -z "$text" ] || { printf '%s\n' "$text"; return 1; }
}

scripts() {
	local files
	files=$(git grep -lE '^#!/(bin/(ba|da)?sh|usr/bin/env bats)' -- . ':!*.md')
	# shellcheck disable=SC2086
	shellcheck -x -e SC1091 $files && shellcheck -s bash etc/completion/*
}

# Every link of a Markdown file that names a file of the tree names one that is
# there.
links() {
	local f link rc=0
	for f in $(git ls-files '*.md'); do
		while read -r link; do
			case $link in
			http*|'#'*) continue ;;
			esac
			if [ ! -e "$(dirname "$f")/${link%%#*}" ]; then
				echo "$f: $link: no such file"
				rc=1
			fi
		done < <(grep -oE '\]\([^)]+\)' "$f" | sed 's/^](//; s/)$//')
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
step shellcheck scripts
step links links
step 'lines of at most 100 columns' long_lines
[ $bad = 0 ]
