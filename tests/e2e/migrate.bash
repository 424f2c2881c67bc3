# shellcheck shell=bash
# migrate.bash: what the tests of backshelf-migrate share, on top of guard.bash.
#
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The backshelf authors

# migrate ARGUMENTS...
migrate() {
	"$BIN/backshelf-migrate" "$@"
}

# tree_state DIR: names, types, owners, modes, sizes, times, links and targets
# of all below, and their attributes: to see that nothing has changed.  The top
# is left out: its time changes when a ledger comes and goes.
tree_state() {
	(cd "$1" && find . -mindepth 1 \
	    -printf '%P %y %m %U:%G %s %T@ %n %i %l\n' | sort)
	getfattr -R -h -d -m - "$1" 2>/dev/null || true
}

# tree_names DIR: the same without what a snapshot more, or a folder that was
# renamed, changes.
tree_names() {
	(cd "$1" && find . -mindepth 1 -printf '%P %y %m %U:%G %s %i %l\n' |
	    sort)
}

# inode FILE
inode() {
	stat -c %i "$1"
}

# ledgers DIR: how many plans of moves that were carried out lie there?
ledgers() {
	find "$1" -maxdepth 1 -name '.backshelf-migrated.*' | wc -l
}
