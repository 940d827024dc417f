// Linux calls that Swift's Glibc module does not offer: they are variadic, macros, or need _GNU_SOURCE.
#pragma once
#include <spawn.h>
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

/// Makes `to` share all of `from`'s blocks (FICLONE). 0, or -1 with errno, such as EOPNOTSUPP where the file system cannot.
int coffer_clone_file(int to, int from);

/// Copies like copy_file_range(2) at given offsets. Bytes copied, or -1 with errno.
ssize_t coffer_copy_range(int from, off_t from_offset, int to, off_t to_offset, size_t count);

/// Renames within the file system and fails with EEXIST where the target exists. 0, or -1 with errno.
int coffer_rename_noreplace(const char *from, const char *to);

/// Gives each of two files the other's name, at once. 0, or -1 with errno: EINVAL where the file system cannot do that.
int coffer_rename_exchange(const char *first, const char *second);

/// Makes `length` bytes at `offset` read as zeros while keeping them allocated, so that later writes there need no new
/// space. 0, or -1 with errno EOPNOTSUPP where the file system cannot.
int coffer_zero_range(int file, off_t offset, off_t length);

/// Writes like pwrite(2) and returns when these bytes are on stable storage. Bytes written, or -1 with errno.
ssize_t coffer_write_through(int file, const void *bytes, size_t count, off_t offset);

/// A listening Unix stream socket at `path`, close-on-exec, replacing a socket that a dead process left there.
/// Paths over the 107 bytes of sun_path are bound through their directory's descriptor. A descriptor, or -1 with errno.
int coffer_unix_listen(const char *path, int backlog);

/// A Unix stream socket connected to `path`, close-on-exec. Long paths as above. A descriptor, or -1 with errno.
int coffer_unix_connect(const char *path);

/// Two Unix stream sockets connected to each other, close-on-exec. 0, or -1 with errno.
int coffer_unix_pair(int sockets[2]);

/// A listening TCP socket at a numeric address, IPv4 or IPv6, close-on-exec; its connections send small messages at once. Port 0 is any
/// that is free. A descriptor, or -1 with errno: EINVAL where the address is none.
int coffer_tcp_listen(const char *address, uint16_t port, int backlog);

/// A TCP socket connected to a numeric address. A descriptor, or -1 with errno.
int coffer_tcp_connect(const char *address, uint16_t port);

/// Has the system notice within about half a minute that the other side of a TCP connection is gone. 0, or -1 with errno.
int coffer_tcp_watch(int socket);

/// The numeric addresses of a host, by its name or its address, one after the other with a comma between, into `text`, a string of at most
/// `size` bytes. 0, or the error of getaddrinfo(3).
int coffer_resolve(const char *host, char *text, size_t size);

/// The port that a TCP socket has on this side, or -1 with errno.
int coffer_tcp_port(int socket);

/// The next connection, close-on-exec, or -1 with errno.
int coffer_accept(int listener);

/// Asks for send and receive buffers of `bytes`, over the system's limit where privileges allow.
void coffer_enlarge_buffers(int socket, int bytes);

/// Bounds how long a receive or send may block; 0 is for ever. 0, or -1 with errno.
int coffer_set_timeout(int socket, long milliseconds);

/// Sends all bytes as send(2) does, without SIGPIPE. 0, or -1 with errno; then some of them may have been sent.
int coffer_send_all(int socket, const void *bytes, size_t count);

/// Opens or makes `path` and locks it for this process's life. A descriptor, or -1 with errno EWOULDBLOCK where another
/// process holds it.
int coffer_lock_file(const char *path);

/// Lifts RLIMIT_MEMLOCK where allowed; whether this process may now lock all its memory.
int coffer_may_lock_memory(void);

/// Sets RLIMIT_CORE to 0 and raises the soft limit of open files to the hard one.
void coffer_set_limits(void);

/// Makes the process deaf to SIGPIPE and SIGHUP and blocks SIGTERM and SIGINT in this and all later threads.
void coffer_prepare_signals(void);

/// Waits for SIGTERM or SIGINT and returns its number.
int coffer_wait_for_stop(void);

/// Lets the thread in coffer_wait_for_stop go on as if SIGTERM had come.
void coffer_request_stop(void);

/// A pipe whose two ends are close-on-exec from the start: `ends[0]` is read, `ends[1]` written. 0, or -1 with errno.
int coffer_pipe(int ends[2]);

/// Moves the calling thread into the network namespace at `path`. A descriptor of the one that it was in, for coffer_leave_network, or -1
/// with errno.
int coffer_enter_network(const char *path);

/// Moves the calling thread back. Ends the process if that is not possible: nothing else may run in a wrong network.
void coffer_leave_network(int before);

/// Makes the tap device `name` in the calling thread's network, which is there as long as the descriptor, or a copy, is open. Frames have a
/// header of virtio. Close-on-exec, or -1 with errno.
int coffer_open_tap(const char *name);

/// Marks every descriptor from `first` on to be closed in programs that this process starts. 0, or -1 with errno.
int coffer_close_on_exec_from(unsigned int first);

/// Receives up to `count` bytes and up to `most` descriptors that come with them, close-on-exec; `found` tells how many. Bytes, 0 at the end,
/// or -1 with errno.
ssize_t coffer_receive_files(int socket, void *bytes, size_t count, int *files, int most, int *found);

/// A counter to wait for, close-on-exec. A descriptor, or -1 with errno.
int coffer_event(void);

/// Wakes whoever waits for the counter.
void coffer_ring(int event);

/// Waits until `event` was rung, which it then forgets, or `stop` was. 1, or 0 once `stop` was rung or `event` can ring no more.
int coffer_await_ring(int event, int stop);

/// Reads and writes of memory that another process uses at the same time: what was written before a release is seen after an acquire of it.
static inline uint16_t coffer_load_acquire(const uint16_t *place) { return __atomic_load_n(place, __ATOMIC_ACQUIRE); }
static inline void coffer_store_release(uint16_t *place, uint16_t value) { __atomic_store_n(place, value, __ATOMIC_RELEASE); }

/// Adds to a counter that this thread alone writes and others read.
static inline void coffer_count(uint64_t *counter, uint64_t more) { __atomic_store_n(counter, *counter + more, __ATOMIC_RELAXED); }
static inline uint64_t coffer_counted(const uint64_t *counter) { return __atomic_load_n(counter, __ATOMIC_RELAXED); }

/// Nothing after it is done before anything in front of it.
static inline void coffer_full_fence(void) { __atomic_thread_fence(__ATOMIC_SEQ_CST); }

/// Whether `event` was rung and nobody has forgotten it since. Does not wait.
int coffer_is_rung(int event);

/// Has a program that is to be started work in `directory`. 0, or an error number.
int coffer_spawn_in(posix_spawn_file_actions_t *actions, const char *directory);
