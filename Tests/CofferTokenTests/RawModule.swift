import CPKCS11
import CofferPlatform
import CofferTesting
import Testing

/// The module as any other program of the machine would use it, logged in.
@safe
struct RawModule {
    let functions: UnsafeMutablePointer<CK_FUNCTION_LIST>
    let slot: CK_SLOT_ID
    let session: CK_SESSION_HANDLE

    init(token label: String = SoftToken.shared) throws {
        var reason = [CChar](repeating: 0, count: 100)
        unsafe functions = try #require(unsafe coffer_pkcs11_load(SoftToken.module, &reason, reason.count))
        #expect(unsafe coffer_pkcs11_initialize(functions) == CKR_OK)
        var slots = [CK_SLOT_ID](repeating: 0, count: 16)
        var count = CK_ULONG(slots.count)
        #expect(unsafe coffer_pkcs11_slots(functions, &slots, &count) == CKR_OK)
        let functions = unsafe functions
        slot = try #require(
            slots.prefix(Int(count)).first { slot in
                var info = CK_TOKEN_INFO()
                guard unsafe coffer_pkcs11_token_info(functions, slot, &info) == CKR_OK else { return false }
                return unsafe withUnsafeBytes(of: info.label) { unsafe String(decoding: $0, as: UTF8.self) }.hasPrefix(label + " ")
            })
        var session: CK_SESSION_HANDLE = 0
        #expect(unsafe coffer_pkcs11_open_session(functions, slot, &session) == CKR_OK)
        self.session = session
        let code = unsafe coffer_pkcs11_login(functions, session, SoftToken.pin, CK_ULONG(SoftToken.pin.utf8.count))
        #expect([CKR_OK, CKR_USER_ALREADY_LOGGED_IN].contains(code))
    }

    func object(_ id: TokenKeyID) throws -> CK_OBJECT_HANDLE {
        var bytes = id.bytes
        var objects = [CK_OBJECT_HANDLE](repeating: 0, count: 4)
        var count = CK_ULONG(4)
        let code = unsafe bytes.withUnsafeMutableBytes { bytes in
            var attribute = unsafe CK_ATTRIBUTE(type: CK_ATTRIBUTE_TYPE(CKA_ID), pValue: bytes.baseAddress, ulValueLen: 16)
            return unsafe coffer_pkcs11_find(functions, session, &attribute, 1, &objects, &count)
        }
        #expect(code == CKR_OK && count == 1)
        return objects[0]
    }

    func read(_ type: CK_ATTRIBUTE_TYPE, of object: CK_OBJECT_HANDLE) -> CK_RV {
        value(type, of: object).code
    }

    func label(of object: CK_OBJECT_HANDLE) -> String {
        String(decoding: value(CK_ATTRIBUTE_TYPE(CKA_LABEL), of: object).bytes, as: UTF8.self)
    }

    private func value(_ type: CK_ATTRIBUTE_TYPE, of object: CK_OBJECT_HANDLE) -> (code: CK_RV, bytes: [UInt8]) {
        var room = [UInt8](repeating: 0, count: 1024)
        var length = 0
        let code = unsafe room.withUnsafeMutableBytes { room in
            var attribute = unsafe CK_ATTRIBUTE(type: type, pValue: room.baseAddress, ulValueLen: 1024)
            let code = unsafe coffer_pkcs11_read(functions, session, object, &attribute)
            unsafe length = attribute.ulValueLen <= 1024 ? Int(attribute.ulValueLen) : 0
            return code
        }
        return (code, Array(room.prefix(length)))
    }

    /// Tries to wrap a key under one that the caller knows.
    func wrap(_ object: CK_OBJECT_HANDLE) -> CK_RV {
        var secret = [UInt8](repeating: 7, count: 32)
        var wrapping: CK_OBJECT_HANDLE = 0
        let made = unsafe with([(CKA_CLASS, number(CKO_SECRET_KEY)), (CKA_KEY_TYPE, number(CKK_AES)), (CKA_WRAP, [1]), (CKA_VALUE, secret)]) {
            unsafe coffer_pkcs11_create(functions, session, $0, $1, &wrapping)
        }
        guard made == CKR_OK else { return made }
        var mechanism = unsafe CK_MECHANISM(mechanism: CK_MECHANISM_TYPE(CKM_AES_KEY_WRAP_PAD), pParameter: nil, ulParameterLen: 0)
        secret = [UInt8](repeating: 0, count: 4096)
        var length = CK_ULONG(secret.count)
        return unsafe coffer_pkcs11_wrap(functions, session, &mechanism, wrapping, object, &secret, &length)
    }

    /// Tries to lift the protection of a key.
    func makeExtractable(_ object: CK_OBJECT_HANDLE) -> CK_RV {
        unsafe with([(CKA_EXTRACTABLE, [1])]) { unsafe functions.pointee.C_SetAttributeValue?(session, object, $0, $1) ?? CKR_OK }
    }

    func closeAllSessions() -> CK_RV { unsafe coffer_pkcs11_close_all_sessions(functions, slot) }

    func logOut() -> CK_RV { unsafe functions.pointee.C_Logout?(session) ?? CKR_FUNCTION_NOT_SUPPORTED }

    private func number(_ value: CK_ULONG) -> [UInt8] {
        unsafe withUnsafeBytes(of: value) { unsafe Array($0) }
    }

    private func with(
        _ entries: [(CK_ATTRIBUTE_TYPE, [UInt8])], _ body: (UnsafeMutablePointer<CK_ATTRIBUTE>?, CK_ULONG) -> CK_RV
    ) -> CK_RV {
        var bytes = entries.flatMap(\.1)
        return unsafe bytes.withUnsafeMutableBytes { bytes in
            var start = 0
            var attributes = unsafe entries.map { entry in
                defer { start += entry.1.count }
                return unsafe CK_ATTRIBUTE(type: entry.0, pValue: bytes.baseAddress.map { unsafe $0 + start }, ulValueLen: CK_ULONG(entry.1.count))
            }
            let count = unsafe CK_ULONG(attributes.count)
            return unsafe body(&attributes, count)
        }
    }
}
