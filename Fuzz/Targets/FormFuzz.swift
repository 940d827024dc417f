// modules: CofferCore CofferCrypto CofferModel CofferPlatform CofferIdentity
import CofferCore
@testable import CofferIdentity

/// Any bytes as the form of a token request, and as the scope in it.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let input = Array(UnsafeBufferPointer(start: start, count: count))
    if let form = try? FormBody(input) {
        for name in ["grant_type", "username", "scope", "refresh_token"] { _ = form.text(name) }
        _ = form.secret("password")
    }
    let text = String(decoding: input, as: UTF8.self)
    if let audience = TokenScope.delegatedAudience(of: text) { precondition(!audience.isEmpty) }
    _ = TokenScope.audience(of: text)
    return 0
}
