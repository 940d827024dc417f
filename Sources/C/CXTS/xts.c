// AES-256-XTS (IEEE Std 1619, NIST SP 800-38E) over whole sectors in place.
//
// A sector is blocks of 16 bytes. Block j becomes AES(block ^ T_j) ^ T_j, where T_0 is the sector's number, encrypted under the tweak key, and
// T_j is T_0 times x^j in the field of 2^128 elements modulo x^128 + x^7 + x^2 + x + 1.
//
// Multiplying by x^k shifts the 128 bits left by k, and what falls off the top, at most 64 bits here, comes back in multiplied by
// x^7 + x^2 + x + 1, which is 0x87: one carry-less multiplication. So the tweaks of many blocks are had at once: from those of 8 registers the
// next 8 follow by one multiplication each, none of which waits for another.
//
// AES rounds have a latency of three to five cycles and start one or two a cycle, so eight registers are always under way. A register holds
// one, two or four blocks; kernel.inc says the rest once for all three widths.
#include "xts.h"

#if defined(__x86_64__) && !defined(COFFER_OPENSSL_ONLY)
#include <immintrin.h>

#define CONCAT_(a, b) a##b
#define CONCAT(a, b) CONCAT_(a, b)
#define OF(name) CONCAT(name##_, WAY)

/// Registers under way at a time.
enum { registers = 8 };
/// Sectors whose numbers are encrypted together.
enum { group = 8 };

#define BASE __attribute__((target("aes,pclmul,sse4.1")))

/// The first round key pair's successor: FIPS 197 section 5.2, a word of the last key rotated, substituted and with the round's constant.
BASE static inline __m128i spread(__m128i key, __m128i word)
{
    key = _mm_xor_si128(key, _mm_slli_si128(key, 4));
    key = _mm_xor_si128(key, _mm_slli_si128(key, 8));
    return _mm_xor_si128(key, word);
}

BASE static void expand(const uint8_t *key, __m128i *keys)
{
    keys[0] = _mm_loadu_si128((const __m128i *)key);
    keys[1] = _mm_loadu_si128((const __m128i *)(key + 16));
// The constant must be an immediate operand.
#define PAIR(index, constant)                                                                                                        \
    keys[index] = spread(keys[index - 2], _mm_shuffle_epi32(_mm_aeskeygenassist_si128(keys[index - 1], constant), 0xff));            \
    if (index < 14) keys[index + 1] = spread(keys[index - 1], _mm_shuffle_epi32(_mm_aeskeygenassist_si128(keys[index], 0), 0xaa));
    PAIR(2, 0x01) PAIR(4, 0x02) PAIR(6, 0x04) PAIR(8, 0x08) PAIR(10, 0x10) PAIR(12, 0x20) PAIR(14, 0x40)
#undef PAIR
}

BASE static inline void repeat(uint8_t *target, __m128i key)
{
    for (int lane = 0; lane < 4; lane++) _mm_storeu_si128((__m128i *)(target + 16 * lane), key);
}

BASE void coffer_xts_expand(coffer_xts_schedule *schedule, const uint8_t *key)
{
    __m128i keys[15];
    expand(key, keys);
    for (int round = 0; round < 15; round++) {
        repeat(schedule->encryption[round], keys[round]);
        // The equivalent inverse cipher: FIPS 197 section 5.3.5.
        int other = 14 - round;
        repeat(schedule->decryption[round], round == 0 || round == 14 ? keys[other] : _mm_aesimc_si128(keys[other]));
    }
    expand(key + 32, keys);
    for (int round = 0; round < 15; round++) _mm_storeu_si128((__m128i *)schedule->tweak[round], keys[round]);
    __builtin_memset(keys, 0, sizeof keys);
    __asm__ volatile("" ::"r"(keys) : "memory");
}

/// The first tweaks of `count` sectors, up to a group.
BASE static inline void first_tweaks(__m128i *tweaks, const coffer_xts_schedule *schedule, uint64_t first, size_t count)
{
    __m128i key = _mm_loadu_si128((const __m128i *)schedule->tweak[0]);
    for (size_t index = 0; index < count; index++) {
        tweaks[index] = _mm_xor_si128(_mm_set_epi64x(0, (long long)(first + index)), key);
    }
    for (int round = 1; round < 14; round++) {
        key = _mm_loadu_si128((const __m128i *)schedule->tweak[round]);
        for (size_t index = 0; index < count; index++) tweaks[index] = _mm_aesenc_si128(tweaks[index], key);
    }
    key = _mm_loadu_si128((const __m128i *)schedule->tweak[14]);
    for (size_t index = 0; index < count; index++) tweaks[index] = _mm_aesenclast_si128(tweaks[index], key);
}

// One block in a register.
#define WAY aesni
#define TARGET BASE
#define WIDTH 1
#define VECTOR __m128i
#define LOAD(bytes) _mm_loadu_si128((const __m128i *)(bytes))
#define STORE(bytes, value) _mm_storeu_si128((__m128i *)(bytes), value)
#define XOR(a, b) _mm_xor_si128(a, b)
#define LEFT(value, bits) _mm_slli_epi64(value, bits)
#define RIGHT(value, bits) _mm_srli_epi64(value, bits)
#define LEFT_BYTES(value, bytes) _mm_slli_si128(value, bytes)
#define RIGHT_BYTES(value, bytes) _mm_srli_si128(value, bytes)
#define REDUCE(value, half) _mm_clmulepi64_si128(value, _mm_set_epi64x(0, 0x87), half)
#define ENCRYPT(state, key) _mm_aesenc_si128(state, key)
#define ENCRYPT_LAST(state, key) _mm_aesenclast_si128(state, key)
#define DECRYPT(state, key) _mm_aesdec_si128(state, key)
#define DECRYPT_LAST(state, key) _mm_aesdeclast_si128(state, key)
#include "kernel.inc"

// Two blocks in a register.
#define WAY vaes256
#define TARGET __attribute__((target("avx2,aes,pclmul,vaes,vpclmulqdq")))
#define WIDTH 2
#define VECTOR __m256i
#define LOAD(bytes) _mm256_loadu_si256((const __m256i *)(bytes))
#define STORE(bytes, value) _mm256_storeu_si256((__m256i *)(bytes), value)
#define XOR(a, b) _mm256_xor_si256(a, b)
#define LEFT(value, bits) _mm256_slli_epi64(value, bits)
#define RIGHT(value, bits) _mm256_srli_epi64(value, bits)
#define LEFT_BYTES(value, bytes) _mm256_slli_si256(value, bytes)
#define RIGHT_BYTES(value, bytes) _mm256_srli_si256(value, bytes)
#define REDUCE(value, half) _mm256_clmulepi64_epi128(value, _mm256_set_epi64x(0, 0x87, 0, 0x87), half)
#define ENCRYPT(state, key) _mm256_aesenc_epi128(state, key)
#define ENCRYPT_LAST(state, key) _mm256_aesenclast_epi128(state, key)
#define DECRYPT(state, key) _mm256_aesdec_epi128(state, key)
#define DECRYPT_LAST(state, key) _mm256_aesdeclast_epi128(state, key)
#include "kernel.inc"

// Four blocks in a register.
#define WAY vaes512
#define TARGET __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,aes,pclmul,vaes,vpclmulqdq")))
#define WIDTH 4
#define VECTOR __m512i
#define LOAD(bytes) _mm512_loadu_si512(bytes)
#define STORE(bytes, value) _mm512_storeu_si512(bytes, value)
#define XOR(a, b) _mm512_xor_si512(a, b)
#define LEFT(value, bits) _mm512_slli_epi64(value, bits)
#define RIGHT(value, bits) _mm512_srli_epi64(value, bits)
#define LEFT_BYTES(value, bytes) _mm512_bslli_epi128(value, bytes)
#define RIGHT_BYTES(value, bytes) _mm512_bsrli_epi128(value, bytes)
#define REDUCE(value, half) _mm512_clmulepi64_epi128(value, _mm512_set_epi64(0, 0x87, 0, 0x87, 0, 0x87, 0, 0x87), half)
#define ENCRYPT(state, key) _mm512_aesenc_epi128(state, key)
#define ENCRYPT_LAST(state, key) _mm512_aesenclast_epi128(state, key)
#define DECRYPT(state, key) _mm512_aesdec_epi128(state, key)
#define DECRYPT_LAST(state, key) _mm512_aesdeclast_epi128(state, key)
#include "kernel.inc"

int coffer_xts_can(coffer_xts_way way)
{
    // Asks whether the system saves the registers, too.
    __builtin_cpu_init();
    int has_aes = __builtin_cpu_supports("aes") && __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("sse4.1");
    int has_vaes = has_aes && __builtin_cpu_supports("vaes") && __builtin_cpu_supports("vpclmulqdq");
    switch (way) {
    case coffer_xts_aesni: return has_aes;
    case coffer_xts_vaes256: return has_vaes && __builtin_cpu_supports("avx2");
    case coffer_xts_vaes512:
        return has_vaes && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl")
            && __builtin_cpu_supports("avx512dq");
    default: return 0;
    }
}

void coffer_xts_encrypt(coffer_xts_way way, const coffer_xts_schedule *schedule, uint8_t *sectors, size_t count, size_t size, uint64_t first)
{
    switch (way) {
    case coffer_xts_vaes512: encrypt_vaes512(schedule, sectors, count, size, first); break;
    case coffer_xts_vaes256: encrypt_vaes256(schedule, sectors, count, size, first); break;
    case coffer_xts_aesni: encrypt_aesni(schedule, sectors, count, size, first); break;
    default: __builtin_trap();
    }
}

void coffer_xts_decrypt(coffer_xts_way way, const coffer_xts_schedule *schedule, uint8_t *sectors, size_t count, size_t size, uint64_t first)
{
    switch (way) {
    case coffer_xts_vaes512: decrypt_vaes512(schedule, sectors, count, size, first); break;
    case coffer_xts_vaes256: decrypt_vaes256(schedule, sectors, count, size, first); break;
    case coffer_xts_aesni: decrypt_aesni(schedule, sectors, count, size, first); break;
    default: __builtin_trap();
    }
}

#else

int coffer_xts_can(coffer_xts_way way) { (void)way; return 0; }
void coffer_xts_expand(coffer_xts_schedule *schedule, const uint8_t *key) { (void)schedule, (void)key, __builtin_trap(); }

void coffer_xts_encrypt(coffer_xts_way way, const coffer_xts_schedule *schedule, uint8_t *sectors, size_t count, size_t size, uint64_t first)
{
    (void)way, (void)schedule, (void)sectors, (void)count, (void)size, (void)first;
    // To go on would put plaintext on a disk.
    __builtin_trap();
}

void coffer_xts_decrypt(coffer_xts_way way, const coffer_xts_schedule *schedule, uint8_t *sectors, size_t count, size_t size, uint64_t first)
{
    coffer_xts_encrypt(way, schedule, sectors, count, size, first);
}

#endif
