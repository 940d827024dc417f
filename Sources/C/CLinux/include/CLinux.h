// Linux calls that Swift's Glibc module does not offer: they are variadic, macros, or need _GNU_SOURCE.
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/// Names the calling thread; the kernel keeps 15 bytes.
void coffer_name_thread(const char *name);

/// Keeps this process out of core dumps and away from other processes' ptrace. 0, or -1 with errno.
int coffer_forbid_dumps(void);

/// Locks all present and future pages into memory as they are touched. 0, or -1 with errno where the limit forbids it.
int coffer_lock_memory(void);

/// The credentials of the process at the other end of a Unix socket. 0, or -1 with errno.
int coffer_peer_credentials(int socket, pid_t *pid, uid_t *uid, gid_t *gid);

/// Makes a hole of `length` bytes at `offset`, which then reads as zeros. 0, or -1 with errno.
int coffer_punch_hole(int file, off_t offset, off_t length);

/// Where data or a hole begins at or after `offset`. -1 with errno ENXIO past the last data.
off_t coffer_seek_data(int file, off_t offset);
off_t coffer_seek_hole(int file, off_t offset);

/// Renames within the file system and fails with EEXIST where the target exists. 0, or -1 with errno.
int coffer_rename_noreplace(const char *from, const char *to);
