# shellcheck shell=bash
# aoewords.bash: requests put together by hand, on top of aoenet.bash: each
# function prints what a client gets back, or fails if it gets nothing.
#
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The backshelf authors

# words K COMMAND ARGUMENTS: within $WAIT (60) seconds, client K's message to $ADDRESS (6 hexadecimal
# digits, 000000 unless set) with these arguments; the answer from behind its
# tag on, after its flags and error.
words() {
	local got
	got=$(aoe "$1" -t "${WAIT:-60}" raw "1000${ADDRESS:-000000}$(printf %02x "$2")0badcafe$3") ||
	    return
	echo "${got:0:4} ${got:20}"
}

# mac_hex K: client K's address as 12 digits.
mac_hex() {
	client_mac "$1" | tr -d :
}

# list_of ANSWER AT SIZE SKIP: the addresses of a list whose count is the byte
# AT, each in SIZE bytes behind SKIP others, as the last digits of each.
list_of() {
	local hex=${1#* } n i out=
	n=$((16#${hex:$2*2:2}))
	for ((i = 0; i < n; i++)); do
		out+=${hex:2*($2 + 1 + i * $3 + $4) + 10:2}
		out+=' '
	done
	echo "${1%% *}:${out% }"
}

# mask K [+N|-N|.N|!N ...]: read client K's view of the mask list, or edit it:
# add, delete, do nothing, a directive that is none.  "FLAGS:LIST", or
# "FLAGS error CODE COUNT".
mask() {
	local k=$1 d args='' got
	shift
	for d in "$@"; do
		case $d in
		+*) args+=0001 ;;
		-*) args+=0002 ;;
		.*) args+=0000 ;;
		!*) args+=0009 ;;
		esac
		args+=$(mac_hex "${d:1}")
	done
	if [ $# = 0 ]; then args=00000000; else
		args=000100$(printf %02x $#)$args
	fi
	got=$(words "$k" 2 "$args") || return
	if [ "${got:9:2}" != 00 ]; then
		echo "${got:0:4} error ${got:9:2} $((16#${got:11:2}))"
	else
		list_of "$got" 3 8 2
	fi
}

# reserve K read|set|force [N ...]: the same for the reserve list.
reserve() {
	local k=$1 n args got
	case $2 in
	read) args=00 ;;
	set) args=01 ;;
	force) args=02 ;;
	esac
	shift 2
	args+=$(printf %02x $#)
	for n in "$@"; do
		args+=$(mac_hex "$n")
	done
	got=$(words "$k" 3 "$args") || return
	case $got in
	1c*) echo "${got:0:4}" ;;
	*) list_of "$got" 1 6 0 ;;
	esac
}

# ata K REGISTERS: an ATA message: flags, feature, count, command, six bytes of
# LBA.  "FLAGS REGISTERS DATA".
ata() {
	local got
	got=$(words "$1" 0 "${2}0000") || return
	echo "${got:0:4} ${got:5:8} ${got:29}"
}
