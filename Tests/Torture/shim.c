// Stands between coffer-diskd and the file system (LD_PRELOAD), writes down every change below a directory in the order in which it was
// made, and what was put on stable storage. From this powercut.py makes what a power cut could leave. Real syncs are left out: nothing
// but the record decides what survives.
//
// Environment: TORTURE_ROOT, the directory whose changes are recorded, absolute, without a slash at the end; TORTURE_LOG, the record, which
// is appended to; TORTURE_FAULTS, a file of 64 bytes that is mapped: little-endian words of 32 bits, which say how often to fail. All
// probabilities are of 65536.
//   0 errno of failing writes   1 their probability   2 errno of failing syncs   3 their probability
//   4 probability of a sync that says it succeeded and did nothing, which no program can stand: it shows that a check notices
//   5 which files fail: 1 data, 2 journal, 4 header
//   6 probability to die before a record of the journal is written, 7 after it, 8 before a sync of data
//   9 how long such writes and syncs take at most, in microseconds
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { WRITE = 1, ZERO, SIZE, SYNC, CREATE, MKDIR, RENAME, EXCHANGE, UNLINK, RMDIR, SYNC_DIRECTORY, DURABLE_WRITE };
enum { DATA = 1, JOURNAL = 2, HEADER = 4, DIRECTORY = 8 };

struct tracked { uint64_t inode; int kind; };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct tracked files[65536];
static char paths[4096][512];
static char root[512];
static int record = -1;
static volatile uint32_t *faults;
static uint64_t state = 88172645463325252ull;

#define REAL(name) ((__typeof__(&name))real(#name))
static void *real(const char *name) { return dlsym(RTLD_NEXT, name); }

__attribute__((constructor)) static void begin(void) {
    const char *where = getenv("TORTURE_ROOT"), *log = getenv("TORTURE_LOG"), *plan = getenv("TORTURE_FAULTS");
    if (!where || !log || strlen(where) >= sizeof root) return;
    strcpy(root, where);
    record = (int)syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    int file = plan ? (int)syscall(SYS_openat, AT_FDCWD, plan, O_RDONLY | O_CLOEXEC, 0) : -1;
    if (file >= 0) {
        void *map = mmap(NULL, 64, PROT_READ, MAP_SHARED, file, 0);
        if (map != MAP_FAILED) faults = map;
        syscall(SYS_close, file);
    }
    state ^= (uint64_t)getpid() * 0x9E3779B97F4A7C15ull;
}

// xorshift64; called with the mutex held.
static int happens(uint32_t probability) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (state & 0xFFFF) < probability;
}

static int fails(int kind, int sync) {
    if (!faults || !(faults[5] & (uint32_t)kind) || !happens(faults[sync ? 3 : 1])) return 0;
    errno = (int)faults[sync ? 2 : 0];
    return 1;
}

static void die_or_not(uint32_t probability) {
    pthread_mutex_lock(&mutex);
    if (happens(probability)) syscall(SYS_kill, getpid(), 9);
    pthread_mutex_unlock(&mutex);
}

// Syncs take their time, and others work meanwhile.
static void linger(void) {
    if (!faults || !faults[9]) return;
    pthread_mutex_lock(&mutex);
    happens(0);
    useconds_t time = (useconds_t)(state % faults[9]);
    pthread_mutex_unlock(&mutex);
    usleep(time);
}

static const char *below(const char *path) {
    size_t length = strlen(root);
    if (record < 0 || !length || strncmp(path, root, length)) return NULL;
    // The directory itself is the empty name.
    return path[length] == '/' ? path + length + 1 : path[length] == 0 ? path + length : NULL;
}

// One record: what, which inode, two numbers, and two byte strings.
static void put(uint8_t what, uint64_t inode, int64_t first, int64_t second, const void *a, uint32_t a_size, const void *b, uint32_t b_size) {
    int error = errno;
    char head[33];
    head[0] = (char)what;
    memcpy(head + 1, &inode, 8);
    memcpy(head + 9, &first, 8);
    memcpy(head + 17, &second, 8);
    memcpy(head + 25, &a_size, 4);
    memcpy(head + 29, &b_size, 4);
    struct iovec parts[3] = {{head, 33}, {(void *)a, a_size}, {(void *)b, b_size}};
    syscall(SYS_writev, record, parts, 3);
    errno = error;
}

static void put_paths(uint8_t what, uint64_t inode, const char *a, const char *b) {
    put(what, inode, 0, 0, a, (uint32_t)strlen(a), b ? b : "", b ? (uint32_t)strlen(b) : 0);
}

static struct tracked *find(int file) { return file >= 0 && file < 65536 && files[file].kind ? &files[file] : NULL; }

int open(const char *path, int flags, ...) {
    va_list list;
    va_start(list, flags);
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(list, mode_t) : 0;
    va_end(list);
    const char *name = below(path);
    if (!name) return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
    pthread_mutex_lock(&mutex);
    int file = (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
    if (file >= 0 && file < 4096) {
        struct stat status;
        fstat(file, &status);
        const char *last = strrchr(name, '/');
        last = last ? last + 1 : name;
        int kind = S_ISDIR(status.st_mode) ? DIRECTORY : !strcmp(last, "data") ? DATA : !strcmp(last, "journal") ? JOURNAL : HEADER;
        files[file] = (struct tracked){status.st_ino, kind};
        snprintf(paths[file], sizeof paths[file], "%s", name);
        if (flags & O_CREAT && flags & O_EXCL) put_paths(CREATE, status.st_ino, name, NULL);
    }
    pthread_mutex_unlock(&mutex);
    return file;
}

int open64(const char *path, int flags, ...) __attribute__((alias("open")));

int close(int file) {
    if (find(file)) {
        pthread_mutex_lock(&mutex);
        files[file].kind = 0;
        pthread_mutex_unlock(&mutex);
    }
    return (int)syscall(SYS_close, file);
}

static ssize_t written(struct tracked *to, ssize_t done, const void *bytes, off_t offset, uint8_t what) {
    if (done > 0) put(what, to->inode, offset, 0, bytes, (uint32_t)done, NULL, 0);
    return done;
}

ssize_t pwrite(int file, const void *bytes, size_t count, off_t offset) {
    struct tracked *to = find(file);
    if (!to) return syscall(SYS_pwrite64, file, bytes, count, offset);
    pthread_mutex_lock(&mutex);
    ssize_t done = fails(to->kind, 0) ? -1 : written(to, syscall(SYS_pwrite64, file, bytes, count, offset), bytes, offset, WRITE);
    pthread_mutex_unlock(&mutex);
    return done;
}

ssize_t pwrite64(int file, const void *bytes, size_t count, off_t offset) __attribute__((alias("pwrite")));

ssize_t pwritev2(int file, const struct iovec *pieces, int count, off_t offset, int flags) {
    struct tracked *to = find(file);
    if (!to || count != 1) return REAL(pwritev2)(file, pieces, count, offset, flags);
    linger();
    if (faults && to->kind == JOURNAL) die_or_not(faults[6]);
    pthread_mutex_lock(&mutex);
    ssize_t done;
    if (fails(to->kind, 0)) {
        done = -1;
    } else {
        int is_durable = flags & RWF_DSYNC && !(faults && happens(faults[4]));
        done = syscall(SYS_pwrite64, file, pieces[0].iov_base, pieces[0].iov_len, offset);
        // As on a real file system, a durable write that fails may have changed the file all the same.
        int is_failing = fails(to->kind, 1);
        int error = errno;
        written(to, done, pieces[0].iov_base, offset, is_durable && !is_failing ? DURABLE_WRITE : WRITE);
        if (is_failing) {
            errno = error;
            done = -1;
        }
    }
    pthread_mutex_unlock(&mutex);
    if (faults && to->kind == JOURNAL) die_or_not(faults[7]);
    return done;
}

ssize_t write(int file, const void *bytes, size_t count) {
    struct tracked *to = find(file);
    if (!to) return syscall(SYS_write, file, bytes, count);
    pthread_mutex_lock(&mutex);
    off_t offset = lseek(file, 0, SEEK_CUR);
    ssize_t done = fails(to->kind, 0) ? -1 : written(to, syscall(SYS_write, file, bytes, count), bytes, offset, WRITE);
    pthread_mutex_unlock(&mutex);
    return done;
}

static int sync_file(int file) {
    struct tracked *to = find(file);
    if (!to) return (int)syscall(SYS_fsync, file);
    linger();
    if (faults && to->kind == DATA) die_or_not(faults[8]);
    pthread_mutex_lock(&mutex);
    int status = fails(to->kind, 1) ? -1 : 0;
    if (status == 0 && !(faults && happens(faults[4]))) {
        if (to->kind == DIRECTORY)
            put_paths(SYNC_DIRECTORY, to->inode, paths[file], NULL);
        else
            put(SYNC, to->inode, 0, 0, NULL, 0, NULL, 0);
    }
    pthread_mutex_unlock(&mutex);
    return status;
}

int fsync(int file) { return sync_file(file); }
int fdatasync(int file) { return sync_file(file); }

int ftruncate(int file, off_t size) {
    struct tracked *to = find(file);
    if (!to) return (int)syscall(SYS_ftruncate, file, size);
    pthread_mutex_lock(&mutex);
    int status = fails(to->kind, 0) ? -1 : (int)syscall(SYS_ftruncate, file, size);
    if (status == 0) put(SIZE, to->inode, size, 0, NULL, 0, NULL, 0);
    pthread_mutex_unlock(&mutex);
    return status;
}

int ftruncate64(int file, off_t size) __attribute__((alias("ftruncate")));

int fallocate(int file, int mode, off_t offset, off_t length) {
    struct tracked *to = find(file);
    if (!to) return (int)syscall(SYS_fallocate, file, mode, offset, length);
    pthread_mutex_lock(&mutex);
    int status = fails(to->kind, 0) ? -1 : (int)syscall(SYS_fallocate, file, mode, offset, length);
    if (status == 0) put(ZERO, to->inode, offset, length, NULL, 0, NULL, 0);
    pthread_mutex_unlock(&mutex);
    return status;
}

ssize_t copy_file_range(int from, off_t *from_offset, int to, off_t *to_offset, size_t count, unsigned flags) {
    struct tracked *target = find(to);
    if (!target || !from_offset || !to_offset) return syscall(SYS_copy_file_range, from, from_offset, to, to_offset, count, flags);
    char bytes[65536];
    pthread_mutex_lock(&mutex);
    ssize_t done = syscall(SYS_pread64, from, bytes, count < sizeof bytes ? count : sizeof bytes, *from_offset);
    if (done > 0) done = fails(target->kind, 0) ? -1 : written(target, syscall(SYS_pwrite64, to, bytes, done, *to_offset), bytes, *to_offset, WRITE);
    if (done > 0) {
        *from_offset += done;
        *to_offset += done;
    }
    pthread_mutex_unlock(&mutex);
    return done;
}

int ioctl(int file, unsigned long request, ...) {
    va_list list;
    va_start(list, request);
    void *argument = va_arg(list, void *);
    va_end(list);
    if (request == FICLONE && find(file)) {
        errno = EOPNOTSUPP;
        return -1;
    }
    return (int)syscall(SYS_ioctl, file, request, argument);
}

static uint64_t inode_of(const char *path) {
    struct stat status;
    return lstat(path, &status) == 0 ? status.st_ino : 0;
}

int mkdir(const char *path, mode_t mode) {
    const char *name = below(path);
    if (!name) return (int)syscall(SYS_mkdirat, AT_FDCWD, path, mode);
    pthread_mutex_lock(&mutex);
    int status = (int)syscall(SYS_mkdirat, AT_FDCWD, path, mode);
    if (status == 0) put_paths(MKDIR, inode_of(path), name, NULL);
    pthread_mutex_unlock(&mutex);
    return status;
}

int rmdir(const char *path) {
    const char *name = below(path);
    if (!name) return (int)syscall(SYS_unlinkat, AT_FDCWD, path, AT_REMOVEDIR);
    pthread_mutex_lock(&mutex);
    int status = (int)syscall(SYS_unlinkat, AT_FDCWD, path, AT_REMOVEDIR);
    if (status == 0) put_paths(RMDIR, 0, name, NULL);
    pthread_mutex_unlock(&mutex);
    return status;
}

int unlink(const char *path) {
    const char *name = below(path);
    if (!name) return (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
    pthread_mutex_lock(&mutex);
    int status = (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
    if (status == 0) put_paths(UNLINK, 0, name, NULL);
    pthread_mutex_unlock(&mutex);
    return status;
}

static int rename_file(const char *from, const char *to, unsigned flags) {
    const char *a = below(from), *b = below(to);
    if (!a || !b) return (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, flags);
    pthread_mutex_lock(&mutex);
    int status = (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, flags);
    if (status == 0) put_paths(flags & RENAME_EXCHANGE ? EXCHANGE : RENAME, 0, a, b);
    pthread_mutex_unlock(&mutex);
    return status;
}

int rename(const char *from, const char *to) { return rename_file(from, to, 0); }

int renameat2(int from_directory, const char *from, int to_directory, const char *to, unsigned flags) {
    if (from_directory != AT_FDCWD || to_directory != AT_FDCWD) return (int)syscall(SYS_renameat2, from_directory, from, to_directory, to, flags);
    return rename_file(from, to, flags);
}
