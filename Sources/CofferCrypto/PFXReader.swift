import COpenSSL
import CofferCore

/// Takes the private key and the certificates out of a PFX (PKCS #12, RFC 7292) or of a PEM text.
///
/// The file's own walk instead of OpenSSL's, because a file says itself how often its password is to be hashed, and one can say so that
/// a processor is busy for hours.
@safe
struct PFXReader: ~Copyable {
    /// The first private key found.
    private(set) var key: PrivateKey?
    private(set) var certificates: [Certificate] = []

    /// The password's UTF-8 with a zero after it.
    private let password: SecretBytes
    /// A PFX without a password was made with none or with an empty one, which are not the same.
    private var hasPassword = true
    /// How many rounds of hashing the file may still ask for.
    private var rounds = 2_000_000
    private static let certificateLimit = 100

    init(_ password: borrowing SecretBytes) throws(CryptoError) {
        guard password.count <= 1024 else { throw .invalidLength }
        self.password = SecretBytes(count: password.count + 1) { (span: inout MutableRawSpan) in
            password.withBytes { bytes in
                unsafe bytes.withUnsafeBytes { source in
                    unsafe span.withUnsafeMutableBytes { target in unsafe target.copyMemory(from: source) }
                }
            }
        }
    }

    mutating func read(_ file: borrowing SecretBytes) throws(CryptoError) {
        let count = file.count
        var isWhole = false
        let pointer = unsafe file.withBytes { bytes in
            unsafe bytes.withUnsafeBytes { bytes -> OpaquePointer? in
                guard let start = bytes.baseAddress else { return nil }
                var cursor = unsafe Optional(start.assumingMemoryBound(to: UInt8.self))
                let found = unsafe d2i_PKCS12(nil, &cursor, count)
                if let end = unsafe cursor { unsafe isWhole = UnsafeRawPointer(end) == start + count }
                return unsafe found
            }
        }
        let pfx = unsafe try Owned(pointer, freedBy: PKCS12_free, or: .invalidKey)
        guard isWhole else { throw .hiding(as: .invalidKey) }
        try verify(pfx)
        let safes = unsafe try Owned(PKCS12_unpack_authsafes(pfx.pointer), freedBy: coffer_safes_free, or: .invalidKey)
        for index in 0..<max(0, unsafe OPENSSL_sk_num(safes.pointer)) {
            guard let safe = unsafe OPENSSL_sk_value(safes.pointer, index) else { continue }
            try read(bags: unsafe bags(of: safe.assumingMemoryBound(to: PKCS7.self)), depth: 0)
        }
    }

    /// Checks the file's code of authentication, and finds out which of the two empty passwords it was made with.
    private mutating func verify(_ pfx: borrowing Owned) throws(CryptoError) {
        guard unsafe PKCS12_mac_present(pfx.pointer) == 1 else { return }
        var count: UnsafePointer<ASN1_INTEGER>?
        unsafe PKCS12_get0_mac(nil, nil, nil, &count, pfx.pointer)
        if let count = unsafe count { try spend(unsafe ASN1_INTEGER_get(count)) }
        if unsafe withPassword({ unsafe PKCS12_verify_mac(pfx.pointer, $0, $1) }) == 1 { return ERR_clear_error() }
        hasPassword = false
        if password.count == 1, unsafe withPassword({ unsafe PKCS12_verify_mac(pfx.pointer, $0, $1) }) == 1 { return ERR_clear_error() }
        // A code that could not be computed leaves its reason; one that differs leaves none.
        throw .hiding(as: ERR_peek_error() == 0 ? .authenticationFailed : .unsupported)
    }

    /// The bags of one part of the file, which may be encrypted as a whole.
    private mutating func bags(of safe: UnsafeMutablePointer<PKCS7>) throws(CryptoError) -> Owned {
        switch unsafe OBJ_obj2nid(safe.pointee.type) {
        case NID_pkcs7_data:
            return unsafe try Owned(PKCS12_unpack_p7data(safe), freedBy: coffer_bags_free, or: .invalidKey)
        case NID_pkcs7_encrypted:
            guard let content = unsafe safe.pointee.d.encrypted?.pointee.enc_data else { throw .hiding(as: .invalidKey) }
            let found = unsafe try decrypt(content.pointee.algorithm, content.pointee.enc_data, PKCS12_SAFEBAGS_it())
            return unsafe try Owned(found, freedBy: coffer_bags_free, or: .authenticationFailed)
        default:
            throw .hiding(as: .unsupported)
        }
    }

    private mutating func read(bags: borrowing Owned, depth: Int) throws(CryptoError) {
        for index in 0..<max(0, unsafe OPENSSL_sk_num(bags.pointer)) {
            guard let bag = unsafe OPENSSL_sk_value(bags.pointer, index).map({ OpaquePointer($0) }) else { continue }
            switch unsafe PKCS12_SAFEBAG_get_nid(bag) {
            case NID_keyBag:
                guard key == nil, let info = unsafe PKCS12_SAFEBAG_get0_p8inf(bag) else { continue }
                key = unsafe try PrivateKey(owning: EVP_PKCS82PKEY(info))
            case NID_pkcs8ShroudedKeyBag:
                guard key == nil, let shroud = unsafe PKCS12_SAFEBAG_get0_pkcs8(bag) else { continue }
                unsafe try read(shroud: shroud)
            case NID_certBag where unsafe PKCS12_SAFEBAG_get_bag_nid(bag) == NID_x509Certificate:
                try add(unsafe Owned(PKCS12_SAFEBAG_get1_cert(bag), freedBy: X509_free, or: .invalidKey))
            case NID_safeContentsBag:
                guard depth < 4, let inner = unsafe PKCS12_SAFEBAG_get0_safes(bag) else { throw .hiding(as: .invalidKey) }
                // The inner bags stay the outer one's.
                try read(bags: unsafe Owned(inner, freedBy: { _ in }), depth: depth + 1)
            default: continue
            }
        }
    }

    private mutating func add(_ certificate: borrowing Owned) throws(CryptoError) {
        guard certificates.count < Self.certificateLimit else { throw .hiding(as: .invalidLength) }
        let found = try Certificate(certificate)
        if !certificates.contains(found) { certificates.append(found) }
    }

    /// Takes the key of an encrypted `PrivateKeyInfo` (RFC 5958 section 3).
    private mutating func read(shroud: OpaquePointer) throws(CryptoError) {
        var algorithm: UnsafePointer<X509_ALGOR>?
        var octets: UnsafePointer<ASN1_OCTET_STRING>?
        unsafe X509_SIG_get0(shroud, &algorithm, &octets)
        let info = unsafe try Owned(
            decrypt(algorithm, octets, PKCS8_PRIV_KEY_INFO_it()), freedBy: PKCS8_PRIV_KEY_INFO_free, or: .authenticationFailed)
        key = unsafe try PrivateKey(owning: EVP_PKCS82PKEY(info.pointer))
    }

    /// - Returns: What was encrypted, for the caller to own, or nil if it cannot be read, which is mostly the password's fault.
    private mutating func decrypt(
        _ algorithm: UnsafePointer<X509_ALGOR>?, _ octets: UnsafePointer<ASN1_OCTET_STRING>?, _ item: OpaquePointer?
    ) throws(CryptoError) -> OpaquePointer? {
        unsafe try spend(coffer_iterations(algorithm))
        ERR_clear_error()
        let found = unsafe withPassword { text, count in
            unsafe PKCS12_item_decrypt_d2i_ex(algorithm, item, text, count, octets, 1, LegacyCiphers.library, nil)
        }
        if unsafe found == nil, LegacyCiphers.isMissing() { throw .hiding(as: .unsupported) }
        ERR_clear_error()
        return unsafe found.map { OpaquePointer($0) }
    }

    private mutating func spend(_ count: Int) throws(CryptoError) {
        guard (1...rounds).contains(count) else { throw .hiding(as: .unsupported) }
        rounds -= count
    }

    private func withPassword<R>(_ body: (UnsafePointer<CChar>?, Int32) -> R) -> R {
        guard hasPassword else { return body(nil, 0) }
        let count = Int32(password.count - 1)
        return password.withBytes { bytes in
            unsafe bytes.withUnsafeBytes { unsafe body($0.assumingMemoryBound(to: CChar.self).baseAddress, count) }
        }
    }
}

extension PFXReader {
    /// Goes through the blocks of a PEM text.
    mutating func readPEM(_ text: borrowing SecretBytes) throws(CryptoError) {
        guard let count = Int32(exactly: text.count) else { throw .invalidLength }
        // A buffer of its own, which outlives the closure that shows the text's.
        let memory = unsafe try Owned(BIO_new(BIO_s_secmem()), freedBy: BIO_free_all)
        let written = text.withBytes { bytes in
            unsafe bytes.withUnsafeBytes { unsafe BIO_write(memory.pointer, $0.baseAddress, count) }
        }
        guard written == count else { throw .hiding(as: .invalidKey) }
        while let block = try PEMBlock(next: memory) { try read(block) }
    }

    private mutating func read(_ block: borrowing PEMBlock) throws(CryptoError) {
        switch block.label {
        case "CERTIFICATE", "X509 CERTIFICATE":
            try add(unsafe Owned(block.decode { unsafe d2i_X509(nil, &$0, $1) }, freedBy: X509_free, or: .invalidKey))
        case "PRIVATE KEY":
            let info = unsafe try Owned(
                block.decode { unsafe d2i_PKCS8_PRIV_KEY_INFO(nil, &$0, $1) }, freedBy: PKCS8_PRIV_KEY_INFO_free, or: .invalidKey)
            unsafe try add(EVP_PKCS82PKEY(info.pointer))
        case "RSA PRIVATE KEY", "EC PRIVATE KEY":
            guard !block.isEncrypted else { throw .hiding(as: .unsupported) }
            let type = block.label == "RSA PRIVATE KEY" ? EVP_PKEY_RSA : EVP_PKEY_EC
            unsafe try add(block.decode { unsafe d2i_PrivateKey(type, nil, &$0, $1) })
        case "ENCRYPTED PRIVATE KEY":
            guard key == nil else { throw .hiding(as: .invalidKey) }
            let shroud = unsafe try Owned(block.decode { unsafe d2i_X509_SIG(nil, &$0, $1) }, freedBy: X509_SIG_free, or: .invalidKey)
            unsafe try read(shroud: shroud.pointer)
        default: break
        }
    }

    private mutating func add(_ found: OpaquePointer?) throws(CryptoError) {
        guard key == nil else {
            unsafe EVP_PKEY_free(found)
            throw .hiding(as: .invalidKey)
        }
        key = unsafe try PrivateKey(owning: found)
    }
}

/// One block of a PEM text.
@safe
private struct PEMBlock: ~Copyable {
    let label: String
    /// Whether its header says so, in the way that was before PKCS #8.
    let isEncrypted: Bool
    private let bytes: UnsafeMutablePointer<UInt8>
    private let count: Int

    /// The next block; nil at the end of the text.
    ///
    /// - Throws: ``CryptoError/invalidKey`` for a block that is not whole.
    init?(next text: borrowing Owned) throws(CryptoError) {
        var name: UnsafeMutablePointer<CChar>?
        var header: UnsafeMutablePointer<CChar>?
        var data: UnsafeMutablePointer<UInt8>?
        var length = 0
        ERR_clear_error()
        guard unsafe PEM_read_bio(text.pointer, &name, &header, &data, &length) == 1, let start = unsafe data, let title = unsafe name else {
            let isEnd = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE
            ERR_clear_error()
            guard isEnd else { throw .invalidKey }
            return nil
        }
        label = unsafe String(cString: title)
        isEncrypted = unsafe header.map { unsafe String(cString: $0).contains("ENCRYPTED") } ?? false
        unsafe bytes = start
        count = length
        unsafe CRYPTO_free(title, nil, 0)
        unsafe CRYPTO_free(header, nil, 0)
    }

    /// What a `d2i` function makes of the whole block.
    borrowing func decode(_ read: (inout UnsafePointer<UInt8>?, Int) -> OpaquePointer?) -> OpaquePointer? {
        var cursor = unsafe Optional(UnsafePointer(bytes))
        return unsafe read(&cursor, count)
    }

    deinit {
        unsafe CRYPTO_clear_free(bytes, count, nil, 0)
    }
}

/// The ciphers of old PFX files, RC2 above all, which OpenSSL 3 keeps in a provider of its own. A library context of theirs keeps them
/// away from everything else.
private enum LegacyCiphers {
    /// Nil, the default context, where the provider is not installed.
    static var library: OpaquePointer? { unsafe context.pointer }

    /// Whether OpenSSL's queue of this thread says that an algorithm is not there.
    static func isMissing() -> Bool {
        var isMissing = false
        while true {
            let code = ERR_get_error()
            if code == 0 { return isMissing }
            let reason = ERR_GET_REASON(code)
            isMissing = isMissing || reason == ERR_R_UNSUPPORTED || reason == EVP_R_UNSUPPORTED_ALGORITHM
                || reason == EVP_R_UNSUPPORTED_CIPHER || reason == EVP_R_UNKNOWN_PBE_ALGORITHM || reason == EVP_R_UNSUPPORTED_PRF
        }
    }

    private static let context = Context()

    @safe
    private struct Context: @unchecked Sendable {
        // SAFETY: a library context may be used by any thread (OSSL_LIB_CTX(3)); this one lives as long as the process.
        let pointer: OpaquePointer?

        init() {
            let library = unsafe OSSL_LIB_CTX_new()
            let isWhole = unsafe OSSL_PROVIDER_load(library, "default") != nil && OSSL_PROVIDER_load(library, "legacy") != nil
            ERR_clear_error()
            unsafe pointer = isWhole ? library : nil
        }
    }
}
