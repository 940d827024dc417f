#include "CRBD.h"

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <rados/librados.h>
#include <rbd/librbd.h>
#include <stdlib.h>
#include <string.h>

#define RADOS_FUNCTIONS(F) \
    F(rados_create2) F(rados_conf_read_file) F(rados_conf_set) F(rados_conf_get) F(rados_connect) F(rados_shutdown) F(rados_getaddrs) \
    F(rados_buffer_free) F(rados_blocklist_add) F(rados_wait_for_latest_osdmap) F(rados_ioctx_create) F(rados_ioctx_set_namespace) \
    F(rados_set_pool_full_try) F(rados_ioctx_destroy) F(rados_create_write_op) F(rados_release_write_op) F(rados_write_op_create) \
    F(rados_write_op_omap_cmp2) F(rados_write_op_omap_set2) F(rados_write_op_omap_rm_keys2) F(rados_write_op_operate2) \
    F(rados_create_read_op) F(rados_release_read_op) F(rados_read_op_omap_get_vals2) F(rados_read_op_omap_get_vals_by_keys2) \
    F(rados_read_op_operate) F(rados_omap_get_next2) F(rados_omap_get_end) F(rados_write_full) F(rados_write) F(rados_read) F(rados_remove)
#define RBD_FUNCTIONS(F) \
    F(rbd_namespace_exists) F(rbd_list2) F(rbd_image_spec_list_cleanup) F(rbd_image_options_create) F(rbd_image_options_destroy) \
    F(rbd_image_options_set_uint64) F(rbd_create4) F(rbd_clone3) F(rbd_remove) F(rbd_open) F(rbd_open_read_only) F(rbd_close) F(rbd_get_size) \
    F(rbd_resize2) F(rbd_get_parent) F(rbd_linked_image_spec_cleanup) F(rbd_snap_spec_cleanup) F(rbd_lock_acquire) F(rbd_lock_get_owners) \
    F(rbd_lock_get_owners_cleanup) F(rbd_read) F(rbd_write) F(rbd_flush) F(rbd_write_zeroes) F(rbd_diff_iterate2) F(rbd_snap_create) F(rbd_snap_list) F(rbd_snap_list_end) \
    F(rbd_snap_remove) F(rbd_flatten_with_progress)

#define FIELD(name) __typeof__(&name) name;
static struct { RADOS_FUNCTIONS(FIELD) RBD_FUNCTIONS(FIELD) } ceph;

struct entry { const char *name; size_t place; };
#define ENTRY(name) {#name, offsetof(__typeof__(ceph), name)},
static const struct entry rados_entries[] = {RADOS_FUNCTIONS(ENTRY)};
static const struct entry rbd_entries[] = {RBD_FUNCTIONS(ENTRY)};

static int failed(const char *text, char *reason, size_t length) {
    if (length > 0) {
        reason[0] = 0;
        strncat(reason, text == NULL ? "a function is missing" : text, length - 1);
    }
    return -1;
}

static int find(const char *library, const struct entry *entries, size_t count, char *reason, size_t length) {
    // Its symbols stay its own: it brings libraries that this process may have in other versions.
    void *found = dlopen(library, RTLD_LAZY | RTLD_LOCAL);
    if (found == NULL) return failed(dlerror(), reason, length);
    for (size_t index = 0; index < count; index++) {
        void *function = dlsym(found, entries[index].name);
        if (function == NULL) return failed(dlerror(), reason, length);
        memcpy((char *)&ceph + entries[index].place, &function, sizeof function);
    }
    return 0;
}

int coffer_rbd_load(char *reason, size_t length) {
    static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;
    static int is_loaded;
    pthread_mutex_lock(&turn);
    if (!is_loaded) {
        is_loaded = find("librados.so.2", rados_entries, sizeof rados_entries / sizeof *rados_entries, reason, length) == 0 &&
                    find("librbd.so.1", rbd_entries, sizeof rbd_entries / sizeof *rbd_entries, reason, length) == 0;
    }
    int result = is_loaded ? 0 : -1;
    pthread_mutex_unlock(&turn);
    return result;
}

static int copy_text(char *to, size_t length, const char *from) {
    if (from == NULL || strlen(from) >= length) return -ENAMETOOLONG;
    strcpy(to, from);
    return 0;
}

int coffer_rados_create(void **cluster, const char *user, const char *conf) {
    int result = ceph.rados_create2(cluster, "ceph", user == NULL ? "client.admin" : user, 0);
    if (result < 0) return result;
    result = ceph.rados_conf_read_file(*cluster, conf);
    if (result < 0) {
        ceph.rados_shutdown(*cluster);
        *cluster = NULL;
    }
    return result < 0 ? result : 0;
}

int coffer_rados_set(void *cluster, const char *option, const char *value) { return ceph.rados_conf_set(cluster, option, value); }

int coffer_rados_setting(void *cluster, const char *option, char *value, size_t length) {
    return ceph.rados_conf_get(cluster, option, value, length);
}

int coffer_rados_connect(void *cluster) { return ceph.rados_connect(cluster); }

void coffer_rados_shutdown(void *cluster) { ceph.rados_shutdown(cluster); }

int coffer_rados_address(void *cluster, char *address, size_t length) {
    char *found = NULL;
    int result = ceph.rados_getaddrs(cluster, &found);
    if (result == 0) result = copy_text(address, length, found);
    if (found != NULL) ceph.rados_buffer_free(found);
    return result;
}

int coffer_rados_fence(void *cluster, const char *address) {
    char *own = strdup(address);
    if (own == NULL) return -ENOMEM;
    int result = ceph.rados_blocklist_add(cluster, own, 3600);
    free(own);
    return result < 0 ? result : ceph.rados_wait_for_latest_osdmap(cluster);
}

int coffer_rados_open_pool(void *cluster, const char *pool, void **io) {
    int result = ceph.rados_ioctx_create(cluster, pool, io);
    if (result < 0) return result;
    // A full pool refuses writes rather than letting them wait.
    ceph.rados_set_pool_full_try(*io);
    return 0;
}

void coffer_rados_enter(void *io, const char *name_space) { ceph.rados_ioctx_set_namespace(io, name_space); }

void coffer_rados_close_pool(void *io) { ceph.rados_ioctx_destroy(io); }

int coffer_rados_make(void *io, const char *object) {
    rados_write_op_t operation = ceph.rados_create_write_op();
    if (operation == NULL) return -ENOMEM;
    ceph.rados_write_op_create(operation, LIBRADOS_CREATE_IDEMPOTENT, NULL);
    int result = ceph.rados_write_op_operate2(operation, io, object, NULL, LIBRADOS_OPERATION_NOFLAG);
    ceph.rados_release_write_op(operation);
    return result;
}

int coffer_rados_swap(void *io, const char *object, const char *key, const void *expected, size_t expected_length, const void *value,
                      size_t length) {
    rados_write_op_t operation = ceph.rados_create_write_op();
    if (operation == NULL) return -ENOMEM;
    const size_t key_length = strlen(key);
    const char *bytes = value;
    ceph.rados_write_op_omap_cmp2(operation, key, LIBRADOS_CMPXATTR_OP_EQ, expected_length == 0 ? "" : expected, key_length, expected_length, NULL);
    if (value == NULL) ceph.rados_write_op_omap_rm_keys2(operation, &key, &key_length, 1);
    else ceph.rados_write_op_omap_set2(operation, &key, &bytes, &key_length, &length, 1);
    // A cluster that is full is no reason to keep an old key, or a disk.
    int result = ceph.rados_write_op_operate2(operation, io, object, NULL, LIBRADOS_OPERATION_FULL_FORCE);
    ceph.rados_release_write_op(operation);
    return result;
}

int coffer_rados_value(void *io, const char *object, const char *key, void *value, size_t *length) {
    rados_read_op_t operation = ceph.rados_create_read_op();
    if (operation == NULL) return -ENOMEM;
    const size_t key_length = strlen(key);
    rados_omap_iter_t values = NULL;
    int step = 0;
    ceph.rados_read_op_omap_get_vals_by_keys2(operation, &key, 1, &key_length, &values, &step);
    int result = ceph.rados_read_op_operate(operation, io, object, LIBRADOS_OPERATION_NOFLAG);
    if (result == 0) result = step;
    if (result == 0) {
        char *name = NULL, *found = NULL;
        size_t name_length = 0, found_length = 0;
        result = ceph.rados_omap_get_next2(values, &name, &found, &name_length, &found_length);
        if (result == 0 && name == NULL) result = -ENOENT;
        if (result == 0 && found_length > *length) result = -EFBIG;
        if (result == 0) {
            if (found_length > 0) memcpy(value, found, found_length);
            *length = found_length;
        }
    }
    if (values != NULL) ceph.rados_omap_get_end(values);
    ceph.rados_release_read_op(operation);
    return result;
}

int coffer_rados_list(void *io, const char *object, const char *prefix,
                      int (*body)(void *context, const char *key, const void *value, size_t length), void *context) {
    char after[256] = "";
    unsigned char has_more = 1;
    int result = 0;
    while (result == 0 && has_more) {
        rados_read_op_t operation = ceph.rados_create_read_op();
        if (operation == NULL) return -ENOMEM;
        rados_omap_iter_t values = NULL;
        int step = 0, found = 0;
        has_more = 0;
        ceph.rados_read_op_omap_get_vals2(operation, after, prefix, 500, &values, &has_more, &step);
        result = ceph.rados_read_op_operate(operation, io, object, LIBRADOS_OPERATION_NOFLAG);
        if (result == 0) result = step;
        while (result == 0) {
            char *key = NULL, *value = NULL;
            size_t key_length = 0, length = 0;
            result = ceph.rados_omap_get_next2(values, &key, &value, &key_length, &length);
            if (result != 0 || key == NULL) break;
            // A key that is none of ours.
            if (key_length >= sizeof after) continue;
            memcpy(after, key, key_length);
            after[key_length] = 0;
            found++;
            result = body(context, after, value, length);
        }
        if (values != NULL) ceph.rados_omap_get_end(values);
        ceph.rados_release_read_op(operation);
        if (found == 0) break;
    }
    return result;
}

int coffer_rados_write_full(void *io, const char *object, const void *bytes, size_t count) {
    return ceph.rados_write_full(io, object, bytes, count);
}

int coffer_rados_write(void *io, const char *object, const void *bytes, size_t count, uint64_t offset) {
    return ceph.rados_write(io, object, bytes, count, offset);
}

int coffer_rados_read(void *io, const char *object, void *bytes, size_t count, uint64_t offset) {
    return ceph.rados_read(io, object, bytes, count, offset);
}

int coffer_rados_remove(void *io, const char *object) { return ceph.rados_remove(io, object); }

int coffer_rbd_has_namespace(void *io, const char *name_space) {
    bool exists = false;
    int result = ceph.rbd_namespace_exists(io, name_space, &exists);
    return result < 0 ? result : exists;
}

int coffer_rbd_list(void *io, int (*body)(void *context, const char *name), void *context) {
    size_t count = 256;
    rbd_image_spec_t *images = NULL;
    int result = -ERANGE;
    while (result == -ERANGE) {
        free(images);
        images = calloc(count, sizeof *images);
        if (images == NULL) return -ENOMEM;
        result = ceph.rbd_list2(io, images, &count);
    }
    if (result >= 0) {
        result = 0;
        for (size_t index = 0; index < count && result == 0; index++) result = body(context, images[index].name);
        ceph.rbd_image_spec_list_cleanup(images, count);
    }
    free(images);
    return result;
}

static int with_options(rbd_image_options_t *options) {
    ceph.rbd_image_options_create(options);
    return ceph.rbd_image_options_set_uint64(
        *options, RBD_IMAGE_OPTION_FEATURES,
        RBD_FEATURE_LAYERING | RBD_FEATURE_EXCLUSIVE_LOCK | RBD_FEATURE_OBJECT_MAP | RBD_FEATURE_FAST_DIFF | RBD_FEATURE_DEEP_FLATTEN);
}

int coffer_rbd_create(void *io, const char *name, uint64_t size) {
    rbd_image_options_t options;
    int result = with_options(&options);
    if (result == 0) result = ceph.rbd_create4(io, name, size, options);
    ceph.rbd_image_options_destroy(options);
    return result;
}

int coffer_rbd_clone(void *io, const char *parent, const char *snapshot, const char *name) {
    rbd_image_options_t options;
    int result = with_options(&options);
    if (result == 0) result = ceph.rbd_image_options_set_uint64(options, RBD_IMAGE_OPTION_CLONE_FORMAT, 2);
    if (result == 0) result = ceph.rbd_clone3(io, parent, snapshot, io, name, options);
    ceph.rbd_image_options_destroy(options);
    return result;
}

int coffer_rbd_remove(void *io, const char *name) { return ceph.rbd_remove(io, name); }

int coffer_rbd_open(void *io, const char *name, const char *snapshot, int is_read_only, void **image) {
    return is_read_only ? ceph.rbd_open_read_only(io, name, image, snapshot) : ceph.rbd_open(io, name, image, snapshot);
}

int coffer_rbd_close(void *image) { return ceph.rbd_close(image); }

int coffer_rbd_size(void *image, uint64_t *size) { return ceph.rbd_get_size(image, size); }

static int ignore(uint64_t done, uint64_t all, void *context) { return 0; }

int coffer_rbd_resize(void *image, uint64_t size) { return ceph.rbd_resize2(image, size, true, ignore, NULL); }

int coffer_rbd_parent(void *image, char *name, char *snapshot, size_t length) {
    rbd_linked_image_spec_t parent;
    rbd_snap_spec_t moment;
    int result = ceph.rbd_get_parent(image, &parent, &moment);
    if (result < 0) return result;
    result = copy_text(name, length, parent.image_name);
    if (result == 0) result = copy_text(snapshot, length, moment.name);
    ceph.rbd_linked_image_spec_cleanup(&parent);
    ceph.rbd_snap_spec_cleanup(&moment);
    return result;
}

int coffer_rbd_lock(void *image) { return ceph.rbd_lock_acquire(image, RBD_LOCK_MODE_EXCLUSIVE); }

int coffer_rbd_lock_owner(void *image, char *owner, size_t length) {
    rbd_lock_mode_t mode;
    char *owners[1] = {NULL};
    size_t count = 1;
    int result = ceph.rbd_lock_get_owners(image, &mode, owners, &count);
    if (result < 0) return result;
    result = count == 0 ? -ENOENT : copy_text(owner, length, owners[0]);
    ceph.rbd_lock_get_owners_cleanup(owners, count);
    return result;
}

int coffer_rbd_read(void *image, void *bytes, size_t count, uint64_t offset) {
    ssize_t done = ceph.rbd_read(image, offset, count, bytes);
    return done < 0 ? (int)done : (size_t)done == count ? 0 : -EIO;
}

int coffer_rbd_write(void *image, const void *bytes, size_t count, uint64_t offset) {
    ssize_t done = ceph.rbd_write(image, offset, count, bytes);
    return done < 0 ? (int)done : (size_t)done == count ? 0 : -EIO;
}

int coffer_rbd_flush(void *image) { return ceph.rbd_flush(image); }

int coffer_rbd_zero(void *image, uint64_t offset, uint64_t count, int keeps_space) {
    const uint64_t most = 1 << 30;
    while (count > 0) {
        // The result is an int in some places on its way.
        uint64_t part = count < most ? count : most;
        ssize_t done = ceph.rbd_write_zeroes(image, offset, part, keeps_space ? RBD_WRITE_ZEROES_FLAG_THICK_PROVISION : 0, 0);
        if (done < 0) return (int)done;
        offset += part;
        count -= part;
    }
    return 0;
}

int coffer_rbd_extents(void *image, const char *since, uint64_t offset, uint64_t count, int with_parents, int whole,
                       int (*body)(uint64_t offset, size_t length, int has_data, void *context), void *context) {
    return ceph.rbd_diff_iterate2(image, since, offset, count, with_parents != 0, whole != 0, body, context);
}

int coffer_rbd_snapshots(void *image, int (*body)(void *context, const char *name), void *context) {
    int room = 64, count = -ERANGE;
    rbd_snap_info_t *found = NULL;
    while (count == -ERANGE) {
        free(found);
        found = calloc(room, sizeof *found);
        if (found == NULL) return -ENOMEM;
        count = ceph.rbd_snap_list(image, found, &room);
    }
    int result = count < 0 ? count : 0;
    // By their numbers, which grow.
    uint64_t last = 0;
    for (int step = 0; step < count && result == 0; step++) {
        int next = -1;
        for (int index = 0; index < count; index++) {
            if (found[index].id > last && (next < 0 || found[index].id < found[next].id)) next = index;
        }
        if (next < 0) break;
        last = found[next].id;
        result = body(context, found[next].name);
    }
    if (count > 0) ceph.rbd_snap_list_end(found);
    free(found);
    return result;
}

int coffer_rbd_make_snapshot(void *image, const char *name) { return ceph.rbd_snap_create(image, name); }

int coffer_rbd_remove_snapshot(void *image, const char *name) { return ceph.rbd_snap_remove(image, name); }

int coffer_rbd_flatten(void *image, int (*progress)(uint64_t done, uint64_t all, void *context), void *context) {
    return ceph.rbd_flatten_with_progress(image, progress, context);
}
