#include "disk.h"
#include "sqlite.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define SECTOR 512

/* op is one change of a file that was not synced yet. */
typedef struct op {
	struct op *next;
	sqlite3_int64 at, n; /* n < 0: truncation to at */
	unsigned char bytes[];
} op;

typedef struct {
	unsigned char *b;
	sqlite3_int64 n, room;
} content;

/* shm is the memory that connections to one WAL share. */
typedef struct {
	int refs;
	int regions;
	void **region;
	int held[SQLITE_SHM_NLOCK]; /* -1 exclusive, else holders */
} shm;

typedef struct node {
	struct node *next;
	char *path;
	content live, durable;
	op *first, **last;   /* unsynced */
	int exists, lasting; /* as programs see it; after a power cut */
	int shared, reserved, pending, exclusive;
	shm *shm;
} node;

struct pc_disk {
	pc_disk *next;
	char *folder;
	size_t folder_n;
	node *nodes;
	int mounted, handles, keep, deaf;
	int64_t generation, limit, at, kill_at;
	uint64_t seed;
	pc_counts counts;
	pthread_mutex_t mu;
};

typedef struct {
	sqlite3_file base;
	pc_disk *disk;
	node *node;
	int64_t generation;
	int lock;
	shm *shm;
	unsigned shared_mask, exclusive_mask;
} handle;

static pthread_mutex_t disks_mu = PTHREAD_MUTEX_INITIALIZER;
static pc_disk *disks;
static sqlite3_vfs *under;
static sqlite3_vfs layer;

static int fit(content *c, sqlite3_int64 n)
{
	if (n > c->room) {
		sqlite3_int64 room = n + n / 2 + 4096;
		unsigned char *b = realloc(c->b, room);
		if (!b)
			return 0;
		c->b = b, c->room = room;
	}
	return 1;
}

static int resize(content *c, sqlite3_int64 n)
{
	if (!fit(c, n))
		return 0;
	if (n > c->n)
		memset(c->b + c->n, 0, n - c->n);
	c->n = n;
	return 1;
}

static int put(content *c, const void *b, sqlite3_int64 n, sqlite3_int64 at)
{
	if (at + n > c->n && !resize(c, at + n))
		return 0;
	memcpy(c->b + at, b, n);
	return 1;
}

static int same(content *to, const content *from)
{
	if (!fit(to, from->n))
		return 0;
	if (from->n)
		memcpy(to->b, from->b, from->n);
	to->n = from->n;
	return 1;
}

static void forget(node *n)
{
	while (n->first) {
		op *o = n->first;
		n->first = o->next;
		free(o);
	}
	n->last = &n->first;
}

static int note(pc_disk *d, node *n, const void *b, sqlite3_int64 size, sqlite3_int64 at)
{
	op *o;
	if (!d->keep)
		return 1;
	o = malloc(sizeof *o + (size > 0 ? size : 0));
	if (!o)
		return 0;
	o->next = 0, o->at = at, o->n = size;
	if (size > 0)
		memcpy(o->bytes, b, size);
	*n->last = o;
	n->last = &o->next;
	return 1;
}

/* splitmix64 */
static uint64_t draw(uint64_t *s)
{
	uint64_t z = (*s += 0x9E3779B97F4A7C15ull);
	z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
	z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
	return z ^ (z >> 31);
}

static void release(shm *s)
{
	if (!s || --s->refs > 0)
		return;
	for (int i = 0; i < s->regions; i++)
		free(s->region[i]);
	free(s->region);
	free(s);
}

/* orphan makes all open handles dead: their programs are gone. */
static void orphan(pc_disk *d)
{
	d->generation++;
	d->at = d->kill_at = 0;
	for (node *n = d->nodes; n; n = n->next) {
		n->shared = n->reserved = n->pending = n->exclusive = 0;
		release(n->shm);
		n->shm = 0;
	}
}

/* survive applies what of one change reached the medium. how: 0 nothing of the
 * file's changes, 1 a prefix, 2 any sectors, 3 everything. stop ends a prefix. */
static void survive(pc_disk *d, node *n, op *o, int how, uint64_t *s, int *stop)
{
	if (how == 0 || *stop) {
		d->counts.lost++;
		return;
	}
	if (o->n < 0) {
		if (how == 3 || draw(s) % 2) {
			if (o->at < n->durable.n)
				n->durable.n = o->at;
			d->counts.kept++;
		} else {
			d->counts.lost++;
			*stop = how == 1;
		}
		return;
	}
	for (sqlite3_int64 i = 0; i < o->n;) {
		sqlite3_int64 end = ((o->at + i) / SECTOR + 1) * SECTOR - o->at;
		sqlite3_int64 size = (end < o->n ? end : o->n) - i;
		int whole = how == 3 || draw(s) % (how == 1 ? 8 : 2);
		if (!whole) {
			if (draw(s) % 4 == 0) { /* torn inside the sector */
				size = draw(s) % (size + 1);
				put(&n->durable, o->bytes + i, size, o->at + i);
				d->counts.torn++;
			} else {
				d->counts.lost++;
			}
			if (how == 1) {
				*stop = 1;
				return;
			}
		} else {
			put(&n->durable, o->bytes + i, size, o->at + i);
			d->counts.kept++;
		}
		i = end;
	}
}

static void cut(pc_disk *d, uint64_t seed)
{
	uint64_t s = seed;
	int64_t size = 0;
	for (node *n = d->nodes; n; n = n->next) {
		int how = (int)(draw(&s) % 4), stop = 0;
		for (op *o = n->first; o; o = o->next)
			survive(d, n, o, how, &s, &stop);
		if (n->exists && !n->lasting && how != 0)
			n->lasting = 1; /* its name came to the disk with its content */
		if (!n->exists && n->lasting && draw(&s) % 2)
			n->lasting = 0; /* the deletion came to the disk */
		forget(n);
		n->exists = n->lasting;
		if (!n->exists)
			n->durable.n = 0;
		same(&n->live, &n->durable);
		size += n->live.n;
	}
	d->counts.size = size;
	orphan(d);
	d->counts.cuts++;
	d->counts.last_cut = d->generation;
}

/* due counts one operation of the disk. 1: the program is gone. */
static int due(pc_disk *d)
{
	if (d->at > 0 && --d->at == 0) {
		cut(d, d->seed);
		return 1;
	}
	if (d->kill_at > 0 && --d->kill_at == 0) {
		orphan(d);
		return 1;
	}
	return 0;
}

static int dead(handle *h) { return h->generation != h->disk->generation; }

static handle *enter(sqlite3_file *f)
{
	handle *h = (handle *)f;
	pthread_mutex_lock(&h->disk->mu);
	return h;
}

static int leave(handle *h, int rc)
{
	pthread_mutex_unlock(&h->disk->mu);
	return rc;
}

static void destroy(pc_disk *d)
{
	while (d->nodes) {
		node *n = d->nodes;
		d->nodes = n->next;
		forget(n);
		release(n->shm);
		free(n->live.b);
		free(n->durable.b);
		free(n->path);
		free(n);
	}
	pthread_mutex_destroy(&d->mu);
	free(d->folder);
	free(d);
}

static int drop_lock(handle *h, int to)
{
	node *n = h->node;
	if (dead(h)) {
		h->lock = to;
		return SQLITE_OK;
	}
	if (h->lock == SQLITE_LOCK_EXCLUSIVE && to < SQLITE_LOCK_EXCLUSIVE)
		n->exclusive = 0;
	if (h->lock >= SQLITE_LOCK_PENDING && to < SQLITE_LOCK_PENDING)
		n->pending = 0;
	if (h->lock >= SQLITE_LOCK_RESERVED && to < SQLITE_LOCK_RESERVED)
		n->reserved = 0;
	if (h->lock >= SQLITE_LOCK_SHARED && to < SQLITE_LOCK_SHARED)
		n->shared--;
	h->lock = to;
	return SQLITE_OK;
}

static void drop_shm(handle *h)
{
	shm *s = h->shm;
	if (!s)
		return;
	for (int i = 0; i < SQLITE_SHM_NLOCK; i++) {
		if (h->exclusive_mask & (1u << i))
			s->held[i] = 0;
		else if (h->shared_mask & (1u << i))
			s->held[i]--;
	}
	h->shared_mask = h->exclusive_mask = 0;
	h->shm = 0;
	if (!dead(h) && h->node->shm == s && s->refs == 2) { /* the last one */
		h->node->shm = 0;
		release(s);
	}
	release(s);
}

static int m_close(sqlite3_file *f)
{
	handle *h = enter(f);
	pc_disk *d = h->disk;
	int last;
	drop_lock(h, SQLITE_LOCK_NONE);
	drop_shm(h);
	last = --d->handles == 0 && !d->mounted;
	pthread_mutex_unlock(&d->mu);
	if (last)
		destroy(d);
	return SQLITE_OK;
}

static int m_read(sqlite3_file *f, void *to, int n, sqlite3_int64 at)
{
	handle *h = enter(f);
	content *c = &h->node->live;
	sqlite3_int64 have = at < c->n ? c->n - at : 0;
	if (dead(h))
		return leave(h, SQLITE_IOERR_READ);
	if (have > n)
		have = n;
	if (have)
		memcpy(to, c->b + at, have);
	if (have < n) {
		memset((char *)to + have, 0, n - have);
		return leave(h, SQLITE_IOERR_SHORT_READ);
	}
	return leave(h, SQLITE_OK);
}

static int m_write(sqlite3_file *f, const void *b, int n, sqlite3_int64 at)
{
	handle *h = enter(f);
	pc_disk *d = h->disk;
	content *c = &h->node->live;
	sqlite3_int64 grows = at + n > c->n ? at + n - c->n : 0;
	if (dead(h))
		return leave(h, SQLITE_IOERR_WRITE);
	if (d->limit && d->counts.size + grows > d->limit)
		return leave(h, SQLITE_FULL);
	d->counts.writes++;
	if (!note(d, h->node, b, n, at) || !put(c, b, n, at))
		return leave(h, SQLITE_NOMEM);
	d->counts.size += grows;
	return leave(h, due(d) ? SQLITE_IOERR_WRITE : SQLITE_OK);
}

static int m_truncate(sqlite3_file *f, sqlite3_int64 n)
{
	handle *h = enter(f);
	pc_disk *d = h->disk;
	content *c = &h->node->live;
	if (dead(h))
		return leave(h, SQLITE_IOERR_TRUNCATE);
	if (n < c->n) {
		if (!note(d, h->node, 0, -1, n))
			return leave(h, SQLITE_NOMEM);
		d->counts.size -= c->n - n;
		c->n = n;
	}
	return leave(h, due(d) ? SQLITE_IOERR_TRUNCATE : SQLITE_OK);
}

/* order: journaling file systems (ext4, xfs, btrfs) keep changes of names and
 * sizes in their order, so a sync that must record a file's new size records
 * the deletions before it too. */
static void order(pc_disk *d)
{
	for (node *n = d->nodes; n; n = n->next)
		if (!n->exists && n->lasting)
			n->lasting = 0, n->durable.n = 0;
}

/* m_sync: the power may fail before the sync has done anything. */
static int m_sync(sqlite3_file *f, int flags)
{
	handle *h = enter(f);
	node *n = h->node;
	(void)flags;
	if (dead(h) || due(h->disk))
		return leave(h, SQLITE_IOERR_FSYNC);
	h->disk->counts.syncs++;
	if (h->disk->keep && !h->disk->deaf) {
		sqlite3_int64 before = n->durable.n;
		for (op *o = n->first; o; o = o->next) {
			if (o->n >= 0) {
				if (!put(&n->durable, o->bytes, o->n, o->at))
					return leave(h, SQLITE_NOMEM);
			} else if (o->at < n->durable.n) {
				n->durable.n = o->at;
			}
		}
		forget(n);
		n->lasting = 1;
		if (n->durable.n != before)
			order(h->disk);
	}
	return leave(h, SQLITE_OK);
}

static int m_size(sqlite3_file *f, sqlite3_int64 *n)
{
	handle *h = enter(f);
	*n = h->node->live.n;
	return leave(h, dead(h) ? SQLITE_IOERR_FSTAT : SQLITE_OK);
}

static int m_lock(sqlite3_file *f, int to)
{
	handle *h = enter(f);
	node *n = h->node;
	if (dead(h))
		return leave(h, SQLITE_IOERR);
	if (h->lock >= to)
		return leave(h, SQLITE_OK);
	if (h->lock == SQLITE_LOCK_NONE) {
		if (n->pending || n->exclusive)
			return leave(h, SQLITE_BUSY);
		n->shared++;
		h->lock = SQLITE_LOCK_SHARED;
	}
	if (to >= SQLITE_LOCK_RESERVED && h->lock < SQLITE_LOCK_RESERVED) {
		if (n->reserved)
			return leave(h, SQLITE_BUSY);
		n->reserved = 1;
		h->lock = SQLITE_LOCK_RESERVED;
	}
	if (to == SQLITE_LOCK_EXCLUSIVE) {
		n->pending = 1;
		h->lock = SQLITE_LOCK_PENDING;
		if (n->shared > 1)
			return leave(h, SQLITE_BUSY);
		n->exclusive = 1;
		h->lock = SQLITE_LOCK_EXCLUSIVE;
	}
	return leave(h, SQLITE_OK);
}

static int m_unlock(sqlite3_file *f, int to)
{
	handle *h = enter(f);
	return leave(h, h->lock > to ? drop_lock(h, to) : SQLITE_OK);
}

static int m_reserved(sqlite3_file *f, int *yes)
{
	handle *h = enter(f);
	*yes = h->node->reserved;
	return leave(h, SQLITE_OK);
}

static int m_control(sqlite3_file *f, int op, void *arg)
{
	(void)f, (void)op, (void)arg;
	return SQLITE_NOTFOUND;
}

static int m_sector(sqlite3_file *f)
{
	(void)f;
	return SECTOR;
}

/* As the ordinary layer of Linux says of every disk. */
static int m_device(sqlite3_file *f)
{
	(void)f;
	return SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

static int m_shm_map(sqlite3_file *f, int i, int size, int extend, void volatile **to)
{
	handle *h = enter(f);
	node *n = h->node;
	*to = 0;
	if (dead(h))
		return leave(h, SQLITE_IOERR);
	if (!h->shm) {
		if (!n->shm) {
			n->shm = calloc(1, sizeof *n->shm);
			if (!n->shm)
				return leave(h, SQLITE_NOMEM);
			n->shm->refs = 1; /* the node's */
		}
		h->shm = n->shm;
		h->shm->refs++;
	}
	shm *s = h->shm;
	if (i >= s->regions) {
		void **region;
		if (!extend)
			return leave(h, SQLITE_OK);
		region = realloc(s->region, (i + 1) * sizeof *region);
		if (!region)
			return leave(h, SQLITE_NOMEM);
		s->region = region;
		for (; s->regions <= i; s->regions++) {
			s->region[s->regions] = calloc(1, size);
			if (!s->region[s->regions])
				return leave(h, SQLITE_NOMEM);
		}
	}
	*to = s->region[i];
	return leave(h, SQLITE_OK);
}

static int m_shm_lock(sqlite3_file *f, int at, int n, int flags)
{
	handle *h = enter(f);
	shm *s = h->shm;
	unsigned mask = ((1u << n) - 1) << at;
	if (dead(h) || !s)
		return leave(h, SQLITE_IOERR);
	for (int i = at; i < at + n; i++) {
		int mine = (h->exclusive_mask | h->shared_mask) & (1u << i) ? 1 : 0;
		if (flags & SQLITE_SHM_UNLOCK || mine)
			continue;
		if (flags & SQLITE_SHM_EXCLUSIVE ? s->held[i] != 0 : s->held[i] < 0)
			return leave(h, SQLITE_BUSY);
	}
	for (int i = at; i < at + n; i++) {
		unsigned bit = 1u << i;
		if (flags & SQLITE_SHM_UNLOCK) {
			if (h->exclusive_mask & bit)
				s->held[i] = 0;
			else if (h->shared_mask & bit)
				s->held[i]--;
		} else if (flags & SQLITE_SHM_EXCLUSIVE) {
			s->held[i] = -1;
		} else if (!(h->shared_mask & bit)) {
			s->held[i]++;
		}
	}
	if (flags & SQLITE_SHM_UNLOCK)
		h->exclusive_mask &= ~mask, h->shared_mask &= ~mask;
	else if (flags & SQLITE_SHM_EXCLUSIVE)
		h->exclusive_mask |= mask;
	else
		h->shared_mask |= mask;
	return leave(h, SQLITE_OK);
}

static void m_shm_barrier(sqlite3_file *f)
{
	leave(enter(f), 0);
	__sync_synchronize();
}

static int m_shm_unmap(sqlite3_file *f, int remove)
{
	handle *h = enter(f);
	(void)remove; /* the last one to leave takes it away */
	drop_shm(h);
	return leave(h, SQLITE_OK);
}

static const sqlite3_io_methods methods = {
	2, m_close, m_read, m_write, m_truncate, m_sync, m_size, m_lock, m_unlock, m_reserved, m_control, m_sector, m_device,
	m_shm_map, m_shm_lock, m_shm_barrier, m_shm_unmap,
};

/* on finds the disk a path lies on and enters it; NULL: none of ours. */
static pc_disk *on(const char *path)
{
	pc_disk *d;
	if (!path)
		return 0;
	pthread_mutex_lock(&disks_mu);
	for (d = disks; d; d = d->next)
		if (!strncmp(path, d->folder, d->folder_n) && path[d->folder_n] == '/')
			break;
	if (d)
		pthread_mutex_lock(&d->mu);
	pthread_mutex_unlock(&disks_mu);
	return d;
}

static node *find(pc_disk *d, const char *path)
{
	node *n = d->nodes;
	while (n && strcmp(n->path, path))
		n = n->next;
	return n;
}

static node *make(pc_disk *d, const char *path)
{
	node **at = &d->nodes, *n = calloc(1, sizeof *n);
	if (!n)
		return 0;
	n->path = strdup(path);
	n->last = &n->first;
	while (*at)
		at = &(*at)->next;
	*at = n; /* in the order they were made: a cut draws in it */
	return n;
}

static int v_open(sqlite3_vfs *v, const char *path, sqlite3_file *f, int flags, int *out)
{
	handle *h = (handle *)f;
	pc_disk *d = on(path);
	node *n;
	(void)v;
	if (!d)
		return under->xOpen(under, path, f, flags, out);
	memset(h, 0, sizeof *h);
	n = find(d, path);
	if ((!n || !n->exists) && !(flags & SQLITE_OPEN_CREATE)) {
		pthread_mutex_unlock(&d->mu);
		return SQLITE_CANTOPEN;
	}
	if (!n)
		n = make(d, path);
	if (!n) {
		pthread_mutex_unlock(&d->mu);
		return SQLITE_NOMEM;
	}
	n->exists = 1;
	h->base.pMethods = &methods;
	h->disk = d, h->node = n, h->generation = d->generation;
	d->handles++;
	if (out)
		*out = flags;
	return leave(h, SQLITE_OK);
}

static int v_delete(sqlite3_vfs *v, const char *path, int sync)
{
	pc_disk *d = on(path);
	node *n;
	int rc = SQLITE_IOERR_DELETE_NOENT;
	(void)v;
	if (!d)
		return under->xDelete(under, path, sync);
	n = find(d, path);
	if (n && n->exists) {
		d->counts.size -= n->live.n;
		n->exists = 0, n->live.n = 0;
		forget(n);
		if (sync)
			n->lasting = 0, n->durable.n = 0;
		rc = SQLITE_OK;
	}
	pthread_mutex_unlock(&d->mu);
	return rc;
}

static int v_access(sqlite3_vfs *v, const char *path, int flags, int *yes)
{
	pc_disk *d = on(path);
	node *n;
	(void)v;
	if (!d)
		return under->xAccess(under, path, flags, yes);
	n = find(d, path);
	*yes = n && n->exists && n->live.n > 0;
	pthread_mutex_unlock(&d->mu);
	return SQLITE_OK;
}

/* steady lets a connection keep its plans (sqlite.org/c3ref/c_dbconfig_defensive.html,
 * SQLITE_DBCONFIG_ENABLE_QPSG): otherwise each statement whose plan may depend
 * on a bound value is compiled anew whenever its bindings are cleared. */
static int steady(sqlite3 *db, const char **why, const void *api)
{
	(void)why, (void)api;
	return sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_QPSG, 1, (int *)0);
}

static int installed;

int pc_install(void)
{
	int rc = 0;
	pthread_mutex_lock(&disks_mu);
	if (!installed) {
		sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0); /* nobody asks how much memory it has; refused once it is in use */
		under = sqlite3_vfs_find(0);
		if (under) {
			layer = *under;
			layer.zName = "chekomat-powercut";
			layer.pNext = 0;
			if (layer.szOsFile < (int)sizeof(handle))
				layer.szOsFile = (int)sizeof(handle);
			layer.xOpen = v_open, layer.xDelete = v_delete, layer.xAccess = v_access;
			rc = sqlite3_vfs_register(&layer, 1);
			if (rc == 0)
				rc = sqlite3_auto_extension((void (*)(void))steady);
			installed = rc == 0;
		} else {
			rc = SQLITE_NOTFOUND;
		}
	}
	pthread_mutex_unlock(&disks_mu);
	return rc;
}

pc_disk *pc_mount(const char *folder)
{
	pc_disk *d = calloc(1, sizeof *d);
	if (!d)
		return 0;
	d->folder = strdup(folder);
	d->folder_n = strlen(folder);
	d->mounted = d->keep = 1;
	pthread_mutex_init(&d->mu, 0);
	pthread_mutex_lock(&disks_mu);
	d->next = disks;
	disks = d;
	pthread_mutex_unlock(&disks_mu);
	return d;
}

void pc_unmount(pc_disk *d)
{
	pc_disk **at = &disks;
	int last;
	pthread_mutex_lock(&disks_mu);
	while (*at && *at != d)
		at = &(*at)->next;
	if (*at)
		*at = d->next;
	pthread_mutex_unlock(&disks_mu);
	pthread_mutex_lock(&d->mu);
	orphan(d);
	d->mounted = 0;
	last = d->handles == 0;
	pthread_mutex_unlock(&d->mu);
	if (last)
		destroy(d);
}

void pc_keep(pc_disk *d, int onoff)
{
	pthread_mutex_lock(&d->mu);
	for (node *n = d->nodes; n; n = n->next) {
		forget(n);
		same(&n->durable, &n->live);
		n->lasting = n->exists;
	}
	d->keep = onoff;
	pthread_mutex_unlock(&d->mu);
}

void pc_deaf(pc_disk *d, int onoff)
{
	pthread_mutex_lock(&d->mu);
	d->deaf = onoff;
	pthread_mutex_unlock(&d->mu);
}

void pc_kill(pc_disk *d)
{
	pthread_mutex_lock(&d->mu);
	orphan(d);
	pthread_mutex_unlock(&d->mu);
}

void pc_cut(pc_disk *d, uint64_t seed)
{
	pthread_mutex_lock(&d->mu);
	if (d->keep)
		cut(d, seed);
	else
		orphan(d);
	pthread_mutex_unlock(&d->mu);
}

void pc_cut_at(pc_disk *d, int64_t nth, uint64_t seed)
{
	pthread_mutex_lock(&d->mu);
	d->at = nth, d->seed = seed;
	pthread_mutex_unlock(&d->mu);
}

void pc_kill_at(pc_disk *d, int64_t nth)
{
	pthread_mutex_lock(&d->mu);
	d->kill_at = nth;
	pthread_mutex_unlock(&d->mu);
}

void pc_limit(pc_disk *d, int64_t bytes)
{
	pthread_mutex_lock(&d->mu);
	d->limit = bytes;
	pthread_mutex_unlock(&d->mu);
}

int pc_copy(pc_disk *from, pc_disk *to)
{
	int ok = 1;
	pthread_mutex_lock(&from->mu);
	pthread_mutex_lock(&to->mu);
	orphan(to);
	for (node *n = to->nodes; n; n = n->next) {
		forget(n);
		n->exists = n->lasting = 0;
		n->live.n = n->durable.n = 0;
	}
	to->counts.size = 0;
	for (node *n = from->nodes; n && ok; n = n->next) {
		node *m;
		char *path;
		if (!n->exists)
			continue;
		path = malloc(to->folder_n + strlen(n->path) - from->folder_n + 1);
		if (!path) {
			ok = 0;
			break;
		}
		memcpy(path, to->folder, to->folder_n);
		strcpy(path + to->folder_n, n->path + from->folder_n);
		m = find(to, path);
		if (!m)
			m = make(to, path);
		free(path);
		ok = m && same(&m->live, &n->live) && (!to->keep || same(&m->durable, &n->live));
		if (ok) {
			m->exists = m->lasting = 1;
			to->counts.size += m->live.n;
		}
	}
	pthread_mutex_unlock(&to->mu);
	pthread_mutex_unlock(&from->mu);
	return ok ? 0 : SQLITE_NOMEM;
}

pc_counts pc_count(pc_disk *d)
{
	pc_counts c;
	pthread_mutex_lock(&d->mu);
	c = d->counts;
	c.generation = d->generation;
	c.unsynced = 0;
	for (node *n = d->nodes; n; n = n->next)
		for (op *o = n->first; o; o = o->next)
			c.unsynced++;
	pthread_mutex_unlock(&d->mu);
	return c;
}

int64_t pc_read(pc_disk *d, const char *path, void *to, int64_t n)
{
	int64_t size = -1;
	node *f;
	pthread_mutex_lock(&d->mu);
	f = find(d, path);
	if (f && f->exists) {
		size = f->live.n;
		if (n > size)
			n = size;
		if (n > 0)
			memcpy(to, f->live.b, n);
	}
	pthread_mutex_unlock(&d->mu);
	return size;
}
