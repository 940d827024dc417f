// modules: CofferCore CofferCrypto CofferModel CofferPlatform CofferCompute
@testable import CofferCompute
import CofferModel

/// Any bytes as the body of a disk encryption set, and as the key that an impact is asked of.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: start, count: count))
    if let body = try? JSON.decode(EncryptionSetBody.self, from: bytes) {
        _ = try? EncryptionSetSpecification(body, rules: RuleBook(ruleSet: .current), vaultSuffix: "vault.localhost")
    }
    if let key = KeyReference(String(decoding: bytes, as: UTF8.self)) {
        precondition(!key.vault.isEmpty && !key.name.isEmpty, "a key without a name")
    }
    return 0
}
