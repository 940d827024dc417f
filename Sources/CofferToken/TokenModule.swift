import CPKCS11
import CofferPlatform

/// A PKCS #11 module, loaded into this process for as long as the process lives.
///
/// It is never finalized: other parts of the process may use the same module, and PKCS #11 has one `C_Finalize` for all.
@safe
struct TokenModule: @unchecked Sendable {
    // SAFETY: the list of functions is never written after loading, and the module was told that many threads call it.
    let functions: UnsafeMutablePointer<CK_FUNCTION_LIST>
    private let path: String

    /// Loads and initializes the module.
    ///
    /// - Throws: ``TokenError/module(_:_:)``.
    init(path: String) throws(TokenError) {
        self.path = path
        var reason = [CChar](repeating: 0, count: 400)
        guard let functions = unsafe coffer_pkcs11_load(path, &reason, reason.count) else {
            let bytes = reason.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
            throw .module(path, String(decoding: bytes, as: UTF8.self))
        }
        unsafe self.functions = functions
        try initialize()
    }

    /// Initializes the module where that is not done.
    func initialize() throws(TokenError) {
        do {
            try CryptokiError.check(unsafe coffer_pkcs11_initialize(functions), "begin")
        } catch {
            throw .module(path, "it does not begin (\(error.name))")
        }
    }

    /// The slot of the token with this label.
    ///
    /// - Throws: ``TokenError/noToken(_:others:)``.
    func slot(ofToken label: String) throws(TokenError) -> CK_SLOT_ID {
        var slots = [CK_SLOT_ID](repeating: 0, count: 256)
        var count = CK_ULONG(slots.count)
        do {
            try CryptokiError.check(unsafe coffer_pkcs11_slots(functions, &slots, &count), "list its slots")
        } catch {
            throw error.tokenError
        }
        var others: [String] = []
        for slot in slots.prefix(Int(min(count, 256))) {
            var info = CK_TOKEN_INFO()
            guard unsafe coffer_pkcs11_token_info(functions, slot, &info) == CKR_OK, info.flags & CK_FLAGS(CKF_TOKEN_INITIALIZED) != 0
            else { continue }
            // 32 bytes, filled up with blanks.
            let bytes = unsafe withUnsafeBytes(of: info.label) { unsafe Array($0) }
            let name = String(decoding: bytes.reversed().drop { $0 == 0x20 || $0 == 0 }.reversed(), as: UTF8.self)
            if name == label { return slot }
            others.append(name)
        }
        throw .noToken(label, others: others.sorted())
    }
}
