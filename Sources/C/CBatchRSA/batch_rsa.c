// RSA private operations four at a time.
//
// A private operation by the Chinese remainder theorem (RFC 8017 section 5.1.2) is two exponentiations, modulo p and
// modulo q. Four operations are eight of them, one in each 64-bit lane of an AVX-512 register: all lanes go through
// the same instructions, each with numbers of its own.
//
// A number is kept in digits of 52 bits, so that VPMADD52LUQ and VPMADD52HUQ multiply digits: they add the low or the
// high 52 bits of a product to a lane. An array of `__m512i` holds digit j of all eight lanes at index j.
//
// Products are Montgomery's, with R = 2^(52 digits), in the "almost" form that never subtracts: for a, b < 2m the
// result is below 2m because R > 4m. Here R is at least 2^16 m, so sums of a few results may go in as well.
//
// Nothing branches on a secret and no address depends on one: the table of powers is read whole for each window, and
// what is subtracted at the end is chosen by masks. Each result is raised to the public exponent before it leaves, so
// that a fault of the machine cannot give a factor away (Boneh, DeMillo, Lipton 1997).
#include "batch_rsa.h"
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>

#define TARGET __attribute__((target("avx512f,avx512ifma")))
#define UNROLL _Pragma("clang loop unroll(full)")
#define CONCAT_(a, b) a##b
#define CONCAT(a, b) CONCAT_(a, b)
/// The name of a function for numbers of so many digits.
#define OF(name, digits) CONCAT(name##_, digits)

enum { lanes = 8, window = 5, powers = 1 << window };
static const uint64_t digit_mask = (1ULL << 52) - 1;

/// Splits a big-endian number into digits.
static void split(uint64_t *digits, int count, const uint8_t *bytes, int length)
{
    memset(digits, 0, (size_t)count * 8);
    for (int index = 0; index < length; index++) {
        int bit = 8 * (length - 1 - index), digit = bit / 52, shift = bit % 52;
        digits[digit] |= (uint64_t)bytes[index] << shift & digit_mask;
        if (shift > 44) digits[digit + 1] |= (uint64_t)bytes[index] >> (52 - shift);
    }
}

/// The opposite of split.
static void join(uint8_t *bytes, int length, const uint64_t *digits, int count)
{
    for (int index = 0; index < length; index++) {
        int bit = 8 * (length - 1 - index), digit = bit / 52, shift = bit % 52;
        uint64_t value = digits[digit] >> shift;
        if (shift > 44 && digit + 1 < count) value |= digits[digit + 1] << (52 - shift);
        bytes[index] = (uint8_t)value;
    }
}

/// a - b where that is not negative, else a. 1 where it was not.
static uint64_t reduce(uint64_t *a, const uint64_t *b, uint64_t *spare, int count)
{
    uint64_t borrow = 0;
    for (int index = 0; index < count; index++) {
        uint64_t difference = a[index] - b[index] - borrow;
        borrow = difference >> 63;
        spare[index] = difference & digit_mask;
    }
    uint64_t keep = 0 - borrow;
    for (int index = 0; index < count; index++) a[index] = (a[index] & keep) | (spare[index] & ~keep);
    return 1 - borrow;
}

/// R^2 mod m, by doubling 1 so often: once for each key, and free of branches.
static void montgomery_square(uint64_t *square, const uint64_t *modulus, uint64_t *spare, int count)
{
    memset(square, 0, (size_t)count * 8);
    square[0] = 1;
    for (int step = 0; step < 2 * 52 * count; step++) {
        uint64_t carry = 0;
        for (int index = 0; index < count; index++) {
            uint64_t doubled = square[index] << 1 | carry;
            carry = doubled >> 52;
            square[index] = doubled & digit_mask;
        }
        reduce(square, modulus, spare, count);
    }
}

/// -1 / m mod 2^52 of an odd m, by Newton's iteration: each step doubles the bits that are right.
static uint64_t negative_inverse(uint64_t modulus)
{
    uint64_t inverse = modulus;
    for (int step = 0; step < 5; step++) inverse *= 2 - modulus * inverse;
    return (0 - inverse) & digit_mask;
}

/// Window number `index` of an exponent in little-endian words; the caller leaves a word of zeros behind the last one.
static inline uint64_t window_of(const uint64_t *words, int index)
{
    int bit = index * window, word = bit / 64, shift = bit % 64;
    uint64_t value = words[word] >> shift;
    if (shift > 64 - window) value |= words[word + 1] << (64 - shift);
    return value & (powers - 1);
}

static void words_of(uint64_t *words, int count, const uint8_t *bytes, int length)
{
    memset(words, 0, (size_t)count * 8);
    for (int index = 0; index < length; index++) {
        int place = length - 1 - index;
        words[place / 8] |= (uint64_t)bytes[index] << (8 * (place % 8));
    }
}

// Products for the moduli (40, 60, 80 digits) and the primes (20, 30, 40 digits) of keys of 2048, 3072 and 4096 bits.
#define DIGITS 20
#include "product.inc"
#define DIGITS 30
#include "product.inc"
#define DIGITS 40
#include "product.inc"
#define DIGITS 60
#include "product.inc"
#define DIGITS 80
#include "product.inc"

#define BITS 2048
#define HALF 20
#define WHOLE 40
#include "operation.inc"
#define BITS 3072
#define HALF 30
#define WHOLE 60
#include "operation.inc"
#define BITS 4096
#define HALF 40
#define WHOLE 80
#include "operation.inc"

int coffer_rsa_batch_is_available(void)
{
    // Asks whether the system saves the registers, too.
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512ifma");
}

#define BY_SIZE(bits, call, none) \
    switch (bits) {               \
    case 2048: return call(2048); \
    case 3072: return call(3072); \
    case 4096: return call(4096); \
    default: return none;         \
    }

size_t coffer_rsa_batch_key_size(int bits)
{
#define CALL(size) sizeof(struct OF(key, size))
    BY_SIZE(bits, CALL, 0)
#undef CALL
}

size_t coffer_rsa_batch_work_size(int bits)
{
#define CALL(size) sizeof(struct OF(work, size))
    BY_SIZE(bits, CALL, 0)
#undef CALL
}

int coffer_rsa_batch_prepare(int bits, const uint8_t *modulus, const uint8_t *secrets, void *key)
{
#define CALL(size) OF(prepare, size)(modulus, secrets, key)
    BY_SIZE(bits, CALL, 0)
#undef CALL
}

void coffer_rsa_batch_run(int bits, coffer_rsa_batch_operation *operations, int count, void *work)
{
#define CALL(size) OF(run, size)(operations, count, work)
    BY_SIZE(bits, CALL, (void)0)
#undef CALL
}

#else

int coffer_rsa_batch_is_available(void) { return 0; }
size_t coffer_rsa_batch_key_size(int bits) { (void)bits; return 0; }
size_t coffer_rsa_batch_work_size(int bits) { (void)bits; return 0; }

int coffer_rsa_batch_prepare(int bits, const uint8_t *modulus, const uint8_t *secrets, void *key)
{
    (void)bits, (void)modulus, (void)secrets, (void)key;
    return 0;
}

void coffer_rsa_batch_run(int bits, coffer_rsa_batch_operation *operations, int count, void *work)
{
    (void)bits, (void)work;
    for (int index = 0; index < count; index++) operations[index].is_good = 0;
}

#endif
