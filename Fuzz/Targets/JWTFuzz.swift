// modules: CofferCore CofferCrypto CofferModel CofferPlatform CofferIdentity
import CofferCore
import CofferIdentity

/// Any bytes as a token, and any bytes as the claims and the header of one whose other parts are in order.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let input = Array(UnsafeBufferPointer(start: start, count: count))
    _ = try? JWTParser.parse(input)
    _ = try? StrictJSON.parse(input)
    let header = Base64URL.encode(Array(#"{"alg":"RS256","kid":"k","typ":"JWT"}"#.utf8))
    let claims = Base64URL.encode(Array(#"{"aud":"a","exp":2}"#.utf8))
    let bytes = Base64URL.encode(input)
    _ = try? JWTParser.parse(Array("\(header).\(bytes).c2ln".utf8))
    _ = try? JWTParser.parse(Array("\(bytes).\(claims).c2ln".utf8))
    return 0
}
