// ECDSA signatures on P-256 eight at a time, for processors with AVX-512 IFMA: see batch_ecdsa.c.
#pragma once
#include <stddef.h>
#include <stdint.h>

enum {
    /// Signatures of one batch.
    coffer_ecdsa_batch_most = 8,
    /// Bytes of a private key, and of a digest.
    coffer_ecdsa_batch_number = 32,
    /// Bytes that a nonce is made of: 64 bits more than the order has (FIPS 186-5 appendix A.3.1).
    coffer_ecdsa_batch_nonce = 40,
    /// Bytes of a signature.
    coffer_ecdsa_batch_signature = 64,
};

/// Whether this processor and its system can run a batch.
int coffer_ecdsa_batch_is_available(void);

/// Bytes that a batch works in.
size_t coffer_ecdsa_batch_work_size(void);

/// One signature.
typedef struct {
    /// The private key, big-endian, from 1 to n - 1.
    const uint8_t *key;
    /// The digest of what is signed. A longer one than 32 bytes is cut to its first 32 by the caller.
    const uint8_t *digest;
    /// Random bytes for this signature alone, as secret as the key. The nonce is 1 more than the remainder of the
    /// big-endian number in them by n - 1.
    const uint8_t *nonce;
    /// r and s, each big-endian in 32 bytes.
    uint8_t *signature;
    /// Set to 1 where the signature was found right, else to 0, and then the signature is zeros. So it is where the key
    /// is out of range, and where r or s is 0 (which nobody will see, and which calls for another nonce).
    int is_good;
} coffer_ecdsa_batch_operation;

/// Makes 1 to 8 signatures. `work` has coffer_ecdsa_batch_work_size bytes, at a multiple of 64, and is wiped. Takes
/// time that depends on the count alone, but for the first call, which makes the table of multiples of the generator: a
/// millisecond more.
void coffer_ecdsa_batch_sign(coffer_ecdsa_batch_operation *operations, int count, void *work);
