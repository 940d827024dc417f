// RSA private operations four at a time, for processors with AVX-512 IFMA: see batch_rsa.c.
#pragma once
#include <stddef.h>
#include <stdint.h>

/// Operations of one batch.
enum { coffer_rsa_batch_most = 4 };

/// Whether this processor and its system can run a batch.
int coffer_rsa_batch_is_available(void);

/// Bytes that a prepared key of so many bits takes, 0 for other sizes than 2048, 3072 and 4096.
size_t coffer_rsa_batch_key_size(int bits);

/// Bytes that a batch of keys of so many bits works in, 0 for other sizes.
size_t coffer_rsa_batch_work_size(int bits);

/// Prepares a key whose public exponent is 65537 for use in batches. `modulus` has bits / 8 bytes, big-endian. `secrets`
/// are p, q, dP, dQ and qInv (RFC 8017 section 3.2), one after the other, each big-endian in bits / 16 bytes. `key` has
/// coffer_rsa_batch_key_size bytes, at a multiple of 64. 1, or 0 where the numbers cannot belong to a key of that size.
/// Takes time that depends on the size alone.
int coffer_rsa_batch_prepare(int bits, const uint8_t *modulus, const uint8_t *secrets, void *key);

/// One operation: block^d mod n. Both blocks are big-endian, of bits / 8 bytes, and may be the same.
typedef struct {
    const void *key;
    const uint8_t *block;
    uint8_t *result;
    /// Set to 1 where the result was found right by the public key, else to 0, and then the result is zeros. So it is
    /// where the block is not below the modulus.
    int is_good;
} coffer_rsa_batch_operation;

/// Does 1 to 4 operations with keys of one size. `work` has coffer_rsa_batch_work_size bytes, at a multiple of 64, and
/// is wiped. Takes time that depends on the size and the count alone.
void coffer_rsa_batch_run(int bits, coffer_rsa_batch_operation *operations, int count, void *work);
