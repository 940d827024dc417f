// PKCS #11 v2.40 (OASIS) as CofferToken sees it: the types and constants of p11-kit's header, and one function for each of a
// module's that Coffer calls, so that a module without it answers CKR_FUNCTION_NOT_SUPPORTED instead of ending the process.
#pragma once
#include <p11-kit-1/p11-kit/pkcs11.h>

/// Loads the shared library at `path` and asks it for its functions, which stay until the process ends. NULL on failure;
/// then `reason` holds what the dynamic linker said, cut to `length` bytes.
CK_FUNCTION_LIST *coffer_pkcs11_load(const char *path, char *reason, size_t length);

/// C_Initialize for many threads that lock by the operating system. A module that is in use in this process already is fine.
CK_RV coffer_pkcs11_initialize(CK_FUNCTION_LIST *module);

/// Up to `*count` ids of slots with a token in them; `*count` becomes how many there are.
CK_RV coffer_pkcs11_slots(CK_FUNCTION_LIST *module, CK_SLOT_ID *slots, CK_ULONG *count);
CK_RV coffer_pkcs11_token_info(CK_FUNCTION_LIST *module, CK_SLOT_ID slot, CK_TOKEN_INFO *info);
CK_RV coffer_pkcs11_mechanism_info(CK_FUNCTION_LIST *module, CK_SLOT_ID slot, CK_MECHANISM_TYPE type, CK_MECHANISM_INFO *info);

/// A session that may write.
CK_RV coffer_pkcs11_open_session(CK_FUNCTION_LIST *module, CK_SLOT_ID slot, CK_SESSION_HANDLE *session);
CK_RV coffer_pkcs11_close_session(CK_FUNCTION_LIST *module, CK_SESSION_HANDLE session);
CK_RV coffer_pkcs11_close_all_sessions(CK_FUNCTION_LIST *module, CK_SLOT_ID slot);
CK_RV coffer_pkcs11_login(CK_FUNCTION_LIST *module, CK_SESSION_HANDLE session, const void *pin, CK_ULONG length);
/// CKR_OK if the session may use private keys, CKR_USER_NOT_LOGGED_IN if not.
CK_RV coffer_pkcs11_check_login(CK_FUNCTION_LIST *module, CK_SESSION_HANDLE session);
CK_RV coffer_pkcs11_random(CK_FUNCTION_LIST *module, CK_SESSION_HANDLE session, void *bytes, CK_ULONG count);

/// Up to `*count` objects that have all `attributes`; `*count` becomes how many were found.
CK_RV coffer_pkcs11_find(CK_FUNCTION_LIST *module, CK_SESSION_HANDLE session, CK_ATTRIBUTE *attributes, CK_ULONG attribute_count,
                         CK_OBJECT_HANDLE *objects, CK_ULONG *count);
CK_RV coffer_pkcs11_read(CK_FUNCTION_LIST *module, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE *attribute);
CK_RV coffer_pkcs11_create(CK_FUNCTION_LIST *module, CK_SESSION_HANDLE session, CK_ATTRIBUTE *attributes, CK_ULONG attribute_count,
                           CK_OBJECT_HANDLE *object);
CK_RV coffer_pkcs11_destroy(CK_FUNCTION_LIST *module, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object);

CK_RV coffer_pkcs11_generate_pair(CK_FUNCTION_LIST *module, CK_SESSION_HANDLE session, CK_MECHANISM *mechanism,
                                  CK_ATTRIBUTE *public_attributes, CK_ULONG public_count, CK_ATTRIBUTE *private_attributes,
                                  CK_ULONG private_count, CK_OBJECT_HANDLE *public_key, CK_OBJECT_HANDLE *private_key);
CK_RV coffer_pkcs11_generate_key(CK_FUNCTION_LIST *module, CK_SESSION_HANDLE session, CK_MECHANISM *mechanism,
                                 CK_ATTRIBUTE *attributes, CK_ULONG attribute_count, CK_OBJECT_HANDLE *key);
CK_RV coffer_pkcs11_wrap(CK_FUNCTION_LIST *module, CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE wrapping,
                         CK_OBJECT_HANDLE key, void *wrapped, CK_ULONG *length);
CK_RV coffer_pkcs11_unwrap(CK_FUNCTION_LIST *module, CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE wrapping,
                           const void *wrapped, CK_ULONG length, CK_ATTRIBUTE *attributes, CK_ULONG attribute_count,
                           CK_OBJECT_HANDLE *key);

/// What coffer_pkcs11_run can do with a key.
enum { coffer_pkcs11_sign, coffer_pkcs11_encrypt, coffer_pkcs11_decrypt };

/// One of those, begun and ended. `*length` is the room at `output` and becomes the length of what was written there.
CK_RV coffer_pkcs11_run(CK_FUNCTION_LIST *module, CK_SESSION_HANDLE session, int operation, CK_MECHANISM *mechanism,
                        CK_OBJECT_HANDLE key, const void *input, CK_ULONG input_length, void *output, CK_ULONG *length);
