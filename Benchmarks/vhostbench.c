// vhostbench SOCKET SECONDS BLOCK-BYTES DEPTH read|write|randread|randwrite: a vhost-user-blk front end without a virtual machine.
//
// One split queue in a memfd, as a guest's driver has it: a request is a chain of a head, data in segments of at most 128 KiB, and a status; the
// event index says when either side wants to be told. Prints one line of JSON: MBps, iops, p50 and p99 in microseconds, bytes.
// The messages are those of QEMU's docs/interop/vhost-user.rst, the requests those of Virtual I/O Device 1.1 section 5.2.6.
#define _GNU_SOURCE
#include <linux/virtio_blk.h>
#include <linux/virtio_ring.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum {
    get_features = 1, set_features = 2, set_owner = 3, set_memory = 5, set_size = 8, set_addresses = 9, set_base = 10, set_kick = 12,
    set_call = 13, get_protocol_features = 15, set_protocol_features = 16, enable_queue = 18, get_configuration = 24,
};

enum { queue_size = 256, deepest = 64, segment_bytes = 128 << 10, latency_count = 4 << 20 };

static const uint64_t guest_address = 0x100000000, ring_bytes = 1 << 20, data_bytes = 64 << 20, work_bytes = 1000ull << 20;
static const uint64_t protocol_bit = 1 << 30, event_index_bit = 1 << 29, version_bit = 1ull << 32;
static int connection;

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static void tell(uint32_t request, const void *payload, uint32_t size, int descriptor)
{
    uint32_t head[3] = {request, 1, size};
    struct iovec parts[2] = {{head, sizeof head}, {(void *)payload, size}};
    union {
        struct cmsghdr head;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control = {{0}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
    if (descriptor >= 0) {
        message.msg_control = &control;
        message.msg_controllen = sizeof control;
        struct cmsghdr *rights = CMSG_FIRSTHDR(&message);
        rights->cmsg_len = CMSG_LEN(sizeof(int));
        rights->cmsg_level = SOL_SOCKET;
        rights->cmsg_type = SCM_RIGHTS;
        memcpy(CMSG_DATA(rights), &descriptor, sizeof(int));
    }
    if (sendmsg(connection, &message, 0) != (ssize_t)(sizeof head + size)) die("sendmsg");
}

static void hear(void *payload, uint32_t room)
{
    uint32_t head[3];
    if (recv(connection, head, sizeof head, MSG_WAITALL) != sizeof head || head[2] > room) die("a reply");
    if (recv(connection, payload, head[2], MSG_WAITALL) != (ssize_t)head[2]) die("a reply's payload");
}

static uint64_t ask(uint32_t request)
{
    uint64_t answer = 0;
    tell(request, &answer, 0, -1);
    hear(&answer, sizeof answer);
    return answer;
}

static void set(uint32_t request, uint64_t value, int descriptor) { tell(request, &value, sizeof value, descriptor); }

static void set_state(uint32_t request, uint32_t number)
{
    uint32_t state[2] = {0, number};
    tell(request, state, sizeof state, -1);
}

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec + time.tv_nsec * 1e-9;
}

static uint64_t random_state = 0x9e3779b97f4a7c15;

/// Marsaglia's xorshift.
static uint64_t next_random(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    return random_state ^= random_state << 17;
}

static int by_size(const void *a, const void *b)
{
    float left = *(const float *)a, right = *(const float *)b;
    return (left > right) - (left < right);
}

/// What is under way, and where it is in the guest's memory.
static struct {
    char *memory;
    struct vring ring;
    struct virtio_blk_outhdr *heads;
    uint8_t *states;
    double since[deepest];
    size_t block, segments;
    uint64_t blocks, next;
    int is_write, is_random;
    uint16_t submitted, published, seen;
} queue;

static uint64_t address(const void *place) { return guest_address + (uint64_t)((const char *)place - queue.memory); }

static void submit(int slot, double time)
{
    uint64_t block = queue.is_random ? next_random() % queue.blocks : queue.next++ % queue.blocks;
    queue.heads[slot] = (struct virtio_blk_outhdr){.type = queue.is_write ? VIRTIO_BLK_T_OUT : VIRTIO_BLK_T_IN, .sector = block * queue.block / 512};
    queue.states[slot] = 0xff;
    queue.since[slot] = time;
    uint16_t first = slot * (queue.segments + 2), place = first;
    struct vring_desc *descriptors = queue.ring.desc;
    descriptors[place] = (struct vring_desc){address(&queue.heads[slot]), sizeof *queue.heads, VRING_DESC_F_NEXT, place + 1};
    size_t length = queue.block / queue.segments;
    for (size_t segment = 0; segment < queue.segments; segment++) {
        place++;
        uint16_t flags = VRING_DESC_F_NEXT | (queue.is_write ? 0 : VRING_DESC_F_WRITE);
        descriptors[place] = (struct vring_desc){guest_address + ring_bytes + slot * queue.block + segment * length, length, flags, place + 1};
    }
    place++;
    descriptors[place] = (struct vring_desc){address(&queue.states[slot]), 1, VRING_DESC_F_WRITE, 0};
    queue.ring.avail->ring[queue.submitted++ % queue_size] = first;
}

static void publish(int kick)
{
    __atomic_store_n(&queue.ring.avail->idx, queue.submitted, __ATOMIC_RELEASE);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (vring_need_event(vring_avail_event(&queue.ring), queue.submitted, queue.published)) {
        uint64_t one = 1;
        if (write(kick, &one, sizeof one) != sizeof one) die("a kick");
    }
    queue.published = queue.submitted;
}

/// Waits until there are answers and says how far they are.
static uint16_t await(int call)
{
    for (;;) {
        uint16_t used = __atomic_load_n(&queue.ring.used->idx, __ATOMIC_ACQUIRE);
        if (used != queue.seen) return used;
        vring_used_event(&queue.ring) = queue.seen;
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
        if (__atomic_load_n(&queue.ring.used->idx, __ATOMIC_ACQUIRE) != queue.seen) continue;
        struct pollfd events = {call, POLLIN, 0};
        uint64_t count;
        if (poll(&events, 1, 10000) <= 0) die("no answer for 10 s");
        if (read(call, &count, sizeof count) < 0) die("a call");
    }
}

int main(int count, char **words)
{
    if (count != 6) return fprintf(stderr, "vhostbench SOCKET SECONDS BLOCK-BYTES DEPTH read|write|randread|randwrite\n"), 2;
    double seconds = atof(words[2]);
    int depth = atoi(words[4]);
    queue.block = strtoul(words[3], NULL, 10);
    queue.segments = queue.block > segment_bytes ? queue.block / segment_bytes : 1;
    queue.is_random = strncmp(words[5], "rand", 4) == 0;
    queue.is_write = strstr(words[5], "write") != NULL;
    if (depth < 1 || depth > deepest || queue.block % 512 || !queue.block || depth * queue.block > data_bytes || depth * (queue.segments + 2) > queue_size) {
        return fprintf(stderr, "block and depth do not fit\n"), 2;
    }

    struct sockaddr_un place = {.sun_family = AF_UNIX};
    if (strlen(words[1]) >= sizeof place.sun_path) return fprintf(stderr, "the socket's path is too long\n"), 2;
    strcpy(place.sun_path, words[1]);
    connection = socket(AF_UNIX, SOCK_STREAM, 0);
    if (connect(connection, (struct sockaddr *)&place, sizeof place)) die("connect");

    uint64_t features = ask(get_features);
    if (~features & (protocol_bit | event_index_bit | version_bit)) return fprintf(stderr, "the server lacks features\n"), 1;
    tell(set_owner, NULL, 0, -1);
    set(set_protocol_features, ask(get_protocol_features) & (1 << 0 | 1 << 9), -1);
    set(set_features, protocol_bit | event_index_bit | version_bit, -1);
    struct {
        uint32_t offset, size, flags;
        uint64_t sectors;
    } __attribute__((packed)) answer = {0, sizeof answer.sectors, 0, 0};
    tell(get_configuration, &answer, sizeof answer, -1);
    hear(&answer, sizeof answer);
    uint64_t capacity = answer.sectors * 512;
    queue.blocks = (capacity < work_bytes ? capacity : work_bytes) / queue.block;
    if (!queue.blocks) return fprintf(stderr, "the disk is too small\n"), 1;

    int file = memfd_create("guest", 0);
    uint64_t total = ring_bytes + data_bytes;
    if (file < 0 || ftruncate(file, total)) die("memory");
    queue.memory = mmap(NULL, total, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, file, 0);
    if (queue.memory == MAP_FAILED) die("memory");
    for (uint64_t offset = ring_bytes; offset < total; offset += 8) *(uint64_t *)(queue.memory + offset) = next_random();
    struct {
        uint32_t count, padding;
        uint64_t address, size, here, offset;
    } table = {1, 0, guest_address, total, (uintptr_t)queue.memory, 0};
    tell(set_memory, &table, sizeof table, file);

    vring_init(&queue.ring, queue_size, queue.memory, 4096);
    queue.heads = (void *)(queue.memory + 65536);
    queue.states = (void *)(queue.heads + deepest);
    int kick = eventfd(0, 0), call = eventfd(0, EFD_NONBLOCK);
    set_state(set_size, queue_size);
    set_state(set_base, 0);
    struct {
        uint32_t queue, flags;
        uint64_t descriptors, used, available, log;
    } addresses = {0, 0, (uintptr_t)queue.ring.desc, (uintptr_t)queue.ring.used, (uintptr_t)queue.ring.avail, 0};
    tell(set_addresses, &addresses, sizeof addresses, -1);
    set(set_call, 0, call);
    set(set_kick, 0, kick);
    set_state(enable_queue, 1);

    float *latencies = malloc(latency_count * sizeof *latencies);
    if (!latencies) die("memory");
    size_t measured = 0;
    uint64_t done = 0, failed = 0;
    int pending = depth;
    double start = now();
    for (int slot = 0; slot < depth; slot++) submit(slot, start);
    publish(kick);
    while (pending) {
        uint16_t used = await(call);
        double time = now();
        int more = 0;
        while (queue.seen != used) {
            int slot = queue.ring.used->ring[queue.seen++ % queue_size].id / (queue.segments + 2);
            done++;
            failed += queue.states[slot] != VIRTIO_BLK_S_OK;
            if (measured < latency_count) latencies[measured++] = (time - queue.since[slot]) * 1e6;
            if (time - start < seconds) submit(slot, time), more = 1;
            else pending--;
        }
        if (more) publish(kick);
    }
    double elapsed = now() - start;
    if (failed) return fprintf(stderr, "%lu requests failed\n", failed), 1;
    qsort(latencies, measured, sizeof *latencies, by_size);
    printf("{\"MBps\": %.1f, \"iops\": %.0f, \"p50\": %.1f, \"p99\": %.1f, \"bytes\": %lu}\n", done * queue.block / elapsed / 1e6, done / elapsed,
           latencies[measured / 2], latencies[(size_t)(measured * 0.99)], done * queue.block);
}
