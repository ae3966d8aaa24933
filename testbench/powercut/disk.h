#ifndef CHEKOMAT_POWERCUT_DISK_H
#define CHEKOMAT_POWERCUT_DISK_H

#include <stdint.h>

typedef struct pc_disk pc_disk;

/* pc_install makes the layer SQLite's default; files outside every disk go to
 * the one that was the default before. 0: done. */
int pc_install(void);

/* pc_mount makes the files of a folder live on a new disk in memory. */
pc_disk *pc_mount(const char *folder);
void pc_unmount(pc_disk *);

/* pc_keep says whether what is not synced is kept aside (1) or the disk never
 * loses power (0, faster). */
void pc_keep(pc_disk *, int on);
/* pc_deaf makes syncs do nothing: a disk, or a program, that lies. */
void pc_deaf(pc_disk *, int on);
/* pc_kill ends the programs that have files open: all they wrote stays. */
void pc_kill(pc_disk *);
/* pc_cut is a power cut now: of what was not synced a part that seed decides
 * survives. */
void pc_cut(pc_disk *, uint64_t seed);
/* pc_cut_at lets the power fail at the nth write, truncation, sync or deletion
 * from now; 0 takes that back. */
void pc_cut_at(pc_disk *, int64_t nth, uint64_t seed);
/* pc_kill_at is pc_cut_at for the death of the program. */
void pc_kill_at(pc_disk *, int64_t nth);
/* pc_limit is how many bytes all files may have; 0 no limit. */
void pc_limit(pc_disk *, int64_t bytes);
/* pc_copy copies all files of one disk to another, as a backup taken while
 * nothing is written. */
int pc_copy(pc_disk *from, pc_disk *to);

typedef struct {
	int64_t writes, syncs, size, unsynced, generation, kept, lost, torn, cuts, last_cut;
} pc_counts;
pc_counts pc_count(pc_disk *);

/* pc_read copies a file's content as a program would read it, at most n bytes,
 * and returns its length; -1 there is no such file. */
int64_t pc_read(pc_disk *, const char *path, void *to, int64_t n);

#endif
