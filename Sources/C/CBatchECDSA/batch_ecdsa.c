// ECDSA signatures on P-256 (FIPS 186-5 section 6.4.1) eight at a time.
//
// A signature is (r, s) with r = x(k G) mod n and s = (z + r d) / k mod n, for a nonce k that nobody can guess. Eight of them
// take one 64-bit lane each of AVX-512 registers: all lanes go through the same instructions, each with numbers of its own.
// Numbers are kept in five digits of 52 bits for VPMADD52LUQ and VPMADD52HUQ; field.inc has their arithmetic.
//
// k G is a sum of multiples of G from a table, one for each window of k's bits, and no point is ever doubled. The table is
// made when it is first needed: 43 windows of 32 points, 110 KB.
//
// Nothing branches on a secret and no address depends on one: of the table, every entry of a window is read, into registers,
// and what lanes need of it is chosen by permutations and masks there. Before a signature leaves, the sum is found to be a
// point of the curve, and s k to be z + r d, so that a fault of the machine does not tell anything of the key.
#include "batch_ecdsa.h"
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#include <pthread.h>

#define TARGET __attribute__((target("avx512f,avx512ifma")))
#define INLINE TARGET __attribute__((always_inline)) static inline
#define APART TARGET __attribute__((noinline)) static
#define UNROLL _Pragma("clang loop unroll(full)")

enum {
    lanes = coffer_ecdsa_batch_most,
    count_of_digits = 5,
    /// Bits of a window. Multiples have a sign, so half as many entries are enough. With 7 bits a batch takes 1 % less
    /// time, but the table is nearly twice as large, 189 KB.
    window = 6,
    entries = 1 << (window - 1),
    /// The last window takes the carry from the one before.
    windows = 256 / window + 1,
    /// Exponents of inversions are read four bits at a time.
    powers = 16,
};
static const uint64_t digit_mask = (1ULL << 52) - 1;

#include "field.inc"

/// x = X / Z^2 and y = Y / Z^3, in Montgomery's form.
typedef struct {
    number x, y, z;
} point;

/// The generator's coordinates and the curve's b (SP 800-186 section 3.2.1.3), not in Montgomery's form.
static const uint64_t generator_x[count_of_digits] = {0x13945d898c296, 0x812deb33a0f4a, 0x3a440f277037d, 0x4247f8bce6e56, 0x6b17d1f2e12c};
static const uint64_t generator_y[count_of_digits] = {0x6406837bf51f5, 0x576b315ececbb, 0xc0f9e162bce33, 0x7f9b8ee7eb4a7, 0x4fe342e2fe1a};
static const uint64_t curve_b[count_of_digits] = {0xe3c3e27d2604b, 0xb0cc53b0f63bc, 0x69886bc651d06, 0x93e7b3ebbd557, 0x5ac635d8aa3a};

/// Multiples 1, 2, ... of 2^(window i) G at index i: the digits of x, then those of y, of all multiples side by side.
static uint64_t table[windows][2 * count_of_digits][entries] __attribute__((aligned(64)));
static pthread_once_t table_once = PTHREAD_ONCE_INIT;

/// No larger than a page, which costs the caller less than several do. What does not fit is on the stack, which is wiped.
struct work {
    point sum;
    number key, digest, nonce, nonce_form;
    number sum_inverse, nonce_inverse;
    number r, s;
    /// Twice the nonce, and a digit of zeros.
    __m512i recoded[count_of_digits + 1];
    uint64_t words[5], digits[count_of_digits];
};
_Static_assert(sizeof(struct work) <= 4096, "work fits into a page");

/// Puts the digits of a big-endian number of 32 bytes into a lane.
static void enter(number *target, int lane, const uint8_t *bytes, uint64_t *digits)
{
    memset(digits, 0, count_of_digits * 8);
    for (int index = 0; index < 32; index++) {
        int bit = 8 * (31 - index), digit = bit / 52, shift = bit % 52;
        digits[digit] |= (uint64_t)bytes[index] << shift & digit_mask;
        if (shift > 44) digits[digit + 1] |= (uint64_t)bytes[index] >> (52 - shift);
    }
    for (int j = 0; j < count_of_digits; j++) ((uint64_t *)&target->digits[j])[lane] = digits[j];
}

/// The opposite of enter.
static void leave(uint8_t *bytes, const number *source, int lane, uint64_t *digits)
{
    for (int j = 0; j < count_of_digits; j++) digits[j] = ((const uint64_t *)&source->digits[j])[lane];
    for (int index = 0; index < 32; index++) {
        int bit = 8 * (31 - index), digit = bit / 52, shift = bit % 52;
        uint64_t value = digits[digit] >> shift;
        if (shift > 44) value |= digits[digit + 1] << (52 - shift);
        bytes[index] = (uint8_t)value;
    }
}

static inline uint64_t big_endian(const uint8_t *bytes)
{
    uint64_t value;
    memcpy(&value, bytes, 8);
    return __builtin_bswap64(value);
}

/// Puts 1 + bytes mod (n - 1) into a lane (FIPS 186-5 appendix A.3.1).
///
/// n - 1 is 2^256 - c, where c has 224 bits, so what is above 256 bits goes back in multiplied by c. After the first time
/// it is at most 2^32, after the second at most 1, and then 0: where it was 1, the rest is below 2^32 c, and (2^32 + 1) c is
/// below 2^256.
static void enter_nonce(number *target, int lane, const uint8_t *bytes, struct work *work)
{
    static const uint64_t complement[4] = {0x0c46353d039cdab0, 0x4319055258e8617b, 0, 0x00000000ffffffff};
    uint64_t *words = work->words;
    for (int index = 0; index < 5; index++) words[index] = big_endian(bytes + 8 * (4 - index));
    for (int round = 0; round < 3; round++) {
        unsigned __int128 column = 0;
        uint64_t above = words[4];
        for (int index = 0; index < 4; index++) {
            column += (unsigned __int128)above * complement[index] + words[index];
            words[index] = (uint64_t)column;
            column >>= 64;
        }
        words[4] = (uint64_t)column;
    }
    // The number is below 2 (n - 1): adding the complement carries out of 256 bits just where it is not below n - 1.
    uint64_t reduced[4];
    unsigned __int128 column = 0;
    for (int index = 0; index < 4; index++) {
        column += (unsigned __int128)words[index] + complement[index];
        reduced[index] = (uint64_t)column;
        column >>= 64;
    }
    uint64_t is_reduced = 0 - (uint64_t)column;
    column = 1;
    for (int index = 0; index < 4; index++) {
        column += (reduced[index] & is_reduced) | (words[index] & ~is_reduced);
        words[index] = (uint64_t)column;
        column >>= 64;
    }
    words[4] = 0;
    for (int j = 0; j < count_of_digits; j++) {
        int word = 52 * j / 64, shift = 52 * j % 64;
        uint64_t digit = words[word] >> shift;
        if (shift > 12) digit |= words[word + 1] << (64 - shift);
        ((uint64_t *)&target->digits[j])[lane] = digit & digit_mask;
    }
}

/// The lanes in which 0 < number < n.
TARGET static __mmask8 in_range(number value)
{
    __m512i carry = _mm512_setzero_si512(), bits = carry;
    for (int j = 0; j < count_of_digits; j++) {
        bits = _mm512_or_si512(bits, value.digits[j]);
        carry = _mm512_add_epi64(carry, _mm512_sub_epi64(value.digits[j], _mm512_set1_epi64((long long)order[j])));
        carry = _mm512_srai_epi64(carry, 52);
    }
    return _mm512_cmplt_epi64_mask(carry, _mm512_setzero_si512()) & _mm512_test_epi64_mask(bits, bits);
}

/// Adds a point with z = 1 (Jacobian and affine coordinates; Cohen, Miyaji and Ono 1998).
///
/// With x < 2.01 p, y < 5 p and z < 2.01 p the results are below these again. By the bound on products h < 4.1 p,
/// rise < 6.1 p, hh < 2.1 p, hhh < 1.6 p, v < 1.3 p and fall < 4.4 p, and the multiples of p make every difference positive.
///
/// The result is wrong where both points are the same, where one is the other's negative, and where one is infinity:
/// `multiply` says why none of these comes unseen.
INLINE point added(point a, number x, number y)
{
    point result;
    number zz = field_squared(a.z);
    number h = carried(difference(field_multiply(x, zz), a.x, 3));
    number zzz = field_multiply(a.z, zz);
    number rise = carried(difference(field_multiply(y, zzz), a.y, 5));
    result.z = field_multiply(a.z, h);
    number hh = field_squared(h);
    number hhh = field_multiply(h, hh);
    number v = field_multiply(a.x, hh);
    result.x = settled(difference(difference(field_squared(rise), hhh, 5), sum(v, v), 0));
    number fall = carried(difference(v, result.x, 3));
    result.y = carried(difference(field_multiply(rise, fall), field_multiply(a.y, hhh), 2));
    return result;
}

/// Doubles a point (Cohen, Miyaji and Ono 1998, for a = -3). Bounds as above. For the table only.
APART void doubled(point *a)
{
    number zz = field_squared(a->z), yy = field_squared(a->y);
    number slope = field_multiply(carried(difference(a->x, zz, 2)), carried(sum(a->x, zz)));
    slope = settled(sum(slope, sum(slope, slope)));
    number v = field_multiply(a->x, yy);
    v = settled(sum(sum(v, v), sum(v, v)));
    number yyyy = field_squared(yy);
    yyyy = settled(sum(sum(yyyy, yyyy), sum(yyyy, yyyy)));
    number yz = field_multiply(a->y, a->z);
    a->z = settled(sum(yz, yz));
    a->x = settled(difference(field_squared(slope), sum(v, v), 5));
    number rest = field_multiply(slope, carried(difference(v, a->x, 3)));
    a->y = settled(difference(rest, sum(yyyy, yyyy), 5));
}

/// p - 2 and n - 2, the exponents that invert (Fermat), in digits of four bits from the top.
static const char prime_exponent[] = "FFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFD";
static const char order_exponent[] = "FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC63254F";

static inline int exponent_digit(const char *exponent, int place)
{
    return exponent[place] <= '9' ? exponent[place] - '0' : exponent[place] - 'A' + 10;
}

/// The inverse of sum.z modulo p and, if asked for, that of nonce_form modulo n. Each power waits for the one before it,
/// so that the processor does both in little more than the time of one. The exponents are no secret.
APART void invert(struct work *work, int with_order)
{
    number field_powers[powers], order_powers[powers];
    field_powers[1] = work->sum.z;
    order_powers[1] = work->nonce_form;
    for (int power = 2; power < powers; power++) {
        field_powers[power] = field_multiply(field_powers[power - 1], field_powers[1]);
        if (with_order) order_powers[power] = order_multiply(order_powers[power - 1], order_powers[1]);
    }
    // Both exponents begin with fifteen.
    number z = field_powers[15], nonce = order_powers[15];
    for (int place = 1; place < 64; place++) {
        for (int step = 0; step < 4; step++) {
            z = field_squared(z);
            if (with_order) nonce = order_squared(nonce);
        }
        int digit = exponent_digit(prime_exponent, place);
        if (digit) z = field_multiply(z, field_powers[digit]);
        digit = exponent_digit(order_exponent, place);
        if (digit && with_order) nonce = order_multiply(nonce, order_powers[digit]);
    }
    work->sum_inverse = z;
    work->nonce_inverse = nonce;
}

/// The affine coordinates of the sum, below p, in Montgomery's form.
INLINE void affine(const struct work *work, number *x, number *y)
{
    number square = field_squared(work->sum_inverse);
    *x = reduced(field_multiply(work->sum.x, square), prime);
    *y = reduced(field_multiply(work->sum.y, field_multiply(square, work->sum_inverse)), prime);
}

/// Each lane makes the entries of one window.
TARGET static void make_table(void)
{
    struct work work;
    memset(&work, 0, sizeof work);
    const number square = all(prime_form), one = all(prime_one);
    point base = {field_multiply(all(generator_x), square), field_multiply(all(generator_y), square), one};
    for (int first = 0; first < windows; first += lanes) {
        // Lane by lane the base is 2^window times that of the lane before.
        for (int lane = 0; lane < lanes; lane++) {
            __mmask8 mask = (__mmask8)(1 << lane);
            work.sum.x = chosen(mask, base.x, work.sum.x);
            work.sum.y = chosen(mask, base.y, work.sum.y);
            work.sum.z = chosen(mask, base.z, work.sum.z);
            for (int step = 0; step < window; step++) doubled(&base);
        }
        number x, y, first_x, first_y;
        for (int entry = 0; entry < entries; entry++) {
            invert(&work, 0);
            affine(&work, &x, &y);
            if (entry == 0) first_x = x, first_y = y;
            for (int lane = 0; lane < lanes && first + lane < windows; lane++) {
                for (int j = 0; j < count_of_digits; j++) {
                    table[first + lane][j][entry] = ((uint64_t *)&x.digits[j])[lane];
                    table[first + lane][count_of_digits + j][entry] = ((uint64_t *)&y.digits[j])[lane];
                }
            }
            // The second is twice the first, and none of those after is.
            if (entry == 0) {
                doubled(&work.sum);
            } else {
                work.sum = added(work.sum, first_x, first_y);
            }
        }
    }
}

/// sum = nonce G.
///
/// With w = 6 the nonce k is the sum of d_i 2^(w i), 0 <= i <= 42, where the digits d_i are from -2^(w-1) to 2^(w-1)
/// (Booth 1951). The points d_i 2^(w i) G are added from i = 0 on. Before one of them is, the sum is a G, where a is the sum
/// of the lower digits' values; let b be d_i 2^(w i). The addition is exceptional in these cases:
///
/// - a = 0 or b = 0 modulo n. Then all digits so far are 0, or this one is, and `is_empty` and `is_nothing` know it: the
///   highest digit that is not 0 is worth more than all below it together, as the next case shows, and |a| <= 2^251 < n.
/// - a = b or a = -b. The lower digits make a = (k mod 2^(w i)) - t 2^(w i), where t is the topmost bit of that remainder.
///   So |a| <= 2^(w i - 1), and |b| >= 2^(w i) is more.
/// - a = b or a = -b modulo n only. Below the highest window |a| + |b| <= 2^245 + 2^251 < n. In the highest, b is from 2^252 to
///   2^256, |a| <= 2^251, and a + b = k is from 1 to n - 1: hence not a = -b. For a = b it would be b = a + n, since
///   0 < b - a < 2 n. But the only multiple of 2^252 within 2^251 of n is 2^256, and then a = 2^256 - n > 0 and k > n.
APART void multiply(struct work *work)
{
    const __m512i mask = _mm512_set1_epi64((long long)digit_mask);
    work->recoded[0] = _mm512_and_si512(_mm512_slli_epi64(work->nonce.digits[0], 1), mask);
    for (int j = 1; j < count_of_digits; j++) {
        __m512i low = _mm512_slli_epi64(work->nonce.digits[j], 1), high = _mm512_srli_epi64(work->nonce.digits[j - 1], 51);
        work->recoded[j] = _mm512_and_si512(_mm512_or_si512(low, high), mask);
    }
    work->recoded[count_of_digits] = _mm512_setzero_si512();

    const __m512i one = _mm512_set1_epi64(1), bits = _mm512_set1_epi64((2 << window) - 1);
    const __m512i whole = _mm512_set1_epi64(1 << window);
    const number zero = {0};
    point sum = {zero, zero, zero};
    __mmask8 is_empty = 0xFF;
    for (int index = 0; index < windows; index++) {
        // The bits of the window, and below them the topmost bit of the window before.
        int bit = window * index, digit = bit / 52, shift = bit % 52;
        __m512i low = _mm512_srli_epi64(work->recoded[digit], (unsigned)shift);
        __m512i high = _mm512_slli_epi64(work->recoded[digit + 1], (unsigned)(52 - shift));
        __m512i value = _mm512_and_si512(_mm512_or_si512(low, high), bits);
        __mmask8 is_negative = _mm512_test_epi64_mask(value, whole);
        __m512i size = _mm512_srli_epi64(_mm512_add_epi64(value, one), 1);
        size = _mm512_mask_sub_epi64(size, is_negative, whole, size);
        __mmask8 is_nothing = _mm512_testn_epi64_mask(size, size);

        // VPERMQ takes the low three bits of a place. No lane of size 0 finds anything, as its place is negative.
        __m512i place = _mm512_sub_epi64(size, one), group = _mm512_srai_epi64(place, 3);
        __mmask8 is_meant[entries / lanes];
        UNROLL for (int part = 0; part < entries / lanes; part++)
            is_meant[part] = _mm512_cmpeq_epi64_mask(group, _mm512_set1_epi64(part));
        __m512i found[2 * count_of_digits];
        UNROLL for (int j = 0; j < 2 * count_of_digits; j++) {
            found[j] = _mm512_setzero_si512();
            UNROLL for (int part = 0; part < entries / lanes; part++) {
                __m512i values = _mm512_load_si512(&table[index][j][lanes * part]);
                found[j] = _mm512_mask_permutexvar_epi64(found[j], is_meant[part], place, values);
            }
        }
        number x, y;
        UNROLL for (int j = 0; j < count_of_digits; j++) x.digits[j] = found[j], y.digits[j] = found[count_of_digits + j];
        y = chosen(is_negative, carried(difference(zero, y, 1)), y);

        point next = added(sum, x, y);
        // Where either is infinity the sum is the other one.
        next.x = chosen(is_empty, x, next.x);
        next.y = chosen(is_empty, y, next.y);
        next.z = chosen(is_empty, all(prime_one), next.z);
        sum.x = chosen(is_nothing, sum.x, next.x);
        sum.y = chosen(is_nothing, sum.y, next.y);
        sum.z = chosen(is_nothing, sum.z, next.z);
        is_empty &= is_nothing;
    }
    work->sum = sum;
}

/// From nonce_form = k R and sum = k G, and their inverses, the lanes' signatures. Those that are right.
APART __mmask8 finish(struct work *work)
{
    number x, y;
    affine(work, &x, &y);
    // y^2 = x^3 - 3 x + b, in which infinity is not.
    const number three = sum(all(prime_one), sum(all(prime_one), all(prime_one)));
    number factor = carried(difference(field_squared(x), carried(three), 1));
    number right = sum(field_multiply(x, factor), field_multiply(all(curve_b), all(prime_form)));
    __mmask8 is_good = equal(field_plain(field_squared(y)), field_plain(carried(right)));

    // p < 2 n.
    work->r = reduced(field_plain(x), order);
    const number square = all(order_form);
    // A product of one factor in Montgomery's form and one that is not is not.
    number product = order_multiply(order_multiply(work->r, square), work->key);
    work->s = reduced(order_multiply(work->nonce_inverse, carried(sum(work->digest, product))), order);

    // Once more, with the other factor in Montgomery's form: z + r d = s k.
    product = order_multiply(order_multiply(work->key, square), work->r);
    number left = order_multiply(carried(sum(work->digest, product)), all(order_one));
    is_good &= equal(reduced(left, order), reduced(order_multiply(work->nonce_form, work->s), order));
    return is_good & in_range(work->key) & in_range(work->nonce) & in_range(work->r) & in_range(work->s);
}

APART void sign(coffer_ecdsa_batch_operation *operations, int count, struct work *work)
{
    memset(work, 0, sizeof *work);
    for (int lane = 0; lane < lanes; lane++) {
        // Lanes that are not needed make the last signature again, with its nonce.
        const coffer_ecdsa_batch_operation *operation = &operations[lane < count ? lane : count - 1];
        enter(&work->key, lane, operation->key, work->digits);
        enter(&work->digest, lane, operation->digest, work->digits);
        enter_nonce(&work->nonce, lane, operation->nonce, work);
    }
    multiply(work);
    work->nonce_form = order_multiply(work->nonce, all(order_form));
    invert(work, 1);
    unsigned is_good = finish(work);
    for (int index = 0; index < count; index++) {
        operations[index].is_good = is_good >> index & 1;
        if (operations[index].is_good) {
            leave(operations[index].signature, &work->r, index, work->digits);
            leave(operations[index].signature + 32, &work->s, index, work->digits);
        } else {
            memset(operations[index].signature, 0, coffer_ecdsa_batch_signature);
        }
    }
    explicit_bzero(work, sizeof *work);
}

int coffer_ecdsa_batch_is_available(void)
{
    // Asks whether the system saves the registers, too.
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512ifma");
}

size_t coffer_ecdsa_batch_work_size(void) { return sizeof(struct work); }

/// Overwrites the stack that `sign` and what it calls used: the powers of `invert`, registers that were put aside.
__attribute__((noinline)) static void wipe_stack(void)
{
    uint8_t used[16384];
    explicit_bzero(used, sizeof used);
}

void coffer_ecdsa_batch_sign(coffer_ecdsa_batch_operation *operations, int count, void *work)
{
    pthread_once(&table_once, make_table);
    sign(operations, count, work);
    wipe_stack();
}

#else

int coffer_ecdsa_batch_is_available(void) { return 0; }
size_t coffer_ecdsa_batch_work_size(void) { return 0; }

void coffer_ecdsa_batch_sign(coffer_ecdsa_batch_operation *operations, int count, void *work)
{
    (void)work;
    for (int index = 0; index < count; index++) operations[index].is_good = 0;
}

#endif
