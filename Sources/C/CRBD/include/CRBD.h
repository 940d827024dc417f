// librados and librbd (Ceph) as CofferRBD sees them. Both are loaded when they are first asked for, so that a process without disks in a
// Ceph pool has neither. All functions return 0 or a negative errno unless said otherwise; handles are those of the libraries.
#pragma once
#include <stddef.h>
#include <stdint.h>

/// Loads both libraries. 0, or -1; then `reason` holds what the dynamic linker said, cut to `length` bytes. Nothing else here may be
/// called before this has returned 0.
int coffer_rbd_load(char *reason, size_t length);

/// A cluster handle with the settings of the file `conf`, not connected. `user` is a client's name such as client.coffer, or NULL for
/// client.admin.
int coffer_rados_create(void **cluster, const char *user, const char *conf);
int coffer_rados_set(void *cluster, const char *option, const char *value);
int coffer_rados_setting(void *cluster, const char *option, char *value, size_t length);
int coffer_rados_connect(void *cluster);
void coffer_rados_shutdown(void *cluster);

/// The address that the cluster knows this process by. 0, or a negative errno.
int coffer_rados_address(void *cluster, char *address, size_t length);
/// Has the cluster refuse everything that comes from an address, from now on and for an hour, also what is on its way.
int coffer_rados_fence(void *cluster, const char *address);

int coffer_rados_open_pool(void *cluster, const char *pool, void **io);
/// From now on `io` is a namespace of its pool.
void coffer_rados_enter(void *io, const char *name_space);
void coffer_rados_close_pool(void *io);

/// Makes an object that is not there.
int coffer_rados_make(void *io, const char *object);
/// Replaces the value of a key of an object's map, durably and only if it is `expected`, which is empty for a key that is not there. NULL as
/// `value` takes the key away. -ECANCELED if the value is another.
int coffer_rados_swap(void *io, const char *object, const char *key, const void *expected, size_t expected_length, const void *value,
                      size_t length);
/// The value of a key; `*length` is the room and becomes its length. -ENOENT if it is not there, -EFBIG if it does not fit.
int coffer_rados_value(void *io, const char *object, const char *key, void *value, size_t *length);
/// Calls `body` with each key that begins with `prefix`, in order, and its value, until it returns a negative number, which is returned.
int coffer_rados_list(void *io, const char *object, const char *prefix,
                      int (*body)(void *context, const char *key, const void *value, size_t length), void *context);

/// Replaces all of an object, durably.
int coffer_rados_write_full(void *io, const char *object, const void *bytes, size_t count);
/// Writes into an object, durably.
int coffer_rados_write(void *io, const char *object, const void *bytes, size_t count, uint64_t offset);
/// Reads from an object. Bytes, fewer than `count` at its end, or a negative errno.
int coffer_rados_read(void *io, const char *object, void *bytes, size_t count, uint64_t offset);
int coffer_rados_remove(void *io, const char *object);

/// 1 if the pool of `io` has this namespace, 0 if not.
int coffer_rbd_has_namespace(void *io, const char *name_space);
/// Calls `body` with the name of each image, until it returns a negative number, which is returned.
int coffer_rbd_list(void *io, int (*body)(void *context, const char *name), void *context);
/// Makes an image with an exclusive lock and an object map.
int coffer_rbd_create(void *io, const char *name, uint64_t size);
/// Makes an image of another's snapshot, which need not be protected and may be removed before the image is.
int coffer_rbd_clone(void *io, const char *parent, const char *snapshot, const char *name);
int coffer_rbd_remove(void *io, const char *name);

/// Opens an image, or a snapshot of one unless that is NULL.
int coffer_rbd_open(void *io, const char *name, const char *snapshot, int is_read_only, void **image);
int coffer_rbd_close(void *image);
int coffer_rbd_size(void *image, uint64_t *size);
/// Changes an image's size; what is cut off is gone.
int coffer_rbd_resize(void *image, uint64_t size);
/// The names of the image and of its snapshot that an image is made of. -ENOENT if it is made of none.
int coffer_rbd_parent(void *image, char *name, char *snapshot, size_t length);

/// Takes the right to write to an image, at once and for as long as it is open. -EROFS if somebody has it.
int coffer_rbd_lock(void *image);
/// Who has that right.
int coffer_rbd_lock_owner(void *image, char *owner, size_t length);

/// Fills all of `bytes`.
int coffer_rbd_read(void *image, void *bytes, size_t count, uint64_t offset);
/// Writes all of `bytes`. Durable once it returns.
int coffer_rbd_write(void *image, const void *bytes, size_t count, uint64_t offset);
int coffer_rbd_flush(void *image);
/// Makes a range read as zeros, and gives its space back unless `keeps_space`.
int coffer_rbd_zero(void *image, uint64_t offset, uint64_t count, int keeps_space);
/// Calls `body` with each extent that was written since the snapshot `since`, or ever where that is NULL, until it returns a negative
/// number, which is returned.
///
/// @param with_parents whether what comes from the image that this one is made of counts
/// @param whole whether an object of which anything was written counts in full, which needs no look at the objects
int coffer_rbd_extents(void *image, const char *since, uint64_t offset, uint64_t count, int with_parents, int whole,
                       int (*body)(uint64_t offset, size_t length, int has_data, void *context), void *context);

/// Calls `body` with the name of each snapshot, the oldest first, until it returns a negative number, which is returned.
int coffer_rbd_snapshots(void *image, int (*body)(void *context, const char *name), void *context);
int coffer_rbd_make_snapshot(void *image, const char *name);
int coffer_rbd_remove_snapshot(void *image, const char *name);
/// Gives an image its own copy of what it has of another. `progress` is called with how much is done, and of how much.
int coffer_rbd_flatten(void *image, int (*progress)(uint64_t done, uint64_t all, void *context), void *context);
