// modules: CofferCore CofferCrypto
import CofferCore
import CofferCrypto

/// Any bytes as a PFX, as a PEM text and as a certificate.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let input = Array(UnsafeBufferPointer(start: start, count: count))
    var copies = [input, input]
    let password = SecretBytes(count: 0) { (_: inout MutableRawSpan) in }
    let pfx = SecretBytes(wiping: &copies[0])
    let pem = SecretBytes(wiping: &copies[1])
    _ = try? CertifiedKey(pfx: pfx, password: password)
    _ = try? CertifiedKey(pem: pem, password: password)
    if let certificate = try? Certificate(der: input) { _ = try? Certificate(pem: certificate.pem) }
    return 0
}
