/* irsync.h: what the files of the client share, grouped under the file that
 * defines it.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#ifndef IRSYNC_H
#define IRSYNC_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include "diag.h"
#include "facts.h"
#include "laststate.h"
#include "store.h"
#include "strv.h"

#define IRSYNC_CONF	"/etc/irsync.conf"

/* conf.c: irsync.conf(5). */

/* A place for snapshots, and how to get there. */
struct storage {
	char		*name;	/* the section's title, or as `text` */
	char		*text;	/* as configured */
	char		*label;	/* the same for messages: no ':' at its end */
	bool		 remote;	/* by ssh; else a directory of this
					 * machine */
	char		*login;	/* remote: "user@host" or "host", as ssh(1)
				 * wants it; an IPv6 address in brackets */
	char		*root;	/* remote: absolute, or "" for the server's
				 * choice; local: absolute */
	char		*identity;	/* ssh's private key, or NULL */
	char		*ssh_config;	/* ssh -F, or NULL */
	unsigned	 port;		/* 0: ssh's choice */
	struct strv	 ssh_options;	/* ssh -o */
	uint64_t	 bwlimit;	/* bytes a second; 0: no limit */
	uint64_t	 rate;		/* the same, by tc(8) */
	unsigned	 timeout;	/* seconds without a byte */
	bool		 unmanaged;	/* a plain ssh server: no validate-ssh
					 * makes the snapshots there */
};

/* What is told of one path. */
struct path_conf {
	char		*path;
	struct strv	 exclude;	/* rsync's patterns, below it */
	struct strv	 exclude_from;	/* files of such */
	bool		 one_file_system;
	bool		 optional;	/* it may be missing */
};

enum compress {
	COMPRESS_NONE,
	COMPRESS_GZIP,
	COMPRESS_ZSTD
};

/* A database server to be dumped. */
struct db_conf {
	bool		 on;		/* there is such a section */
	char		*option_file;	/* credentials, or NULL */
	char		*user;		/* account to run the programs as */
	struct strv	 databases;	/* empty: all */
	struct strv	 skip;
	struct strv	 options;	/* for every program, as they are */
	bool		 per_table;
	enum compress	 compress;
	unsigned	 timeout;	/* seconds for one database */
	char		*client;	/* the programs */
	char		*dump;
	char		*dumpall;
};

struct irsync_conf {
	struct storage	*storages;	/* at least one */
	size_t		 nstorages;
	const struct storage *storage;	/* the one in use: what works on one
					 * storage works on this */
	char		*host;		/* name that snapshots are kept under;
					 * NULL: this machine's */
	struct strv	 paths;		/* absolute, no trailing slash */
	struct path_conf *path;		/* options of some of them */
	size_t		 npath;
	struct strv	 exclude;	/* rsync's patterns */
	struct strv	 exclude_from;	/* files of such */
	bool		 one_file_system;
	bool		 cachedir_tag;	/* leave out what such a file marks */
	struct strv	 skip_marked;	/* and what a file so named marks */
	struct db_conf	 mysql;
	struct db_conf	 postgresql;
	struct strv	 before;	/* hooks: argument vectors */
	struct strv	 after;
	unsigned	 hook_timeout;	/* seconds */
	unsigned	 nice;
	char		*ionice;	/* "idle", "best-effort", with ":N" */
	char		*prometheus;	/* file to write, or NULL */
	char		*ping;		/* URL, or NULL */
	char		*mail;		/* address, or NULL */
	char		*curl;		/* the programs */
	char		*sendmail;
	char		*tc;
	char		*ip;
	unsigned	 retries;	/* after the first attempt */
	unsigned	 retry_pause;	/* seconds before the first retry */
	char		*lock;		/* lock file, or NULL: the default */
	char		*state;		/* folder for what is remembered, or
					 * NULL: the default */
	char		*rsync;		/* the program */
	char		*ssh;		/* the program */
};

/* Parse a configuration.  0, or -1 with every error found in *ds, sorted.  *c
 * is to be freed by irsync_conf_free in either case. */
int	irsync_conf_parse(const char *text, struct irsync_conf *c,
	    struct diags *ds);

/* "user@host:/root", "host:", "/directory" to a storage.  0, or -1 with a
 * text that says what is wrong.  s is to be freed in either case. */
int	storage_parse(const char *text, struct storage *s, const char **why);
void	storage_free(struct storage *);

/* Of "user@host:", as a storage may be named, what goes before another ':'. */
size_t	label_len(const char *name);

/* Its section's title, or its label.  Valid as long as s. */
const char	*storage_shown(const struct storage *s);

/* Does rsync have to be told there to keep owners and the like in attributes?
 * validate-ssh(8) does so by itself; on an unmanaged server every account but
 * root needs it. */
bool	storage_keeps_fake(const struct storage *);

/* Fill in what depends on the machine: host, lock and state.  0, or -1 with
 * *ds. */
int	irsync_conf_complete(struct irsync_conf *, struct diags *ds);

void	irsync_conf_free(struct irsync_conf *);

/* The storage of this name, or NULL. */
const struct storage	*irsync_conf_storage(const struct irsync_conf *,
			    const char *name);

/* Where laststate.h's file is; to be freed, NULL with errno. */
char	*irsync_conf_laststate(const struct irsync_conf *);

/* rsyncargv.c: argument vectors for rsync(1). */

struct push_options {
	bool		 dry_run;
	bool		 progress;	/* --info=progress2 */
	bool		 as_root;	/* every attribute can be read */
	bool		 fake_super;	/* local, not as root */
	bool		 rules;		/* more rules come on standard input */
	const char	*always;	/* a path that no rule of the user's
					 * leaves out, or NULL */
	uint64_t	 entries_min;	/* names that there must be, where
					 * rsync does not tell what is deleted;
					 * with fewer no snapshot is made */
	bool		 closed;	/* the folders above cannot be listed:
					 * what is no longer configured
					 * stays */
	const struct strv *linkdests;	/* local, linkdest way; or NULL */
	bool		 solid;		/* no file has holes: rsync need not
					 * look for them */
};

/* The one string of rsync -e that runs ssh(1) as configured.  rsync splits it
 * at spaces; single quotes keep words together and '' stands for one.  To be
 * freed; NULL with errno. */
char	*ssh_command(const struct irsync_conf *);

/* ssh(1) itself, to run a command line at the storage's server. */
int	ssh_argv(struct strv *argv, const struct irsync_conf *,
	    const char *command);

/* A name as a pattern that matches just it; has_wildcard: what will be put
 * behind it holds a wildcard.  To be freed; NULL with errno. */
char	*rsync_pattern(const char *name, bool has_wildcard);

/* Do all paths stay on their file systems?  Then rsync can be told so. */
bool	paths_one_file_system(const struct irsync_conf *);

/* holes.c: is it sure that no file below the paths has holes? */
bool	paths_solid(const struct irsync_conf *);

/* rules.c: what is left out, where it takes a look at the disk to know. */

/* Options of this path; c's own if it has no section. */
bool	path_one_file_system(const struct irsync_conf *, const char *path);
bool	path_optional(const struct irsync_conf *, const char *path);

/* The lines of an exclude file as rules of a push, each ended by a NUL, for
 * names in full; path NULL: as they are. */
int	rules_lines(FILE *, const char *path, const char *text);

/* All of them on a descriptor, -1 with errno; *any: there are some. */
int	rules_fd(const struct irsync_conf *, bool *any);

/* Where rsync finds or puts a folder of the remote store: "login:root/rest". */
char	*remote_path(const struct irsync_conf *, const char *rest);

/* The folders above the configured paths that a push sends too. */
int	paths_above(const struct irsync_conf *, struct strv *above);

/* A push of the configured paths into `dest` (a remote_path, or a directory).
 * All argv_ functions: 0, or -1 with errno and *argv to be freed. */
int	argv_push(struct strv *argv, const struct irsync_conf *,
	    const struct push_options *, const char *dest);

/* A trial push of no file: will the server let us? */
int	argv_probe(struct strv *argv, const struct irsync_conf *);

/* A pull of the snapshots' records, .meta of HOST.snaps, into `dest`. */
int	argv_records(struct strv *argv, const struct irsync_conf *,
	    const char *dest);

/* A listing of what is in HOST.snaps, one line of `format` for each entry;
 * several names of one file are shown as hard links.  Of each name of `deep`
 * with all that is below it; with an empty list, what stands on standard input,
 * each name ended by a NUL, and nothing below. */
int	argv_listing(struct strv *argv, const struct irsync_conf *,
	    const struct strv *deep, const char *format, bool fake_super);

struct restore_options {
	bool		 progress;	/* --info=progress2 */
	bool		 dry_run;
	bool		 in_place;	/* leave the folders above the paths as
					 * they are */
	bool		 only_dirs;	/* nothing below the paths */
	bool		 checksum;	/* compare contents, whatever size and
					 * time say */
	bool		 unchanged;	/* a line for each entry, not only for
					 * those that differ */
	bool		 fake_super;	/* local, made by an ordinary user */
	bool		 as_root;	/* every attribute can be set */
	bool		 solid;		/* as above, of the snapshot */
};

#define RESTORE_PARTIAL	".~irsync-partial~"	/* what came of cut files */

/* A pull of the snapshot's folder `src` into `dest`, both without a trailing
 * slash.  `some`: only what stands on standard input, as names below src, each
 * ended by a NUL. */
int	argv_restore(struct strv *argv, const struct irsync_conf *,
	    const char *src, bool some, const char *dest,
	    const struct restore_options *);

/* rsyncout.c: what rsync, ssh and the server print. */

struct lines {			/* zero-initialise */
	char	 buf[4096];	/* longer lines are cut */
	size_t	 n;
};

typedef void	 line_fn(void *arg, const char *line);

/* Call `each` for every line that ends in the data, at a newline or a carriage
 * return; empty ones are left out, a NUL becomes a '?'.  lines_end does so for
 * what is left. */
void	lines_feed(struct lines *, const char *data, size_t len, line_fn *each,
	    void *arg);
void	lines_end(struct lines *, line_fn *each, void *arg);

/* Zero-initialise. */
struct rsync_counts {
	bool		complete;	/* --stats came */
	uint64_t	entries;	/* names of every type */
	uint64_t	files;		/* of them regular files */
	uint64_t	new;		/* of every type but folders */
	uint64_t	changed;	/* contents or attributes alone */
	uint64_t	deleted;
	uint64_t	gone;		/* deleted names of every type */
	uint64_t	transferred;	/* files whose contents were sent */
	uint64_t	transferred_size;
	uint64_t	size;		/* of all files, in bytes */
	uint64_t	sent;		/* bytes over the connection */
	uint64_t	received;
};

struct rsync_progress {
	uint64_t	bytes;
	unsigned	percent;
	uint64_t	files;		/* transferred so far */
	char		rate[16];	/* "12.34MB/s" */
	char		time[16];	/* left, "0:01:02" */
};

enum out_kind {
	OUT_ITEM,		/* one changed entry; counted */
	OUT_PROGRESS,		/* *pr is filled */
	OUT_STATS,		/* kept */
	OUT_OTHER
};

/* One line of rsync's standard output. */
enum out_kind	out_parse(const char *line, struct rsync_counts *,
		    struct rsync_progress *pr);
bool		progress_parse(const char *line, struct rsync_progress *);

/* The server's "backshelf: snapshot STAMP STATUS: …".  0 and *s has stamp,
 * time, status, entries, linked, moved, dropped and bytes_new (to the
 * precision of the text), or -1: it is another line. */
int		server_line_parse(const char *line, struct snapshot *s);

/* What a line of the standard error output tells about the cause. */
enum hint {
	HINT_NONE,
	HINT_REFUSED,		/* by sshd or validate-ssh */
	HINT_BUSY,		/* another push runs */
	HINT_NOSPACE,		/* here or there */
	HINT_EMPTY,		/* there is no snapshot yet */
	HINT_KILLED,		/* rsync's other side, by a signal */
	HINT_SERVER		/* validate-ssh has answered: it is there */
};

enum hint	hint_parse(const char *line);

/* rsync's exit status and the strongest hint to one of exits.h. */
int		exit_status(int code, enum hint);

/* What an exit status of rsync means, or NULL. */
const char	*rsync_code_text(int code);

/* show.c: the terminal. */

/* *standing: a progress line stands on the terminal.  show_clear takes it away,
 * before anything else is printed. */
void	show_clear(bool *standing);
void	show_progress(const struct rsync_progress *, bool *standing);

/* A changed entry, to standard output. */
void	show_item(const char *line);

/* run.c: one rsync. */

struct run {
	/* Given; borrowed. */
	const char		*path;	/* the program */
	const struct strv	*argv;
	int			 in;	/* standard input; -1: /dev/null */
	bool			 items;	/* print each changed entry */
	bool			 quiet;	/* pass no error lines on */
	bool			 progress;
	uint64_t		 most;	/* new entries; with more it is killed.
					 * 0: no limit */
	uint64_t		 gone_max; /* the same, of deleted names */
	line_fn			*each;	/* takes each line of standard output
					 * in place of counting; or NULL */
	void			*each_arg;
	int			 namespaces;		/* as in spawn.h */
	int			(*setup)(void *);	/* the same */
	void			*arg;
	/* What came of it. */
	int			 code;	/* exit status, as spawn_wait's */
	struct rsync_counts	 counts;
	struct snapshot		 snapshot; /* the server's line; stamp ""
					 * if none came */
	enum hint		 hint;
	char			 why[256]; /* the line that tells most, not
					 * escaped, or "" */
	char			*said;	/* as in tell.c, or NULL */
	unsigned		 error_lines;
	bool			 shrunk; /* gone_max was passed */
	bool			 standing; /* as in show.c */
	struct timespec		 shown;	/* when the line was, last */
};

/* Run it to its end.  Its exit status, or -1 with errno (EINTR: a signal had
 * been caught before it began). */
int	run_rsync(struct run *);

/* Catch SIGINT, SIGTERM and SIGHUP; the last one caught, or 0. */
void	signals_catch(void);
int	signal_caught(void);

/* Have them wait: whoever looks at signal_caught() and then waits by ppoll(2)
 * with *old misses none.  sigprocmask(2) with *old ends it. */
void	signals_block(sigset_t *old);

/* Sleep, until a signal is caught at most. */
void	pause_for(unsigned seconds);

/* Zero what an earlier run left; what was given stays. */
void	run_forget(struct run *);

/* storage.c: the kinds of storage.  All return a status of exits.h and fill r,
 * whose path, in, items and progress the caller has set; what failed has been
 * logged. */

struct irsync {
	struct irsync_conf	 conf;
	bool			 progress;	/* stderr is a terminal */
	/* The command line; main.c's table says which command takes which. */
	const char		*file;
	bool			 dry_run;
	bool			 help;
	bool			 json;
	bool			 verbose;
	bool			 version;
	struct guards		 guards;	/* --allow-… */
	const char		*storage_name;	/* --storage, or NULL */
	bool			 in_place;
	bool			 yes;
	bool			 all;
	const char		*sample;	/* --sample, or NULL */
	const char		*part;		/* --part, or NULL */
	const char		*store;		/* --store, or NULL: a store's
						 * root on this machine; then
						 * there is no configuration */
	const char		*max_age;	/* --max-age, or NULL */
	const char		*from;		/* --from, or NULL: what stands
						 * in for a configuration */
	const char		*host;		/* --host, or NULL */
	const char		*identity;	/* --identity, or NULL */
	const char		*port;		/* --port, or NULL */
	const char		*to;		/* --to, or NULL */
};

/* Push the configured paths; r->snapshot is what came of it. */
int	storage_push(struct irsync *, const struct push_options *,
	    struct run *r);

/* The snapshots, oldest first; *v is to be freed. */
int	storage_list(struct irsync *, struct run *r, struct snapshot **v,
	    size_t *n);

/* Copy absolute paths of a snapshot, or with an empty list all of it, into
 * dest, an absolute path itself.  r->in reads the names, each ended by a
 * NUL. */
int	storage_restore(struct irsync *, const char *stamp,
	    const struct strv *paths, const char *dest,
	    struct restore_options *, struct run *r);

/* local.c, remote.c: the same for each kind. */
int	local_push(struct irsync *, const struct push_options *, struct run *);
int	local_list(struct irsync *, struct run *, struct snapshot **, size_t *);
int	local_restore(struct irsync *, const char *, const struct strv *,
	    const char *, struct restore_options *, struct run *);
/* Would rsync be led out of the folder by this name below it, because a folder
 * above it is a symbolic link? */
bool	path_leads_out(int dirfd, const char *path);

int	remote_push(struct irsync *, const struct push_options *,
	    struct run *);
int	remote_list(struct irsync *, struct run *, struct snapshot **,
	    size_t *);
int	remote_restore(struct irsync *, const char *, const struct strv *,
	    const char *, struct restore_options *, struct run *);

/* unmanaged.c: a push to a server with a shell and no validate-ssh. */
int	unmanaged_push(struct irsync *, const struct push_options *,
	    struct run *);

/* Is the server ready for that?  A status; what it has room for, or r->why. */
int	unmanaged_probe(struct irsync *, struct run *, char *text,
	    size_t size);

/* when.c: which snapshot is meant. */

/* "yesterday", "YYYY-MM-DD" (its end), "YYYY-MM-DD HH:MM[:SS]", local time, to
 * the latest time that is meant.  0, or -1: none of these. */
int	when_parse(const char *text, time_t now, time_t *before);

/* The newest complete one not later than a time, or NULL. */
const struct snapshot	*snapshot_newest(const struct snapshot *v, size_t n,
			    time_t before);

/* The one that a name, "latest", or a time of when_parse means; NULL with
 * *why. */
const struct snapshot	*snapshot_choose(const struct snapshot *v, size_t n,
			    const char *spec, time_t now, const char **why);

/* retry.c: another attempt. */

/* After this outcome of attempt 1, 2, …?  Busy is so only after an earlier
 * attempt: a broken connection may leave the server's side waiting for us for
 * a while, and then we are the one that it is busy with. */
bool		retry_wanted(int status, unsigned attempt);

/* Seconds to wait first. */
unsigned	retry_pause(const struct irsync_conf *, unsigned attempt);

/* report.c: what came of a backup. */

struct outcome {
	int		 status;	/* of exits.h */
	bool		 dry_run;
	unsigned	 attempts;
	uint64_t	 gone;		/* names deleted by attempts that came
					 * to nothing */
	double		 seconds;
	struct run	*run;		/* the last attempt */
};

/* Of the statuses of two storages, the one that says more about what is to be
 * done. */
int		 status_worse(int, int);

/* What a status means, as part of a message. */
const char	*status_text(int status);

/* "STATUS: REASON", not escaped. */
void	failure_text(char *buf, size_t size, const struct run *, int status);

/* One line to standard error: the storage, the status and the reason. */
void	report_failure(const struct irsync *, const struct run *, int status);

/* One line to a person (or one JSON object) and one to syslog. */
void	report_backup(const struct irsync_conf *, const struct outcome *,
	    bool json);

/* memory.c: what is kept from one backup to the next, in the folder `state`.
 * What cannot be kept is a warning; the backup goes on. */

struct memory {			/* zero-initialise */
	char			*path;
	struct laststate	 last;
	bool			 writable;
	unsigned		 made;		/* snapshots of this run */
};

/* Read what there is; a damaged file is put aside as FILE.bad. */
void		 memory_open(struct memory *, const struct irsync_conf *);

/* A backup to the storage in use begins, or has ended so. */
void		 memory_begin(struct memory *, const struct irsync_conf *,
		    time_t now);
void		 memory_end(struct memory *, const struct irsync_conf *,
		    const struct outcome *);
void		 memory_close(struct memory *);

/* tell.c: who is told, besides the terminal and syslog. */

/* A backup begins, or has ended with this status; the cause, and the end of
 * what was said.  What fails is a warning. */
void		 tell_start(const struct irsync_conf *);
void		 tell_end(const struct irsync_conf *, const struct laststate *,
		    int status, const char *why, const char *said);

/* What was said, its end: a buffer of SAID bytes, empty at first. */
#define SAID	8192
void		 said_add(char *said, const char *line);

/* shape.c: tc(8).  A rate for the connection to the storage in use. */

/* Take away what a run that was killed left, on any interface. */
void		 shape_clean(const struct irsync_conf *);

/* Set the rate.  A lock for shape_end, which takes it away again; or -1, if no
 * rate is set or it cannot be had, which is a warning. */
int		 shape_begin(const struct irsync_conf *);
void		 shape_end(const struct irsync_conf *, int lock);

/* hooks.c */

/* Run `before` or `after`, with the result so far in its environment.  0, also
 * if there is none; -1 with why. */
int		 hook_run(const struct irsync_conf *, const char *which,
		    const struct strv *hook, int status, const char *text,
		    char *why, size_t size);

/* Be as nice as configured; so will be all that we start. */
void		 niceness_set(const struct irsync_conf *);

/* cmd_*.c: the subcommands.  Arguments behind the command's name; an exit
 * status. */
int	cmd_backup(struct irsync *, const struct strv *args);
int	cmd_check(struct irsync *, const struct strv *args);
int	cmd_init(struct irsync *, const struct strv *args);
int	cmd_list(struct irsync *, const struct strv *args);
int	cmd_restore(struct irsync *, const struct strv *args);

#endif
