#define _GNU_SOURCE
#include <netdb.h>
#include "CLinux.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <arpa/inet.h>
#include <linux/close_range.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

void coffer_name_thread(const char *name) { prctl(PR_SET_NAME, name, 0, 0, 0); }

int coffer_forbid_dumps(void) { return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); }

int coffer_lock_memory(void) { return mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT); }

int coffer_peer_credentials(int socket, pid_t *pid, uid_t *uid, gid_t *gid) {
    struct ucred peer;
    socklen_t size = sizeof peer;
    if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return -1;
    *pid = peer.pid;
    *uid = peer.uid;
    *gid = peer.gid;
    return 0;
}

int coffer_punch_hole(int file, off_t offset, off_t length) {
    return fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, length);
}

off_t coffer_seek_data(int file, off_t offset) { return lseek(file, offset, SEEK_DATA); }

off_t coffer_seek_hole(int file, off_t offset) { return lseek(file, offset, SEEK_HOLE); }

int coffer_rename_noreplace(const char *from, const char *to) {
    return renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE);
}

int coffer_rename_exchange(const char *first, const char *second) {
    return renameat2(AT_FDCWD, first, AT_FDCWD, second, RENAME_EXCHANGE);
}

int coffer_zero_range(int file, off_t offset, off_t length) {
    return fallocate(file, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, offset, length);
}

ssize_t coffer_write_through(int file, const void *bytes, size_t count, off_t offset) {
    struct iovec piece = {.iov_base = (void *)bytes, .iov_len = count};
    return pwritev2(file, &piece, 1, offset, RWF_DSYNC);
}

// Fills in the address of `path`. A path that sun_path cannot hold is written as /proc/self/fd/<its directory>/<name>; the
// directory's descriptor is then left in *directory for the caller to close.
static int unix_address(const char *path, struct sockaddr_un *address, int *directory) {
    memset(address, 0, sizeof *address);
    address->sun_family = AF_UNIX;
    *directory = -1;
    if (strlen(path) < sizeof address->sun_path) {
        strcpy(address->sun_path, path);
        return 0;
    }
    const char *slash = strrchr(path, '/');
    char parent[4096];
    if (slash == NULL || (size_t)(slash - path) >= sizeof parent) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(parent, path, (size_t)(slash - path));
    parent[slash - path] = 0;
    *directory = open(parent, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (*directory < 0) return -1;
    int length = snprintf(address->sun_path, sizeof address->sun_path, "/proc/self/fd/%d/%s", *directory, slash + 1);
    if (length < 0 || (size_t)length >= sizeof address->sun_path) {
        close(*directory);
        *directory = -1;
        errno = ENAMETOOLONG;
        return -1;
    }
    return 0;
}

// Closes what is open and keeps the errno of the call before.
static int fail(int first, int second) {
    int error = errno;
    if (first >= 0) close(first);
    if (second >= 0) close(second);
    errno = error;
    return -1;
}

int coffer_unix_listen(const char *path, int backlog) {
    struct sockaddr_un address;
    int directory;
    if (unix_address(path, &address, &directory) != 0) return -1;
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener < 0) return fail(directory, -1);
    struct stat old;
    if (lstat(address.sun_path, &old) == 0 && S_ISSOCK(old.st_mode)) unlink(address.sun_path);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) != 0 || listen(listener, backlog) != 0)
        return fail(listener, directory);
    if (directory >= 0) close(directory);
    return listener;
}

int coffer_unix_connect(const char *path) {
    struct sockaddr_un address;
    int directory;
    if (unix_address(path, &address, &directory) != 0) return -1;
    int connection = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connection < 0) return fail(directory, -1);
    int status;
    do status = connect(connection, (struct sockaddr *)&address, sizeof address);
    while (status != 0 && errno == EINTR);
    if (status != 0) return fail(connection, directory);
    if (directory >= 0) close(directory);
    return connection;
}

int coffer_unix_pair(int sockets[2]) { return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets); }

/// A socket address of a numeric address; its length, or 0 with errno EINVAL.
static socklen_t tcp_address(const char *address, uint16_t port, struct sockaddr_storage *out) {
    memset(out, 0, sizeof *out);
    struct sockaddr_in *four = (struct sockaddr_in *)out;
    struct sockaddr_in6 *six = (struct sockaddr_in6 *)out;
    if (inet_pton(AF_INET, address, &four->sin_addr) == 1) {
        four->sin_family = AF_INET;
        four->sin_port = htons(port);
        return sizeof *four;
    }
    if (inet_pton(AF_INET6, address, &six->sin6_addr) == 1) {
        six->sin6_family = AF_INET6;
        six->sin6_port = htons(port);
        return sizeof *six;
    }
    errno = EINVAL;
    return 0;
}

int coffer_tcp_listen(const char *address, uint16_t port, int backlog) {
    struct sockaddr_storage place;
    socklen_t length = tcp_address(address, port, &place);
    if (length == 0) return -1;
    int listener = socket(place.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
    if (listener < 0) return -1;
    // Connections inherit TCP_NODELAY.
    if (setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0
        || setsockopt(listener, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0
        || bind(listener, (struct sockaddr *)&place, length) != 0 || listen(listener, backlog) != 0)
        return fail(listener, -1);
    return listener;
}

int coffer_tcp_connect(const char *address, uint16_t port) {
    struct sockaddr_storage place;
    socklen_t length = tcp_address(address, port, &place);
    if (length == 0) return -1;
    int connection = socket(place.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
    if (connection < 0) return -1;
    int status;
    do status = connect(connection, (struct sockaddr *)&place, length);
    while (status != 0 && errno == EINTR);
    if (status != 0 || setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0) return fail(connection, -1);
    return connection;
}

int coffer_tcp_watch(int socket) {
    int on = 1, idle = 10, interval = 5, count = 3;
    unsigned int patience = 30000;
    if (setsockopt(socket, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on) != 0) return -1;
    if (setsockopt(socket, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle) != 0) return -1;
    if (setsockopt(socket, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof interval) != 0) return -1;
    if (setsockopt(socket, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof count) != 0) return -1;
    return setsockopt(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, &patience, sizeof patience);
}

int coffer_resolve(const char *host, char *text, size_t size) {
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM}, *found = NULL;
    int status = getaddrinfo(host, NULL, &hints, &found);
    if (status != 0) return status;
    size_t used = 0;
    text[0] = 0;
    for (struct addrinfo *each = found; each != NULL; each = each->ai_next) {
        char address[NI_MAXHOST];
        if (getnameinfo(each->ai_addr, each->ai_addrlen, address, sizeof address, NULL, 0, NI_NUMERICHOST) != 0) continue;
        size_t length = strlen(address);
        if (used + length + 2 > size) break;
        if (used > 0) text[used++] = ',';
        memcpy(text + used, address, length + 1);
        used += length;
    }
    freeaddrinfo(found);
    return used > 0 ? 0 : EAI_NONAME;
}

int coffer_tcp_port(int socket) {
    struct sockaddr_storage place;
    socklen_t length = sizeof place;
    if (getsockname(socket, (struct sockaddr *)&place, &length) != 0) return -1;
    return ntohs(place.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&place)->sin6_port : ((struct sockaddr_in *)&place)->sin_port);
}

int coffer_accept(int listener) { return accept4(listener, NULL, NULL, SOCK_CLOEXEC); }

void coffer_enlarge_buffers(int socket, int bytes) {
    if (setsockopt(socket, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof bytes) != 0)
        setsockopt(socket, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
    if (setsockopt(socket, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes) != 0)
        setsockopt(socket, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
}

int coffer_set_timeout(int socket, long milliseconds) {
    struct timeval time = {.tv_sec = milliseconds / 1000, .tv_usec = milliseconds % 1000 * 1000};
    if (setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time) != 0) return -1;
    return setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &time, sizeof time);
}

int coffer_send_all(int socket, const void *bytes, size_t count) {
    const char *next = bytes;
    while (count > 0) {
        ssize_t put = send(socket, next, count, MSG_NOSIGNAL);
        if (put < 0 && errno == EINTR) continue;
        if (put <= 0) return -1;
        next += put;
        count -= (size_t)put;
    }
    return 0;
}

int coffer_lock_file(const char *path) {
    int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (file < 0) return -1;
    if (flock(file, LOCK_EX | LOCK_NB) != 0) return fail(file, -1);
    return file;
}

int coffer_may_lock_memory(void) {
    struct rlimit limit = {RLIM_INFINITY, RLIM_INFINITY};
    setrlimit(RLIMIT_MEMLOCK, &limit);
    return getrlimit(RLIMIT_MEMLOCK, &limit) == 0 && limit.rlim_cur == RLIM_INFINITY;
}

void coffer_set_limits(void) {
    struct rlimit limit = {0, 0};
    setrlimit(RLIMIT_CORE, &limit);
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static sigset_t stop_signals(void) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    return set;
}

void coffer_prepare_signals(void) {
    signal(SIGPIPE, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    sigset_t set = stop_signals();
    pthread_sigmask(SIG_BLOCK, &set, NULL);
}

int coffer_wait_for_stop(void) {
    sigset_t set = stop_signals();
    int number = 0;
    while (sigwait(&set, &number) != 0) {}
    return number;
}

void coffer_request_stop(void) { kill(getpid(), SIGTERM); }

int coffer_pipe(int ends[2]) { return pipe2(ends, O_CLOEXEC); }

int coffer_enter_network(const char *path) {
    int before = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
    if (before < 0) return -1;
    int network = open(path, O_RDONLY | O_CLOEXEC);
    if (network < 0) return fail(before, -1);
    if (setns(network, CLONE_NEWNET) != 0) return fail(network, before);
    close(network);
    return before;
}

void coffer_leave_network(int before) {
    if (setns(before, CLONE_NEWNET) != 0) abort();
    close(before);
}

int coffer_open_tap(const char *name) {
    struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | IFF_TUN_EXCL};
    if (strlen(name) >= sizeof request.ifr_name) {
        errno = ENAMETOOLONG;
        return -1;
    }
    strcpy(request.ifr_name, name);
    int tap = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
    if (tap < 0) return -1;
    if (ioctl(tap, TUNSETIFF, &request) != 0) return fail(tap, -1);
    return tap;
}

int coffer_close_on_exec_from(unsigned int first) { return close_range(first, ~0U, CLOSE_RANGE_CLOEXEC); }

int coffer_clone_file(int to, int from) { return ioctl(to, FICLONE, from); }

ssize_t coffer_copy_range(int from, off_t from_offset, int to, off_t to_offset, size_t count) {
    return copy_file_range(from, &from_offset, to, &to_offset, count, 0);
}

ssize_t coffer_receive_files(int socket, void *bytes, size_t count, int *files, int most, int *found) {
    enum { limit = 16 };
    union {
        char space[CMSG_SPACE(limit * sizeof(int))];
        struct cmsghdr aligned;
    } control;
    struct iovec part = {.iov_base = bytes, .iov_len = count};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control.space, .msg_controllen = sizeof control.space};
    *found = 0;
    ssize_t got;
    do got = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
    while (got < 0 && errno == EINTR);
    if (got <= 0) return got;
    for (struct cmsghdr *part = CMSG_FIRSTHDR(&message); part != NULL; part = CMSG_NXTHDR(&message, part)) {
        if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
        size_t here = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t index = 0; index < here; index++) {
            int file;
            memcpy(&file, CMSG_DATA(part) + index * sizeof(int), sizeof file);
            if (*found < most) files[(*found)++] = file;
            else close(file);
        }
    }
    return got;
}

int coffer_event(void) { return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); }

void coffer_ring(int event) {
    uint64_t one = 1;
    ssize_t put;
    do put = write(event, &one, sizeof one);
    while (put < 0 && errno == EINTR);
}

int coffer_await_ring(int event, int stop) {
    struct pollfd both[2] = {{.fd = event, .events = POLLIN}, {.fd = stop, .events = POLLIN}};
    int count;
    do count = poll(both, 2, -1);
    while (count < 0 && errno == EINTR);
    if (count < 0 || both[1].revents != 0) return 0;
    uint64_t rings;
    ssize_t got = read(event, &rings, sizeof rings);
    return got == sizeof rings || (got < 0 && (errno == EAGAIN || errno == EINTR));
}

int coffer_is_rung(int event) {
    struct pollfd one = {.fd = event, .events = POLLIN};
    return poll(&one, 1, 0) > 0;
}

int coffer_spawn_in(posix_spawn_file_actions_t *actions, const char *directory) {
    return posix_spawn_file_actions_addchdir_np(actions, directory);
}
