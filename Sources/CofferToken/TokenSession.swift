import CPKCS11
import CofferCore
import CofferPlatform

/// A session with a token, which one thread uses at a time.
struct TokenSession {
    enum Use {
        case sign, encrypt, decrypt

        var number: Int32 {
            switch self {
            case .sign: Int32(coffer_pkcs11_sign)
            case .encrypt: Int32(coffer_pkcs11_encrypt)
            case .decrypt: Int32(coffer_pkcs11_decrypt)
            }
        }

        var name: String {
            switch self {
            case .sign: "sign"
            case .encrypt: "encrypt"
            case .decrypt: "decrypt"
            }
        }
    }

    let module: TokenModule
    let handle: CK_SESSION_HANDLE

    init(module: TokenModule, slot: CK_SLOT_ID) throws(CryptokiError) {
        var handle: CK_SESSION_HANDLE = 0
        try CryptokiError.check(unsafe coffer_pkcs11_open_session(module.functions, slot, &handle), "open a session")
        self.module = module
        self.handle = handle
    }

    func close() {
        _ = unsafe coffer_pkcs11_close_session(module.functions, handle)
    }

    /// Logs the whole process in to the token; being logged in already is fine.
    func logIn(_ pin: borrowing SecretBytes) throws(CryptokiError) {
        let code = pin.withBytes { pin in
            unsafe pin.withUnsafeBytes { unsafe coffer_pkcs11_login(module.functions, handle, $0.baseAddress, CK_ULONG($0.count)) }
        }
        guard code != CKR_USER_ALREADY_LOGGED_IN else { return }
        try CryptokiError.check(code, "log in")
    }

    /// Up to 4 objects that have all attributes of the template.
    func find(_ template: ObjectTemplate) throws(CryptokiError) -> [CK_OBJECT_HANDLE] {
        var objects = [CK_OBJECT_HANDLE](repeating: 0, count: 4)
        var count = CK_ULONG(objects.count)
        let code = unsafe template.withAttributes { attributes, number in
            unsafe coffer_pkcs11_find(module.functions, handle, attributes, number, &objects, &count)
        }
        try CryptokiError.check(code, "look for a key")
        // Without a login a token hides its private keys instead of refusing them.
        if count == 0 { try CryptokiError.check(unsafe coffer_pkcs11_check_login(module.functions, handle), "look for a key") }
        return Array(objects.prefix(Int(min(count, 4))))
    }

    /// An attribute's value, of at most 4096 bytes.
    func read(_ type: CK_ATTRIBUTE_TYPE, of object: CK_OBJECT_HANDLE) throws(CryptokiError) -> SecretBytes {
        let room = 4096
        var length = 0
        let value = try SecretBytes(count: room) { (span: inout MutableRawSpan) throws(CryptokiError) in
            let code = unsafe span.withUnsafeMutableBytes { target -> CK_RV in
                var attribute = unsafe CK_ATTRIBUTE(type: type, pValue: target.baseAddress, ulValueLen: CK_ULONG(target.count))
                let code = unsafe coffer_pkcs11_read(module.functions, handle, object, &attribute)
                unsafe length = attribute.ulValueLen <= CK_ULONG(room) ? Int(attribute.ulValueLen) : 0
                return code
            }
            try CryptokiError.check(code, "read an attribute")
        }
        return value.withBytes { SecretBytes(copying: $0.extracting(first: length)) }
    }

    /// A public attribute's value.
    func readPublic(_ type: CK_ATTRIBUTE_TYPE, of object: CK_OBJECT_HANDLE) throws(CryptokiError) -> [UInt8] {
        try read(type, of: object).withBytes { bytes in unsafe bytes.withUnsafeBytes { unsafe Array($0) } }
    }

    /// Makes a pair.
    func generatePair(
        _ mechanism: TokenMechanism, publicHalf: ObjectTemplate, privateHalf: ObjectTemplate
    ) throws(CryptokiError) -> (publicKey: CK_OBJECT_HANDLE, privateKey: CK_OBJECT_HANDLE) {
        var publicKey: CK_OBJECT_HANDLE = 0
        var privateKey: CK_OBJECT_HANDLE = 0
        let code = unsafe mechanism.withMechanism { mechanism in
            unsafe publicHalf.withAttributes { publicAttributes, publicCount in
                unsafe privateHalf.withAttributes { privateAttributes, privateCount in
                    unsafe coffer_pkcs11_generate_pair(
                        module.functions, handle, mechanism, publicAttributes, publicCount, privateAttributes, privateCount, &publicKey,
                        &privateKey)
                }
            }
        }
        try CryptokiError.check(code, "make a key")
        return (publicKey, privateKey)
    }

    /// Makes a secret key.
    func generateKey(_ mechanism: TokenMechanism, _ template: ObjectTemplate) throws(CryptokiError) {
        var key: CK_OBJECT_HANDLE = 0
        let code = unsafe mechanism.withMechanism { mechanism in
            unsafe template.withAttributes { unsafe coffer_pkcs11_generate_key(module.functions, handle, mechanism, $0, $1, &key) }
        }
        try CryptokiError.check(code, "make a key")
    }

    /// Makes an object of bytes.
    func create(_ template: ObjectTemplate, value: borrowing SecretBytes) throws(CryptokiError) -> CK_OBJECT_HANDLE {
        var object: CK_OBJECT_HANDLE = 0
        let code = unsafe template.withAttributes(value: value) { unsafe coffer_pkcs11_create(module.functions, handle, $0, $1, &object) }
        try CryptokiError.check(code, "take a key")
        return object
    }

    func destroy(_ object: CK_OBJECT_HANDLE) throws(CryptokiError) {
        try CryptokiError.check(unsafe coffer_pkcs11_destroy(module.functions, handle, object), "destroy a key")
    }

    /// `key` under `wrapping`.
    func wrap(
        _ key: CK_OBJECT_HANDLE, with wrapping: CK_OBJECT_HANDLE, _ mechanism: TokenMechanism, room: Int
    ) throws(CryptokiError) -> SecretBytes {
        unsafe try output(room, "wrap a key") { target, length in
            unsafe mechanism.withMechanism {
                unsafe coffer_pkcs11_wrap(module.functions, handle, $0, wrapping, key, target.baseAddress, &length)
            }
        }
    }

    /// The key that `wrapped` holds, as a new object.
    func unwrap(
        _ wrapped: RawSpan, with wrapping: CK_OBJECT_HANDLE, _ mechanism: TokenMechanism, as template: ObjectTemplate
    ) throws(CryptokiError) -> CK_OBJECT_HANDLE {
        var key: CK_OBJECT_HANDLE = 0
        let code = unsafe mechanism.withMechanism { mechanism in
            unsafe template.withAttributes { attributes, count in
                unsafe wrapped.withUnsafeBytes { wrapped in
                    unsafe coffer_pkcs11_unwrap(
                        module.functions, handle, mechanism, wrapping, wrapped.baseAddress, CK_ULONG(wrapped.count), attributes, count,
                        &key)
                }
            }
        }
        try CryptokiError.check(code, "unwrap a key")
        return key
    }

    /// Signs, encrypts or decrypts.
    ///
    /// - Parameter room: How long the result can get.
    func run(
        _ use: Use, _ mechanism: TokenMechanism, key: CK_OBJECT_HANDLE, _ input: RawSpan, room: Int
    ) throws(CryptokiError) -> SecretBytes {
        unsafe try output(room, use.name) { target, length in
            unsafe mechanism.withMechanism { mechanism in
                unsafe input.withUnsafeBytes { input in
                    unsafe coffer_pkcs11_run(
                        module.functions, handle, use.number, mechanism, key, input.baseAddress, CK_ULONG(input.count),
                        target.baseAddress, &length)
                }
            }
        }
    }

    func random(_ count: Int) throws(CryptokiError) -> SecretBytes {
        unsafe try output(count, "make random bytes") { target, length in
            unsafe coffer_pkcs11_random(module.functions, handle, target.baseAddress, length)
        }
    }

    /// What `body` writes into `room` bytes, cut to the length that it tells.
    private func output(
        _ room: Int, _ action: String, _ body: (UnsafeMutableRawBufferPointer, inout CK_ULONG) -> CK_RV
    ) throws(CryptokiError) -> SecretBytes {
        var length = CK_ULONG(room)
        let roomy = try SecretBytes(count: room) { (span: inout MutableRawSpan) throws(CryptokiError) in
            let code = unsafe span.withUnsafeMutableBytes { unsafe body($0, &length) }
            try CryptokiError.check(code, action)
        }
        guard length < CK_ULONG(room) else { return roomy }
        return roomy.withBytes { SecretBytes(copying: $0.extracting(first: Int(length))) }
    }
}
