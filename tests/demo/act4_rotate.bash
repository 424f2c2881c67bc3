# shellcheck shell=bash
# act 4: old snapshots go, and the newest stays.
#
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The backshelf authors

act4() {
	act 4 'making room'
	rotate_thursday
	rotate_plan
	rotate_carry_out
	shown 'a plan, carried out; the newest stays' 'du, find'
}

rotate_thursday() {
	tell <<-'.'
	Thursday.  The shop is what it was on Tuesday, and is backed up.
	.
	find /shop -mindepth 1 -delete
	cp -a --sparse=always "$T/restored/shop/." /shop
	show apollo 'irsync backup'
	THURSDAY=$(newest)
	check 'Thursday is the newest snapshot' test "$THURSDAY" != "$WEDNESDAY"
}

rotate_plan() {
	tell <<-'.'
	What happened on Wednesday is evidence, so the last two stay.
	.
	cat >/etc/backshelf/rotate.conf <<-'CONF'
	root = "/data/irsync"
	keep-last = 2
	CONF
	show server 'cat /etc/backshelf/rotate.conf'
	before=$(manifest_all)
	show server 'irsync-rotate -n'
	check "a plan alone changes nothing" \
	    test "$(manifest_all)" = "$before"
	# shellcheck disable=SC2153 # act 2 has set them
	check 'Monday and Tuesday are to go, and it says why' rotate_says drop \
	    "$MONDAY" "$TUESDAY"
	check 'Wednesday and Thursday are to stay, and it says why' \
	    rotate_says keep "$WEDNESDAY" "$THURSDAY"
}

# rotate_says VERDICT SNAPSHOT...: the plan gives each the verdict and a reason.
rotate_says() {
	local verdict=$1 s
	shift
	for s in "$@"; do
		grep -Eq "$verdict +${s##*/} .*[a-z]{3}" "$T/out" || return 1
	done
}

rotate_carry_out() {
	local before
	before=$(manifest "$THURSDAY")
	show server 'setpriv --reuid irsync --regid irsync --clear-groups irsync-rotate'
	check 'Monday and Tuesday are gone' \
	    test ! -e "$MONDAY" -a ! -e "$TUESDAY"
	check 'Wednesday and Thursday are there' \
	    test -d "$WEDNESDAY" -a -d "$THURSDAY"
	check 'nothing in the newest has changed' \
	    test "$(manifest "$THURSDAY")" = "$before"
	check 'it is what apollo.full names' \
	    test "$(readlink -f /data/irsync/apollo.full)" = "$THURSDAY"
	check "and zeus's only snapshot stays" \
	    test -e /data/irsync/zeus.full/plan
	show server 'cd /data/irsync/apollo.snaps && du -shc 20*'
}
