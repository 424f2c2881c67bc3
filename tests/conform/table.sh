#!/bin/bash
# table.sh: AoEr11 clause by clause, aoed beside Debian's vblade, as the table
# of the README.  It runs in network namespaces of its own.
#
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The backshelf authors
set -eu
cd "$(dirname "$0")/../e2e"
# shellcheck source=tests/e2e/helpers.bash
. ./helpers.bash
# shellcheck source=tests/e2e/aoenet.bash
. ./aoenet.bash
# shellcheck source=tests/conform/conform.bash
. ../conform/conform.bash
skip() {
	echo "$*" >&2
	exit 1
}
need /usr/sbin/vblade
setup_tmp
trap run_cleanup EXIT
aoe_net 1
conform aoed >"$T/aoed" || true
conform vblade >"$T/vblade" 2>/dev/null || true
paste "$T/aoed" "$T/vblade" | awk -F '\t' '
function cell(verdict, seen) {
	if (verdict == "na")
		return "not there"
	return verdict == "ok" ? "ok" : "**no**: " seen
}
BEGIN {
	print "| AoEr11 | clause | aoed | vblade |"
	print "|---|---|---|---|"
}
{
	print "| " $3 " | " $4 " | " cell($2, $5) " | " cell($7, $10) " |"
	ok[1] += $2 == "ok"; ok[2] += $7 == "ok"
}
END { print "| | of " NR " clauses | " ok[1] " ok | " ok[2] " ok |" }'
