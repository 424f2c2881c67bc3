#!/bin/bash
# guard_verdicts.sh CORPUS: what validate-ssh -n says of each command that
# guard_corpus.sh recorded, one line for each: the verdict, and the words that
# run.  $BIN is the programs' folder.
#
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The backshelf authors
set -u
T=$(mktemp -d)
trap 'rm -rf "$T"' EXIT
echo 'pull = true sessions = 0 client "mysql02.example.net" {}' >"$T/conf"
while IFS=$'\t' read -r made command rest; do
	verdict=$(printf '%s' "${rest%||}||" | tr '|' '\000' |
	    SSH_ORIGINAL_COMMAND=$command "$BIN/validate-ssh" -n \
	    -f "$T/conf" mysql02.example.net | paste -sd' ')
	printf '%s\t%s\n' "$made" "$verdict"
done <"$1"
