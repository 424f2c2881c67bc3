# shellcheck shell=bash
# helpers.bash: what end-to-end tests and the demo share.
#
# A test file begins with
#	load helpers
#	setup() { setup_tmp; }
#	teardown() { run_cleanup; }
# It gets a folder of its own in $T.  The machine's accounts, keys, ports and
# log are never touched: what a test changes, it changes in $T or in namespaces,
# and what it registered with on_exit is undone on every way out.
#
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The backshelf authors

HELPERS_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
: "${B:=$HELPERS_DIR/../../build}"
: "${BIN:=$B/bin}"
: "${TOOLS:=$B/tests/tools}"

# The unprivileged account that owns the store.
ACCOUNT=irsync
ACCOUNT_ID=64123

# setup_tmp: make $T, which any account may pass through but not list, and the
# account's home in it.  Where the account cannot reach the programs (a clone
# below /root), it gets copies of them.
setup_tmp() {
	T=$(mktemp -d "$(roomy_tmp)/backshelf.XXXXXX") || return 1
	chmod 0711 "$T"
	(umask 077 && : >"$T/.on_exit")
	mkdir -p "$T/home/$ACCOUNT"
	chown "$ACCOUNT_ID:$ACCOUNT_ID" "$T/home/$ACCOUNT"
	if ! as_account test -r "$BIN/." -a -x "$BIN/." 2>/dev/null; then
		[ ! -d "$BIN" ] || cp -R "$BIN" "$T/bin"
		[ ! -d "$TOOLS" ] || cp -R "$TOOLS" "$T/tools"
		BIN=$T/bin
		TOOLS=$T/tools
	fi
	export T BIN TOOLS
}

# roomy_tmp: the first folder for temporary files whose file system keeps user.*
# attributes, which a tmpfs does only since Linux 6.6.
roomy_tmp() {
	local d probe
	for d in "${TMPDIR:-/tmp}" /var/tmp "$B"; do
		probe=$(mktemp "$d/backshelf-probe.XXXXXX") || continue
		if setfattr -n user.probe -v 1 "$probe" 2>/dev/null; then
			rm -f "$probe"
			echo "$d"
			return
		fi
		rm -f "$probe"
	done
	echo 'no folder for temporary files keeps extended attributes' >&2
	return 1
}

# for_long SHORT LONG: print LONG where `make check LONG=1` asks for the tests at
# their full length (seconds of load, numbers of pushes), else SHORT.
for_long() {
	if [ -n "${LONG-}" ]; then echo "$2"; else echo "$1"; fi
}

# on_exit COMMAND...: have run_cleanup run it; the last registered runs first.
# The stack is a file, so that a subshell may register too.
on_exit() {
	{
		printf '%q ' "$@"
		echo
	} >>"$T/.on_exit"
}

# run_cleanup: undo everything, whatever fails on the way, then remove $T.
run_cleanup() {
	local line
	[ -n "${T:-}" ] && [ -f "$T/.on_exit" ] || return 0
	while read -r line; do
		eval "$line" >>"$T/.cleanup.log" 2>&1 || true
	done < <(tac "$T/.on_exit")
	rm -rf --one-file-system "$T"
}

# need TOOL...: skip the test where one is missing, and name it.
need() {
	local tool
	for tool in "$@"; do
		command -v "$tool" >/dev/null || skip "$tool is not installed"
	done
}

# why_skip COMMAND...: print what it would skip the test for: bats cannot skip in
# setup_file.
why_skip() (
	# shellcheck disable=SC2317
	skip() {
		echo "$1" >&4
		exit
	}
	"$@" 4>&1 >/dev/null
)

# wait_until SECONDS COMMAND...: run COMMAND again and again until it succeeds.
# SECONDS is what a machine may need that has little else to do; it gets ten
# times as many.
wait_until() {
	local limit=$(($1 * 10)) end
	shift
	end=$((${EPOCHREALTIME%.*} * 1000 + limit * 1000))
	while ! "$@" >/dev/null 2>&1; do
		if [ $((${EPOCHREALTIME%.*} * 1000)) -ge "$end" ]; then
			echo "waited $limit s in vain for: $*" >&2
			return 1
		fi
		sleep 0.05
	done
}

# kill_wait PID: end a process of ours and wait until it is gone.
kill_wait() {
	kill "$1" 2>/dev/null || return 0
	wait_until 5 pid_is_gone "$1" || kill -9 "$1"
	wait "$1" 2>/dev/null || true
}

# kill_now PID: the same by SIGKILL, silently.
kill_now() {
	kill -9 "$1" && wait "$1"
} 2>/dev/null

# kill_namespace PID: end an unshare --pid --fork and all that runs below it.  Its
# only child ends last, when the others are gone; unshare itself, which would
# have something to say about that, does not see it.
kill_namespace() {
	local init
	if init=$(pgrep -P "$1"); then
		kill -STOP "$1"
		kill -9 "$init"
		wait_until 30 pid_is_gone "$init"
	fi
	kill -9 "$1"
	wait "$1"
} 2>/dev/null

# A zombie that only awaits its parent's wait(2) is gone too.
pid_is_gone() {
	! kill -0 "$1" 2>/dev/null || grep -q '^State:.Z' "/proc/$1/status"
}

# on_terminal COLUMNS COMMAND...: run it on one; print what came.
on_terminal() {
	python3 - "$@" <<-'END'
	import fcntl, os, pty, struct, sys, termios
	pid, fd = pty.fork()
	if pid == 0:
	    os.environ["TERM"] = os.environ.get("TERM_WANTED", "xterm")
	    fcntl.ioctl(1, termios.TIOCSWINSZ,
	        struct.pack("HHHH", 24, int(sys.argv[1]), 0, 0))
	    os.execv(sys.argv[2], sys.argv[2:])
	try:
	    while True:
	        data = os.read(fd, 65536)
	        if not data:
	            break
	        os.write(1, data)
	except OSError:
	    pass
	sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
	END
}

# only_fs FS...: skip a test that says nothing about other file systems.
only_fs() {
	[[ " $* " = *" ${STORE_FS:-$1} "* ]] || skip "a matter of: $*"
}

# own_fs FOLDER: a file system of its own there, STORE_FS.
own_fs() {
	case ${STORE_FS:-ext4} in
	ext4) own_image "$1" 320M mkfs.ext4 -q -m 0 ;;
	xfs) own_image "$1" 320M mkfs.xfs -q ;;
	btrfs) own_image "$1" 400M mkfs.btrfs -q ;;
	*) echo "STORE_FS=$STORE_FS: ext4, xfs or btrfs" >&2 && return 1 ;;
	esac
}

# own_image FOLDER SIZE MKFS...: the same, in an image made so.
own_image() {
	local where=$1 size=$2 image dev
	shift 2
	need "$1" losetup
	image=$(mktemp "$T/image.XXXXXX")
	truncate -s "$size" "$image"
	"$@" "$image" >"$T/mkfs.log" 2>&1 || {
		cat "$T/mkfs.log"
		return 1
	}
	dev=$(losetup --find --show "$image") || skip 'no loop devices here'
	on_exit losetup -d "$dev"
	mount "$dev" "$where" || return 1
	on_exit umount -l "$where"
	[ ! -d "$where/lost+found" ] || rmdir "$where/lost+found"
}

# as_account COMMAND...: run it as the unprivileged account, without sshd.
as_account() {
	HOME=$T/home/$ACCOUNT setpriv --reuid "$ACCOUNT_ID" \
	    --regid "$ACCOUNT_ID" --clear-groups -- "$@"
}

# private_accounts: copies of the machine's account files that know the account.
private_accounts() {
	mkdir -p "$T/etc"
	local f
	for f in passwd group shadow; do
		grep -vE "^($ACCOUNT:|[^:]*:[^:]*:$ACCOUNT_ID:)" "/etc/$f" \
		    >"$T/etc/$f"
		chmod --reference="/etc/$f" "$T/etc/$f"
		chown --reference="/etc/$f" "$T/etc/$f"
	done
	echo "$ACCOUNT:x:$ACCOUNT_ID:$ACCOUNT_ID::$T/home/$ACCOUNT:/bin/sh" \
	    >>"$T/etc/passwd"
	echo "$ACCOUNT:x:$ACCOUNT_ID:" >>"$T/etc/group"
	echo "$ACCOUNT:*:19000:0:99999:7:::" >>"$T/etc/shadow"
}

# start_sshd: a real sshd on 127.0.0.1, or on SSHD_ADDRESS and by the command in
# SSHD_SPACE, if they are set.  It lives in a mount namespace, where the
# account exists, and in a pid namespace, so that ending it ends every session
# and all that they started.  Sets SSH_PORT, SSH_KEY (the client's key) and
# SSH_CONF (for ssh -F, Host "server").  Its log is $T/sshd.log; what it and its
# children say to syslog is in $T/syslog.
start_sshd() {
	local try
	private_accounts
	mkdir -p "$T/ssh" "$T/run/sshd"
	chmod 755 "$T/run" "$T/run/sshd"
	start_syslog "$T/run/log"
	ssh-keygen -q -t ed25519 -N '' -C server -f "$T/ssh/host_key"
	ssh-keygen -q -t ed25519 -N '' -C client -f "$T/ssh/client_key"
	SSH_KEY=$T/ssh/client_key
	SSH_CONF=$T/ssh/config
	: >"$T/ssh/authorized_keys"
	chmod 755 "$T/ssh"
	chmod 644 "$T/ssh/authorized_keys"
	for try in 1 2 3 4 5 6 7 8 9 10; do
		# Below the ports that the kernel gives out by itself.  Only
		# bind(2) knows whether one is free, so sshd is what asks.
		SSH_PORT=$((10000 + (RANDOM * 32768 + RANDOM) % 22000))
		sshd_configure
		sshd_launch && break
		echo "port $SSH_PORT, try $try: $(tail -n 1 "$T/sshd.log")" >&2
	done
	sshd_listens || return 1
	export SSH_PORT SSH_KEY SSH_CONF
}

# What is run inside of the namespaces: the account files, a /run and a /dev of
# its own, in which /dev/log is ours; then sshd takes the place of the shell.
# shellcheck disable=SC2016
SSHD_NAMESPACE='
set -eu
for f in passwd group shadow; do
	mount --bind "$1/etc/$f" "/etc/$f"
done
dev=$1/dev
mkdir -p "$dev"
mount -t tmpfs -o mode=755 dev "$dev"
for f in null zero full random urandom tty; do
	: >"$dev/$f"
	mount --bind "/dev/$f" "$dev/$f"
done
mkdir -m 1777 "$dev/shm"
mkdir "$dev/pts"
mount --rbind /dev/pts "$dev/pts"
ln -s pts/ptmx "$dev/ptmx"
ln -s /proc/self/fd "$dev/fd"
ln -s /run/log "$dev/log"
mount --rbind "$dev" /dev
mount --bind "$1/run" /run
exec /usr/sbin/sshd -D -e -f "$1/ssh/sshd_config"
'

# start_syslog SOCKET: what programs say to syslog there goes to $T/syslog.
start_syslog() {
	python3 -c '
import os, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
os.chmod(sys.argv[1], 0o666)
while True:
    line = s.recv(65536).rstrip(b"\n\0")
    os.write(1, line.partition(b">")[2] + b"\n")
' "$1" </dev/null >>"$T/syslog" 2>&1 3>&- &
	on_exit kill_now $!
	wait_until 10 test -w "$1"
}

sshd_configure() {
	cat >"$T/ssh/sshd_config" <<-CONF
	ListenAddress ${SSHD_ADDRESS:-127.0.0.1}
	Port $SSH_PORT
	HostKey $T/ssh/host_key
	PidFile none
	AuthorizedKeysFile $T/ssh/authorized_keys
	AuthenticationMethods publickey
	UsePAM no
	PasswordAuthentication no
	KbdInteractiveAuthentication no
	PrintMotd no
	PrintLastLog no
	UseDNS no
	MaxStartups 200
	LoginGraceTime 600
	Subsystem sftp /usr/lib/openssh/sftp-server
	# \$T is below /tmp, which anyone may write to.
	StrictModes no
	CONF
	echo "server $(cut -d' ' -f1,2 "$T/ssh/host_key.pub")" \
	    >"$T/ssh/known_hosts"
	cat >"$SSH_CONF" <<-CONF
	Host server
		HostName ${SSHD_ADDRESS:-127.0.0.1}
		HostKeyAlias server
		Port $SSH_PORT
		User $ACCOUNT
		IdentityFile $SSH_KEY
		IdentitiesOnly yes
		IdentityAgent none
		UserKnownHostsFile $T/ssh/known_hosts
		GlobalKnownHostsFile /dev/null
		StrictHostKeyChecking yes
		BatchMode yes
		ConnectTimeout 60
	CONF
}

# Succeeds once sshd listens; fails when it ended, as it does when the port is
# taken.
sshd_launch() {
	: >"$T/sshd.log"
	"${SSHD_SPACE[@]}" unshare --mount --propagation private --pid --fork \
	    --kill-child --mount-proc bash -c "$SSHD_NAMESPACE" sshd "$T" \
	    </dev/null >>"$T/sshd.log" 2>&1 3>&- &
	SSHD_PID=$!
	wait_until 10 sshd_settled || return 1
	sshd_listens || return 1
	on_exit kill_namespace "$SSHD_PID"
}

sshd_listens() {
	grep -q "^Server listening on ${SSHD_ADDRESS:-127.0.0.1} port $SSH_PORT" "$T/sshd.log"
}

sshd_settled() {
	sshd_listens || pid_is_gone "$SSHD_PID"
}

# authorize CLIENT [OPTIONS]: let $SSH_KEY in as CLIENT, through validate-ssh and
# nothing else.  OPTIONS go into authorized_keys as they are.
authorize() {
	authorize_command "$BIN/validate-ssh -f $T/sshguard.conf $1" "${2:-}"
}

# authorize_command COMMAND [OPTIONS]: the same, for any forced command.
authorize_command() {
	printf 'command="%s",restrict%s %s\n' "$1" "${2:+,$2}" \
	    "$(cat "$SSH_KEY.pub")" >>"$T/ssh/authorized_keys"
}
