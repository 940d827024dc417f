// AES-256-XTS over whole sectors in place, by the instructions that a processor has: see xts.c.
#pragma once
#include <stddef.h>
#include <stdint.h>

/// Ways to run it, each faster than the one before.
typedef enum {
    /// There is none for this processor, or the build has none (COFFER_OPENSSL_ONLY).
    coffer_xts_none = 0,
    /// AES-NI: one block in a register of 128 bits.
    coffer_xts_aesni = 1,
    /// VAES with AVX2: two blocks in a register.
    coffer_xts_vaes256 = 2,
    /// VAES with AVX-512: four blocks in a register.
    coffer_xts_vaes512 = 3,
} coffer_xts_way;

/// Whether this processor and its system can run it so.
int coffer_xts_can(coffer_xts_way way);

/// Round keys of a disk's key. Secret; wipe it when it is done with.
typedef struct {
    /// Each round key four times, as the widest registers take it.
    uint8_t encryption[15][64], decryption[15][64];
    uint8_t tweak[15][16];
} coffer_xts_schedule;

/// Expands a key of 64 bytes, the data key before the tweak key. For any way but `coffer_xts_none`.
void coffer_xts_expand(coffer_xts_schedule *schedule, const uint8_t *key);

/// Encrypts or decrypts `count` sectors of `size` bytes each, a multiple of 512, in place. The tweak of a sector is its number,
/// little-endian in 16 bytes, from `first` on (IEEE Std 1619 section 5.1). Takes time that depends on `count` and `size` alone.
void coffer_xts_encrypt(coffer_xts_way way, const coffer_xts_schedule *schedule, uint8_t *sectors, size_t count, size_t size, uint64_t first);
void coffer_xts_decrypt(coffer_xts_way way, const coffer_xts_schedule *schedule, uint8_t *sectors, size_t count, size_t size, uint64_t first);
