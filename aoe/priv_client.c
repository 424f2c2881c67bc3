/* priv_client.c: the serving process asks its parent.
 *
 * Answers to what may hang come in any order.  Of the threads that wait for
 * one, whichever finds nobody reading reads, and hands out what comes.
 *
 * SPDX-License-Identifier: ISC
 * Copyright (c) 2026 The backshelf authors
 */
#include <sys/queue.h>
#include <sys/socket.h>

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf.h"
#include "log.h"
#include "net.h"
#include "priv.h"

#define TRIES	5	/* for what is killed each time */

/* One message from the parent. */
struct answer {
	struct priv_reply	 head;
	int			 fds[PRIV_REPLY_FDS];
	unsigned		 nfds;
	char			*text;	/* head.len bytes, to be freed */
};

struct waiter {
	unsigned		 id;
	bool			 done;
	struct answer		 answer;
	pthread_cond_t		 news;		/* done, or it is its turn to
						 * read */
	LIST_ENTRY(waiter)	 link;
};

struct priv {
	int			 calls;
	int			 asks;
	int			 orders;
	pthread_mutex_t		 call_lock;	/* one call at a time */
	pthread_mutex_t		 lock;		/* of all below */
	LIST_HEAD(waiters, waiter) waiters;
	unsigned		 ids;		/* given so far; never 0 */
	bool			 reading;	/* some thread does */
	bool			 gone;		/* the parent is */
};

struct priv *
priv_child(int calls, int asks, int orders)
{
	struct priv *pv;

	if ((pv = calloc(1, sizeof(*pv))) == NULL)
		return NULL;
	pv->calls = calls;
	pv->asks = asks;
	pv->orders = orders;
	LIST_INIT(&pv->waiters);
	(void)pthread_mutex_init(&pv->call_lock, NULL);
	(void)pthread_mutex_init(&pv->lock, NULL);
	return pv;
}

void
priv_free(struct priv *pv)
{
	close(pv->calls);
	close(pv->asks);
	close(pv->orders);
	(void)pthread_mutex_destroy(&pv->call_lock);
	(void)pthread_mutex_destroy(&pv->lock);
	free(pv);
}

static int
set_name(struct priv_request *rq, const char *name)
{
	if (strlcpy(rq->name, name, sizeof(rq->name)) < sizeof(rq->name))
		return 0;
	errno = ENAMETOOLONG;
	return -1;
}

static int
put(int sock, const struct priv_request *rq)
{
	char *buf;
	size_t len;
	int rc = -1;

	if ((buf = malloc(PRIV_REQUEST_HEAD + rq->len)) == NULL)
		return -1;
	if ((len = priv_encode(rq, buf)) == 0) {
		free(buf);
		errno = EINVAL;
		return -1;
	}
	while ((rc = send(sock, buf, len, MSG_NOSIGNAL) == -1 ? -1 : 0) == -1 &&
	    errno == EINTR)
		;
	free(buf);
	return rc;
}

static void
answer_free(struct answer *a)
{
	while (a->nfds > 0)
		close(a->fds[--a->nfds]);
	free(a->text);
	a->text = NULL;
}

/* Wait for a message.  1; 0 if the parent is gone; -1 with errno. */
static int
get(int sock, struct answer *a)
{
	char *buf;
	ssize_t n;

	memset(a, 0, sizeof(*a));
	if ((buf = malloc(PRIV_REPLY_MAX)) == NULL)
		return -1;
	a->nfds = PRIV_REPLY_FDS;
	n = priv_receive(sock, buf, PRIV_REPLY_MAX, a->fds, &a->nfds, 0);
	if (n <= 0) {
		a->nfds = 0;
		free(buf);
		return (int)n;
	}
	if ((size_t)n >= sizeof(a->head))
		memcpy(&a->head, buf, sizeof(a->head));
	if ((size_t)n != sizeof(a->head) + a->head.len)
		fatalx("the parent sends what it does not mean");
	memmove(buf, buf + sizeof(a->head), a->head.len);
	a->text = buf;
	return 1;
}

/* Give an answer to whoever waits for it.  The lock is held. */
static void
hand_out(struct priv *pv, struct answer *a)
{
	struct waiter *w;

	LIST_FOREACH(w, &pv->waiters, link)
		if (w->id == a->head.id) {
			w->answer = *a;
			w->done = true;
			pthread_cond_signal(&w->news);
			return;
		}
	answer_free(a);
}

/* Read one answer; the lock is held, but for the while. */
static void
read_one(struct priv *pv)
{
	struct answer a;
	int rc;

	pv->reading = true;
	pthread_mutex_unlock(&pv->lock);
	rc = get(pv->asks, &a);
	pthread_mutex_lock(&pv->lock);
	pv->reading = false;
	if (rc == 1)
		hand_out(pv, &a);
	else if (rc == 0 || errno != ENOMEM)
		pv->gone = true;
}

static void
enlist(struct priv *pv, struct waiter *w)
{
	(void)pthread_cond_init(&w->news, NULL);
	pthread_mutex_lock(&pv->lock);
	if (++pv->ids == 0)
		pv->ids = 1;
	w->id = pv->ids;
	LIST_INSERT_HEAD(&pv->waiters, w, link);
	pthread_mutex_unlock(&pv->lock);
}

/* The opposite.  Of those that still wait, one is to read from now on; when
 * the parent is gone, that leads to each in turn. */
static void
delist(struct priv *pv, struct waiter *w)
{
	struct waiter *next;

	LIST_REMOVE(w, link);
	(void)pthread_cond_destroy(&w->news);
	if (!pv->reading && (next = LIST_FIRST(&pv->waiters)) != NULL)
		pthread_cond_signal(&next->news);
}

/* Ask once for what may hang, and wait for the answer.  0, and the answer is
 * the caller's to free; or -1 with errno. */
static int
ask_once(struct priv *pv, struct priv_request *rq, struct answer *a)
{
	struct waiter w = { .done = false };
	int saved = EPIPE, rc;

	enlist(pv, &w);
	rq->id = w.id;
	if ((rc = put(pv->asks, rq)) == -1)
		saved = errno;
	pthread_mutex_lock(&pv->lock);
	while (rc == 0 && !w.done && !pv->gone) {
		if (pv->reading)
			pthread_cond_wait(&w.news, &pv->lock);
		else
			read_one(pv);
	}
	delist(pv, &w);
	pthread_mutex_unlock(&pv->lock);
	if (w.done && w.answer.head.error == 0) {
		*a = w.answer;
		return 0;
	}
	if (w.done) {
		saved = w.answer.head.error;
		answer_free(&w.answer);
	}
	errno = saved;
	return -1;
}

/* The same; if what was to do it has been killed, again.  It is gone by then,
 * so that what it had begun cannot come after what follows. */
static int
ask(struct priv *pv, struct priv_request *rq, struct answer *a)
{
	int tries = TRIES;

	while (tries-- > 0) {
		if (ask_once(pv, rq, a) == 0)
			return 0;
		if (errno != EINTR)
			return -1;
	}
	errno = EIO;
	return -1;
}

int
priv_open(struct priv *pv, unsigned table, const struct row *r,
    struct image *img)
{
	struct priv_request rq = { .type = PRIV_OPEN, .arg = table,
	    .line = r->line };
	struct answer a;

	*img = IMAGE_NONE;
	if (ask(pv, &rq, &a) == -1)
		return -1;
	*img = a.head.image;
	img->fd = a.nfds > 0 ? a.fds[0] : -1;
	img->fd_plain = a.nfds > 1 ? a.fds[1] : -1;
	if (a.nfds > 0) {
		free(a.text);
		return 0;
	}
	/* The kernel drops descriptors that we have no room for. */
	answer_free(&a);
	errno = EMFILE;
	return -1;
}

ssize_t
priv_state_read(struct priv *pv, const char *alias, char *buf, size_t size)
{
	struct priv_request rq = { .type = PRIV_STATE };
	struct answer a;
	ssize_t n;

	if (set_name(&rq, alias) == -1 || ask(pv, &rq, &a) == -1)
		return -1;
	n = (ssize_t)(a.head.len < size ? a.head.len : size);
	memcpy(buf, a.text, (size_t)n);
	answer_free(&a);
	return n;
}

int
priv_state_write(struct priv *pv, const char *alias, const char *text,
    size_t len)
{
	struct priv_request rq = { .type = PRIV_SAVE, .text = text,
	    .len = len };
	struct answer a;

	if (set_name(&rq, alias) == -1 || ask(pv, &rq, &a) == -1)
		return -1;
	answer_free(&a);
	return 0;
}

void
priv_tell(struct priv *pv, enum priv_news news, const char *status)
{
	struct priv_request rq = { .type = PRIV_TELL, .arg = news };

	if (status != NULL) {
		rq.text = status;
		rq.len = strnlen(status, PRIV_STATUS);
	}
	if (put(pv->asks, &rq) == -1)
		log_debug("the parent cannot be told");
}

/* Ask for what is answered at once; the call lock is held.  The same as
 * ask(), but that a failed one's answer is the caller's too if its text is
 * set. */
static int
call(struct priv *pv, const struct priv_request *rq, struct answer *a)
{
	int rc;

	memset(a, 0, sizeof(*a));
	if (put(pv->calls, rq) == -1 || (rc = get(pv->calls, a)) == -1)
		return -1;
	if (rc == 1 && a->head.error == 0)
		return 0;
	errno = rc == 0 ? EPIPE : a->head.error;
	return -1;
}

/* All of a text in a file that is nobody else's.  NULL with errno. */
static char *
read_text(int fd)
{
	char *text = NULL;
	ssize_t n;
	off_t len;

	if ((len = lseek(fd, 0, SEEK_END)) != -1 && len <= CONF_MAX &&
	    (text = malloc((size_t)len + 1)) != NULL) {
		n = pread(fd, text, (size_t)len, 0);
		text[n < 0 ? 0 : n] = '\0';
	}
	return text;
}

char *
priv_table(struct priv *pv, unsigned *number, struct diags *ds)
{
	struct priv_request rq = { .type = PRIV_TABLE };
	char *text = NULL;
	struct answer a;

	pthread_mutex_lock(&pv->call_lock);
	if (call(pv, &rq, &a) == 0 && a.nfds == 1)
		text = read_text(a.fds[0]);
	pthread_mutex_unlock(&pv->call_lock);
	*number = a.head.table;
	if (text == NULL && a.text != NULL && a.head.len > 0)
		diags_add(ds, 0, 0, "%.*s", (int)a.head.len, a.text);
	else if (text == NULL)
		diags_add(ds, 0, 0, "%s", strerror(errno));
	answer_free(&a);
	return text;
}

void
priv_keep(struct priv *pv, unsigned number)
{
	struct priv_request rq = { .type = PRIV_KEEP, .arg = number };
	struct answer a;

	pthread_mutex_lock(&pv->call_lock);
	if (call(pv, &rq, &a) == -1)
		log_warn("the parent keeps another table");
	pthread_mutex_unlock(&pv->call_lock);
	answer_free(&a);
}

/* Give the interface the sockets of a message, n of which came before. */
static size_t
take_sockets(struct iface *ifc, size_t n, struct answer *a)
{
	unsigned i;
	int *fd;

	for (i = 0; i < a->nfds; i++, n++)
		if ((fd = iface_socket(ifc, n)) != NULL)
			*fd = a->fds[i];
		else
			close(a->fds[i]);
	a->nfds = 0;
	return n;
}

/* The messages that make up an interface.  The call lock is held. */
static int
receive_iface(struct priv *pv, const struct priv_request *rq,
    struct iface *ifc)
{
	struct answer a;
	size_t n = 0;
	int rc;

	for (rc = call(pv, rq, &a); rc == 0;
	    rc = get(pv->calls, &a) == 1 ? 0 : -1) {
		ifc->index = a.head.index;
		atomic_store(&ifc->mac, a.head.mac);
		atomic_store(&ifc->mtu, a.head.mtu);
		ifc->frames = a.head.frames;
		n = take_sockets(ifc, n, &a);
		answer_free(&a);
		if (!a.head.more)
			break;
	}
	answer_free(&a);
	if (rc == 0 && n != iface_sockets(ifc)) {
		errno = EMFILE;
		return -1;
	}
	return rc;
}

struct iface *
priv_iface(struct priv *pv, const char *name, size_t n)
{
	struct priv_request rq = { .type = PRIV_IFACE };
	struct iface *ifc;
	int rc, saved;

	if (set_name(&rq, name) == -1 || (ifc = iface_new(name, n)) == NULL)
		return NULL;
	pthread_mutex_lock(&pv->call_lock);
	rc = receive_iface(pv, &rq, ifc);
	pthread_mutex_unlock(&pv->call_lock);
	if (rc == 0 && iface_map(ifc) == 0)
		return ifc;
	saved = errno;
	iface_close(ifc);
	errno = saved;
	return NULL;
}

int
priv_orders_fd(const struct priv *pv)
{
	return pv->orders;
}

bool
priv_order(struct priv *pv, enum priv_order *o)
{
	struct pollfd v = { .fd = pv->orders, .events = POLLIN };
	ssize_t n;
	char c;

	if (poll(&v, 1, 0) != 1)
		return false;
	if ((n = read(pv->orders, &c, 1)) == -1 && errno == EINTR)
		return false;
	*o = n == 1 ? (enum priv_order)c : PARENT_GONE;
	return true;
}
