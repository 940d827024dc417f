#include "CPKCS11.h"

#include <dlfcn.h>
#include <pthread.h>
#include <string.h>

/// Calls a function of the module's, if it has it.
#define CALL(function, ...) (module->function == NULL ? CKR_FUNCTION_NOT_SUPPORTED : module->function(__VA_ARGS__))

static CK_FUNCTION_LIST *failed(const char *text, char *reason, size_t length) {
    if (length > 0) {
        reason[0] = 0;
        strncat(reason, text == NULL ? "it is no PKCS #11 module" : text, length - 1);
    }
    return NULL;
}

CK_FUNCTION_LIST *coffer_pkcs11_load(const char *path, char *reason, size_t length) {
    // Its symbols stay its own: some modules bring copies of libraries that this process has too.
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) return failed(dlerror(), reason, length);
    CK_C_GetFunctionList get = (CK_C_GetFunctionList)dlsym(library, "C_GetFunctionList");
    CK_FUNCTION_LIST *module = NULL;
    if (get == NULL || get(&module) != CKR_OK || module == NULL) {
        dlclose(library);
        return failed(NULL, reason, length);
    }
    return module;
}

CK_RV coffer_pkcs11_initialize(CK_FUNCTION_LIST *module) {
    // The one function that must not be called by two threads at a time (PKCS #11 v2.40 section 5.4).
    static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;
    CK_C_INITIALIZE_ARGS arguments = {.flags = CKF_OS_LOCKING_OK};
    pthread_mutex_lock(&turn);
    CK_RV result = CALL(C_Initialize, &arguments);
    pthread_mutex_unlock(&turn);
    return result == CKR_CRYPTOKI_ALREADY_INITIALIZED ? CKR_OK : result;
}

CK_RV coffer_pkcs11_slots(CK_FUNCTION_LIST *module, CK_SLOT_ID *slots, CK_ULONG *count) {
    CK_ULONG room = *count;
    // Some modules look for new tokens only when they are asked for the number alone.
    CK_RV result = CALL(C_GetSlotList, CK_TRUE, NULL, count);
    if (result != CKR_OK) return result;
    if (*count > room) return CKR_BUFFER_TOO_SMALL;
    *count = room;
    return CALL(C_GetSlotList, CK_TRUE, slots, count);
}

CK_RV coffer_pkcs11_token_info(CK_FUNCTION_LIST *module, CK_SLOT_ID slot, CK_TOKEN_INFO *info) {
    return CALL(C_GetTokenInfo, slot, info);
}

CK_RV coffer_pkcs11_mechanism_info(CK_FUNCTION_LIST *module, CK_SLOT_ID slot, CK_MECHANISM_TYPE type, CK_MECHANISM_INFO *info) {
    return CALL(C_GetMechanismInfo, slot, type, info);
}

CK_RV coffer_pkcs11_open_session(CK_FUNCTION_LIST *module, CK_SLOT_ID slot, CK_SESSION_HANDLE *session) {
    return CALL(C_OpenSession, slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, session);
}

CK_RV coffer_pkcs11_close_session(CK_FUNCTION_LIST *module, CK_SESSION_HANDLE session) { return CALL(C_CloseSession, session); }

CK_RV coffer_pkcs11_close_all_sessions(CK_FUNCTION_LIST *module, CK_SLOT_ID slot) { return CALL(C_CloseAllSessions, slot); }

CK_RV coffer_pkcs11_login(CK_FUNCTION_LIST *module, CK_SESSION_HANDLE session, const void *pin, CK_ULONG length) {
    return CALL(C_Login, session, CKU_USER, (CK_UTF8CHAR_PTR)pin, length);
}

CK_RV coffer_pkcs11_check_login(CK_FUNCTION_LIST *module, CK_SESSION_HANDLE session) {
    CK_SESSION_INFO info;
    CK_RV result = CALL(C_GetSessionInfo, session, &info);
    if (result != CKR_OK) return result;
    return info.state == CKS_RW_USER_FUNCTIONS ? CKR_OK : CKR_USER_NOT_LOGGED_IN;
}

CK_RV coffer_pkcs11_random(CK_FUNCTION_LIST *module, CK_SESSION_HANDLE session, void *bytes, CK_ULONG count) {
    return CALL(C_GenerateRandom, session, bytes, count);
}

CK_RV coffer_pkcs11_find(CK_FUNCTION_LIST *module, CK_SESSION_HANDLE session, CK_ATTRIBUTE *attributes, CK_ULONG attribute_count,
                         CK_OBJECT_HANDLE *objects, CK_ULONG *count) {
    CK_ULONG room = *count;
    *count = 0;
    CK_RV result = CALL(C_FindObjectsInit, session, attributes, attribute_count);
    if (result != CKR_OK) return result;
    result = CALL(C_FindObjects, session, objects, room, count);
    CK_RV ended = CALL(C_FindObjectsFinal, session);
    return result != CKR_OK ? result : ended;
}

CK_RV coffer_pkcs11_read(CK_FUNCTION_LIST *module, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE *attribute) {
    return CALL(C_GetAttributeValue, session, object, attribute, 1);
}

CK_RV coffer_pkcs11_create(CK_FUNCTION_LIST *module, CK_SESSION_HANDLE session, CK_ATTRIBUTE *attributes, CK_ULONG attribute_count,
                           CK_OBJECT_HANDLE *object) {
    return CALL(C_CreateObject, session, attributes, attribute_count, object);
}

CK_RV coffer_pkcs11_destroy(CK_FUNCTION_LIST *module, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object) {
    return CALL(C_DestroyObject, session, object);
}

CK_RV coffer_pkcs11_generate_pair(CK_FUNCTION_LIST *module, CK_SESSION_HANDLE session, CK_MECHANISM *mechanism,
                                  CK_ATTRIBUTE *public_attributes, CK_ULONG public_count, CK_ATTRIBUTE *private_attributes,
                                  CK_ULONG private_count, CK_OBJECT_HANDLE *public_key, CK_OBJECT_HANDLE *private_key) {
    return CALL(C_GenerateKeyPair, session, mechanism, public_attributes, public_count, private_attributes, private_count, public_key,
                private_key);
}

CK_RV coffer_pkcs11_generate_key(CK_FUNCTION_LIST *module, CK_SESSION_HANDLE session, CK_MECHANISM *mechanism,
                                 CK_ATTRIBUTE *attributes, CK_ULONG attribute_count, CK_OBJECT_HANDLE *key) {
    return CALL(C_GenerateKey, session, mechanism, attributes, attribute_count, key);
}

CK_RV coffer_pkcs11_wrap(CK_FUNCTION_LIST *module, CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE wrapping,
                         CK_OBJECT_HANDLE key, void *wrapped, CK_ULONG *length) {
    return CALL(C_WrapKey, session, mechanism, wrapping, key, wrapped, length);
}

CK_RV coffer_pkcs11_unwrap(CK_FUNCTION_LIST *module, CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE wrapping,
                           const void *wrapped, CK_ULONG length, CK_ATTRIBUTE *attributes, CK_ULONG attribute_count,
                           CK_OBJECT_HANDLE *key) {
    return CALL(C_UnwrapKey, session, mechanism, wrapping, (CK_BYTE_PTR)wrapped, length, attributes, attribute_count, key);
}

CK_RV coffer_pkcs11_run(CK_FUNCTION_LIST *module, CK_SESSION_HANDLE session, int operation, CK_MECHANISM *mechanism,
                        CK_OBJECT_HANDLE key, const void *input, CK_ULONG input_length, void *output, CK_ULONG *length) {
    CK_RV result = CKR_FUNCTION_NOT_SUPPORTED;
    switch (operation) {
        case coffer_pkcs11_sign: result = CALL(C_SignInit, session, mechanism, key); break;
        case coffer_pkcs11_encrypt: result = CALL(C_EncryptInit, session, mechanism, key); break;
        case coffer_pkcs11_decrypt: result = CALL(C_DecryptInit, session, mechanism, key); break;
    }
    if (result != CKR_OK) return result;
    switch (operation) {
        case coffer_pkcs11_sign: return CALL(C_Sign, session, (CK_BYTE_PTR)input, input_length, output, length);
        case coffer_pkcs11_encrypt: return CALL(C_Encrypt, session, (CK_BYTE_PTR)input, input_length, output, length);
        default: return CALL(C_Decrypt, session, (CK_BYTE_PTR)input, input_length, output, length);
    }
}
