// OpenSSL 3 as CofferCrypto sees it, with inline functions for what Swift cannot import (macros, stacks) or should not
// loop over (sectors).
#pragma once
#include <openssl/aes.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/provider.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <time.h>

/// Runs an XTS context, which holds key and direction, over `count` data units of `unit` bytes in place. The tweak of a
/// unit is its number, little-endian in 16 bytes, from `first` on (IEEE Std 1619 section 5.1). 1, or 0 on failure.
static inline int coffer_xts(EVP_CIPHER_CTX *context, unsigned char *bytes, size_t count, int unit, uint64_t first)
{
    unsigned char tweak[16] = {0};
    for (size_t index = 0; index < count; index++) {
        uint64_t number = first + index;
        for (int byte = 0; byte < 8; byte++) tweak[byte] = (unsigned char)(number >> (8 * byte));
        int written = 0;
        if (EVP_CipherInit_ex(context, NULL, NULL, NULL, tweak, -1) != 1) return 0;
        if (EVP_CipherUpdate(context, bytes, &written, bytes, unit) != 1 || written != unit) return 0;
        bytes += unit;
    }
    return 1;
}

/// HMAC (FIPS 198-1) with the digest of that name. `length` is the digest's. 1, or 0 on failure.
static inline int coffer_hmac(EVP_MAC *mac, const char *digest, const unsigned char *key, size_t key_length,
                              const unsigned char *message, size_t message_length, unsigned char *out, size_t length)
{
    EVP_MAC_CTX *context = EVP_MAC_CTX_new(mac);
    if (context == NULL) return 0;
    OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *)digest, 0),
        OSSL_PARAM_construct_end(),
    };
    size_t written = 0;
    int good = EVP_MAC_init(context, key, key_length, parameters) == 1
        && (message_length == 0 || EVP_MAC_update(context, message, message_length) == 1)
        && EVP_MAC_final(context, out, &written, length) == 1 && written == length;
    EVP_MAC_CTX_free(context);
    return good;
}

enum { coffer_hkdf_both = EVP_KDF_HKDF_MODE_EXTRACT_AND_EXPAND,
       coffer_hkdf_extract = EVP_KDF_HKDF_MODE_EXTRACT_ONLY,
       coffer_hkdf_expand = EVP_KDF_HKDF_MODE_EXPAND_ONLY };

/// HKDF (RFC 5869), whole or one of its two steps. Absent salt or info have length 0. 1, or 0 on failure.
static inline int coffer_hkdf(EVP_KDF *kdf, int mode, const char *digest, const unsigned char *key, size_t key_length,
                              const unsigned char *salt, size_t salt_length, const unsigned char *info,
                              size_t info_length, unsigned char *out, size_t length)
{
    EVP_KDF_CTX *context = EVP_KDF_CTX_new(kdf);
    if (context == NULL) return 0;
    OSSL_PARAM parameters[6], *next = parameters;
    *next++ = OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode);
    *next++ = OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char *)digest, 0);
    *next++ = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)key, key_length);
    if (salt_length > 0) *next++ = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, (void *)salt, salt_length);
    if (info_length > 0) *next++ = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, (void *)info, info_length);
    *next = OSSL_PARAM_construct_end();
    int good = EVP_KDF_derive(context, out, length, parameters) == 1;
    EVP_KDF_CTX_free(context);
    return good;
}

/// Where a memory BIO keeps its bytes, which stay the BIO's.
static inline size_t coffer_bio_bytes(BIO *bio, const unsigned char **bytes)
{
    char *start = NULL;
    long count = BIO_get_mem_data(bio, &start);
    *bytes = (const unsigned char *)start;
    return count > 0 ? (size_t)count : 0;
}

/// Appends one name of the given type (`GEN_DNS`, `GEN_IPADD`, `GEN_EMAIL`) to a subject alternative name. 1, or 0 on
/// failure.
static inline int coffer_push_name(GENERAL_NAMES *names, int type, const unsigned char *bytes, int count)
{
    GENERAL_NAME *name = GENERAL_NAME_new();
    ASN1_STRING *value = ASN1_STRING_type_new(type == GEN_IPADD ? V_ASN1_OCTET_STRING : V_ASN1_IA5STRING);
    if (name == NULL || value == NULL || ASN1_STRING_set(value, bytes, count) != 1) {
        GENERAL_NAME_free(name);
        ASN1_STRING_free(value);
        return 0;
    }
    GENERAL_NAME_set0_value(name, type, value);
    if (sk_GENERAL_NAME_push(names, name) > 0) return 1;
    GENERAL_NAME_free(name);
    return 0;
}

/// Appends a user principal name, an `otherName` of UTF-8, to a subject alternative name. 1, or 0 on failure.
static inline int coffer_push_user(GENERAL_NAMES *names, const unsigned char *bytes, int count)
{
    GENERAL_NAME *name = GENERAL_NAME_new();
    ASN1_STRING *text = ASN1_STRING_type_new(V_ASN1_UTF8STRING);
    ASN1_TYPE *value = ASN1_TYPE_new();
    if (name == NULL || value == NULL || text == NULL || ASN1_STRING_set(text, bytes, count) != 1) {
        GENERAL_NAME_free(name);
        ASN1_STRING_free(text);
        ASN1_TYPE_free(value);
        return 0;
    }
    ASN1_TYPE_set(value, V_ASN1_UTF8STRING, text);
    if (GENERAL_NAME_set0_othername(name, OBJ_nid2obj(NID_ms_upn), value) != 1) {
        ASN1_TYPE_free(value);
    } else if (sk_GENERAL_NAME_push(names, name) > 0) {
        return 1;
    }
    GENERAL_NAME_free(name);
    return 0;
}

/// The name at `index` of a subject alternative name: its type, and its bytes, which stay the names'. `GEN_OTHERNAME` is a
/// user principal name; names of kinds not listed above have type -2. Type -1 past the last name.
static inline int coffer_name_at(GENERAL_NAMES *names, int index, const unsigned char **bytes, int *count)
{
    *bytes = NULL;
    *count = 0;
    if (index >= sk_GENERAL_NAME_num(names)) return -1;
    int type = -2;
    const void *found = GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(names, index), &type);
    const ASN1_STRING *value = NULL;
    if (type == GEN_DNS || type == GEN_IPADD || type == GEN_EMAIL) {
        value = (const ASN1_STRING *)found;
    } else if (type == GEN_OTHERNAME) {
        const OTHERNAME *other = (const OTHERNAME *)found;
        if (OBJ_obj2nid(other->type_id) == NID_ms_upn && other->value != NULL && other->value->type == V_ASN1_UTF8STRING) {
            value = other->value->value.utf8string;
        }
    }
    if (value == NULL) return -2;
    *bytes = ASN1_STRING_get0_data(value);
    *count = ASN1_STRING_length(value);
    return type;
}

/// The extensions of a certificate or a request in the making.
typedef STACK_OF(X509_EXTENSION) coffer_extensions;

static inline void coffer_extensions_free(coffer_extensions *list)
{
    sk_X509_EXTENSION_pop_free(list, X509_EXTENSION_free);
}

/// Adds basicConstraints (RFC 5280 section 4.2.1.9), critical; of an authority with the path length 0. 1, or 0 on failure.
static inline int coffer_add_constraints(coffer_extensions **list, int is_authority)
{
    BASIC_CONSTRAINTS *value = BASIC_CONSTRAINTS_new();
    if (value == NULL) return 0;
    value->ca = is_authority ? 0xff : 0;
    int good = !is_authority || ((value->pathlen = ASN1_INTEGER_new()) != NULL && ASN1_INTEGER_set(value->pathlen, 0) == 1);
    good = good && X509V3_add1_i2d(list, NID_basic_constraints, value, 1, X509V3_ADD_APPEND) == 1;
    BASIC_CONSTRAINTS_free(value);
    return good;
}

/// Adds keyUsage (RFC 5280 section 4.2.1.3), critical. Bit i of `usage` is bit i there. 1, or 0 on failure.
static inline int coffer_add_usage(coffer_extensions **list, unsigned usage)
{
    ASN1_BIT_STRING *value = ASN1_BIT_STRING_new();
    int good = value != NULL;
    for (int bit = 0; good && bit < 9; bit++) {
        if (usage >> bit & 1) good = ASN1_BIT_STRING_set_bit(value, bit, 1) == 1;
    }
    good = good && X509V3_add1_i2d(list, NID_key_usage, value, 1, X509V3_ADD_APPEND) == 1;
    ASN1_BIT_STRING_free(value);
    return good;
}

/// Appends a purpose, by its object identifier with dots, to an extendedKeyUsage. 1, or 0 on failure.
static inline int coffer_push_purpose(EXTENDED_KEY_USAGE *purposes, const char *identifier)
{
    ASN1_OBJECT *object = OBJ_txt2obj(identifier, 1);
    if (object != NULL && sk_ASN1_OBJECT_push(purposes, object) > 0) return 1;
    ASN1_OBJECT_free(object);
    return 0;
}

/// Adds subjectKeyIdentifier (RFC 5280 section 4.2.1.2) and, where `is_authority` is set, its pendant of the issuer. 1, or 0
/// on failure.
static inline int coffer_add_identifier(coffer_extensions **list, const unsigned char *bytes, int count, int is_authority)
{
    ASN1_OCTET_STRING *octets = ASN1_OCTET_STRING_new();
    AUTHORITY_KEYID *authority = AUTHORITY_KEYID_new();
    int good = octets != NULL && authority != NULL && ASN1_OCTET_STRING_set(octets, bytes, count) == 1;
    if (good && is_authority) {
        authority->keyid = octets;
        good = X509V3_add1_i2d(list, NID_authority_key_identifier, authority, 0, X509V3_ADD_APPEND) == 1;
        authority->keyid = NULL;
    } else if (good) {
        good = X509V3_add1_i2d(list, NID_subject_key_identifier, octets, 0, X509V3_ADD_APPEND) == 1;
    }
    ASN1_OCTET_STRING_free(octets);
    AUTHORITY_KEYID_free(authority);
    return good;
}

/// Gives every extension of the list to the certificate. 1, or 0 on failure.
static inline int coffer_extend(X509 *certificate, const coffer_extensions *list)
{
    for (int index = 0; index < sk_X509_EXTENSION_num(list); index++) {
        if (X509_add_ext(certificate, sk_X509_EXTENSION_value(list, index), -1) != 1) return 0;
    }
    return 1;
}

/// How often an encryption by a password (RFC 8018, RFC 7292 appendix B) hashes it. -1 if it is another kind of
/// encryption, or absurd.
static inline long coffer_iterations(const X509_ALGOR *algorithm)
{
    long count = -1;
    if (algorithm == NULL || algorithm->parameter == NULL) return -1;
    if (OBJ_obj2nid(algorithm->algorithm) != NID_pbes2) {
        PBEPARAM *parameters = (PBEPARAM *)ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(PBEPARAM), algorithm->parameter);
        if (parameters != NULL) count = ASN1_INTEGER_get(parameters->iter);
        PBEPARAM_free(parameters);
        return count;
    }
    PBE2PARAM *scheme = (PBE2PARAM *)ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(PBE2PARAM), algorithm->parameter);
    if (scheme != NULL && OBJ_obj2nid(scheme->keyfunc->algorithm) == NID_id_pbkdf2 && scheme->keyfunc->parameter != NULL) {
        PBKDF2PARAM *parameters =
            (PBKDF2PARAM *)ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(PBKDF2PARAM), scheme->keyfunc->parameter);
        if (parameters != NULL) count = ASN1_INTEGER_get(parameters->iter);
        PBKDF2PARAM_free(parameters);
    }
    PBE2PARAM_free(scheme);
    return count;
}

/// A list of certificates of which it owns references.
static inline void coffer_certificates_free(STACK_OF(X509) *list)
{
    sk_X509_pop_free(list, X509_free);
}

static inline void coffer_bags_free(STACK_OF(PKCS12_SAFEBAG) *list)
{
    sk_PKCS12_SAFEBAG_pop_free(list, PKCS12_SAFEBAG_free);
}

static inline void coffer_safes_free(STACK_OF(PKCS7) *list)
{
    sk_PKCS7_pop_free(list, PKCS7_free);
}

/// Numbers of an RSA key in the making.
typedef struct {
    OSSL_PARAM_BLD *builder;
    BIGNUM *numbers[8];
    int count;
} coffer_rsa_numbers;

/// Wipes and frees the numbers.
static inline void coffer_rsa_numbers_free(coffer_rsa_numbers *key)
{
    if (key == NULL) return;
    OSSL_PARAM_BLD_free(key->builder);
    for (int index = 0; index < key->count; index++) BN_clear_free(key->numbers[index]);
    OPENSSL_free(key);
}

static inline coffer_rsa_numbers *coffer_rsa_numbers_new(void)
{
    coffer_rsa_numbers *key = (coffer_rsa_numbers *)OPENSSL_zalloc(sizeof(coffer_rsa_numbers));
    if (key != NULL && (key->builder = OSSL_PARAM_BLD_new()) == NULL) {
        OPENSSL_free(key);
        return NULL;
    }
    return key;
}

/// Adds a big-endian number by OpenSSL's name for it (EVP_PKEY-RSA(7)), which must live as long as `key`. Secure
/// numbers, so that the builder wipes its copies too. 1, or 0 on failure.
static inline int coffer_rsa_numbers_add(coffer_rsa_numbers *key, const unsigned char *name,
                                         const unsigned char *bytes, int length)
{
    if (key->count >= 8) return 0;
    BIGNUM *number = BN_secure_new();
    if (number == NULL) return 0;
    key->numbers[key->count++] = number;
    return BN_bin2bn(bytes, length, number) != NULL && !BN_is_zero(number)
        && OSSL_PARAM_BLD_push_BN(key->builder, (const char *)name, number) == 1;
}

/// The key of the numbers, a pair or the public half alone, or NULL.
static inline EVP_PKEY *coffer_rsa_numbers_key(coffer_rsa_numbers *key, int is_pair)
{
    EVP_PKEY *made = NULL;
    OSSL_PARAM *parameters = OSSL_PARAM_BLD_to_param(key->builder);
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    if (parameters != NULL && context != NULL && EVP_PKEY_fromdata_init(context) == 1
        && EVP_PKEY_fromdata(context, &made, is_pair ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY, parameters) != 1) {
        made = NULL;
    }
    EVP_PKEY_CTX_free(context);
    OSSL_PARAM_free(parameters);
    return made;
}

/// The EC key on the curve of that name at `point` (SEC 1 section 2.3.3), with the private scalar where `scalar_length`
/// is not 0, or NULL. The scalar is a secure number, so that the builder wipes its copy too.
static inline EVP_PKEY *coffer_ec_key(const char *curve, const unsigned char *point, size_t point_length,
                                      const unsigned char *scalar, int scalar_length)
{
    EVP_PKEY *made = NULL;
    OSSL_PARAM *parameters = NULL;
    BIGNUM *number = BN_secure_new();
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    int good = number != NULL && builder != NULL && context != NULL
        && OSSL_PARAM_BLD_push_utf8_string(builder, OSSL_PKEY_PARAM_GROUP_NAME, curve, 0) == 1
        && OSSL_PARAM_BLD_push_octet_string(builder, OSSL_PKEY_PARAM_PUB_KEY, point, point_length) == 1;
    if (good && scalar_length > 0) {
        good = BN_bin2bn(scalar, scalar_length, number) != NULL && !BN_is_zero(number)
            && OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_PRIV_KEY, number) == 1;
    }
    int selection = scalar_length > 0 ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY;
    if (good && (parameters = OSSL_PARAM_BLD_to_param(builder)) != NULL && EVP_PKEY_fromdata_init(context) == 1
        && EVP_PKEY_fromdata(context, &made, selection, parameters) != 1) {
        made = NULL;
    }
    EVP_PKEY_CTX_free(context);
    OSSL_PARAM_free(parameters);
    OSSL_PARAM_BLD_free(builder);
    BN_clear_free(number);
    return made;
}

/// The plaintext in a block that raw RSA decryption gave (RFC 8017 section 7.1.2 step 3), without a label and with MGF1 of the same
/// digest, in time that does not depend on the block. The plaintext's length, or -1 where the block is no encoding.
static inline int coffer_oaep_decode(const EVP_MD *digest, const unsigned char *block, int length, unsigned char *plaintext)
{
    return RSA_padding_check_PKCS1_OAEP_mgf1(plaintext, length, block, length, length, NULL, 0, digest, digest);
}

/// A context for one side of connections over TLS 1.2 and 1.3 in which both sides show a certificate, without resumption,
/// renegotiation or compression; or NULL.
static inline SSL_CTX *coffer_tls_context(int is_server)
{
    SSL_CTX *context = SSL_CTX_new(is_server ? TLS_server_method() : TLS_client_method());
    if (context == NULL) return NULL;
    SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET);
    SSL_CTX_set_mode(context, SSL_MODE_AUTO_RETRY);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_read_ahead(context, 1);
    SSL_CTX_set_default_read_buffer_len(context, 256 << 10);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    if (SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1
        && SSL_CTX_set_cipher_list(context, "ECDHE+AESGCM:ECDHE+CHACHA20") == 1 && SSL_CTX_set_num_tickets(context, 0) == 1) {
        return context;
    }
    SSL_CTX_free(context);
    return NULL;
}

/// Adds a certificate that is sent behind the own one. 1, or 0 on failure.
static inline int coffer_tls_add_issuer(SSL_CTX *context, X509 *certificate)
{
    return (int)SSL_CTX_add1_chain_cert(context, certificate);
}

/// Has the other side refused unless its certificate is for `host`, a name or an address. 1, or 0 on failure.
static inline int coffer_tls_expect(SSL *tls, const char *host)
{
    X509_VERIFY_PARAM *parameters = SSL_get0_param(tls);
    if (X509_VERIFY_PARAM_set1_ip_asc(parameters, host) == 1) return 1;
    ERR_clear_error();
    return X509_VERIFY_PARAM_set1_host(parameters, host, 0) == 1 && SSL_set_tlsext_host_name(tls, host) == 1;
}

/// Shakes hands on a blocking socket within so many milliseconds, after which the socket blocks again. 1, or 0.
static inline int coffer_tls_handshake(SSL *tls, int socket, long milliseconds)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    long long end = now.tv_sec * 1000LL + now.tv_nsec / 1000000 + milliseconds;
    int flags = fcntl(socket, F_GETFL);
    if (flags < 0 || fcntl(socket, F_SETFL, flags | O_NONBLOCK) != 0) return 0;
    int status;
    while ((status = SSL_do_handshake(tls)) != 1) {
        int wish = SSL_get_error(tls, status);
        if (wish != SSL_ERROR_WANT_READ && wish != SSL_ERROR_WANT_WRITE) break;
        clock_gettime(CLOCK_MONOTONIC, &now);
        long long left = end - (now.tv_sec * 1000LL + now.tv_nsec / 1000000);
        if (left <= 0) break;
        struct pollfd wait = {.fd = socket, .events = wish == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT};
        if (poll(&wait, 1, (int)left) < 0 && errno != EINTR) break;
    }
    return fcntl(socket, F_SETFL, flags) == 0 && status == 1;
}
